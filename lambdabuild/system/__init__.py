"""Processes, files, threads, signals, the clock, git: what an operating system gives.

It may import `core`. It must not know what Go or Lambda is.
"""
