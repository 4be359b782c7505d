"""Functions that would be others with cgo, which is off unless somebody turns it on."""

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import Project

pytestmark = pytest.mark.oldest_go

C = 'package {}\n\n// static int two(void) {{ return 2; }}\nimport "C"\n\n{}\n\nfunc Two() int {{ return int(C.two()) }}\n'
FILES = {
    # Nothing is left of it; half is left; a stub is left; Go does the same.
    "native/native.go": C.format("native", ""),
    "half/half.go": C.format("half", ""),
    "half/doc.go": "package half\n",
    "stub/cgo.go": C.format("stub", ""),
    "stub/other.go": "//go:build !cgo\n\npackage stub\n\n"
    'func Two() int { panic("not without C") }\n',
    "both/cgo.go": C.format("both", ""),
    "both/other.go": "//go:build !cgo\n\npackage both\n\nfunc Two() int { return 2 }\n",
    # It is another system's, whatever cgo is.
    "elsewhere/e_darwin.go": C.format("elsewhere", ""),
    "elsewhere/e.go": "//go:build !darwin\n\npackage elsewhere\n\nfunc Two() int { return 2 }\n",
}


def uses(package: str) -> str:
    path = f"example.com/empty/{package}"
    return f'package main\n\nimport "{path}"\n\nfunc main() {{ println({package}.Two()) }}\n'


def test_what_lacks_c_is_told_of_with_what_turns_it_on(empty: Project) -> None:
    for name, text in FILES.items():
        empty.write(name, text)
    for package in ("native", "half", "stub", "both", "elsewhere"):
        empty.write(f"api/{package}/main.go", uses(package))
    empty.write("api/again/main.go", uses("stub"))
    empty.write("api/chosen/main.go", uses("stub"))
    empty.write(
        "api/std/main.go", 'package main\n\nimport "net"\n\nvar _ = net.ParseIP\n\nfunc main() {}\n'
    )
    empty.write("lambdabuild.toml", "[functions.chosen]\ncgo = false\n")
    done = empty.run("all")
    assert done.code == 1
    remedy = '`cgo = true` under [functions."{}"] in lambdabuild.toml turns cgo on'
    for name, message in (
        (
            "native",
            f"error: build constraints exclude all Go files in {Path(empty.path, 'native')}",
        ),
        ("half", "api/half/main.go:5:28: error: undefined: half.Two"),
    ):
        told = rf"(?m)^{re.escape(message)}\n(  .*\n)+?  hint: {re.escape(remedy.format(name))}$"
        assert re.search(told, done.err), done.err
    warning = (
        "warning: cgo is off, and `example.com/empty/stub` is built without its C into "
        f"`again`, `stub`\n  hint: {remedy.format('again')}; "
        "`cgo = false` there says that it is not needed\n"
    )
    assert warning in done.err
    assert done.err.count("warning: ") == 1
    assert done.err.count("turns cgo on") == 3
    # Nothing is built again, and nothing said again.
    assert "warning: " not in empty.run("build", "again", "stub").err
    # Whoever does as it says is done with it.
    text = "".join(f"[functions.{name}]\ncgo = true\n" for name in ("again", "native", "half"))
    empty.write("lambdabuild.toml", f"{text}[functions.stub]\ncgo = false\n")
    planned = empty.run("all", "--dry-run", "--force")
    assert (planned.code, planned.err) == (0, "")
    assert planned.out.count("CGO_ENABLED=1") == 1
