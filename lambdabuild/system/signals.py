"""Turn SIGINT, SIGTERM and SIGHUP into one exception, between critical sections."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from lambdabuild.core.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Raise Interrupted in the main thread on a signal."""

    def __init__(self) -> None:
        self._shields = 0
        self._pending = False

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Handle the signals, and restore the earlier handlers."""
        before = {number: signal.signal(number, self._arrived) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def held_off(self) -> Iterator[None]:
        """Defer signals until the end of a short critical section."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if self._pending and not self._shields:
            self._pending = False
            raise Interrupted

    def _arrived(self, _number: int, _frame: FrameType | None) -> None:
        if self._shields:
            self._pending = True
        else:
            raise Interrupted
