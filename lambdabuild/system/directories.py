"""Walk and remove directories however deep they are, and follow links one by one."""

import contextlib
import os
from collections.abc import Iterator


def make(path: str) -> None:
    """Make a directory and those above it, unless they exist."""
    missing = []
    above = path
    while above and not os.path.isdir(above):
        missing.append(above)
        above = os.path.dirname(above)
    for directory in reversed(missing):
        try:
            os.mkdir(directory)
        except FileExistsError:
            # Another process may have made it meanwhile.
            if not os.path.isdir(directory):
                raise


def walk(top: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield each directory with the names of directories and of all else in it, as os.walk does.

    It enters no symbolic links, and nothing whose name the caller takes out of the list.
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
    """Remove a directory with all in it, as far as the system permits."""
    import shutil

    try:
        shutil.rmtree(top, ignore_errors=True)
    except RecursionError:
        for directory in reversed([directory for directory, _, _ in walk(top)]):
            # What is left in it is no longer deep.
            shutil.rmtree(directory, ignore_errors=True)


class Links:
    """Follow symbolic links, and note the directories that hold them."""

    def __init__(self) -> None:
        self.places: set[str] = set()
        """The real paths of the directories that hold a followed link."""
        self._known: dict[str, str] = {}

    def follow(self, path: str) -> str:
        """Return the real path of an absolute one, whether it exists or not."""
        # From the top, so that a long path takes no deep recursion.
        above = []
        while path not in self._known and os.path.dirname(path) != path:
            above.append(path)
            path = os.path.dirname(path)
        real = self._known.get(path, path)
        for below in reversed(above):
            real = self._follow(below)
        return real

    def _follow(self, path: str) -> str:
        known = self._known.get(path)
        if known is not None:
            return known
        above, name = os.path.split(path)
        if above == path:
            return path
        # A link that leads to itself leads nowhere.
        self._known[path] = path
        directory = self.follow(above)
        real = os.path.join(directory, name)
        if name in {"", "."}:
            real = directory
        elif name == "..":
            real = os.path.dirname(directory)
        else:
            with contextlib.suppress(OSError, ValueError):
                # Of what is no link, this is an error.
                target = os.readlink(real)
                self.places.add(directory)
                real = self.follow(os.path.join(directory, target))
        self._known[path] = real
        return real
