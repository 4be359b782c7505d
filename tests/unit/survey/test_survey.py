"""A survey asks Go once, compares inputs file by file, and sets aside what cannot be loaded."""

from pathlib import Path

import pytest

from lambdabuild.state.state import State
from lambdabuild.survey.survey import Survey
from tests.unit.shop import AUTH, MAIN, Shop, small_shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return small_shop(tmp_path)


def changed(before: Survey, after: Survey) -> set[str]:
    """Return the functions that would be made from something else."""
    return {key[0] for key, inputs in after.inputs.items() if inputs != before.inputs.get(key)}


def test_what_was_never_built_is_to_be_built(shop: Shop) -> None:
    found = shop.survey(State())
    assert {name: why for (name, _), why in found.reasons.items()} == {
        "login": "not built before",
        "logout": "not built before",
    }
    assert shop.asked == ["env", "list"]


def test_force_says_that_it_was_asked_for_and_asks_go_again(shop: Shop) -> None:
    state = State()
    shop.survey(state)
    assert set(shop.survey(state, force=True).reasons.values()) == {"--force"}
    assert shop.asked == ["env", "list"]


def test_where_nothing_changed_go_is_not_started(shop: Shop) -> None:
    state = State()
    first = shop.survey(state)
    again = shop.survey(state)
    assert (shop.asked, changed(first, again)) == ([], set())


def test_a_body_that_changed_affects_what_imports_it_and_starts_no_go(shop: Shop) -> None:
    state = State()
    first = shop.survey(state)
    shop.write("shop/internal/auth/auth.go", AUTH.format("false"))
    again = shop.survey(state)
    assert (shop.asked, changed(first, again)) == ([], {"login"})


def test_an_import_that_changed_has_go_list_again(shop: Shop) -> None:
    state = State()
    first = shop.survey(state)
    shop.write("shop/api/logout/main.go", MAIN.format(imports='"fmt"'))
    again = shop.survey(state)
    assert ("list" in shop.asked, changed(first, again)) == (True, {"logout"})


def test_a_file_that_comes_has_go_list_again_and_affects_its_package(shop: Shop) -> None:
    state = State()
    first = shop.survey(state)
    shop.write("shop/internal/auth/more.go", "package auth\n")
    again = shop.survey(state)
    assert ("list" in shop.asked, changed(first, again)) == (True, {"login"})


def test_what_cannot_be_loaded_is_set_aside_and_costs_nobody_else(shop: Shop) -> None:
    shop.broken.add("api/login")
    found = shop.survey(State())
    assert [step.function.name for step in found.plan.set_aside] == ["login"]
    assert [error.message for error in found.plan.set_aside[0].load_errors] == ["no such package"]
    assert {name for name, _ in found.reasons} == {"logout"}
