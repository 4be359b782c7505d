"""Walk and remove directories however deep they are, and follow links one by one."""

import os
import shutil
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
    try:
        shutil.rmtree(top, ignore_errors=True)
    except RecursionError:
        for directory in reversed([directory for directory, _, _ in walk(top)]):
            # Nothing in it is so deep any more.
            shutil.rmtree(directory, ignore_errors=True)


class Links:
    """Where paths lead, and which directories hold the links on the way."""

    def __init__(self) -> None:
        """Know of no path yet."""
        self.places: set[str] = set()
        """The real paths of the directories that hold a link which was followed."""
        self._known: dict[str, str] = {}

    def follow(self, path: str) -> str:
        """Return the real path of an absolute one, be anything there or not."""
        # Those above first, so that nobody has to climb a long path.
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
        elif (target := _target(real)) is not None:
            self.places.add(directory)
            real = self.follow(os.path.join(directory, target))
        self._known[path] = real
        return real


def _target(path: str) -> str | None:
    try:
        return os.readlink(path) if os.path.islink(path) else None
    except OSError:
        return None
