"""Read single keys from the terminal, where there is one."""

import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def keys(pressed: Callable[[str], None]) -> Iterator[bool]:
    """Call `pressed` with each key, from another thread; give whether there are any.

    The terminal goes on to turn Ctrl-C into a signal, and is as it was after.
    """
    import termios  # noqa: PLC0415 - only `watch` needs them
    import tty  # noqa: PLC0415

    try:
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
        # In the background, reading would stop the whole process.
        there = os.tcgetpgrp(terminal) == os.getpgrp()
    except (OSError, ValueError, AttributeError, termios.error):
        there = False
    if not there:
        yield False
        return
    done, wake = os.pipe()
    thread = threading.Thread(target=_read, args=(terminal, done, pressed), daemon=True)
    tty.setcbreak(terminal)
    thread.start()
    try:
        yield True
    finally:
        os.close(wake)
        thread.join()
        os.close(done)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _read(terminal: int, done: int, pressed: Callable[[str], None]) -> None:
    while True:
        ready, _, _ = select.select([terminal, done], [], [])
        if done in ready:
            return
        key = os.read(terminal, 1)
        if not key:
            return
        pressed(key.decode("ascii", "replace"))
