"""Deployment packages: zip, sidecars, bill of materials, and whether Lambda would take them.

It may import `config`, `state`, `output` and what is below. It must not know the plan, nor `go build`.
"""
