import json
from importlib import resources

import jsonschema
import pytest

from lambdabuild.core.build import Plan, Step
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.target import Target
from lambdabuild.output.causes import called, causes, in_order, reason_of
from lambdabuild.output.report import explanation_value
from lambdabuild.output.streams import print_line
from tests.unit.values import ARM64, X86_64, batch, relative, step

USERS = tuple(step(f"users-{verb}") for verb in ("list", "create", "get"))
CARTS = tuple(step(f"carts-{verb}") for verb in ("get", "expire"))


def explained(
    steps: tuple[Step, ...],
    reasons: dict[tuple[str, Target], str],
    names: tuple[str, ...] = (),
    *,
    everything: bool = False,
) -> list[str]:
    plan = Plan(steps, (batch(*steps),))
    return [f"{c.subject}{c.text}" for c in causes(plan, reasons, names, everything=everything)]


def test_functions_are_grouped_by_what_changed_and_what_is_up_to_date_is_counted() -> None:
    reasons = {step.key: "internal/users/users.go changed" for step in USERS}

    assert explained(USERS + CARTS, reasons) == [
        "users-create, users-get, users-list: internal/users/users.go changed",
        "2 functions are up to date",
    ]


def test_one_function_is_named_first_whatever_goes_for_it() -> None:
    reasons = {USERS[0].key: "not built before", CARTS[0].key: "ldflags changed"}

    assert explained((USERS[0], *CARTS), reasons) == [
        "carts-expire: up to date",
        "carts-get: ldflags changed",
        "users-list: not built before",
    ]


def test_the_order_is_the_one_that_was_asked_for() -> None:
    reasons = {step.key: f"{step.function.name} changed" for step in USERS}
    names = ("users-list", "users-get", "users-create")

    lines = [f"{name}: {name} changed" for name in names]
    assert explained(USERS, reasons, names) == lines
    assert explained(USERS, reasons, names, everything=True) == lines


def test_everything_has_a_line_for_each_step() -> None:
    steps = (*CARTS, step("carts-get", target=ARM64))
    reasons = {CARTS[0].key: "go.sum changed", ("carts-get", ARM64): "go.sum changed"}

    assert explained(steps, reasons, everything=True) == [
        "carts-expire: up to date",
        "carts-get for linux/amd64: go.sum changed",
        "carts-get for linux/arm64: go.sum changed",
    ]


def test_with_several_targets_a_line_says_which() -> None:
    both = [step(name, target=target) for name in ("a", "b") for target in (X86_64, ARM64)]
    steps = (*both, step("c"), step("d", target=ARM64), step("d"))
    reasons = {(name, X86_64): "x.go changed" for name in "abc"}
    reasons |= {("b", ARM64): "x.go changed", ("d", ARM64): "it is missing"}

    assert explained(steps, reasons) == [
        "a for linux/amd64; b for linux/amd64 and linux/arm64; c: x.go changed",
        "d for linux/arm64: it is missing",
        "a for linux/arm64; d for linux/amd64: up to date",
    ]
    assert explained(steps, {}) == ["4 functions are up to date"]
    assert called([s for s in steps if s.target == ARM64], steps) == [
        *("a for linux/arm64", "b for linux/arm64", "d for linux/arm64"),
    ]
    assert called(steps, steps) == ["a", "b", "c", "d"]


def test_of_many_functions_the_first_are_named() -> None:
    steps = tuple(step(f"f{number:02}") for number in range(13))
    (line,) = explained(steps, {step.key: "go.mod changed" for step in steps})

    assert line == ("f00, f01, f02, f03, f04, f05, f06, f07, f08, f09 and 3 more: go.mod changed")


def test_what_cannot_be_loaded_says_why() -> None:
    error = Diagnostic("m/f", "no required module provides it\nmore", None, None, None)
    broken = step("broken", errors=(error,))
    plan = Plan((broken, *CARTS), (batch(*CARTS),))

    assert [f"{cause.subject}{cause.text}" for cause in causes(plan, {})] == [
        "broken: cannot be loaded: no required module provides it",
        "2 functions are up to date",
    ]


@pytest.mark.parametrize("reasoned", [True, False])
def test_as_json_it_fits_the_schema(reasoned: bool) -> None:
    reasons = {USERS[0].key: "not built before"}
    value = explanation_value(
        in_order(USERS), relative, (lambda s: reason_of(s, reasons)) if reasoned else None
    )
    schema = json.loads(
        resources.files("lambdabuild").joinpath("schemas/why.schema.json").read_text("utf-8")
    )

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(value, schema)
    assert [(f["name"], f.get("reason", "-")) for f in value["functions"]] == (
        [("users-create", None), ("users-get", None), ("users-list", "not built before")]
        if reasoned
        else [("users-create", "-"), ("users-get", "-"), ("users-list", "-")]
    )


def test_a_label_in_colour_is_as_harmless_as_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(": went\x1b[2J", "a\x1b[31m", "1")
    print_line("plain")

    assert capsys.readouterr().out == "\x1b[1ma\\x1b[31m\x1b[0m: went\\x1b[2J\nplain\n"
