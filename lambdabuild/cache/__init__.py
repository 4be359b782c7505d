"""Finished executables, on this machine and in an object store, by what they are built from.

It may import `config`, `state`, `output` and what is below. It must not know functions or plans.
"""
