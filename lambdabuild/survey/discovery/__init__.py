"""Which functions there are: modules, main packages, entrypoints, and what is skipped.

It may import what `survey` may, and of that `golist` and `session`. It must not know what has to be built.
"""
