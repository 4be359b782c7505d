"""Globs of assets: which are allowed, and which names they match; no disk."""

import fnmatch
from pathlib import PurePosixPath

EXECUTABLE = "bootstrap"
"""What Lambda starts; no asset may have its name."""


_TWICE = ("**", "**")


def pattern_problem(pattern: str) -> tuple[str, str] | None:
    """Return what is wrong with a glob of assets, and the remedy; None if nothing is."""
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
    """Tell whether an asset of this name would replace the executable.

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
    """Tell whether a component of a glob has no wildcard."""
    return not any(sign in part for sign in "*?[")


def matches(name: str, part: str) -> bool:
    """Tell whether a component of a glob matches a name.

    As in a shell, case counts, and only a component that begins with a dot matches a name that does.
    """
    if name.startswith(".") and not part.startswith("."):
        return False
    return name == part if is_literal(part) else fnmatch.fnmatchcase(name, part)


def covers(pattern: str, name: str) -> bool:
    """Tell whether a glob of assets would match a file of this name."""
    seen = set()
    left = [(parts_of(pattern), tuple(name.split("/")))]
    while left:
        state = parts, names = left.pop()
        if state in seen:
            continue
        seen.add(state)
        if not parts:
            # A literal directory covers all in it that is not hidden.
            if not any(name.startswith(".") for name in names):
                return True
        elif names and parts[0] == "**":
            left.append((parts[1:] or ("*",), names))
            if not names[0].startswith("."):
                left.append((parts, names[1:]))
        # A wildcard at the end matches files only.
        elif (
            names
            and matches(names[0], parts[0])
            and (len(names) == 1 or len(parts) > 1 or is_literal(parts[0]))
        ):
            left.append((parts[1:], names[1:]))
    return False


def matches_embedded(pattern: str, name: str) -> bool:
    """Tell whether a pattern of `//go:embed` would embed a file of this name.

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
