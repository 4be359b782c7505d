"""What an executable is kept under: equal inputs, wherever they are, and nothing of one machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.build.restore import key_of
from lambdabuild.core.artifact import UNKNOWN, Input
from lambdabuild.core.gopackage import Package
from lambdabuild.core.target import CCompiler, Flags
from tests.unit.values import step

STEP = step()
LIBRARY = "example.com/shop/c"
PATH = STEP.function.package
INPUTS = (("go", "go1.26.8"), ("file api/users/get/main.go", "12ab"), ("flag ldflags", "-s -w"))
ZIG = CCompiler("zig 0.16.0")

texts = st.text(max_size=8)
inputs = st.dictionaries(texts.map("file {}".format), texts.map("={}".format), min_size=1).map(
    lambda found: tuple(found.items())
)


def key(
    found: tuple[Input, ...], compiler: CCompiler | None = None, *, c: bool = False
) -> str | None:
    """Return the key of a step; with `c`, what it imports has C."""
    flags = Flags(cgo=compiler is not None, compiler=compiler)
    graph = {
        PATH: Package(PATH, "main", "", (), (), ("net", LIBRARY), None, False, ()),
        LIBRARY: Package(LIBRARY, "library", "", (), (), (), None, True, (), cgo=c),
    }
    return key_of(STEP._replace(flags=flags), found, graph)


def test_equal_inputs_have_one_key_on_every_machine_and_in_every_version() -> None:
    # Another one would have every team build all again.
    assert key(INPUTS) == ("7e1411c5c7e4d4b0516b2fc24da747291446821335f6ac1a63c398a3f6a63714")
    assert key(INPUTS[::-1]) == key(INPUTS)


@given(inputs, inputs)
def test_other_inputs_have_another_key(one: tuple[Input, ...], other: tuple[Input, ...]) -> None:
    assert (key(one) == key(other)) is (sorted(one) == sorted(other))
    assert key((*one, ("env GOAMD64", "v3"))) != key(one)


@pytest.mark.parametrize(
    "found",
    [
        (),
        (*INPUTS, ("untracked", "-overlay=there.json")),
        (*INPUTS, ("directory", "/home/me/shop")),
        (*INPUTS, ("file api/users/get/template.html", UNKNOWN)),
    ],
)
def test_what_is_of_one_machine_or_not_known_has_no_key(found: tuple[Input, ...]) -> None:
    assert key(found) is None


def test_c_of_the_standard_library_is_shared_where_zig_compiles_it() -> None:
    assert key(INPUTS, ZIG) is not None
    assert key(INPUTS, CCompiler("/usr/bin/gcc 12.2.0")) is None


def test_other_c_is_not_shared() -> None:
    assert key(INPUTS, ZIG, c=True) is None


@pytest.mark.parametrize("name", ["setting CC", "setting CGO_CFLAGS", "env CGO_LDFLAGS"])
def test_what_is_told_a_c_compiler_is_of_one_machine(name: str) -> None:
    assert key((*INPUTS, (name, "-I/opt/include")), ZIG) is None
    assert key((*INPUTS, (name, "-I/opt/include"))) is not None
