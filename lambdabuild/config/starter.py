"""Write a commented `lambdabuild.toml` for what is found."""

from collections import Counter
from collections.abc import Sequence


def choose_roots(directories: Sequence[str]) -> list[str]:
    """Return the roots that cover main packages in `directories` (relative, with `/`).

    `api` where it has any; else the top-level directories that hold them, fullest first.
    """
    tops = Counter(directory.split("/", 1)[0] for directory in directories)
    if "api" in tops or not tops:
        return ["api"]
    return [top for top, _ in sorted(tops.items(), key=lambda item: (-item[1], item[0]))]


def starter_config(roots: Sequence[str], functions: int) -> str:
    """Return the text of a configuration that names `roots` and explains every key."""
    names = ", ".join(f'"{root}"' for root in roots)
    noun = "function" if functions == 1 else "functions"
    return f"""\
# lambdabuild.toml: {functions} {noun} found when this was written.
# Every key is optional; a command-line flag beats what is said here.

# Where to look for functions: every `package main` below becomes one.
roots = [{names}]

# Functions to leave out, by name or directory.
# exclude = ["internal-tools-*"]

# Where executables go: <out>/<function>/bootstrap.
out = "dist"

# "x86_64", "arm64", or a list of both.
architecture = "x86_64"

# "provided.al2023" or "provided.al2".
runtime = "provided.al2023"

# Pack each function into a zip that Lambda takes: <out>/<function>.zip.
# zip = true

# Flags of `go build`; those in GOFLAGS hold as well.
tags = ["lambda.norpc"]
ldflags = "-s -w"
# gcflags = ""

# Variables for `go`, such as the instruction set.
# env = {{ GOAMD64 = "v1" }}

# What differs for one function:
# [functions."users-get"]
# architecture = "arm64"
# assets = ["templates/*.html"]   # files of its directory, packed beside `bootstrap`
# cgo = true                      # it links C code

# A name of your own for the function in a directory:
# [functions."billing"]
# directory = "{roots[0]}/invoices/v2"
"""
