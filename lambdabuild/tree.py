"""Walk the directories below a root as Go walks them, and remember what Go passes over."""

import os
from dataclasses import dataclass, field

IGNORED = "Go ignores directories named `testdata` or beginning with `_` or `.`"
LINKED = "Go does not follow symbolic links to directories"
VENDORED = "Go takes packages in `vendor` only as dependencies"


@dataclass(slots=True)
class Tree:
    """What lies below one root; absolute paths."""

    directories: list[str] = field(default_factory=list)
    """All that Go looks into."""
    modules: list[str] = field(default_factory=list)
    """Directories with a go.mod of their own."""
    sources: list[str] = field(default_factory=list)
    """Directories with Go files that Go looks at."""
    passed_over: dict[str, str] = field(default_factory=dict)
    """Directories with Go files that Go does not look at, and why."""


def walk(root: str, *, everything: bool = False) -> Tree:
    """Walk `root`; look into what Go passes over only if `everything` is asked for.

    https://pkg.go.dev/cmd/go#hdr-Package_lists_and_patterns
    """
    tree = Tree()
    _walk(root, None, tree, everything=everything)
    return tree


def _walk(directory: str, ignored: str | None, tree: Tree, *, everything: bool) -> None:
    try:
        with os.scandir(directory) as iterator:
            entries = sorted(iterator, key=lambda entry: entry.name)
    except OSError:
        # Unreadable for us is unreadable for Go, which will say so.
        return
    names = {entry.name for entry in entries if not entry.is_dir()}
    if not ignored:
        tree.directories.append(directory)
    if any(name.endswith(".go") for name in names):
        if ignored:
            tree.passed_over[directory] = ignored
        else:
            tree.sources.append(directory)
    if "go.mod" in names and not ignored:
        tree.modules.append(directory)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            reason = ignored or _ignored(entry.name)
            if reason is None or everything:
                _walk(entry.path, reason, tree, everything=everything)
        elif everything and not ignored and entry.is_symlink() and _has_source(entry.path):
            tree.passed_over[entry.path] = LINKED


def _ignored(name: str) -> str | None:
    if name.startswith((".", "_")) or name == "testdata":
        return IGNORED
    return VENDORED if name == "vendor" else None


def _has_source(directory: str) -> bool:
    try:
        return any(name.endswith(".go") for name in os.listdir(directory))
    except OSError:
        return False


def enclosing(directory: str, name: str) -> str | None:
    """Return the nearest directory, from `directory` upwards, that holds a file `name`."""
    while not os.path.isfile(os.path.join(directory, name)):
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent
    return directory
