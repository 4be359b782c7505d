"""Run one command to its end and say what it cost, its whole process tree included."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass

from bench import memory, proc
from bench.account import go_usage
from bench.model import BenchError, CannotMeasureError, Command, Metric, Sample, Workspace

# What a build gets to stop by itself before it is killed.
_GRACE = 5.0


def run(workspace: Workspace, command: Command) -> Sample:
    """Measure wall and CPU time.

    CPU is what wait4 reports: user and system time of the command and of every descendant that
    was itself waited for, as `go` does for the compiler and `sh` for `go`.
    """
    cost = _run(workspace, command)
    return {Metric.WALL: cost.wall, Metric.CPU: cost.cpu}


def run_sampling_memory(workspace: Workspace, command: Command) -> Sample:
    """Measure the peak memory of the process tree, and no time, for sampling takes some."""
    if reason := proc.unavailable():
        raise CannotMeasureError(reason)
    cost = _run(workspace, command, memory.of_tree)
    return {Metric.PEAK_MEMORY: cost.peak_memory, Metric.LARGEST_PROCESS: cost.largest_process}


def run_with_own_memory(workspace: Workspace, command: Command) -> Sample:
    """Measure wall and CPU time, and the peak memory of the command's own process.

    Not of its children: `go` and its linkers are larger than what calls them.
    """
    if reason := proc.unavailable():
        raise CannotMeasureError(reason)
    cost = _run(workspace, command, proc.largest_resident_set_size)
    return {Metric.WALL: cost.wall, Metric.CPU: cost.cpu, Metric.OWN_MEMORY: cost.peak_memory}


def run_accounting_for_go(workspace: Workspace, command: Command) -> Sample:
    """Measure CPU beyond that of `go`, by way of the `go` that `account.accounting` puts on PATH.

    The accounting `go` costs CPU itself, which is taken off both sides.
    """
    cost = _run(workspace, command)
    calls = go_usage(workspace)
    if not calls:
        raise BenchError(f"`{command[0]}` did not run the `go` that is first on PATH")
    total = cost.cpu - sum(call.wrapper for call in calls)
    return {Metric.CPU: total, Metric.OWN_CPU: total - sum(call.go for call in calls)}


def run_timing_itself(workspace: Workspace, command: Command) -> Sample:
    """Measure the wall time that the command itself took of a part of its work.

    Its last line says it, in seconds.
    """
    _run(workspace, command)
    *_, last = workspace.log.read_text(encoding="utf-8").splitlines()
    return {Metric.WALL: float(last)}


@dataclass(frozen=True, slots=True)
class _Cost:
    """Seconds, and bytes; `peak_memory` is 0 where it was not sampled."""

    wall: float
    cpu: float
    largest_process: int
    peak_memory: int


def _run(workspace: Workspace, command: Command, look: Callable[[int], int] | None = None) -> _Cost:
    with workspace.log.open("wb") as log:
        started = time.perf_counter()
        # In a process group of its own, so that the shell scripts can be stopped as one.
        process = subprocess.Popen(
            command,
            cwd=workspace.monorepo.directory,
            env=workspace.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        sampling = memory.sampled(process.pid, look) if look else nullcontext(memory.Peak())
        with _stopped_on_error(process), sampling as peak:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = workspace.log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        said = "".join(f"\n  {line}" for line in tail)
        raise BenchError(f"`{command[0]}` exited with {process.returncode}{said}")
    return _Cost(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        # getrusage(2): kilobytes, but bytes on macOS.
        largest_process=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        peak_memory=peak.memory,
    )


@contextmanager
def _stopped_on_error(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        stop(process)
        raise


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process group to end, wait, kill what is left."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
