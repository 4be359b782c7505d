"""Walk directories as Go walks them: for packages, modules, and pipes that would block `go`."""

import contextlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator

from lambdabuild.core import naming
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Package
from lambdabuild.core.record import field, record
from lambdabuild.golang.source import head, is_source, makes_program
from lambdabuild.system import files

IGNORED = "Go ignores directories named `testdata` or beginning with `_` or `.`"
LINKED = "Go does not follow symbolic links to directories"
IRREGULAR = "is no regular file"
VENDORED = "Go takes packages in `vendor` only as dependencies"

_OF_MODULES = ("go.work", "go.work.sum", "go.mod", "go.sum")
_PASSED_OVER = ("node_modules", "testdata")
_VENDORING = frozenset({"go.mod", "go.work", "Gopkg.lock", "glide.lock"})
_LISTS = ("modules.txt", "vendor.json")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}")


@record
class Tree:
    """What lies below one root; absolute paths."""

    directories: list[str] = field(default_factory=list)
    """All that Go looks into, and those below a `vendor` that is a name like another."""
    modules: list[str] = field(default_factory=list)
    """Directories with a go.mod of their own."""
    sources: list[str] = field(default_factory=list)
    """Those of the directories that have Go files."""
    passed_over: dict[str, str] = field(default_factory=dict)
    """Directories with Go files that Go does not look at, and why."""
    unreadable: dict[str, str] = field(default_factory=dict)
    """Directories that cannot be read, and the system's message; and those with what looks
    like a source and is none, such as a pipe, which Go would wait for without an end."""


def walk(root: str, *, everything: bool = False) -> Tree:
    """Walk `root`; look into what Go passes over only with `everything`.

    https://pkg.go.dev/cmd/go#hdr-Package_lists_and_patterns
    """
    tree = Tree()
    # The last one is the next, so that a directory comes before those beside it that follow.
    left: list[tuple[str, str | None]] = [(root, None)]
    while left:
        directory, ignored = left.pop()
        left += reversed(_look_into(directory, ignored, tree, everything=everything))
    return tree


def _look_into(
    directory: str, ignored: str | None, tree: Tree, *, everything: bool
) -> list[tuple[str, str | None]]:
    """Enter one directory into the tree; return those below it that are to be looked into."""
    try:
        with os.scandir(directory) as iterator:
            entries = sorted(iterator, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        # It went away since it was listed.
        return []
    except OSError as error:
        if not ignored:
            tree.directories.append(directory)
            tree.unreadable[directory] = error.strerror or str(error)
        return []
    if not ignored:
        tree.directories.append(directory)
    names = {entry.name for entry in entries if not _is_directory(entry, links=True)}
    _enter(directory, ignored, tree, entries, names)
    if everything and not ignored:
        links = (entry.path for entry in entries if entry.is_symlink())
        tree.passed_over |= dict.fromkeys(filter(_has_source, links), LINKED)
    below = [
        (entry.path, ignored or _ignored(entry, names))
        for entry in entries
        # Go looks into it, and finds no program of the repository there: it may be a hundred thousand
        # directories.
        if entry.name != "node_modules" and _is_directory(entry)
    ]
    return [(path, reason) for path, reason in below if reason is None or everything]


def _enter(
    directory: str,
    ignored: str | None,
    tree: Tree,
    entries: Iterable["os.DirEntry[str]"],
    names: set[str],
) -> None:
    """Enter what a directory itself has; `names` are those of its entries that are none."""
    odd = next((entry.name for entry in entries if _is_odd(entry, names)), None)
    if odd is not None:
        if not ignored:
            tree.unreadable[directory] = f"`{odd}` {IRREGULAR}"
    elif any(name.endswith(".go") for name in names):
        if ignored:
            tree.passed_over[directory] = ignored
        else:
            tree.sources.append(directory)
    if "go.mod" in names and odd != "go.mod" and not ignored:
        tree.modules.append(directory)


def _is_directory(entry: "os.DirEntry[str]", *, links: bool = False) -> bool:
    try:
        return entry.is_dir(follow_symlinks=links)
    except OSError:
        # A link that leads to itself, or to where it may not be read: Go takes it for no directory.
        return False


def _is_odd(entry: "os.DirEntry[str]", names: set[str]) -> bool:
    """Return whether Go would read what is no file; what leads nowhere is left to Go."""
    name = entry.name
    try:
        if entry.is_file() or name not in names:
            return False
    except OSError:
        return False
    read = name == "go.mod" or is_source(name.replace("_test.go", ".go"))
    return read and os.path.exists(entry.path)


def _ignored(entry: "os.DirEntry[str]", beside: set[str]) -> str | None:
    if entry.name.startswith((".", "_")) or entry.name == "testdata":
        return IGNORED
    return VENDORED if entry.name == "vendor" and _is_vendoring(entry.path, beside) else None


def _is_vendoring(directory: str, beside: set[str]) -> bool:
    """Return whether a directory called `vendor` is Go's, and not one of a shop's vendors, say.

    Go vendors beside go.mod or go.work (https://go.dev/ref/mod#vendoring), tools before modules
    did beside files of their own, and whoever had none, as with git's submodules, still has hosts in
    it: `vendor/github.com`. Yet Go's patterns leave out whatever is below such a name.
    """
    if not _VENDORING.isdisjoint(beside):
        return True
    try:
        names = os.listdir(directory)
    except OSError:
        return False
    return any(
        name in _LISTS or (_HOST.fullmatch(name) and os.path.isdir(os.path.join(directory, name)))
        for name in names
    )


def refuse_irregular(directory: str) -> None:
    """See that `go`, run in a directory, finds no go.work or go.mod that it reads without an end."""
    for above in upwards(directory):
        for name in _OF_MODULES:
            path = os.path.join(above, name)
            if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
                raise LambdabuildError(
                    f"`{name}` {IRREGULAR}",
                    at=[above],
                    hint="Go would read it without an end: put a file in its place, or remove it",
                )


def _has_source(directory: str) -> bool:
    try:
        return any(name.endswith(".go") for name in os.listdir(directory))
    except OSError:
        return False


def enclosing(
    directory: str, name: str, holds: Callable[[str], bool] = os.path.isfile
) -> str | None:
    """Return the nearest directory, from `directory` upwards, that holds a file `name`."""
    return next((above for above in upwards(directory) if holds(os.path.join(above, name))), None)


def upwards(path: str) -> Iterator[str]:
    """Yield an absolute path, and all directories above it."""
    yield path
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent


def nearest_directory(path: str) -> str:
    """Return the path, or what is nearest above it that is a directory."""
    return next(filter(os.path.isdir, upwards(path)))


def files_with_main(package: Package) -> list[str]:
    """Return the Go files of a main package that declare `func main`."""
    return [name for name in package.go_files if _file_declares_main(package.directory, name)]


def _file_declares_main(directory: str, name: str) -> bool:
    try:
        return naming.declares_main(files.whole(os.path.join(directory, name)))
    except OSError:
        # It went away since `go list` saw it; `go build` will say what is missing.
        return True


def sources_with_main(directory: str, *, handlers: bool = True) -> list[str]:
    """Return the Go files in `directory` that make a program, whatever their constraints.

    Without `handlers`, only `func main` does.
    One that cannot be read, or is a link to nowhere, may make one.
    """
    found: list[str] = []
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        # It went away since it was walked, or its tree lists it as unreadable.
        return found
    for name in names:
        if not name.endswith(".go") or name.endswith("_test.go") or name.startswith((".", "_")):
            continue
        try:
            source = files.whole(os.path.join(directory, name))
            program = makes_program(source, handlers=handlers)
        except IsADirectoryError:
            continue
        except OSError:
            program = os.path.lexists(os.path.join(directory, name))
        if program:
            found.append(name)
    return found


def heads(directory: str) -> Iterator[bytes]:
    """Yield all up to the first declaration of each Go file in a directory that Go may build, in order.

    Whatever the constraints; a file that cannot be read is left out.
    """
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        if name.endswith(".go") and is_source(name):
            with contextlib.suppress(OSError):
                yield head(files.whole(os.path.join(directory, name)))


def releasing(directory: str) -> Callable[[], None]:
    """Return a function that releases a `go` that blocks on a named pipe among the sources.

    The sources are those of the repository that `directory` is in; it is walked once. Nothing says
    beforehand which files `go` will read. But a pipe can be opened for writing without waiting only
    while a process has it open for reading, or waits for that. Opened and closed again, it is an
    empty file to that process, and `go` has a verdict on that.
    """
    found: list[str] = []
    walked = False

    def release() -> None:
        nonlocal walked
        if not walked:
            walked = True
            top = enclosing(directory, ".git", os.path.lexists) or directory
            found.extend(_pipes_below(top))
        for path in found:
            # ENXIO: no process waits for it.
            with contextlib.suppress(OSError):
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))

    return release


def _pipes_below(top: str) -> Iterator[str]:
    left = [top]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if not entry.name.startswith((".", "_")) and entry.name not in _PASSED_OVER:
                            left.append(entry.path)
                    elif is_source(entry.name.replace("_test.go", ".go")) and _is_pipe(entry):
                        yield entry.path
        except OSError:
            continue


def _is_pipe(entry: "os.DirEntry[str]") -> bool:
    try:
        return not entry.is_file() and stat.S_ISFIFO(entry.stat().st_mode)
    except OSError:
        return False
