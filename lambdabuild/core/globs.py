"""Globs of assets: which may be asked for, and which names they mean; no disk."""

import fnmatch
from collections.abc import Iterator
from pathlib import PurePosixPath

EXECUTABLE = "bootstrap"
"""What Lambda starts; no asset may take its place."""


_TWICE = ("**", "**")


def pattern_problem(pattern: str) -> tuple[str, str] | None:
    """Return what is wrong with a glob of assets and the remedy; None if nothing is."""
    inside = "name files in or below the function's directory, such as `templates/*.html`"
    if not pattern or not parts_of(pattern):
        return "names no file", inside
    if "\0" in pattern or "\n" in pattern:
        return "no file is called", inside
    if pattern.startswith("/"):
        return "is absolute", inside
    if ".." in pattern.split("/"):
        return "leaves the function's directory", inside
    if is_reserved(PurePosixPath(*parts_of(pattern)).as_posix()):
        return (
            "would take the place of the executable",
            "the executable is packed anyway; give an asset another name",
        )
    return None


def is_reserved(name: str) -> bool:
    """Tell whether an asset of this name would be where the executable is.

    Without regard to case: on macOS, `Bootstrap` is the same file.
    """
    return name.partition("/")[0].casefold() == EXECUTABLE


def parts_of(pattern: str) -> tuple[str, ...]:
    """Return the components of a glob: `./templates//*.html` has two, and `**/**` one."""
    parts = [part for part in pattern.split("/") if part not in {"", "."}]
    return tuple(
        part for part, before in zip(parts, ["", *parts], strict=False) if (part, before) != _TWICE
    )


def is_literal(part: str) -> bool:
    """Tell whether a component of a glob means one name."""
    return not any(sign in part for sign in "*?[")


def matches(name: str, part: str) -> bool:
    """Tell whether a component of a glob means this name.

    As in a shell, case counts, and a name that begins with a dot is meant only by a component that
    begins with one.
    """
    if name.startswith(".") and not part.startswith("."):
        return False
    return name == part if is_literal(part) else fnmatch.fnmatchcase(name, part)


def covers(pattern: str, name: str) -> bool:
    """Tell whether a glob of assets would mean a file of this name, were it there."""
    names = tuple(name.split("/"))
    seen = set()
    left = [(parts_of(pattern), names)]
    while left:
        state = left.pop()
        if state == _ALL:
            return True
        if state not in seen:
            seen.add(state)
            left += _onwards(*state)
    return False


_ALL: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
"""Nothing is left of a glob, nor of what it is to mean."""


def _onwards(
    parts: tuple[str, ...], names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield what may be left of a glob and of a name, once the next component is matched."""
    if not names:
        return
    if not parts:
        # A directory was named: all in it is meant, but for what is hidden.
        if not any(name.startswith(".") for name in names):
            yield _ALL
    elif parts[0] == "**":
        yield parts[1:] or ("*",), names
        if not names[0].startswith("."):
            yield parts, names[1:]
    # What only a wildcard means is a file: a directory has to be named.
    elif matches(names[0], parts[0]) and (
        len(names) == 1 or len(parts) > 1 or is_literal(parts[0])
    ):
        yield parts[1:], names[1:]


def matches_embedded(pattern: str, name: str) -> bool:
    """Tell whether a pattern of `//go:embed` would embed a file of this name, were it there.

    https://pkg.go.dev/embed#hdr-Directives: of a directory, what begins with a dot or an underscore
    is left out, unless the pattern begins with `all:`.
    """
    parts, names = pattern.removeprefix("all:").split("/"), name.split("/")
    if parts == ["."]:
        parts = []
    inside = names[len(parts) :]
    hidden = any(item.startswith((".", "_")) for item in inside)
    return (
        len(names) >= len(parts)
        and all(fnmatch.fnmatchcase(*pair) for pair in zip(names, parts, strict=False))
        and (pattern.startswith("all:") or not hidden)
    )
