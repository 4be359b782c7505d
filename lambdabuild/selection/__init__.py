"""Which functions are affected: since a commit, by changed files, of a shard.

It may import `survey`, `packaging`, `cache` and what is below. It must build and write nothing.
"""
