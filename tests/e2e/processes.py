"""Processes that work for a project, and waiting for what they do."""

import contextlib
import subprocess
import time
from collections.abc import Callable

from tests.e2e.conftest import Project

PROMPT = 8.0
"""Seconds in which an event must do: after ten, the watcher looks at the disk without one."""
PATIENCE = 60.0
"""Seconds for what is more than a build or two."""


def processes_of(project: Project) -> list[str]:
    """Return the processes that work for a project: all of them name its staging folder."""
    listed = subprocess.run(
        ["ps", "-axww", "-o", "command="], check=True, capture_output=True, text=True
    )
    return [line for line in listed.stdout.splitlines() if f"{project.path}/.lambdabuild" in line]


def wait_until_gone(project: Project) -> None:
    """Wait until nothing works for a project; what was killed takes a moment to die."""
    wait_for("an end of all processes", lambda: not processes_of(project), PROMPT)


def wait_for(what: str, happened: Callable[[], bool], within: float = PATIENCE) -> None:
    """Wait until `happened()` is true: what runs in another process has no other way to say so.

    What it looks at may go away meanwhile, as a run's staging directory does at its end.
    """
    end = time.monotonic() + within
    while True:
        with contextlib.suppress(FileNotFoundError):
            if happened():
                return
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)
