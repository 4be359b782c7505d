"""What ELF files hold, and what becomes of damaged ones."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.sizes.composition import code
from lambdabuild.sizes.executable import DAMAGE, Executable, Symbol, opened, parse
from lambdabuild.sizes.methods import CANARIES, keeps_all, keeps_all_methods
from tests.unit.sizes.elf import CODE, DATA, executable

FUNCTIONS = {"runtime.main": 32, "main.main": 64, "example.com/a.F": 16}
MADE = executable(
    functions=FUNCTIONS,
    data={"main.x": 8},
    modules="path\texample.com/f\nmod\texample.com\t(devel)\n",
)


def parsed(content: bytes) -> Executable:
    found = parse(content)
    assert found is not None
    return found


def test_symbols_come_with_their_places() -> None:
    assert list(parsed(MADE).symbols()) == [
        Symbol("runtime.main", CODE, 32, 1),
        Symbol("main.main", CODE + 32, 64, 1),
        Symbol("example.com/a.F", CODE + 96, 16, 1),
        Symbol("main.x", DATA, 8, 4),
        Symbol("runtime.mheap_", 0x9000, 4096, 6),
    ]


@pytest.mark.parametrize("symbols", [True, False])
def test_functions_are_known_with_symbols_and_without(symbols: bool) -> None:
    made = parsed(executable(functions=FUNCTIONS, symbols=symbols))
    assert dict(made.functions()) == FUNCTIONS


def test_modules_are_those_that_go_embedded() -> None:
    assert list(parsed(MADE).embedded()) == [
        ("path", "example.com/f", ""),
        ("mod", "example.com", ""),
    ]


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"MZ" + bytes(100), b"\x7fELF\x01\x01"])
def test_other_files_are_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with opened(str(tmp_path / "file")) as found:
        assert found is None
    assert keeps_all_methods(str(tmp_path / "file")) is None


def test_a_file_that_is_not_there_keeps_nobody_knows_what(tmp_path: Path) -> None:
    assert keeps_all_methods(str(tmp_path / "none")) is None


@pytest.mark.parametrize(
    ("names", "kept"), [(CANARIES, True), (CANARIES[:1], False), (CANARIES[1:], False), ((), False)]
)
def test_all_methods_are_kept_only_where_each_canary_is(names: tuple[str, ...], kept: bool) -> None:
    functions = FUNCTIONS | dict.fromkeys(names, 16)
    assert keeps_all(parse(executable(functions=functions))) is kept


def test_a_longer_name_is_no_canary() -> None:
    functions = {f"{name}.func1": 16 for name in CANARIES}
    assert keeps_all(parse(executable(functions=functions))) is False


def test_a_table_of_another_go_says_nothing() -> None:
    made = parsed(executable(functions=FUNCTIONS, magic=0xFFFFFFFB))
    assert (list(made.functions()), keeps_all(made)) == ([], None)


@given(st.data())
def test_damage_is_met_with_the_errors_that_are_named(data: st.DataObject) -> None:
    content = bytearray(MADE)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(6, len(content) - 1))] = data.draw(st.integers(0, 255))
    broken = bytes(content[: data.draw(st.integers(6, len(content)))])
    found = parse(broken)
    if found is not None:
        with contextlib.suppress(*DAMAGE):
            list(found.symbols())
        with contextlib.suppress(*DAMAGE):
            code(found)
        assert keeps_all(found) in {True, False, None}
