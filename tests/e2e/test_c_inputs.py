"""What only the C compiler, the assembler and the linker read: an edit is seen, and compiled anew."""

import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.e2e.watcher import watching

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)

Write = Callable[[Project, int], None]
FLAGS = "// #cgo CFLAGS: -I${SRCDIR}/../../native\n"
ASSEMBLY = {
    "x86_64": ("movl $VALUE, %eax", "ret"),
    "aarch64": ("mov w0, #VALUE", "ret"),
    "arm64": ("mov w0, #VALUE", "ret"),
}


def function(project: Project, preamble: str, *, compiler: str | None = "cc") -> None:
    """Write a function that prints what C answers; without a compiler of its own, zig's is used."""
    project.write(
        "api/f/main.go",
        f'package main\n\n{preamble}import "C"\n\nfunc main() {{ println(int(C.answer())) }}\n',
    )
    env = f'env = {{ CC = "{compiler}" }}\n' if compiler else ""
    project.write("lambdabuild.toml", f"cgo = true\n{env}")


def header(project: Project, number: int) -> None:
    project.write("native/answer.h", f"static int answer(void) {{ return {number}; }}\n")


def including(preamble: str, *, compiler: str | None = "cc") -> Write:
    def write(project: Project, number: int) -> None:
        if not (project / "api").exists():
            function(project, preamble, compiler=compiler)
        header(project, number)

    return write


def deep(project: Project, number: int) -> None:
    function(project, f'{FLAGS}// #include "answer.h"\n')
    project.write(
        "native/answer.h", '#include "deep/er.h"\nstatic int answer(void) { return N; }\n'
    )
    project.write("native/deep/er.h", f"#define N {number}\n")


def included_c(project: Project, number: int) -> None:
    function(project, '// #include "../../native/answer.inc"\n')
    project.write("native/answer.inc", f"static int answer(void) {{ return {number}; }}\n")


def library(project: Project, number: int) -> None:
    function(project, "// #cgo LDFLAGS: -L${SRCDIR}/../../native -lanswer\n// int answer(void);\n")
    project.write("native/answer.c", f"int answer(void) {{ return {number}; }}\n")
    native = project / "native"
    subprocess.run(["cc", "-O1", "-c", "answer.c", "-o", "answer.o"], cwd=native, check=True)
    Path(native / "libanswer.a").unlink(missing_ok=True)
    subprocess.run(["ar", "rcs", "libanswer.a", "answer.o"], cwd=native, check=True)


def computed(project: Project, number: int) -> None:
    function(project, f'{FLAGS}// #include "which.h"\n')
    project.write("native/which.h", '#define WHICH "answer.h"\n#include WHICH\n')
    header(project, number)


def behind_a_link(project: Project, number: int) -> None:
    """Write a header that is named by a link, and told of by where it is."""
    function(project, f'{FLAGS.replace("native", "linked")}// #include "answer.h"\n')
    if not (project / "linked").exists():
        (project / "linked").symlink_to("native")
    header(project, number)


def gnu_assembly(project: Project, number: int) -> None:
    function(project, "// int answer(void);\n")
    register, returning = ASSEMBLY[platform.machine()]
    project.write(
        "api/f/answer.S",
        '#include "../../native/value.h"\n.globl answer\nanswer:\n'
        f'{register}\n{returning}\n.section .note.GNU-stack,"",%progbits\n',
    )
    project.write("native/value.h", f"#define VALUE {number}\n")


def go_assembly(project: Project, number: int) -> None:
    project.write(
        "api/f/main.go", "package main\n\nfunc answer() int\n\nfunc main() { println(answer()) }\n"
    )
    for machine, register in (("amd64", "AX"), ("arm64", "R0")):
        project.write(
            f"api/f/answer_{machine}.s",
            '#include "textflag.h"\n#include "../../native/value.h"\n\n'
            f"TEXT ·answer(SB),NOSPLIT,$0-8\n\tMOV{'Q' if machine == 'amd64' else 'D'} $VALUE, {register}\n"
            f"\tMOV{'Q' if machine == 'amd64' else 'D'} {register}, ret+0(FP)\n\tRET\n",
        )
    project.write("native/value.h", f"#define VALUE {number}\n")


def local_replace(project: Project, number: int) -> None:
    function(project, "")
    project.write(
        "api/f/main.go",
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
    project.write("../lib/include/answer.h", f"static int answer(void) {{ return {number}; }}\n")


@pytest.mark.parametrize(
    ("write", "file", "told"),
    [
        (including(f'{FLAGS}// #include "answer.h"\n'), "native/answer.h", None),
        (including('// #include "../../native/answer.h"\n', compiler=None), "native/answer.h", None),
        (deep, "native/deep/er.h", None),
        (included_c, "native/answer.inc", None),
        (computed, "native/answer.h", None),
        (library, "native/libanswer.a", None),
        (behind_a_link, "native/answer.h", "linked/answer.h"),
        (gnu_assembly, "native/value.h", None),
        (go_assembly, "native/value.h", None),
        (local_replace, "../lib/include/answer.h", None),
    ],
    ids=[
        "header", "zig", "header of a header", "included C", "computed", "library", "link",
        "assembly", "Go's assembly", "local replace",
    ],
)  # fmt: skip
def test_what_c_takes_in_from_elsewhere_is_an_input(
    empty: Project, write: Write, file: str, told: str | None
) -> None:
    write(empty, 41)
    assert empty.run("all").code == 0
    assert empty.says("f") == "41"
    assert empty.run("why").out == "f: up to date\n"
    write(empty, 42)
    assert empty.run("why").out == f"f: {told or file} changed\n"
    assert empty.run("why", "--file", file).out == "f\n"
    files = empty.path.parent / "files"
    files.write_text(f"{file}\n")
    listed = empty.run("list", "--json", "--files-from", str(files)).json["functions"]
    assert [function["name"] for function in listed] == ["f"]
    assert empty.run("all").code == 0
    assert empty.says("f") == "42"
    assert empty.run("why").out == "f: up to date\n"
    # What is not there fails, and leaves what was built; it is seen when it is back.
    (empty / file).rename(empty.path.parent / "away")
    result = empty.run("all", "--json")
    assert (result.code, result.statuses) == (1, {"f": "failed"})
    assert empty.says("f") == "42"
    (empty.path.parent / "away").rename(empty / file)
    assert empty.run("all").code == 0


def test_a_header_may_be_there_or_not(empty: Project) -> None:
    """Go's cache has the package with it, and takes it for that without."""
    name = '"../../native/answer.h"'
    function(
        empty,
        f"// #if __has_include({name})\n// #include {name}\n// #else\n"
        "// static int answer(void) { return 0; }\n// #endif\n",
    )
    header(empty, 41)
    away = empty.path.parent / "away"
    for moved in ("native/answer.h", "native"):
        assert empty.run("all").code == 0
        assert empty.says("f") == "41"
        (empty / moved).rename(away)
        assert empty.run("why").out == "f: native/answer.h removed\n"
        assert empty.run("all").code == 0
        assert empty.says("f") == "0"
        assert empty.run("why").out == "f: up to date\n"
        away.rename(empty / moved)
        assert empty.run("why").out == "f: native/answer.h added\n"


def test_watch_sees_a_header_that_lies_elsewhere_at_once(empty: Project) -> None:
    write = including(f'{FLAGS}// #include "answer.h"\n')
    write(empty, 41)
    with watching(empty) as watch:
        for number in (42, 43):
            time.sleep(0.5)  # No late event makes it look.
            write(empty, number)
            assert watch.until("built f") == ["change native/answer.h: f", "built f"]
            assert empty.says("f") == str(number)


def test_a_header_that_comes_first_takes_the_others_place(empty: Project) -> None:
    second = FLAGS.replace("native", "other")
    function(empty, f'{second}{FLAGS}// #include "answer.h"\n')
    empty.write("other/README", "none yet")
    header(empty, 41)
    assert empty.run("all").code == 0
    empty.write("other/answer.h", "static int answer(void) { return 42; }\n")
    assert empty.run("why").out == "f: other/answer.h added\n"
    assert empty.run("all").code == 0
    assert empty.says("f") == "42"
