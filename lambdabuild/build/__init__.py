"""The batches of a plan: restore, `go build`, publish, clean up.

It may import `survey`, `packaging`, `cache` and what is below. It must not know who leads a run.
"""
