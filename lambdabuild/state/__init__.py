"""What lambdabuild remembers between runs, under `.lambdabuild`, and what it rests on.

It may import `golang` and what is below. It must not know configuration, output or caches.
"""
