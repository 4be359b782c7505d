"""A survey asks Go once, compares inputs file by file, and sets aside what cannot be loaded."""

import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lambdabuild.config.settings import Settings
from lambdabuild.output.console import Console, Look
from lambdabuild.state.state import State
from lambdabuild.survey.session import Session, Tools
from lambdabuild.survey.survey import Survey, survey
from lambdabuild.system.process import Command, Completed, Stop
from lambdabuild.system.signals import Interrupts
from lambdabuild.system.timeline import Timeline

MODULE = "example.com/shop"
AUTH = "package auth\n\nfunc Check() bool {{ return {} }}\n"
MAIN = "package main\n\nimport {imports}\n\nfunc main() {{}}\n"


@dataclass(slots=True)
class Shop:
    """Two functions, one of which imports a library, and a `go` that only says what is told."""

    path: Path
    broken: set[str] = field(default_factory=set)
    """Directories of packages that cannot be loaded."""
    asked: list[str] = field(default_factory=list)
    """The subcommands of `go` that were run."""

    def __call__(
        self,
        command: Command,
        tick: Callable[[], Stop | None] | None = None,
        interval: float = 0.1,
    ) -> Completed:
        del tick, interval
        self.asked.append(command.arguments[1])
        if command.arguments[1] == "env":
            cache, go = str(self.path / "cache"), str(self.path / "go")
            said: list[dict[str, Any]] = [{
                "GOVERSION": "go1.26.8", "GOFLAGS": "", "GOWORK": "", "GOCACHE": cache,
                "GOMODCACHE": cache, "GOTOOLCHAIN": "auto", "GOROOT": go, "GOTOOLDIR": go,
            }]  # fmt: skip
        else:
            said = [
                self.package("internal/auth", [], "auth"),
                self.package("api/login", [f"{MODULE}/internal/auth"]),
                self.package("api/logout", []),
            ]
        return Completed(0, "".join(map(json.dumps, said)), "")

    def close(self) -> None:
        """Have nothing to stop."""

    def package(self, place: str, imports: list[str], name: str = "main") -> dict[str, Any]:
        directory = self.path / "shop" / place
        package: dict[str, Any] = {
            "ImportPath": f"{MODULE}/{place}", "Name": name, "Dir": str(directory),
            "GoFiles": sorted(file.name for file in directory.glob("*.go")), "Imports": imports,
            "DepOnly": name != "main",
            "Module": {"Path": MODULE, "Main": True, "Dir": str(self.path / "shop")},
        }  # fmt: skip
        if place in self.broken:
            package["Error"] = {"Pos": f"{place}/main.go:3:8", "Err": "no such package"}
        return package

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def survey(self, state: State, *, force: bool = False) -> Survey:
        """Survey as a run does, and record it in the state; forget what was asked before."""
        self.asked.clear()
        settings, here = Settings(), str(self.path / "shop")
        environment = {"PATH": str(self.path / "go"), "HOME": str(self.path)}
        console = Console(Look(terminal=False, color=False), io.StringIO())
        tools = Tools(environment, self, console, Interrupts(), Timeline())
        session = Session(settings.paths(here, here), settings, tools)
        # Some time after the last write: what was written at that very moment is looked at again.
        clock = time.time_ns() + 10**9
        found = survey(session, (), state, clock, force=force)
        found.note_in(state)
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    shop.write("go/go", "\x7fELF")
    (tmp_path / "go/go").chmod(0o755)
    shop.write("shop/go.mod", f"module {MODULE}\n\ngo 1.22\n")
    shop.write("shop/internal/auth/auth.go", AUTH.format("true"))
    shop.write("shop/api/login/main.go", MAIN.format(imports=f'"{MODULE}/internal/auth"'))
    shop.write("shop/api/logout/main.go", MAIN.format(imports='"os"'))
    return shop


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
