"""The `go` command as values in and out, and what Go's files say.

It may import `core` and `system`. It must not know lambdabuild's configuration, state or output.
"""
