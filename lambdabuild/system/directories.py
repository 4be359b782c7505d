"""Make, walk and remove directories however deep they are: Python's own ways recurse into them."""

import os
from collections.abc import Iterator


def make(path: str) -> None:
    """Make a directory, and those above it that are missing; one that is there is as good.

    Raises:
        OSError: it cannot be made, or is something else.

    """
    missing = []
    above = path
    while above and not os.path.isdir(above):
        missing.append(above)
        above = os.path.dirname(above)
    for directory in reversed(missing):
        try:
            os.mkdir(directory)
        except FileExistsError:
            # Somebody else may have been quicker.
            if not os.path.isdir(directory):
                raise


def walk(top: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield a directory, the names of those in it, and of all else; then of those, and so on.

    What is taken out of the directories' names is not looked into, nor are symbolic links, nor
    what cannot be read.
    """
    left = [top]
    while left:
        directory = left.pop()
        try:
            with os.scandir(directory) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        inner = [entry.name for entry in found if _is_directory(entry)]
        links = {entry.name for entry in found if entry.is_symlink()}
        names = [entry.name for entry in found if entry.name not in set(inner)]
        yield directory, inner, names
        left += [os.path.join(directory, name) for name in reversed(inner) if name not in links]


def _is_directory(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def remove(top: str) -> None:
    """Remove a directory with all that is in it, as far as the system lets it."""
    import shutil  # noqa: PLC0415 - where nothing is to do, nothing is removed

    try:
        shutil.rmtree(top, ignore_errors=True)
    except RecursionError:
        for directory in reversed([directory for directory, _, _ in walk(top)]):
            # Nothing in it is so deep any more.
            shutil.rmtree(directory, ignore_errors=True)
