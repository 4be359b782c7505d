"""The imports by which a function comes to a package."""

import pytest

from lambdabuild.sizes.imports import import_chain, is_standard, shortest_imports
from tests.unit.values import graph, package

MAIN = "shop.dev/api/f"
GRAPH = graph(
    package(MAIN, "shop.dev/a", "shop.dev/b"),
    package("shop.dev/a", "x.dev/trace"),
    package("shop.dev/b", "shop.dev/c"),
    package("shop.dev/c", "x.dev/trace", "x.dev/gopkg.v3"),
    package("x.dev/trace"),
    package("x.dev/gopkg.v3"),
)


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        (["main.main", "shop.dev/a.F", "x.dev/trace.G"], ["shop.dev/a", "x.dev/trace"]),
        # Not by `a`, which is shorter, and has nothing to do with it.
        (["main.main", "shop.dev/c.F", "x.dev/trace.G"],
         ["shop.dev/b", "shop.dev/c", "x.dev/trace"]),
        # What starts by itself, because it is imported.
        (["go:main.inittasks", "x.dev/trace..inittask", "x.dev/trace.init.0"],
         ["shop.dev/a", "x.dev/trace"]),
        (["_rt0_amd64_linux", "runtime.main", "main.main", "shop.dev/a.F", "html/template.G",
          "text/template.(*state).evalField"],
         ["shop.dev/a", "html/template", "text/template"]),
        (["main.main", "shop.dev/c.F", "x.dev/gopkg%2ev3.G"],
         ["shop.dev/b", "shop.dev/c", "x.dev/gopkg.v3"]),
        # A method, by an interface: nothing imports its package from there.
        (["main.main", "x.dev/trace.F", "type:*shop.dev/b.T", "shop.dev/b.(*T).M"], ["shop.dev/b"]),
        (["main.main", "shop.dev/a.F", "main.glob..func1"], []),
        (["main.main"], []),
        ([], []),
    ],
)  # fmt: skip
def test_the_way_goes_by_the_packages_of_the_symbols(
    symbols: list[str], expected: list[str]
) -> None:
    assert import_chain(MAIN, symbols, GRAPH) == (MAIN, *expected)


def test_the_shortest_imports() -> None:
    assert shortest_imports(MAIN, "x.dev/gopkg.v3", GRAPH) == (
        MAIN, "shop.dev/b", "shop.dev/c", "x.dev/gopkg.v3",
    )  # fmt: skip
    assert shortest_imports(MAIN, "not/there", GRAPH) == (MAIN, "not/there")


def test_packages_of_the_standard_library_begin_without_a_dot() -> None:
    assert is_standard("net/http")
    assert not is_standard("golang.org/x/net/trace")
