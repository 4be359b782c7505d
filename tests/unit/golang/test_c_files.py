"""What `#cgo` lines may tell a C compiler: no more than `go build` passes on."""

import pytest

from lambdabuild.golang.c_files import are_allowed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-I/shop/native -Iinc -I inc -I =/usr/include -I $SYSROOT/usr",
        "-DNDEBUG -DN=1 -D NAME -UN -O2 -O -g -g3 -Wall -Wno-unused -w -std=c11 -x c",
        "-fPIC -fno-exceptions -fvisibility=hidden -march=native -mavx2 -pthread",
        "-include config.h -isystem /opt/include --sysroot=/opt -Wa,-mbig-obj",
        "-I/opt/include -L/opt/lib -lpq -Wl,-rpath,/opt/lib",
    ],
)
def test_what_go_passes_to_a_compiler_may_be_passed(text: str) -> None:
    assert are_allowed(text.split())


@pytest.mark.parametrize(
    "text",
    [
        *("-wrapper ./evil.sh", "-fplugin=./evil.so", "-B.", "-B .", "-specs=evil.specs"),
        *("-o /home/u/x", "-o/home/u/x", "-MF /home/u/x", "-MD", "-save-temps", "--output=x"),
        *("@flags", "-I@flags", "-I @flags", "-include @flags", "-D @flags", "-L @flags"),
        *("-Xclang -load", "-Wp,-MF,x", "-Wa,-o,x", "-I -o", "-x -o", "-L x.c", "x.c"),
        *("-DX=-o", "-iplugindir=x", "-dumpdir x", "-time=x", "-ftime-trace=x", "-I", "-Dx y"),
    ],
)
def test_what_runs_a_program_or_names_an_output_is_refused(text: str) -> None:
    assert not are_allowed(text.split())
    assert not are_allowed(["-DFIRST", *text.split(), "-DLAST"])
