"""What `why --size` shows, and its JSON."""

from typing import Any

import jsonschema
import pytest

from lambdabuild.output.sizes import Examined, Keeper, size_lines, size_value
from lambdabuild.sizes.composition import UNLOADED, Composition, ModuleSize, Sized
from lambdabuild.sizes.dependencies import Cause
from tests.schemas import schema
from tests.unit.values import relative, step

EVAL = "text/template.(*state).evalField"
CAUSE = Cause(
    EVAL,
    "reflect.Value.MethodByName",
    ("runtime.main", "main.main", "x.dev/t.F·f", "x.dev/t.F", EVAL),
)
KEEPER = Keeper(CAUSE, ("shop.dev/f", "x.dev/t", "text/template"), "x.dev/t")
STD = ModuleSize("std", None, 600_000, tuple(Sized(f"p{n}", 100_000 - n) for n in range(6)))
DEPS = tuple(
    ModuleSize(f"x.dev/m{n}", f"v1.{n}.0", 1000 - n, (Sized(f"x.dev/m{n}", 1000 - n),))
    for n in range(12)
)
PARTS = Composition((STD, *DEPS), (Sized("function table", 250_000),))


def examined(**more: Any) -> Examined:
    defaults: dict[str, Any] = {
        "step": step("f"), "size": PARTS.size + 5000, "is_built": True, "zip_size": 300_000,
        "parts": PARTS, "keeps_all": False,
    }  # fmt: skip
    return Examined(**defaults | more)


def text(*items: Examined, everything: bool = False) -> list[str]:
    return [f"{line.subject}{line.text}" for line in size_lines(items, everything=everything)]


def test_what_is_large_is_shown_and_the_rest_together() -> None:
    first, *lines = text(examined())
    assert first == "f: 0.9 MB, 0.3 MB as a zip"
    assert lines[:5] == [
        "     0.6 MB  69%  std (the standard library)",
        "     0.1 MB  12%    p0",
        "   100.0 kB  12%    p1",
        "   100.0 kB  12%    p2",
        "     1.0 kB   0%  x.dev/m0 v1.0.0",
    ]
    assert "     3.0 kB   0%  3 more modules (--all lists them)" in lines
    assert lines[-1] == "  methods: the linker left out those that nothing calls"
    assert f"     5.0 kB   1%  ({UNLOADED})" in lines


def test_everything_is_every_module_and_package() -> None:
    lines = text(examined(), everything=True)
    assert sum("x.dev/m" in line for line in lines) == 2 * len(DEPS)
    assert sum("    p" in line for line in lines) == len(STD.packages)
    assert not any("--all" in line for line in lines)


def test_a_cause_is_shown_with_its_imports_its_calls_and_a_remedy() -> None:
    lines = text(
        examined(parts=None, zip_size=None, is_built=False, keeps_all=True, keepers=(KEEPER,))
    )
    assert lines == [
        "f: 0.9 MB, as it would be built now",
        "  methods: the linker kept all exported ones, called or not, as one may be called by its name",
        f"    {EVAL} calls reflect.Value.MethodByName",
        "      imports: shop.dev/f -> x.dev/t -> text/template",
        f"      calls: main.main -> x.dev/t.F -> {EVAL}",
        "  hint: replace x.dev/t, or take a version or a build tag of it without text/template",
    ]


def test_of_several_causes_each_is_said_to_be_enough() -> None:
    other = Keeper(
        Cause("y.dev/u.G", None, ("main.main", "y.dev/u.G")), ("shop.dev/f", "y.dev/u"), "y.dev/u"
    )
    again = other._replace(cause=other.cause._replace(function="y.dev/u.H"))
    lines = text(examined(keeps_all=True, keepers=(KEEPER, other, again), followers=(other,)))
    assert "    y.dev/u.G calls Method or MethodByName of reflect; so do 1 more" in lines
    assert "    each of these is enough: text/template, y.dev/u" in lines
    assert "    reached only after that, and perhaps gone with it: y.dev/u" in lines
    assert lines[-1] == "  hint: replace y.dev/u, or take a version or a build tag of it"


@pytest.mark.parametrize(
    ("keeper", "sentence", "remedy"),
    [
        (KEEPER._replace(first_foreign=None), f"{EVAL} calls reflect.Value.MethodByName",
         "call methods by an interface, or give MethodByName a constant name"),
        (KEEPER._replace(first_foreign="text/template"), f"{EVAL} calls reflect.Value.MethodByName",
         "do without text/template, or have a function of its own for what needs it"),
        (Keeper(Cause("a.T.Run", None, ("main.main", "type:a.T", "a.T.Run")), ()),
         "a.T.Run calls Method or MethodByName of reflect, and is kept as something calls Run", None),
        (Keeper(Cause("a.T.Run", None, ("main.main", "type:a.T", "a.T.Run")), (), "b.dev/b", "b.dev/b"),
         "a.T.Run calls Method or MethodByName of reflect, and is kept as b.dev/b calls "
         'MethodByName("Run")',
         "replace b.dev/b, or take a version or a build tag of it"),
    ],
)  # fmt: skip
def test_what_is_to_blame_and_what_helps(keeper: Keeper, sentence: str, remedy: str | None) -> None:
    assert (keeper.sentence, keeper.remedy) == (sentence, remedy)


def test_what_is_not_known_is_said() -> None:
    missing = "what calls methods by name, as the linker says nothing to `-dumpdep`"
    lines = text(examined(parts=None, keeps_all=True, missing=(missing,)))
    assert lines[1:] == [
        "  methods: the linker kept all exported ones, called or not", f"  not known: {missing}",
    ]  # fmt: skip
    assert text(examined(parts=None, keeps_all=None))[1:] == []


@pytest.mark.parametrize(
    "item",
    [
        examined(),
        examined(parts=None, zip_size=None, keeps_all=None, missing=("sizes",)),
        examined(
            keeps_all=True, keepers=(KEEPER,), followers=(KEEPER._replace(first_foreign=None),)
        ),
    ],
)
def test_the_json_keeps_to_its_schema(item: Examined) -> None:
    value = size_value([item], relative)
    jsonschema.validate(value, schema("size"))
    [function] = value["functions"]
    if item.parts is not None:
        parts = function["modules"] + function["rest"]
        assert sum(part["size"] for part in parts) == function["size"]
