"""Read single keys from the terminal, where there is one."""

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

_BACKGROUND = 0.5
"""Seconds between two looks whether the terminal is ours again."""


@contextlib.contextmanager
def keys(
    pressed: Callable[[str], None],
    stopping: Callable[[], None] = lambda: None,
    changed: Callable[[], None] = lambda: None,
) -> Iterator[bool]:
    """Call `pressed` with each key, from another thread; give whether there are any.

    The terminal goes on to turn Ctrl-C into a signal. It is as it was after, and whenever Ctrl-Z
    stops the process, before which `stopping` is called; `changed` is called when it goes on, and
    when the terminal has another size.
    """
    import termios

    try:
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
        # In the background, reading would stop the whole process.
        there = _in_foreground(terminal)
    except (OSError, ValueError, AttributeError, termios.error):
        there = False
    if not there:
        yield False
        return
    done, wake = os.pipe()
    thread = threading.Thread(target=_read, args=(terminal, done, pressed), daemon=True)
    with _put_back_while_stopped(terminal, before, stopping, changed):
        thread.start()
        try:
            yield True
        finally:
            os.close(wake)
            thread.join()
            os.close(done)


@contextlib.contextmanager
def _put_back_while_stopped(
    terminal: int,
    before: list[Any],
    stopping: Callable[[], None],
    changed: Callable[[], None],
) -> Iterator[None]:
    """Have the terminal give single keys without showing them, and restore it afterwards."""
    import termios
    import tty

    def put_back() -> None:
        # It may be gone, or somebody else's by now.
        with contextlib.suppress(OSError, termios.error):
            if _in_foreground(terminal):
                termios.tcsetattr(terminal, termios.TCSADRAIN, before)

    def take(*_: object) -> None:
        with contextlib.suppress(OSError, termios.error):
            if _in_foreground(terminal):
                # Without flushing: a key may have been pressed since it goes on.
                tty.setcbreak(terminal, termios.TCSADRAIN)

    def stop(number: int, _: object) -> None:
        stopping()
        put_back()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        # Here it goes on.
        signal.signal(number, stop)
        go_on()

    def go_on(*_: object) -> None:
        take()
        changed()

    others = {
        signal.SIGTSTP: signal.signal(signal.SIGTSTP, stop),
        signal.SIGCONT: signal.signal(signal.SIGCONT, go_on),
        signal.SIGWINCH: signal.signal(signal.SIGWINCH, lambda *_: changed()),
    }
    take()
    try:
        yield
    finally:
        for number, handler in others.items():
            signal.signal(number, handler)
        put_back()


def _in_foreground(terminal: int) -> bool:
    return os.tcgetpgrp(terminal) == os.getpgrp()


def _read(terminal: int, done: int, pressed: Callable[[str], None]) -> None:
    while True:
        ready, _, _ = select.select([terminal, done], [], [])
        if done in ready:
            return
        try:
            # Sent to the background, it would be stopped for reading; until it is back, look now
            # and then.
            if not _in_foreground(terminal):
                select.select([done], [], [], _BACKGROUND)
                continue
            key = os.read(terminal, 1)
        except OSError:
            return
        if not key:
            return
        pressed(key.decode("ascii", "replace"))
