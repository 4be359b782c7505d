"""Run functions on this machine: the Runtime API, the Lambda API, HTTP in front of them, events.

What is built is not known here: a story hands in `Programs`. It may import core, system, golang,
deployment, config, state and output. It must be imported by its commands alone.
"""
