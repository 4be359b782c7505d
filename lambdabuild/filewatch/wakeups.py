"""Collect what wakes a watcher: file events and keys, which come from other threads."""

import queue

_QUIT = "q"
_KEYS = frozenset({"r", "f", "h", "c", "\r", "\n", _QUIT})
_FILES, _TERMINAL, _ASKED = "", "terminal", "asked"


class Wakeups:
    """Wait for events, and keep the keys until their turn."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._keys: list[str] = []
        self._resized = False

    def files_changed(self) -> None:
        """Wake the watcher."""
        self._queue.put(_FILES)

    def terminal_changed(self) -> None:
        """Wake the watcher to draw what is on the terminal again; a signal handler may call this."""
        self._queue.put(_TERMINAL)

    def asked(self) -> None:
        """Wake the watcher for somebody who wants something built."""
        self._queue.put(_ASKED)

    def press(self, key: str) -> None:
        """Queue a key, if it is one that the watcher knows."""
        if key in _KEYS:
            self._queue.put(key)

    def wait(self, seconds: float) -> bool:
        """Wait for anything; return whether it was a file event."""
        try:
            found = self._queue.get(timeout=seconds) if seconds > 0 else self._queue.get_nowait()
        except queue.Empty:
            return False
        if found == _TERMINAL:
            self._resized = True
        elif found not in {_FILES, _ASKED}:
            self._keys.append(found)
        return found == _FILES

    @property
    def quitting(self) -> bool:
        """Whether `q` was pressed."""
        changed = False
        while not self._queue.empty():
            changed = self.wait(0) or changed
        if changed:
            self.files_changed()
        return _QUIT in self._keys

    def take_resized(self) -> bool:
        """Return whether the terminal changed since the last time."""
        resized, self._resized = self._resized, False
        return resized

    @property
    def pressed(self) -> bool:
        """Whether a key waits for its turn."""
        return bool(self._keys)

    def take_key(self) -> str:
        """Return the key whose turn it is."""
        return self._keys.pop(0)
