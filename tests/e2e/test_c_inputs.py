"""What only the C compiler, the assembler and the linker read: an edit is seen, and compiled anew."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Project

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)

FLAGS = "// #cgo CFLAGS: -I${SRCDIR}/../../native\n"


def function(project: Project, preamble: str) -> None:
    project.write(
        "api/f/main.go",
        f'package main\n\n{preamble}import "C"\n\nfunc main() {{ println(int(C.answer())) }}\n',
    )
    project.write("lambdabuild.toml", 'cgo = true\nenv = { CC = "cc" }\n')


def header(project: Project, number: int) -> None:
    project.write("native/answer.h", f"static int answer(void) {{ return {number}; }}\n")


def deep(project: Project, number: int) -> None:
    project.write(
        "native/answer.h", '#include "deep/er.h"\nstatic int answer(void) { return N; }\n'
    )
    project.write("native/deep/er.h", f"#define N {number}\n")


def included_c(project: Project, number: int) -> None:
    project.write("native/answer.inc", f"static int answer(void) {{ return {number}; }}\n")


def library(project: Project, number: int) -> None:
    project.write("native/answer.c", f"int answer(void) {{ return {number}; }}\n")
    native = project / "native"
    subprocess.run(["cc", "-O1", "-c", "answer.c", "-o", "answer.o"], cwd=native, check=True)
    Path(native / "libanswer.a").unlink(missing_ok=True)
    subprocess.run(["ar", "rcs", "libanswer.a", "answer.o"], cwd=native, check=True)


def computed(project: Project, number: int) -> None:
    project.write("native/which.h", '#define WHICH "answer.h"\n#include WHICH\n')
    header(project, number)


@pytest.mark.parametrize(
    ("write", "preamble", "file"),
    [
        (header, f'{FLAGS}// #include "answer.h"\n', "native/answer.h"),
        (deep, f'{FLAGS}// #include "answer.h"\n', "native/deep/er.h"),
        (included_c, '// #include "../../native/answer.inc"\n', "native/answer.inc"),
        (computed, f'{FLAGS}// #include "which.h"\n', "native/answer.h"),
        (
            library,
            "// #cgo LDFLAGS: -L${SRCDIR}/../../native -lanswer\n// int answer(void);\n",
            "native/libanswer.a",
        ),
    ],
    ids=["header", "header of a header", "included C", "computed", "library"],
)
def test_what_c_takes_in_from_elsewhere_is_an_input(
    empty: Project, write: Callable[[Project, int], None], preamble: str, file: str
) -> None:
    function(empty, preamble)
    write(empty, 41)
    assert empty.run("all").code == 0
    assert empty.says("f") == "41"
    assert empty.run("why").out == "f: up to date\n"
    write(empty, 42)
    assert empty.run("why").out == f"f: {file} changed\n"
    assert empty.run("why", "--file", file).out == "f\n"
    files = empty.path.parent / "files"
    files.write_text(f"{file}\n")
    assert [f["name"] for f in empty.run("list", "--json", "--files-from", str(files)).json["functions"]] == ["f"]  # fmt: skip
    assert empty.run("all").code == 0
    assert empty.says("f") == "42"
    assert empty.run("why").out == "f: up to date\n"


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
