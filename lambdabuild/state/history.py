"""`.lambdabuild/history.jsonl`: how long builds took, one line for each run."""

import json
import logging
import math
import os
from pathlib import Path
from typing import Any

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Status
from lambdabuild.state.store import write_atomically
from lambdabuild.state.trends import Run, Timed
from lambdabuild.system.links import MOST, open_own, read_own

log = logging.getLogger(__name__)

FILE_NAME = "history.jsonl"
MOST_RUNS = 500
MOST_BYTES = 4_000_000
"""A run of 500 functions takes some 35 kB."""

_STATUSES = frozenset(Status)


def append(path: str | os.PathLike[str], run: Run) -> None:
    """Append a run to the history, and cut that to half where it is too long; log errors only."""
    try:
        _write_line(path, to_line(run))
        _trim(Path(path))
    except (OSError, ValueError, LambdabuildError) as error:
        log.warning("the history of builds is not kept: %s", error)


def read_history(path: str | os.PathLike[str]) -> list[Run]:
    """Return the recorded runs, the oldest first; skip damaged lines."""
    try:
        lines = read_own(path).split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("the history of builds cannot be read: %s", error)
        return []
    runs = [from_line(line) for line in lines if line]
    if None in runs:
        log.warning("%d damaged lines of the history passed over", runs.count(None))
    return [run for run in runs if run is not None]


def _write_line(path: str | os.PathLike[str], line: bytes) -> None:
    descriptor = open_own(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
    try:
        end = os.fstat(descriptor).st_size
        if end > MOST:
            # Nothing that lambdabuild wrote grows to this.
            os.ftruncate(descriptor, end := 0)
        # A killed run, or a full disk, may have left half a line.
        torn = end > 0 and os.pread(descriptor, 1, end - 1) != b"\n"
        os.write(descriptor, b"\n" + line if torn else line)
    finally:
        os.close(descriptor)


def _trim(path: Path) -> None:
    """Cut the file to half of the most, so that it is seldom rewritten."""
    content = read_own(path)
    if content.count(b"\n") <= MOST_RUNS and len(content) <= MOST_BYTES:
        return
    kept: list[str] = []
    size = 0
    for line in reversed(content.split(b"\n")):
        size += len(line) + 1
        if kept and (len(kept) >= MOST_RUNS // 2 or size > MOST_BYTES // 2):
            break
        if from_line(line) is not None:
            kept.append(line.decode("ascii") + "\n")
    write_atomically(path, "".join(reversed(kept)))


def to_line(run: Run) -> bytes:
    """Return a run as its line, in ASCII."""
    value: dict[str, Any] = {"time": run.time, "go": run.go, "functions": run.functions}
    if run.imports:
        value["imports"] = dict(run.imports)
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def from_line(line: bytes) -> Run | None:
    """Return the run that `to_line` wrote; None where it is no such line."""
    try:
        value = json.loads(line.decode("ascii"))
        functions = tuple([_timed(*row) for row in value["functions"]])
        imports = {name: _time(spent) for name, spent in value.get("imports", {}).items()}
        return Run(_text(value["time"]), _text(value["go"]), functions, imports)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return None


def _timed(  # a row of the file
    name: Any, target: Any, status: Any, seconds: Any, compiling: Any, linking: Any, size: Any
) -> Timed:
    if status not in _STATUSES:
        raise ValueError(status)
    whole, compiled, linked = [
        None if time is None else _time(time) for time in (seconds, compiling, linking)
    ]
    return Timed(
        _text(name), _text(target), status, whole, compiled, linked, _number(size, int)
    )  # fmt: skip


def _time(value: Any) -> float:
    """Return a time, which is below three years; NaN is within no bounds."""
    if value is None:
        raise TypeError(value)
    seconds: float = _number(value, int | float, 1e8)
    return seconds


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _number(value: Any, kind: Any, most: float = math.inf) -> Any:
    """Return a number, or None for none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, kind) or not 0 <= value < most:
        raise ValueError(value)
    return value
