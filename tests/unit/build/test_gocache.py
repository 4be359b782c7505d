"""The wrapper around Go's tools fails where a source changed since it was listed; here with a real shell."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdabuild.build.gobuild.compile import wrapper_path
from lambdabuild.build.gobuild.gocache import list_sources
from lambdabuild.core.build import Batch, Function, Step
from lambdabuild.core.gopackage import Module, Package
from lambdabuild.core.target import Flags
from lambdabuild.golang.commands import Staging
from tests.unit.values import X86_64

PATH = "example.com/m/api/f"
FAR_PAST = (1_000_000_000, 1_000_000_000)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "with a space" / "api" / "f"
    (directory / "static").mkdir(parents=True)
    for name in ("main.go", "f.s", "static/word.txt"):
        (directory / name).write_text("old")
    (tmp_path / "elsewhere.h").write_text("old")
    (directory / "link.h").symlink_to(tmp_path / "elsewhere.h")
    return directory


def compile_with(
    source: Path, tmp_path: Path, change: Callable[[], object], *, finds: bool
) -> tuple[int, str, str]:
    """List the sources of a package, run a tool that changes something, and return how it ended."""
    module = Module("example.com/m", str(source.parents[1]), None, main=True)
    package = Package(
        PATH, "main", str(source), ("main.go",), (), (), module, only_dependency=False, errors=(),
        other_files=("f.s", "link.h"), embed_files=("static/word.txt",), local=True,
    )  # fmt: skip
    function = Function("f", PATH, str(source), str(source.parents[1]))
    step = Step(function, X86_64, None, Flags(), "out")
    stage = tmp_path / "stage"
    staging = Staging(
        str(stage), str(tmp_path / "tmp"), wrapper_path(), str(tmp_path / "events"), None,
        sys.executable,
    )  # fmt: skip
    list_sources(Batch(str(source.parents[1]), X86_64, Flags(), (step,), {PATH: package}), staging)
    Path(staging.temporary).mkdir()
    generated = tmp_path / "tmp" / "_cgo_gotypes.go"
    programs = tmp_path / "programs"
    programs.mkdir()
    # A `find` like BusyBox's, which knows no -cnewer.
    (programs / "find").write_text("#!/bin/sh\nexit 1\n")
    tool = programs / "compile"
    tool.write_text(
        f"#!/bin/sh\necho made >'{generated}'\necho done >'{tmp_path}/go'\ncat >/dev/null"
    )
    for program in programs.iterdir():
        program.chmod(0o755)
    os.mkfifo(tmp_path / "go")
    path = os.environ["PATH"] if finds else f"{programs}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        ["sh", wrapper_path(), "0", tool, "-o", "x.a", source / "main.go", generated],
        env={
            "PATH": path, "TOOLEXEC_IMPORTPATH": PATH, "GOTMPDIR": staging.temporary,
            "LAMBDABUILD_STAGE": str(stage), "LAMBDABUILD_EVENTS": str(staging.events),
            "LAMBDABUILD_PYTHON": sys.executable,
        },
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    (tmp_path / "go").read_text()
    change()
    out, err = process.communicate()
    assert out == ""
    return process.returncode, err, Path(str(staging.events)).read_text()


def edit(path: Path) -> None:
    """Save and undo, with the time that it had."""
    before = path.stat()
    path.write_text("new")
    path.write_text("old")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def swap(directory: Path) -> None:
    """Put another directory in its place, and take it away again."""
    directory.rename(directory.with_name("away"))
    directory.mkdir()
    directory.rmdir()
    directory.with_name("away").rename(directory)


def retarget(link: Path) -> None:
    target = link.readlink()
    link.unlink()
    link.symlink_to("/dev/null")
    link.unlink()
    link.symlink_to(target)


CHANGES: dict[str, tuple[Callable[[Path], object], str | None]] = {
    "nothing": (lambda _: None, None),
    "a file comes": (lambda d: (d / ".main.go.swp").write_text("x"), None),
    "a file is read": (lambda d: (d / "main.go").read_text(), None),
    "a source": (lambda d: edit(d / "main.go"), "main.go"),
    "assembly": (lambda d: edit(d / "f.s"), "f.s"),
    "what is embedded": (lambda d: edit(d / "static/word.txt"), "static/word.txt"),
    "what a link leads to": (lambda d: edit(d.parents[2] / "elsewhere.h"), "elsewhere.h"),
    "where a link leads": (lambda d: retarget(d / "link.h"), "link.h"),
    "a source is gone": (lambda d: (d / "f.s").unlink(), ""),
    "the directory": (swap, "f"),
    "the directory above": (lambda d: swap(d.parent), "api"),
    "the module's own directory": (lambda d: d.parents[1].chmod(0o700), None),
}


@pytest.mark.parametrize("finds", [True, False], ids=["find", "without find"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_tool_fails_where_a_source_changed_meanwhile(
    source: Path, tmp_path: Path, name: str, *, finds: bool
) -> None:
    change, told = CHANGES[name]
    code, err, events = compile_with(source, tmp_path, lambda: change(source), finds=finds)
    if told is None:
        assert (code, err) == (0, "")
        assert events == f"start compile {PATH}\ndone compile 0 {PATH}\n"
        return
    assert code == 1
    assert err.endswith("was changed while it was compiled\n")
    assert not told or err.splitlines()[0].split(" was ")[0].endswith(f"/{told}")
    assert events == f"start compile {PATH}\nrefused compile {PATH}\n"


def test_a_change_right_before_the_list_is_no_change(source: Path, tmp_path: Path) -> None:
    edit(source / "main.go")
    code, err, _ = compile_with(source, tmp_path, lambda: None, finds=True)
    assert (code, err) == (0, "")
