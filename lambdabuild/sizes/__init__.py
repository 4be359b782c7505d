"""What executables are made of, and what keeps their methods: from files and Go's output to values.

It may import `core` and `system`. It must start no process, and not know what is built.
"""
