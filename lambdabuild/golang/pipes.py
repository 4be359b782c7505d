"""Release a `go` that blocks on a named pipe among the sources.

Nothing says beforehand which files `go` will read. But a pipe can be opened for writing without
waiting only while somebody has it open for reading, or waits for that. Whoever does, and closes it
again, gives an empty file to read, and `go` has a verdict on that.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator

from lambdabuild.golang.source import is_source
from lambdabuild.golang.tree import enclosing

_PASSED_OVER = ("node_modules", "testdata")


def releasing(directory: str) -> Callable[[], None]:
    """Return a function that releases a process that waits for a pipe among the sources around a directory.

    Those are the sources of the repository that the directory is in; it is walked once.
    """
    found: list[str] = []
    walked = False

    def release() -> None:
        nonlocal walked
        if not walked:
            walked = True
            top = enclosing(directory, ".git", os.path.lexists) or directory
            found.extend(_below(top))
        for path in found:
            # ENXIO says that nobody waits for it.
            with contextlib.suppress(OSError):
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))

    return release


def _below(top: str) -> Iterator[str]:
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
