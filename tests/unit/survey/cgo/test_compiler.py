import importlib.metadata
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from lambdabuild.config.options import Config
from lambdabuild.config.settings import Settings
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.target import CCompiler, Flags, Runtime, Target
from lambdabuild.survey.cgo.compiler import Compilers, compilers_of
from lambdabuild.system.installation import install_command
from tests.unit.values import ARM64, X86_64

VERSION = importlib.metadata.version("ziglang")
FLAGS = Flags(ldflags="-s -w", cgo=True)
HOST = {
    *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH"),
    *("SDKROOT", "MACOSX_DEPLOYMENT_TARGET", "ZIG_LIBC", "ZIG_LIB_DIR"),
}


def compiler(
    target: Target = X86_64,
    runtime: Runtime = Runtime.AL2023,
    flags: Flags = FLAGS,
    *,
    of_go: Mapping[str, str] | None = None,
    path: str = "/usr/bin",
) -> CCompiler:
    return Compilers({"PATH": path}, of_go or {}).of(target, runtime, flags)


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ziglang", None)


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("target", "runtime", "triple"),
    [
        (X86_64, Runtime.AL2023, "x86_64-linux-gnu.2.34"),
        (X86_64, Runtime.AL2, "x86_64-linux-gnu.2.26"),
        (ARM64, Runtime.AL2023, "aarch64-linux-gnu.2.34"),
        (ARM64, Runtime.AL2, "aarch64-linux-gnu.2.26"),
    ],
)
def test_zig_links_for_the_c_library_of_the_runtime(
    target: Target, runtime: Runtime, triple: str
) -> None:
    found = compiler(target, runtime)
    options = f"-target {triple} -DLAMBDABUILD_ZIG={VERSION}"
    assert found.identity == f"zig {VERSION}"
    assert dict(found.variables) == {
        "CC": f"zig cc {options}",
        "CXX": f"zig c++ {options}",
        "CGO_CFLAGS": "-O2 -g0",
        "CGO_CXXFLAGS": "-O2 -g0",
        "CGO_LDFLAGS": "-O2 -s",
        **dict.fromkeys(HOST),
    }


def test_zig_is_found_by_path_so_that_go_is_told_the_same_on_every_machine() -> None:
    found = compiler(path="/one:/two")
    first, *rest = str(found.path).split(os.pathsep)
    assert os.access(os.path.join(first, "zig"), os.X_OK)
    assert rest == ["/one", "/two"]


@pytest.mark.usefixtures("no_wheel")
def test_without_the_wheel_it_is_the_zig_on_path(tmp_path: Path) -> None:
    zig = program(tmp_path / "bin" / "zig", "#!/bin/sh\n[ $1 = version ] && echo 0.99.1\n")
    path = f"/nowhere{os.pathsep}{zig.parent}"
    found = compiler(path=path)
    assert found.identity == "zig 0.99.1"
    assert dict(found.variables)["CC"] == (
        "zig cc -target x86_64-linux-gnu.2.34 -DLAMBDABUILD_ZIG=0.99.1"
    )
    assert found.path == f"{zig.parent}{os.pathsep}{path}"


@pytest.mark.usefixtures("no_wheel")
def test_a_zig_that_does_not_run_is_none(tmp_path: Path) -> None:
    zig = program(tmp_path / "bin" / "zig", "#!/bin/sh\nexit 1\n")
    with pytest.raises(LambdabuildError, match="neither zig nor CC is there"):
        compiler(path=str(zig.parent))


@pytest.mark.usefixtures("no_wheel")
def test_where_nothing_compiles_c_the_error_says_what_would() -> None:
    with pytest.raises(LambdabuildError) as caught:
        compiler(ARM64, Runtime.AL2, path="/nowhere")
    assert str(caught.value) == (
        "`cgo = true` needs a C compiler, and neither zig nor CC is there\n"
        f"  hint: `{install_command('cgo')}`, or set CC to a C compiler that links for "
        "aarch64-linux-gnu.2.26"
    )


def test_who_keeps_debug_information_keeps_that_of_c() -> None:
    found = dict(compiler(flags=Flags(ldflags="", cgo=True)).variables)
    assert {"CGO_CFLAGS", "CGO_CXXFLAGS", "CGO_LDFLAGS"}.isdisjoint(found)


def test_what_somebody_says_to_the_compiler_is_left_as_it_is() -> None:
    flags = FLAGS._replace(environment=(("CGO_LDFLAGS", "-lm"), ("CPATH", "/include")))
    found = dict(compiler(flags=flags, of_go={"CGO_CFLAGS": "-O3", "CXX": "clang++"}).variables)
    assert {"CGO_CFLAGS", "CGO_LDFLAGS", "CXX", "CPATH"}.isdisjoint(found)
    assert found["CGO_CXXFLAGS"] == "-O2 -g0"
    assert found["LIBRARY_PATH"] is None


def test_a_cc_that_somebody_chose_wins_and_go_reads_it_by_itself(tmp_path: Path) -> None:
    cc, cxx = program(tmp_path / "cc"), program(tmp_path / "cxx")
    told = [f"{path.stat().st_size} {path.stat().st_mtime_ns}" for path in (cc, cxx)]
    path = str(tmp_path)
    found = compiler(of_go={"CC": "cc -m64", "CXX": str(cxx)}, path=path)
    assert found == CCompiler(f"cc -m64 {told[0]}; {cxx} {told[1]}")
    # What the configuration says comes before what is exported.
    chosen = FLAGS._replace(environment=(("CC", f"'{cxx}' -flto"),))
    assert compiler(flags=chosen, of_go={"CC": "cc"}, path=path) == CCompiler(
        f"'{cxx}' -flto {told[1]}"
    )


def test_another_program_behind_cc_is_another_compiler(tmp_path: Path) -> None:
    cc = program(tmp_path / "cc")
    before = compiler(of_go={"CC": str(cc)})
    assert compiler(of_go={"CC": str(cc)}) == before
    os.utime(cc, ns=(1, 1))
    after = compiler(of_go={"CC": str(cc)})
    assert after.identity != before.identity


@pytest.mark.parametrize("variable", ["CC", "CXX"])
def test_a_compiler_that_is_not_there_is_refused(variable: str, tmp_path: Path) -> None:
    given = {"CC": str(program(tmp_path / "cc"))} | {variable: "no-such-cc -m64"}
    with pytest.raises(LambdabuildError) as caught:
        compiler(of_go=given)
    assert str(caught.value) == (
        f"{variable} is `no-such-cc -m64`, and there is no such program\n"
        f"  hint: install it, or take {variable} away: then zig is used "
        f"(`{install_command('cgo')}`)"
    )


def test_for_what_lambda_has_not_a_compiler_has_to_be_named(tmp_path: Path) -> None:
    riscv = Target("linux", "riscv64")
    with pytest.raises(LambdabuildError, match=r"there is no C compiler for linux/riscv64\n"):
        compiler(riscv)
    cc = str(program(tmp_path / "cc"))
    assert compiler(riscv, of_go={"CC": cc}).identity.startswith(f"{cc} ")


@pytest.mark.parametrize(
    ("goos", "name"), [("linux", "gcc"), ("darwin", "clang"), ("freebsd", "clang")]
)
def test_on_the_machine_itself_c_is_compiled_by_what_go_takes_there(
    goos: str, name: str, tmp_path: Path
) -> None:
    program(tmp_path / name)
    host = Target(goos, "amd64")
    settings = Settings(Config(choices={"cgo": True}), host=host)
    wanted = [("users-get", host)]
    found = compilers_of(wanted, settings, {"PATH": str(tmp_path)}, {})
    assert found["users-get", host].identity.startswith(f"{name} 10 ")
    assert found["users-get", host].variables == ()
    other = str(program(tmp_path / "cc"))
    chosen = compilers_of(wanted, settings, {"PATH": "/nowhere"}, {"CC": other})
    assert chosen["users-get", host].identity.startswith(f"{other} ")
    with pytest.raises(LambdabuildError) as caught:
        compilers_of(wanted, settings, {"PATH": "/nowhere"}, {})
    assert str(caught.value) == (
        f"`cgo = true` needs the C compiler of this machine, and there is no `{name}`\n"
        f"  hint: install {name}, or set CC to a C compiler"
    )


def test_only_functions_with_cgo_on_have_a_compiler() -> None:
    settings = Settings(
        Config(
            functions={
                "c": {"cgo": True},
                "off": {"cgo": True, "environment": {"CGO_ENABLED": "0"}},
                "go": {},
            }
        )
    )
    wanted = [("c", X86_64), ("c", ARM64), ("off", X86_64), ("go", X86_64), ("other", X86_64)]
    found = compilers_of(wanted, settings, {"PATH": "/usr/bin"}, {})
    assert found.keys() == {("c", X86_64), ("c", ARM64)}


@pytest.mark.usefixtures("no_wheel")
def test_where_no_function_has_cgo_on_nothing_is_looked_for() -> None:
    assert compilers_of([("users-get", X86_64)], Settings(), {"PATH": "/nowhere"}, {}) == {}
