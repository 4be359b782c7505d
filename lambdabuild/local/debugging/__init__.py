"""Breakpoints in functions: delve, or a process that an IDE starts."""
