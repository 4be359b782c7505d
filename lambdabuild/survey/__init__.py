"""What there is to build, and why: discovery, `go list`, inputs, the plan.

It may import `config`, `state`, `output` and what is below. It must build and write nothing.
"""
