"""What packages lack where cgo is off: told from the texts of their files."""

import pytest

from lambdabuild.core.target import Target
from lambdabuild.golang.constraints import left_in, named_for
from lambdabuild.survey.cgo.withoutc import LeftOut, is_missed
from tests.unit.values import ARM64, DARWIN, X86_64

WITH_C = b'package db\n\n// int two(void);\nimport "C"\n\nfunc Open() int { return int(C.two()) }\n'


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("db.go", X86_64, True),
        ("db_linux.go", X86_64, True),
        ("db_darwin.go", X86_64, False),
        ("db_darwin.go", DARWIN, True),
        ("db_arm64.go", X86_64, False),
        ("db_linux_arm64.go", ARM64, True),
        ("db_linux_arm64.go", X86_64, False),
        # What stands before the first underscore is no system.
        ("darwin.go", X86_64, True),
        ("db_cgo.go", X86_64, True),
    ],
)
def test_a_file_name_is_for_a_target(name: str, target: Target, expected: bool) -> None:
    assert named_for(name, target) is expected


@pytest.mark.parametrize(
    ("line", "without", "with_cgo"),
    [
        ("cgo", False, True),
        ("!cgo", True, False),
        ("linux && cgo", False, True),
        ("windows && cgo", False, False),
        ("cgo && (amd64 || arm64)", False, True),
        ("!(cgo && linux) && go1.20", True, False),
        ("darwin || !cgo // otherwise a stub", True, False),
        ("unix && extra", True, True),
        ("ignore", False, False),
        ("(", True, True),
    ],
)
def test_a_constraint_holds_with_cgo_or_without(line: str, without: bool, with_cgo: bool) -> None:
    source = f"// Text.\n\n//go:build {line}\n\npackage db\n".encode()
    found = [left_in(source, X86_64, {"extra"}, cgo=cgo) for cgo in (False, True)]
    assert found == [without, with_cgo]
    assert left_in(b"package db\n", X86_64, (), cgo=False)


@pytest.mark.parametrize(
    ("instead", "expected"),
    [
        pytest.param('func Open() int { panic("this driver needs cgo") }', True, id="panics"),
        pytest.param(
            'var err = errors.New("built with CGO_ENABLED=0")\n\nfunc Open() error { return err }',
            True,
            id="says so",
        ),
        pytest.param(
            "func Open() (int, error) {\n\treturn 0, ErrUnsupported\n}\n\nfunc (d *D) Close() {}",
            True,
            id="gives up",
        ),
        pytest.param("func Open() int { return 2 }", False, id="does it with Go"),
        pytest.param(
            "func Open() (int, error) {\n\tif !ok {\n\t\treturn 0, errClosed\n\t}\n\treturn 2, nil\n}",
            False,
            id="does it with Go, and may fail",
        ),
        pytest.param("const enabled = false", False, id="a constant"),
        pytest.param('import _ "x/fakecgo"\n\nfunc Open() int { return 2 }', False, id="imports"),
    ],
)
def test_c_is_missed_where_only_a_stub_takes_its_place(instead: str, expected: bool) -> None:
    source = f"//go:build !cgo\n\npackage db\n\n{instead}\n".encode()
    assert is_missed(LeftOut((WITH_C,), (source,))) is expected


def test_c_is_missed_where_nothing_takes_its_place() -> None:
    assert is_missed(LeftOut((WITH_C,), ()))
    assert not is_missed(LeftOut((), ()))
    assert not is_missed(LeftOut((b"//go:build cgo\n\npackage db\n\nconst enabled = true\n",), ()))
