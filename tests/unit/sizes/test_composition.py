"""Sizes by module and package."""

from lambdabuild.core.gopackage import Module
from lambdabuild.sizes.composition import (
    CONSTANTS,
    FUNCTION_TABLE,
    SECTIONS,
    WITHOUT_PACKAGE,
    ModuleSize,
    Sized,
    code,
    composition,
)
from lambdabuild.sizes.executable import Executable, parse
from tests.unit.sizes.elf import executable
from tests.unit.values import graph, package

MAIN = "shop.dev/api/f"
SHOP = Module("shop.dev", "/shop", None, main=True)
DEP = Module("x.dev/dep", "/dep", "v1.2.3", main=False)
GRAPH = graph(
    package(MAIN)._replace(module=SHOP),
    package("shop.dev/a")._replace(module=SHOP),
    package("x.dev/dep/sub")._replace(module=DEP),
    package("old/style"),
)
FUNCTIONS = {
    "runtime.main": 100, "net/http.Get": 60, "main.main": 30, "shop.dev/a.F": 50,
    "x.dev/dep/sub.G": 40, "x.dev/dep/other.H": 5, "old/style.I": 3, "memeqbody": 7,
}  # fmt: skip


def made(**more: object) -> Executable:
    found = parse(executable(functions=FUNCTIONS, **more))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_all_that_is_loaded_is_in_one_part() -> None:
    whole = made(data={"shop.dev/a.x": 9, "go:string.*": 2}, constants=11)
    found = composition(whole, MAIN, GRAPH)

    assert found.modules == (
        ModuleSize("std", None, 160, (Sized("runtime", 100), Sized("net/http", 60))),
        ModuleSize("shop.dev", None, 89, (Sized("shop.dev/a", 59), Sized(MAIN, 30))),
        ModuleSize(
            "x.dev/dep", "v1.2.3", 45, (Sized("x.dev/dep/sub", 40), Sized("x.dev/dep/other", 5))
        ),
        ModuleSize("old/style", None, 3, (Sized("old/style", 3),)),
    )
    rest = dict(found.rest)
    assert (rest[WITHOUT_PACKAGE], rest[CONSTANTS]) == (7, 11)
    assert rest.keys() == {WITHOUT_PACKAGE, CONSTANTS, FUNCTION_TABLE, SECTIONS}
    # Zeros are no part of the file.
    assert found.size == sum(section.size for section in whole.sections if section.is_loaded)


def test_without_symbols_there_is_the_code_alone() -> None:
    with_symbols, without = (
        composition(made(symbols=symbols, data={"shop.dev/a.x": 9}), MAIN, GRAPH)
        for symbols in (True, False)
    )
    code_of = {module.path: module.size for module in without.modules}
    assert code_of == {m.path: m.size for m in with_symbols.modules} | {"shop.dev": 80}
    assert (without.size, with_symbols.has_data, without.has_data) == (
        with_symbols.size,
        True,
        False,
    )


def test_code_is_by_the_modules_that_are_embedded() -> None:
    modules = f"path\t{MAIN}\nmod\tshop.dev\t(devel)\t\ndep\tx.dev/dep\tv1.2.3\th1:x=\n"
    assert code(made(symbols=False, modules=modules)) == (
        ModuleSize(
            "std", None, 170,
            (Sized("runtime", 107), Sized("net/http", 60), Sized("old/style", 3)),
        ),
        ModuleSize("shop.dev", None, 80, (Sized("shop.dev/a", 50), Sized(MAIN, 30))),
        ModuleSize("x.dev/dep", "v1.2.3", 45, (Sized("x.dev/dep/sub", 40), Sized("x.dev/dep/other", 5))),
    )  # fmt: skip
