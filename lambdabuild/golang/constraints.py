"""Evaluate the build constraints of a Go file for a target, from name and text alone."""

import re
from collections.abc import Callable, Collection

from lambdabuild.core.target import Target
from lambdabuild.golang.source import head

# https://pkg.go.dev/internal/syslist, as of Go 1.26
_SYSTEMS = frozenset({
    "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux",
    "nacl", "netbsd", "openbsd", "plan9", "solaris", "wasip1", "windows", "zos",
})  # fmt: skip
_MACHINES = frozenset({
    "386", "amd64", "amd64p32", "arm", "arm64", "arm64be", "armbe", "loong64", "mips", "mips64",
    "mips64le", "mips64p32", "mips64p32le", "mipsle", "ppc", "ppc64", "ppc64le", "riscv",
    "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm",
})  # fmt: skip
_UNIX = frozenset({
    "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "linux",
    "netbsd", "openbsd", "solaris",
})  # fmt: skip
_CONSTRAINT = re.compile(rb"^//go:build[ \t]+([^\n]*)$", re.MULTILINE)
_OLDER = re.compile(rb"^//[ \t]*\+build[ \t]+([^\n]*)$", re.MULTILINE)
_WORD = re.compile(r"\s*(&&|\|\||[!()]|[\w.]+)")


def named_for(name: str, target: Target) -> bool:
    """Return whether a file's name leaves it in: `x_linux_arm64.go` is for linux/arm64."""
    parts = name.removesuffix(".go").split("_")[1:]
    if len(parts) > 1 and parts[-2] in _SYSTEMS and parts[-1] in _MACHINES:
        return parts[-2:] == [target.goos, target.goarch]
    if parts and parts[-1] in _SYSTEMS:
        return parts[-1] == target.goos
    return not (parts and parts[-1] in _MACHINES) or parts[-1] == target.goarch


def left_in(source: bytes, target: Target, tags: Collection[str], *, cgo: bool) -> bool:
    """Return whether the constraints of a Go file leave it in; whether it imports C does not count.

    They are its `//go:build` line, else the `// +build` lines that were before Go 1.17.
    https://pkg.go.dev/cmd/go#hdr-Build_constraints
    """
    top = head(source)
    line = _CONSTRAINT.search(top)
    constraint = line[1].decode("utf-8", "replace").partition("//")[0] if line else _older(top)
    if not constraint:
        return True

    def holds(tag: str) -> bool:
        if tag == "cgo":
            return cgo
        if tag == "unix":
            return target.goos in _UNIX
        # A Go that is older than a file asks for compiles none of the function at all.
        return tag in {target.goos, target.goarch, "gc", *tags} or tag.startswith("go1.")

    return _evaluate(constraint, holds)


def _older(top: bytes) -> str:
    """Return `// +build` lines as one `//go:build` has them; empty where there are none.

    Of the words of a line one has to hold, and all that commas join; and every line has to.
    """

    def one(line: bytes) -> str:
        words = line.decode("utf-8", "replace").replace(",", " && ")
        return " || ".join(f"({word})" for word in re.split(r"(?<!&)\s+(?!&)", words.strip()))

    return " && ".join(f"({one(match[1])})" for match in _OLDER.finditer(top))


def _evaluate(text: str, holds: Callable[[str], bool]) -> bool:
    """Return the value of a constraint; True where it makes no sense, as it is Go's to say so."""
    words = _WORD.findall(text)

    def either() -> bool:
        value = both()
        while words[:1] == ["||"]:
            words.pop(0)
            value = both() or value
        return value

    def both() -> bool:
        value = one()
        while words[:1] == ["&&"]:
            words.pop(0)
            value = one() and value
        return value

    def one() -> bool:
        word = words.pop(0)
        if word == "!":
            return not one()
        if word == "(":
            value = either()
            words.pop(0)
            return value
        return holds(word)

    try:
        return either()
    except IndexError:
        return True
