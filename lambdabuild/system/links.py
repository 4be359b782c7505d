"""Follow symbolic links one by one."""

import os


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
