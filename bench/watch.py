"""Measure a `lambdabuild watch` that runs in the background.

It writes its events to one file and its process id to another, and both lie in the workspace: a
session starts it and stops it, and what measures it in between finds it there. The events only
tell when it is done; what is timed is when the artifacts are in place.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import proc
from bench.edits import Edit
from bench.measure import stop
from bench.model import (
    BenchError,
    CannotMeasureError,
    Command,
    Metric,
    Sample,
    Workspace,
)

# Seconds: for a first build of all, from nothing, and for what a save touches.
_FIRST_BUILD = 3600.0
_BUILD = 120.0

# Seconds before it counts as idle, and of being looked at.
_CALM_DOWN = 5.0
_MINUTE = 60.0

# Seconds between two looks at an artifact, which is how exact the time is; at the events.
_LOOK = 0.001
_READ = 0.010


def command(workspace: Workspace) -> Command:
    """Say what a session runs."""
    return [workspace.settings.lambdabuild, "watch", "--json"]


@contextmanager
def watching(workspace: Workspace) -> Iterator[None]:
    """Have a watcher run that has built all there was to build."""
    with _events(workspace).open("wb") as events, _log(workspace).open("wb") as log:
        process = subprocess.Popen(
            command(workspace),
            cwd=workspace.monorepo.directory,
            env=workspace.environment,
            stdin=subprocess.DEVNULL,
            stdout=events,
            stderr=log,
            process_group=0,
        )
    _pid(workspace).write_text(str(process.pid), encoding="utf-8")
    try:
        _until_ready(workspace, process)
        yield
    finally:
        stop(process)


@contextmanager
def watching_since_first_build(workspace: Workspace) -> Iterator[None]:
    """Have a watcher run that has itself built every function."""
    if reason := proc.unavailable():
        raise CannotMeasureError(reason)
    for output in workspace.outputs:
        output.unlink(missing_ok=True)
    with watching(workspace):
        time.sleep(_CALM_DOWN)
        yield


def saving(edit: Edit) -> Callable[[Workspace, Command], Sample]:
    """Measure from just before a file is saved until the last artifact it touches is new."""

    def measured(workspace: Workspace, _: Command) -> Sample:
        outputs = edit.outputs(workspace)
        old = {output: _identity(output) for output in outputs}
        told = _events(workspace).stat().st_size
        started = time.perf_counter()
        revision = edit.save(workspace)
        new = _until_new(workspace, old, started)
        wall = time.perf_counter() - started
        _until_told(workspace, told, len(outputs))
        # Had it been seen half written, it would have grown or been touched since.
        if spoilt := [output for output in outputs if _identity(output) != new[output]]:
            raise BenchError(f"`{spoilt[0]}` was in place before it was whole")
        edit.check(workspace, revision)
        return {Metric.WALL: wall}

    return measured


def resting(workspace: Workspace, _: Command) -> Sample:
    """Measure what the watcher's process tree uses in a minute in which nothing happens."""
    pid = int(_pid(workspace).read_text(encoding="utf-8"))
    told = _events(workspace).stat().st_size
    started, used = time.perf_counter(), sum(map(proc.cpu, proc.tree(pid)))
    time.sleep(_MINUTE)
    used = sum(map(proc.cpu, proc.tree(pid))) - used
    elapsed = time.perf_counter() - started
    processes = proc.tree(pid)
    memory = sum(map(proc.proportional_set_size, processes))
    if not memory:
        raise _failed(workspace, "ended")
    if _events(workspace).stat().st_size != told:
        raise _failed(workspace, "did not rest")
    return {
        Metric.IDLE_CPU: used / elapsed,
        Metric.PROPORTIONAL: memory,
        Metric.RESIDENT: sum(map(proc.resident_set_size, processes)),
    }


# Inode, size, and time of change: of a file that is replaced, at least one differs.
_Identity = tuple[int, int, int]


def _identity(path: Path) -> _Identity:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _until_ready(workspace: Workspace, process: subprocess.Popen[bytes]) -> None:
    patience = time.monotonic() + _FIRST_BUILD
    while not any(event["event"] == "ready" for event in _told(workspace, since=0)):
        if process.poll() is not None:
            raise _failed(workspace, f"exited with {process.returncode}")
        if time.monotonic() > patience:
            raise _failed(workspace, f"was not ready after {_FIRST_BUILD:.0f} s")
        time.sleep(_READ)


def _until_new(
    workspace: Workspace, old: dict[Path, _Identity], started: float
) -> dict[Path, _Identity]:
    new: dict[Path, _Identity] = {}
    while len(new) < len(old):
        for output in old.keys() - new.keys():
            try:
                found = _identity(output)
            except FileNotFoundError:
                raise BenchError(f"`{output}` was missing for a moment") from None
            if found != old[output]:
                new[output] = found
        if time.perf_counter() - started > _BUILD:
            missing = len(old) - len(new)
            raise _failed(workspace, f"left {missing} of {len(old)} artifacts as they were")
        time.sleep(_LOOK)
    return new


def _until_told(workspace: Workspace, since: int, functions: int) -> None:
    """Wait until it has told of every function, so that the next run does not come between."""
    patience = time.monotonic() + _BUILD
    while sum(event["event"] == "built" for event in _told(workspace, since)) < functions:
        if time.monotonic() > patience:
            raise _failed(workspace, f"did not tell of {functions} built functions")
        time.sleep(_READ)


def _told(workspace: Workspace, since: int) -> list[dict[str, object]]:
    with _events(workspace).open("rb") as file:
        file.seek(since)
        lines = file.read().split(b"\n")
    # What follows the last line break is not whole yet, or nothing.
    return [json.loads(line) for line in lines[:-1]]


def _failed(workspace: Workspace, how: str) -> BenchError:
    tail = _log(workspace).read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
    said = "".join(f"\n  {line}" for line in tail)
    return BenchError(f"`lambdabuild watch` {how}{said}")


def _events(workspace: Workspace) -> Path:
    return workspace.directory / "watcher-events.jsonl"


def _log(workspace: Workspace) -> Path:
    return workspace.directory / "watcher.log"


def _pid(workspace: Workspace) -> Path:
    return workspace.directory / "watcher.pid"
