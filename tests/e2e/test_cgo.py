"""Functions with C in them: for both architectures and both runtimes, from any host."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lambdabuild.core.target import TARGETS, Architecture, Flags, Runtime
from lambdabuild.golang.commands import target_environment
from lambdabuild.packaging import runtime_check
from lambdabuild.survey.cgo.compiler import Compilers
from lambdabuild.system.installation import install_command
from tests.e2e.conftest import (
    FIXTURES,
    NOT_COPIED,
    Copy,
    Once,
    Project,
    Recorded,
    Result,
    build,
)

# One worker makes zig's C library for each architecture and runtime, which takes a while, once.
pytestmark = [pytest.mark.xdist_group("cgo"), pytest.mark.extended]
only_newest = pytest.mark.parametrize("go", ["go"], indirect=True)

ZIG = str(Path(str(importlib.util.find_spec("ziglang").origin)).parent)  # type: ignore[union-attr]
RUNS_HERE = (sys.platform, platform.machine()) == ("linux", "x86_64")


def problems(
    project: Project,
    output: str,
    architecture: Architecture = Architecture.X86_64,
    runtime: Runtime = Runtime.AL2023,
) -> list[str]:
    return runtime_check.problems(
        str(project / "dist" / output / "bootstrap"),
        architecture=architecture,
        runtime=runtime,
        bundled={},
        layers=(),
    )


@pytest.fixture
def with_c(recorded: Recorded, once: Once, tmp_path: Path) -> Recorded:
    """The fixture `cgo`, built for x86_64 and provided.al2023."""
    project = replace(recorded, path=tmp_path / "cgo")

    def write() -> None:
        shutil.copytree(FIXTURES / "cgo", project.path, ignore=NOT_COPIED)
        build(project)
        project.started()

    once("cgo", write)
    return project


def use_al2(project: Project) -> None:
    text = (project / "lambdabuild.toml").read_text()
    project.write("lambdabuild.toml", f'runtime = "provided.al2"\n{text}')


def reasons(result: Result) -> dict[str, str]:
    """Return why what was built was built, by name."""
    return {
        name: f["reason"] for name, f in result.functions.items() if f["status"] != "up-to-date"
    }


@pytest.mark.oldest_go
def test_c_is_built_and_runs(with_c: Recorded) -> None:
    for name, said in (("adder", "adder 5"), ("resolver", "resolver"), ("plain", "plain")):
        assert problems(with_c, name) == []
        if RUNS_HERE:
            assert with_c.says(name) == said


@only_newest
def test_architecture_and_runtime_mix_freely(copy: Copy) -> None:
    project = copy("cgo")
    project.replace(
        "lambdabuild.toml", '[functions."adder"]', '[functions."adder"]\nruntime = "provided.al2"'
    )
    done = project.run("all", "--arch", "arm64", "--json")
    assert done.code == 0, done.err
    assert problems(project, "adder", Architecture.ARM64, Runtime.AL2) == []
    for name in ("resolver", "plain"):
        assert problems(project, name, Architecture.ARM64, Runtime.AL2023) == []
    (refused,) = problems(project, "resolver", Architecture.ARM64, Runtime.AL2)
    assert refused.startswith("it needs glibc 2.34 ")


@pytest.mark.oldest_go
def test_nothing_of_where_zig_is_gets_into_what_it_compiles(with_c: Recorded) -> None:
    for name in ("adder", "resolver"):
        content = (with_c / "dist" / name / "bootstrap").read_bytes()
        assert ZIG.encode() not in content
        assert os.fsencode(with_c.path) not in content
    # Nor into what Go keeps of it: the build ID, which is in the executable, is a digest of that.
    target, flags = TARGETS[Architecture.X86_64], Flags(ldflags="-s -w", cgo=True)
    compiler = Compilers(with_c.environment, {}).of(target, Runtime.AL2023, flags)
    variables = target_environment(target, flags._replace(compiler=compiler))
    kept = with_c.go_run(
        *("list", "-export", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false"),
        *("-f", "{{.Export}}", "runtime/cgo"),
        env={name: value for name, value in variables.items() if value is not None}
        | {"PATH": str(compiler.path)},
    )
    assert ZIG.encode() not in Path(kept.strip()).read_bytes()


@only_newest
def test_another_runtime_rebuilds_what_has_c_for_its_c_library(with_c: Recorded) -> None:
    (refused,) = problems(with_c, "adder", runtime=Runtime.AL2)
    assert refused.startswith("it needs glibc 2.34 ")
    use_al2(with_c)
    done = with_c.run("all", "--json")
    assert done.code == 0, done.err
    reason = "runtime changed: provided.al2023 → provided.al2"
    assert reasons(done) == {"adder": reason, "resolver": reason}
    for name in ("adder", "resolver"):
        assert problems(with_c, name, runtime=Runtime.AL2) == []


@only_newest
def test_what_has_c_is_up_to_date_without_starting_go(with_c: Recorded) -> None:
    assert reasons(with_c.run("all", "--json")) == {}
    assert with_c.started() == []


@only_newest
def test_c_that_changed_is_compiled_again(with_c: Recorded) -> None:
    with_c.replace("api/adder/main.go", "return a + b", "return a + b + 1")
    assert reasons(with_c.run("all", "--json")) == {"adder": "api/adder/main.go changed"}
    if RUNS_HERE:
        assert with_c.says("adder") == "adder 6"


@only_newest
def test_turning_cgo_on_is_a_reason_to_build(with_c: Recorded) -> None:
    text = (with_c / "lambdabuild.toml").read_text()
    with_c.write("lambdabuild.toml", f"{text}\n[functions.plain]\ncgo = true\n")
    assert with_c.run("why", "plain").out == "plain: cgo changed: none → true\n"


@pytest.fixture
def no_zig(tmp_path: Path) -> dict[str, str]:
    """What hides the wheel `ziglang` from lambdabuild: another that has no zig in it."""
    package = tmp_path / "shadow" / "ziglang"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    return {"PYTHONPATH": str(package.parent)}


@only_newest
def test_without_a_compiler_nothing_with_c_can_start(copy: Copy, no_zig: dict[str, str]) -> None:
    project = copy("cgo")
    done = project.run("all", env=no_zig)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: `cgo = true` needs a C compiler, and neither zig nor CC is there\n"
        f"  hint: `{install_command('cgo')}`, or set CC to a C compiler that links for "
        "x86_64-linux-gnu.2.34\n"
    )
    # What has no C needs none.
    assert project.run("build", "plain", env=no_zig).code == 0


@only_newest
def test_a_compiler_that_is_not_there_is_named(copy: Copy) -> None:
    done = copy("cgo").run("all", env={"CC": "no-such-cc -m64"})
    assert done.code == 2
    assert done.err.startswith("error: CC is `no-such-cc -m64`, and there is no such program\n")


@only_newest
def test_the_compiler_somebody_chose_is_used_and_what_it_links_is_checked(
    with_c: Recorded, no_zig: dict[str, str]
) -> None:
    # A zig on PATH, which links for a newer C library than that of provided.al2.
    env = no_zig | {
        "CC": "zig cc -target x86_64-linux-gnu.2.34",
        # As lambdabuild has it: with debug information, zig's own library is compiled once more.
        "CGO_CFLAGS": "-O2 -g0",
        "CGO_LDFLAGS": "-O2 -s",
        "PATH": f"{ZIG}{os.pathsep}{with_c.environment['PATH']}",
    }
    use_al2(with_c)
    done = with_c.run("all", "--json", env=env)
    assert done.code == 1
    assert done.statuses == {"adder": "failed", "plain": "up-to-date", "resolver": "failed"}
    (error,) = done.functions["adder"]["errors"]
    assert (
        "needs glibc 2.34 (`GLIBC_2.34` of libc.so.6), and provided.al2 has 2.26"
        in error["message"]
    )


@only_newest
def test_a_shared_library_is_packed_comes_with_a_layer_or_is_missing(with_c: Recorded) -> None:
    with_c.write("api/adder/lib/plugin.c", "int plugged(void) { return 7; }\n")
    subprocess.run(
        [
            *(f"{ZIG}/zig", "cc", "-target", "x86_64-linux-gnu.2.34", "-O2", "-s", "-shared"),
            *("-Wl,-soname,libplugin.so.1", "-o", "libplugin.so.1", "plugin.c"),
        ],
        check=True,
        env=with_c.environment,
        cwd=with_c / "api/adder/lib",
    )
    with_c.replace(
        "api/adder/main.go",
        "/*\n",
        "/*\n#cgo LDFLAGS: -L${SRCDIR}/lib -l:libplugin.so.1\nint plugged(void);\n",
    )
    with_c.replace("api/adder/main.go", "C.add(2, 3)", "C.add(2, C.plugged())")
    done = with_c.run("build", "adder", "--json")
    assert done.code == 1
    (error,) = done.functions["adder"]["errors"]
    assert (
        "`bootstrap` would not start on provided.al2023: it needs the shared library "
        in (error["message"])
    )
    with_c.replace(
        "lambdabuild.toml", '[functions."adder"]', '[functions."adder"]\nassets = ["lib/*.so.*"]'
    )
    done = with_c.run("build", "adder", "--json")
    assert done.statuses == {"adder": "built"}, done.err
    if RUNS_HERE:
        # As Lambda sets it for a package in /var/task.
        place = with_c / "dist/adder"
        said = subprocess.run(
            [place / "bootstrap"],
            check=True,
            capture_output=True,
            env={"LD_LIBRARY_PATH": f"{place}:{place}/lib"},
        ).stdout
        assert said == b"adder 9\n"
    with_c.replace("lambdabuild.toml", "assets", "layer_libraries")
    with_c.replace("lambdabuild.toml", "lib/*.so.*", "libplugin.so.1")
    assert with_c.run("build", "adder").code == 0
    assert not (with_c / "dist/adder/lib").exists()
