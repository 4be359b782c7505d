"""Watch directories for events, which only wake the watcher: the disk says what changed."""

import logging
import os
import threading
from collections.abc import Callable, Collection
from typing import Any, cast

from lambdabuild.output.terminal.console import Console

log = logging.getLogger(__name__)

_STEP = 40
"""Milliseconds without another event after which a burst is reported; watchfiles wakes this often."""
_BURST = 120
"""Milliseconds after which it is reported even so."""
_EDITORS = (".swp", ".swx", ".swo", "~", "___jb_tmp___", "___jb_old___")


def matters(path: str, own: Collection[str], inputs: Collection[str] = ()) -> bool:
    """Return whether an event at this absolute path may be of use.

    Only the name is looked at, never the directories above: a checkout may lie anywhere. Left
    out is what is no input anywhere, unless `inputs` has that name: Go embeds whatever its
    patterns match. The look at the disk decides about the rest.
    """
    name = os.path.basename(path)
    if name in inputs:
        return path not in own
    if name.endswith((*_EDITORS, "_test.go")) or name == "4913":
        return False
    return not name.startswith((".#", "#", ".git")) and path not in own


class _Stop:
    """The stop event of watchfiles, which asks for `is_set` once it watches, and calls it at each step.

    That call is of a function in C: what it costs to call one in Python was a third of an idle watcher.
    """

    def __init__(self) -> None:
        self.watching = threading.Event()
        self._requests: list[None] = []

    @property
    def is_set(self) -> Callable[[], int]:
        self.watching.set()
        return self._requests.__len__

    def request(self) -> None:
        self._requests.append(None)


class Watcher:
    """Watch directories, each without those below it, and put the paths of events aside."""

    def __init__(self, notify: Callable[[], None]) -> None:
        """Call `notify`, from another thread, whenever there are paths to take."""
        self._notify = notify
        self._lock = threading.Lock()
        self._paths: set[str] = set()
        self._directories: frozenset[tuple[str, int, int]] = frozenset()
        self._gone = False
        self._own: Collection[str] = ()
        self._inputs: Collection[str] = ()
        self._stop = _Stop()
        self._thread: threading.Thread | None = None
        self.failure: str | None = None
        """Why nothing can be watched; None while it can."""

    def arm(
        self, directories: Collection[str], own: Collection[str], inputs: Collection[str] = ()
    ) -> bool:
        """Watch these directories; return whether they are others than before.

        `own` are the paths whose events do not count, for lambdabuild writes them; `inputs` the
        names of files that do, whatever they look like.
        """
        # By inode as well: of a directory that took another's place there are no events yet.
        watched_now = frozenset(
            (path, stat.st_dev, stat.st_ino)
            for path in directories
            if (stat := _stat(path)) is not None
        )
        self._own, self._inputs = own, inputs
        # An inode may be given again to what comes after a directory that was deleted.
        alive = self._thread is not None and self._thread.is_alive() and not self._gone
        if watched_now == self._directories and alive:
            return False
        self.close()
        self._directories = watched_now
        self._gone = False
        self._stop = _Stop()
        self.failure = None
        paths = sorted(path for path, _, _ in watched_now)
        self._thread = threading.Thread(
            target=self._run, args=(paths, self._stop), name="watcher", daemon=True
        )
        self._thread.start()
        while not self._stop.watching.wait(0.1) and self._thread.is_alive():
            pass
        return True

    def _run(self, directories: list[str], stop: _Stop) -> None:
        from watchfiles import Change, watch

        watched = frozenset(directories)
        try:
            for changes in watch(
                *directories,
                watch_filter=lambda _, path: matters(path, self._own, self._inputs),
                step=_STEP,
                debounce=_BURST,
                recursive=False,
                stop_event=cast("Any", stop),
                rust_timeout=0,
                force_polling=False,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                with self._lock:
                    self._paths |= {path for _, path in changes}
                    self._gone = self._gone or any(
                        change == Change.deleted and path in watched for change, path in changes
                    )
                self._notify()
        except (OSError, RuntimeError) as error:
            self.failure = str(error)
            log.warning("cannot watch %d directories: %s", len(directories), error)
            self._notify()

    def warn_of_failure(self, console: Console) -> bool:
        """Return whether nothing can be watched, and warn of it, once."""
        if self.failure is None:
            return False
        console.warn_once(
            f"cannot watch for events: {self.failure}; "
            "the files are looked at twice a second instead",
            "on Linux, `sysctl fs.inotify.max_user_watches` and `max_user_instances` are the "
            "limits; `--poll` asks for no events",
        )
        return True

    def pending(self) -> bool:
        """Return whether there is something to take."""
        return bool(self._paths)

    def take(self) -> set[str]:
        """Return the paths of the events since the last time, absolute."""
        with self._lock:
            paths, self._paths = self._paths, set()
        return paths

    def close(self) -> None:
        """Stop watching."""
        self._stop.request()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._directories = frozenset()


def _stat(directory: str) -> os.stat_result | None:
    try:
        return os.stat(directory) if os.path.isdir(directory) else None
    except OSError:
        return None
