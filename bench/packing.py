"""Pack one function's executable, in several ways; all of them the one in lambdabuild's dist."""

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import measure
from bench.model import BenchError, CannotMeasureError, Command, Metric, Sample, Workspace

# Timed in a child, not as a whole process: lambdabuild packs in one that runs already, and with a
# start of Python on both sides the ratio would come out nearer to 1 than it is. From bytes in
# memory to bytes in memory, so that the disk has no part in it. The first call imports.
_TIMED = """\
import sys, time

{imports}

content = open(sys.argv[1], "rb").read()
pack(b"something")
started = time.perf_counter()
packed = pack(content)
seconds = time.perf_counter() - started
open(sys.argv[2], "wb").write(packed)
print(seconds)
"""

_LAMBDABUILD = """\
from lambdabuild.packaging.archive import Member, pack as pack_members

def pack(content):
    return pack_members([Member("bootstrap", content, 0o755)])
"""

_ZIPFILE = """\
import io, zipfile

def pack(content):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.writestr("bootstrap", content)
    return made.getvalue()
"""


def with_lambdabuild(workspace: Workspace) -> Command:
    """Say what writes one function's zip, as anybody has it written."""
    return [workspace.settings.lambdabuild, "build", _function(workspace), "--zip"]


def with_info_zip(workspace: Workspace) -> Command:
    """Say how Info-ZIP packs the same executable as small as it can."""
    return ["zip", "-9", "-q", "-j", _made(workspace), _executable(workspace)]


def timed_lambdabuild(workspace: Workspace) -> Command:
    """Say what times lambdabuild's own way to pack."""
    return _timed(workspace, _LAMBDABUILD)


def timed_zipfile(workspace: Workspace) -> Command:
    """Say what times Python's."""
    return _timed(workspace, _ZIPFILE)


@contextmanager
def built(workspace: Workspace) -> Iterator[None]:
    """Have lambdabuild build the function, and pack it."""
    measure.run(workspace, with_lambdabuild(workspace))
    yield


@contextmanager
def built_for_info_zip(workspace: Workspace) -> Iterator[None]:
    """Have that, and Info-ZIP."""
    if shutil.which("zip", path=workspace.environment["PATH"]) is None:
        raise CannotMeasureError("Info-ZIP's `zip` is not on PATH")
    with built(workspace):
        yield


def size_from_lambdabuild(workspace: Workspace, command: Command) -> Sample:
    """Measure the size of the zip in `dist`, in bytes."""
    measure.run(workspace, command)
    return _size(workspace, workspace.monorepo.directory / f"dist/{_function(workspace)}.zip")


def size_from_info_zip(workspace: Workspace, command: Command) -> Sample:
    """Measure the size of what `zip` makes, in bytes; it would add to a zip that is there."""
    _made(workspace).unlink(missing_ok=True)
    measure.run(workspace, command)
    return _size(workspace, _made(workspace))


def time_in_process(workspace: Workspace, command: Command) -> Sample:
    """Measure the time to pack, within a process."""
    sample = measure.run_timing_itself(workspace, command)
    _check(workspace, _made(workspace))
    return sample


def _function(workspace: Workspace) -> str:
    return workspace.monorepo.functions[0].name


def _executable(workspace: Workspace) -> Path:
    return workspace.monorepo.directory / "dist" / _function(workspace) / "bootstrap"


def _made(workspace: Workspace) -> Path:
    return workspace.directory / "made.zip"


def _timed(workspace: Workspace, imports: str) -> Command:
    # The interpreter that runs lambdabuild; its console script may be a link, as pipx makes.
    python = workspace.settings.lambdabuild.resolve().with_name("python")
    script = _TIMED.format(imports=imports)
    return [python, "-I", "-c", script, _executable(workspace), _made(workspace)]


def _size(workspace: Workspace, made: Path) -> Sample:
    _check(workspace, made)
    return {Metric.SIZE: made.stat().st_size}


def _check(workspace: Workspace, made: Path) -> None:
    """Raise BenchError unless a zip holds the executable; small or quick is nothing without."""
    with zipfile.ZipFile(made) as archive:
        if archive.read("bootstrap") != _executable(workspace).read_bytes():
            raise BenchError(f"`{made}` does not hold the executable")
