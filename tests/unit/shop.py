"""A small repository of two functions, and a `go` that only says what it is told to say."""

import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lambdabuild.config.settings import Settings
from lambdabuild.output.terminal.console import Console
from lambdabuild.output.terminal.look import Look
from lambdabuild.state.state import State
from lambdabuild.survey.session import Session, Tools
from lambdabuild.survey.survey import Survey, survey
from lambdabuild.system.process import Command, Completed, Stop, Tick
from lambdabuild.system.signals import Interrupts
from lambdabuild.system.timeline import Timeline
from tests.unit.fakerun import FakeRun
from tests.unit.published import FINAL, executable

MODULE = "example.com/shop"
AUTH = "package auth\n\nfunc Check() bool {{ return {} }}\n"
MAIN = "package main\n\nimport {imports}\n\nfunc main() {{}}\n"


@dataclass(slots=True)
class Shop(FakeRun):
    """Two functions, one of which imports a library, and a `go` that only says what is told."""

    path: Path
    broken: set[str] = field(default_factory=set)
    """Directories of packages that cannot be loaded."""
    asked: list[str] = field(default_factory=list)
    """The subcommands of `go` that were run."""
    built: list[str] = field(default_factory=list)
    """The functions that `go build` was asked for, in turn."""
    while_building: list[Callable[[], object]] = field(default_factory=list)
    """What happens meanwhile, for each of them."""

    def answer(self, command: Command, tick: Tick | None) -> Completed:
        self.asked.append(command.arguments[1])
        if command.arguments[1] == "build":
            return self.build(command, tick)
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

    def build(self, command: Command, tick: Tick | None) -> Completed:
        """Link what can be compiled, as the wrapper of the linker leaves it."""
        said = []
        for package in command.arguments[command.arguments.index("--") + 1 :]:
            self.built.append(package.removeprefix(f"{MODULE}/api/"))
            with open(str(command.environment["LAMBDABUILD_EVENTS"]), "a") as events:
                events.write(f"start compile {package}\n")
            for reaction in self.while_building:
                reaction()
            if tick is not None and tick() is Stop.NOW:
                return Completed(-15, "", "", stopped=True)
            place = self.path / "shop" / package.removeprefix(f"{MODULE}/")
            text = (place / "main.go").read_text()
            if "undefined()" in text:
                said.append(f"# {package}\n{place}/main.go:5:15: undefined: undefined\n")
                continue
            staged = Path(f"{command.environment['LAMBDABUILD_STAGE']}/{package}:exe")
            if f"{MODULE}/internal/auth" in text:
                text += (self.path / "shop/internal/auth/auth.go").read_text()
            machine = str(command.environment["GOARCH"])
            staged.write_bytes(executable(text, f"{FINAL}-{machine}", machine))
        return Completed(1 if said else 0, "", "".join(said))

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

    def session(self) -> Session:
        """Open a session in the repository."""
        settings, here = Settings(), str(self.path / "shop")
        environment = {"PATH": str(self.path / "go"), "HOME": str(self.path)}
        console = Console(Look(terminal=False, color=False), io.StringIO())
        tools = Tools(environment, self, console, Interrupts(), Timeline())
        return Session(settings.paths(here, here), settings, tools)

    def survey(self, state: State, *, force: bool = False) -> Survey:
        """Survey as a run does, and record it in the state; forget what was asked before."""
        self.asked.clear()
        # Some time after the last write: what was written at that very moment is looked at again.
        clock = time.time_ns() + 10**9
        found = survey(self.session(), (), state, clock, force=force)
        found.note_in(state)
        return found


def small_shop(path: Path) -> Shop:
    """Write two functions, one of which imports a library."""
    shop = Shop(path)
    shop.write("go/go", "\x7fELF")
    (path / "go/go").chmod(0o755)
    shop.write("shop/go.mod", f"module {MODULE}\n\ngo 1.22\n")
    shop.write("shop/internal/auth/auth.go", AUTH.format("true"))
    shop.write("shop/api/login/main.go", MAIN.format(imports=f'"{MODULE}/internal/auth"'))
    shop.write("shop/api/logout/main.go", MAIN.format(imports='"os"'))
    return shop
