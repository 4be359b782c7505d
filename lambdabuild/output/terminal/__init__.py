"""What a person sees on stderr: lines, tables, errors with their source, and the live boards.

It may import `golang` and what is below. It must not know where a report comes from.
"""
