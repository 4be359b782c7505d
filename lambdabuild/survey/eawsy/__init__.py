"""Functions for eawsy's runtimes, which have no `main` of their own, or one that does nothing.

What they lack is laid over the repository while `go` runs (`go build -overlay`); nothing is written into it.
So is a go.mod, where a repository is from before there were any. It may import what `survey` may. It must not
change what any other function is built from.
"""
