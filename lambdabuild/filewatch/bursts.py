"""Wait until a checkout is over, however it was noticed: half of one is nobody's code."""

import time
from collections.abc import Set as AbstractSet

from lambdabuild.filewatch.baseline import Watched
from lambdabuild.filewatch.notifier import Watcher
from lambdabuild.filewatch.surroundings import git_at_work
from lambdabuild.filewatch.wakeups import Wakeups

_MANY = 10
"""Paths in one burst that make it a checkout rather than somebody's saving."""
_QUIET = 0.15
"""Seconds without an event that end such a burst."""
_GIT_PATIENCE = 10.0
"""Seconds to wait for git to let go of its index."""


def come_to_rest(
    project: str, signals: Wakeups, watcher: Watcher, watched: Watched, own: AbstractSet[str]
) -> None:
    """Wait while many things happen or git is at work, and look at what changed by then.

    Keys to quit end it; `own` are the paths that lambdabuild writes.
    """
    many = max(len(watcher.take()), len(watched.changed)) > _MANY
    if not many and not git_at_work(project):
        return
    patience = time.monotonic() + _GIT_PATIENCE
    quiet = time.monotonic() + _QUIET
    while time.monotonic() < min(quiet, patience) and not signals.quitting:
        signals.wait(quiet - time.monotonic())
        if watcher.take() or git_at_work(project):
            quiet = time.monotonic() + _QUIET
    watched.look(own)
