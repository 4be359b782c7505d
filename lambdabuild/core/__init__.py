"""Values and pure helpers: Go's packages, Lambda's functions, names, globs, texts.

It may import nothing of lambdabuild but itself. It must not know disk, clock, process or terminal.
"""
