"""File events, keys, and the stamps that a watcher compares the disk with.

It may import `survey`, `packaging`, `cache` and what is below. It must not know how anything is built.
"""
