"""File events, keys, and what the disk was when a watcher looked at it last.

It may import `survey`, `packaging`, `cache` and what is below. It must not know how anything is built.
"""
