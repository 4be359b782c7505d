"""Turn SIGINT, SIGTERM and SIGHUP into one exception, between critical sections."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType

from lambdabuild.core.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AGAIN = 0.001
"""Seconds after which a signal that got lost is raised again."""


class Interrupts:
    """Raise Interrupted in the main thread on a signal."""

    def __init__(self) -> None:
        self._shields = 0
        self._pending = False

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Handle the signals, and restore the earlier handlers.

        Python drops what is raised in a callback of a weak reference, such as `threading` has for
        each thread, or in a finalizer: then the signal is raised again, by a timer.
        """
        numbers = (*_SIGNALS, signal.SIGALRM)
        before = {number: signal.signal(number, self._arrived) for number in numbers}
        report = sys.unraisablehook
        timed = False

        def dropped(what: "sys.UnraisableHookArgs") -> None:
            nonlocal timed
            if what.exc_type is Interrupted:
                timed = True
                signal.setitimer(signal.ITIMER_REAL, _AGAIN)
            else:
                report(what)

        sys.unraisablehook = dropped
        try:
            yield
        finally:
            sys.unraisablehook = report
            if timed:
                signal.setitimer(signal.ITIMER_REAL, 0)
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
