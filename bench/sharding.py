"""Divide a build over machines, one after the other on this one."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import measure
from bench.model import BenchError, Command, Metric, Sample, Workspace

SHARDS = 4
_HISTORY = "history.jsonl"


@contextmanager
def recorded(workspace: Workspace) -> Iterator[None]:
    """Have all built once, and so its times in the history."""
    _forget(workspace)
    measure.run(workspace, [workspace.settings.lambdabuild, "all"])
    yield


def slowest(workspace: Workspace, command: Command) -> Sample:
    """Measure the wall time of the slowest shard, and a quarter of that of the whole.

    All start from the same: the history is there, and what Go compiled; executables, and what else
    lambdabuild noted, are not. Each function has to be in one shard.
    """
    _forget(workspace)
    whole = measure.run(workspace, command)[Metric.WALL]
    walls = []
    names: list[str] = []
    for index in range(1, SHARDS + 1):
        _forget(workspace)
        report = workspace.directory / "report.json"
        shard = [*command, "--shard", f"{index}/{SHARDS}", "--report", report]
        walls.append(measure.run(workspace, shard)[Metric.WALL])
        names += _built(report)
    if sorted(names) != sorted(function.name for function in workspace.monorepo.functions):
        raise BenchError(f"the shards built {len(names)} functions, not each once")
    return {Metric.WALL: max(walls), Metric.QUARTER: whole / SHARDS}


def _forget(workspace: Workspace) -> None:
    top = workspace.monorepo.directory
    shutil.rmtree(top / "dist", ignore_errors=True)
    state = top / ".lambdabuild"
    if (state / _HISTORY).exists():
        history = (state / _HISTORY).read_bytes()
        shutil.rmtree(state)
        state.mkdir()
        (state / _HISTORY).write_bytes(history)
    else:
        shutil.rmtree(state, ignore_errors=True)
    # What one shard wrote must not be written to disk at the next one's expense.
    os.sync()


def _built(report: Path) -> list[str]:
    functions = json.loads(report.read_text(encoding="utf-8"))["functions"]
    return [function["name"] for function in functions if function["status"] == "built"]
