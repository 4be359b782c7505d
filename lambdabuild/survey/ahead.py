"""Do some of the work while `go list` keeps one processor busy, and no more than one."""

import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Generic, TypeVar

from lambdabuild.state.stamps import FileStamp, Level, World, take
from lambdabuild.survey.golist import Go

T = TypeVar("T")


class Later(Generic[T]):
    """A value that a thread finds out."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._value: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._find_out, daemon=True)
        self._thread.start()

    def _find_out(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised by whoever wants the value
            self._error = error

    def wait(self) -> T | None:
        """Wait for the value, and return it; None if it is not to be had."""
        self._thread.join()
        return self._value

    def get(self) -> T:
        """Wait for the value, and return it; raise what it raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # it is there now


def read_ahead(
    go: Go,
    roots: Iterable[str],
    known: Mapping[str, FileStamp],
    clock: int,
    own: Collection[str],
) -> Later[dict[str, FileStamp]] | None:
    """Begin to look at the sources below the roots; None where `go` has its answers already.

    For `known`, `clock` and `own` see `look`. Whoever takes them looks at each once more: what
    changed meanwhile is read again.
    """
    trees = [go.tree(root) for root in map(os.path.normpath, roots) if os.path.isdir(root)]
    if not go.asked:
        return None
    world = World({d: Level.TREE for tree in trees for d in tree.directories})
    return Later(lambda: take(world, known, clock, own).files)
