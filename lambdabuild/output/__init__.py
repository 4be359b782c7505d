"""What people and machines are shown: terminal, JSON, GitHub, trace, page.

It may import `golang` and what is below. It must not know where a report comes from.
"""
