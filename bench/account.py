"""Tell the CPU that `go` uses from the CPU of whatever calls it.

A `go` that comes first on PATH runs the real one, waits, and appends to a file two exact figures
from getrusage: what the real `go` and its descendants used, and what it used itself. Everything
else in the tree is the caller's own. A caller that went round this `go` would have the whole build
counted as its own, so the method cannot flatter. What it cannot see is the shell that a -toolexec
runs around each tool, about 1 ms each: `go` starts it, so it counts as `go`'s.
"""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.model import Workspace

# Written out rather than imported: it starts several times a run, so with -I -S and nothing else.
_WRAPPER = """\
import os, resource, sys

def used(whose):
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime

pid = os.posix_spawn({go!r}, sys.argv[1:], os.environ)
_, status = os.waitpid(pid, 0)
line = f"{{used(resource.RUSAGE_CHILDREN)}} {{used(resource.RUSAGE_SELF)}}\\n"
file = os.open({record!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(file, line.encode())
os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
"""


@dataclass(frozen=True, slots=True)
class GoCall:
    """CPU seconds of one `go` with its descendants, and of the wrapper around it."""

    go: float
    wrapper: float


@contextmanager
def accounting(workspace: Workspace) -> Iterator[None]:
    """Have the accounting `go` first on the workspace's PATH."""
    _record(workspace).unlink(missing_ok=True)
    script = workspace.bin / "account.py"
    script.write_text(
        _WRAPPER.format(go=str(workspace.settings.go), record=str(_record(workspace))),
        encoding="utf-8",
    )
    go = workspace.bin / "go"
    # By way of sh, for a #! line cannot hold a path with spaces; argv[0] stays `go`.
    go.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S {shlex.quote(str(script))} go "$@"\n',
        encoding="utf-8",
    )
    go.chmod(0o755)
    yield
    go.unlink()


def go_usage(workspace: Workspace) -> list[GoCall]:
    """Take what was recorded since the last time."""
    record = _record(workspace)
    try:
        lines = record.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    record.unlink()
    return [GoCall(float(go), float(wrapper)) for go, wrapper in map(str.split, lines)]


def _record(workspace: Workspace) -> Path:
    return workspace.directory / "go-usage"
