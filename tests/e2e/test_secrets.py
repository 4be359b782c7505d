"""What the repository, and what a build runs, get to see and to do beyond a plain `go build`."""


import pytest

from tests.e2e.conftest import Project

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


@pytest.mark.parametrize(
    "flag", ["-wrapper ./evil.sh", "-B.", "-MF EVIL", "-o EVIL"]
)
def test_a_c_compiler_is_asked_nothing_that_go_would_not_ask(empty: Project, flag: str) -> None:
    """The header is looked for before `go build` sees the flag, and refuses it."""
    evil = empty.path / "evil"
    empty.write("lambdabuild.toml", "cgo = true\n")
    empty.write(
        "api/f/main.go",
        f"package main\n\n// #cgo CFLAGS: -Iinc {flag.replace('EVIL', str(evil))}\n"
        '// #include "x.h"\nimport "C"\n\nfunc main() {}\n',
    )
    empty.write("api/f/inc/x.h", '#include "y.h"\n')
    empty.write("api/f/inc/y.h", "")
    for name in ("evil.sh", "cc1"):
        empty.write(f"api/f/{name}", f'#!/bin/sh\ntouch "{evil}"\n')
        (empty / f"api/f/{name}").chmod(0o755)

    result = empty.run("all", env={"CC": "cc"})

    assert result.code == 1
    assert f"invalid flag in #cgo CFLAGS: {flag.split(maxsplit=1)[0]}" in result.err
    assert not evil.exists()
