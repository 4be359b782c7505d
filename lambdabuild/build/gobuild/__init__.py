"""One `go build` for each batch: what it is told, what it says, and what Go may keep of it.

It may import what `build` may. It must not know what becomes of an executable.
"""
