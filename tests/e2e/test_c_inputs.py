"""What only the C compiler, the assembler and the linker read: an edit is seen, and compiled anew."""

import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.e2e.watcher import watching

pytestmark = [pytest.mark.parametrize("go", ["go"], indirect=True), pytest.mark.extended]

Write = Callable[[Project, str, int], None]
ASSEMBLY = {
    "x86_64": ("movl $VALUE, %eax", "ret"),
    "aarch64": ("mov w0, #VALUE", "ret"),
    "arm64": ("mov w0, #VALUE", "ret"),
}


def flags(name: str) -> str:
    return f"// #cgo CFLAGS: -I${{SRCDIR}}/../../native/{name}\n"


def function(project: Project, name: str, preamble: str) -> None:
    """Write a function that prints what C answers."""
    project.write(
        f"api/{name}/main.go",
        f'package main\n\n{preamble}import "C"\n\nfunc main() {{ println(int(C.answer())) }}\n',
    )


def answer(project: Project, path: str, number: int) -> None:
    project.write(path, f"static int answer(void) {{ return {number}; }}\n")


def header(project: Project, name: str, number: int) -> None:
    function(project, name, f'{flags(name)}// #include "answer.h"\n')
    answer(project, f"native/{name}/answer.h", number)


def zig(project: Project, name: str, number: int) -> None:
    function(project, name, f'// #include "../../native/{name}/answer.h"\n')
    answer(project, f"native/{name}/answer.h", number)


def deep(project: Project, name: str, number: int) -> None:
    function(project, name, f'{flags(name)}// #include "answer.h"\n')
    project.write(
        f"native/{name}/answer.h",
        '#include "deep/er.h"\nstatic int answer(void) { return N; }\n',
    )
    project.write(f"native/{name}/deep/er.h", f"#define N {number}\n")


def included_c(project: Project, name: str, number: int) -> None:
    function(project, name, f'// #include "../../native/{name}/answer.inc"\n')
    answer(project, f"native/{name}/answer.inc", number)


def computed(project: Project, name: str, number: int) -> None:
    function(project, name, f'{flags(name)}// #include "which.h"\n')
    project.write(f"native/{name}/which.h", '#define WHICH "answer.h"\n#include WHICH\n')
    answer(project, f"native/{name}/answer.h", number)


def library(project: Project, name: str, number: int) -> None:
    place = f"-L${{SRCDIR}}/../../native/{name} -lanswer"
    function(project, name, f"// #cgo LDFLAGS: {place}\n// int answer(void);\n")
    project.write(f"native/{name}/answer.c", f"int answer(void) {{ return {number}; }}\n")
    native = project / f"native/{name}"
    subprocess.run(["cc", "-O1", "-c", "answer.c", "-o", "answer.o"], cwd=native, check=True)
    Path(native / "libanswer.a").unlink(missing_ok=True)
    subprocess.run(["ar", "rcs", "libanswer.a", "answer.o"], cwd=native, check=True)


def behind_a_link(project: Project, name: str, number: int) -> None:
    """Write a header that is named by a link, and told of by where it is."""
    function(project, name, '// #cgo CFLAGS: -I${SRCDIR}/../../linked\n// #include "answer.h"\n')
    if not (project / "linked").exists():
        (project / "linked").symlink_to(f"native/{name}")
    answer(project, f"native/{name}/answer.h", number)


def gnu_assembly(project: Project, name: str, number: int) -> None:
    function(project, name, "// int answer(void);\n")
    setting, returning = ASSEMBLY[platform.machine()]
    project.write(
        f"api/{name}/answer.S",
        f'#include "../../native/{name}/value.h"\n.globl answer\nanswer:\n'
        f'{setting}\n{returning}\n.section .note.GNU-stack,"",%progbits\n',
    )
    project.write(f"native/{name}/value.h", f"#define VALUE {number}\n")


def go_assembly(project: Project, name: str, number: int) -> None:
    project.write(
        f"api/{name}/main.go",
        "package main\n\nfunc answer() int\n\nfunc main() { println(answer()) }\n",
    )
    for machine, move, register in (("amd64", "MOVQ", "AX"), ("arm64", "MOVD", "R0")):
        project.write(
            f"api/{name}/answer_{machine}.s",
            f'#include "textflag.h"\n#include "../../native/{name}/value.h"\n\n'
            f"TEXT ·answer(SB),NOSPLIT,$0-8\n\t{move} $VALUE, {register}\n"
            f"\t{move} {register}, ret+0(FP)\n\tRET\n",
        )
    project.write(f"native/{name}/value.h", f"#define VALUE {number}\n")


def local_replace(project: Project, name: str, number: int) -> None:
    project.write(
        f"api/{name}/main.go",
        'package main\n\nimport "example.com/lib"\n\nfunc main() { println(lib.Answer()) }\n',
    )
    project.write(
        "go.mod",
        "module example.com/empty\n\ngo 1.22\n\nrequire example.com/lib v0.0.0\n\n"
        "replace example.com/lib => ../lib\n",
    )
    project.write("../lib/go.mod", "module example.com/lib\n\ngo 1.22\n")
    project.write(
        "../lib/lib.go",
        "package lib\n\n// #cgo CFLAGS: -I${SRCDIR}/include\n// #include <answer.h>\n"
        'import "C"\n\nfunc Answer() int { return int(C.answer()) }\n',
    )
    answer(project, "../lib/include/answer.h", number)


KINDS: dict[str, tuple[Write, str]] = {
    "assembly": (gnu_assembly, "native/assembly/value.h"),
    "computed": (computed, "native/computed/answer.h"),
    "deep": (deep, "native/deep/deep/er.h"),
    "go-assembly": (go_assembly, "native/go-assembly/value.h"),
    "header": (header, "native/header/answer.h"),
    "included": (included_c, "native/included/answer.inc"),
    "library": (library, "native/library/libanswer.a"),
    "link": (behind_a_link, "native/link/answer.h"),
    "replace": (local_replace, "../lib/include/answer.h"),
    "zig": (zig, "native/zig/answer.h"),
}
"""What writes a function of that name with its C, and the file that the answer is in."""


def test_what_c_takes_in_from_elsewhere_is_an_input(empty: Project) -> None:
    """All kinds together: each function has a file of its own."""
    compilers = [f'[functions.{name}]\nenv = {{ CC = "cc" }}\n' for name in KINDS if name != "zig"]
    empty.write("lambdabuild.toml", "cgo = true\n" + "".join(compilers))

    def write(number: int) -> None:
        for name, (kind, _) in KINDS.items():
            kind(empty, name, number)

    def said() -> dict[str, str]:
        return {name: empty.says(name) for name in KINDS}

    write(41)
    assert empty.run("all").code == 0
    assert said() == dict.fromkeys(KINDS, "41")
    assert set(empty.run("why", "--all").out.splitlines()) == {
        f"{name}: up to date" for name in KINDS
    }
    write(42)
    changed = {name: file for name, (_, file) in KINDS.items()} | {"link": "linked/answer.h"}
    assert empty.run("why", "--all").out.splitlines() == [
        f"{name}: {file} changed" for name, file in changed.items()
    ]
    for name in ("library", "link", "replace"):  # and all of them by --files-from below
        assert empty.run("why", "--file", KINDS[name][1]).out == f"{name}\n"
    files = empty.path.parent / "files"
    files.write_text("".join(f"{file}\n" for _, file in KINDS.values()))
    listed = empty.run("list", "--json", "--files-from", str(files)).json["functions"]
    assert [function["name"] for function in listed] == list(KINDS)
    assert empty.run("all").code == 0
    assert said() == dict.fromkeys(KINDS, "42")
    assert set(empty.run("why", "--all").out.splitlines()) == {
        f"{name}: up to date" for name in KINDS
    }
    # What is not there fails, and leaves what was built; it is seen when it is back.
    away = empty.path.parent / "away"
    away.mkdir()
    for name, (_, file) in KINDS.items():
        (empty / file).rename(away / name)
    result = empty.run("all", "--json")
    assert (result.code, result.statuses) == (1, dict.fromkeys(KINDS, "failed"))
    assert said() == dict.fromkeys(KINDS, "42")
    for name, (_, file) in KINDS.items():
        (away / name).rename(empty / file)
    assert empty.run("all").code == 0


@pytest.fixture
def hosted(empty: Project) -> Project:
    """A project whose C the host's own compiler makes."""
    empty.write("lambdabuild.toml", 'cgo = true\nenv = { CC = "cc" }\n')
    return empty


def test_a_header_may_be_there_or_not(hosted: Project) -> None:
    """Go's cache has the package with it, and takes it for that without."""
    name = '"../../native/answer.h"'
    function(
        hosted, "f",
        f"// #if __has_include({name})\n// #include {name}\n// #else\n"
        "// static int answer(void) { return 0; }\n// #endif\n",
    )  # fmt: skip
    answer(hosted, "native/answer.h", 41)
    away = hosted.path.parent / "away"
    for moved in ("native/answer.h", "native"):
        assert hosted.run("all").code == 0
        assert hosted.says("f") == "41"
        (hosted / moved).rename(away)
        assert hosted.run("why").out == "f: native/answer.h removed\n"
        assert hosted.run("all").code == 0
        assert hosted.says("f") == "0"
        assert hosted.run("why").out == "f: up to date\n"
        away.rename(hosted / moved)
        assert hosted.run("why").out == "f: native/answer.h added\n"


def test_watch_sees_a_header_that_lies_elsewhere_at_once(hosted: Project) -> None:
    header(hosted, "f", 41)
    with watching(hosted) as watch:
        for number in (42, 43):
            time.sleep(0.5)  # No late event makes it look.
            answer(hosted, "native/f/answer.h", number)
            assert watch.until("built f") == ["change native/f/answer.h: f", "built f"]
            assert hosted.says("f") == str(number)


def test_a_header_that_comes_first_takes_the_others_place(hosted: Project) -> None:
    function(hosted, "f", f'{flags("first")}{flags("f")}// #include "answer.h"\n')
    hosted.write("native/first/README", "none yet")
    answer(hosted, "native/f/answer.h", 41)
    assert hosted.run("all").code == 0
    answer(hosted, "native/first/answer.h", 42)
    assert hosted.run("why").out == "f: native/first/answer.h added\n"
    assert hosted.run("all").code == 0
    assert hosted.says("f") == "42"
