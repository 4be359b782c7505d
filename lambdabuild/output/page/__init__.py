"""The web page of a run: what it is of, what bounded it, and its text.

It may import `golang` and what is below. It must not know where a report comes from.
"""
