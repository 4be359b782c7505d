import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambdabuild.config.options import Config
from lambdabuild.config.settings import Settings
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.target import Flags
from lambdabuild.golang.commands import build_flags
from lambdabuild.local.debugging import delve, under_delve
from lambdabuild.local.debugging.delve import Debugged
from lambdabuild.local.functions import Program
from lambdabuild.system.process import Command, Completed


class Running:
    """Answers every command with the same, and remembers it."""

    def __init__(self, code: int = 0, output: str = "") -> None:
        self.completed = Completed(code, output, "")
        self.commands: list[Command] = []

    def __call__(self, command: Command, *_: object, **__: object) -> Completed:
        self.commands.append(command)
        return self.completed

    def close(self) -> None:
        """Nothing runs."""


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("users-get", ("users-get", None)), ("users-get:2345", ("users-get", 2345))],
)
def test_a_port_may_follow_the_name(text: str, expected: tuple[str, int | None]) -> None:
    assert delve.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["users-get:", "users-get:x", "users-get:0", "users-get:65536", ":2345"]
)
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(
        LambdabuildError, match=re.escape(f"`{text}` does not name a function to debug")
    ):
        delve.parse(text)


def test_every_function_gets_a_port_of_its_own() -> None:
    found = delve.with_ports([("a", None), ("b", None), ("c", None)])
    assert [item.function for item in found] == ["a", "b", "c"]
    assert len({item.port for item in found}) == 3


def test_a_port_that_was_asked_for_is_taken_as_it_is() -> None:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    assert delve.with_ports([("a", port)]) == (Debugged("a", port),)


def test_a_port_that_is_taken_is_an_error(taken: int) -> None:
    with pytest.raises(LambdabuildError) as caught:
        delve.with_ports([("users-get", taken)])
    assert str(caught.value) == (
        f"port {taken}, to debug `users-get`, is taken\n"
        "  hint: give another, or none: `--debug users-get`"
    )


def test_two_functions_cannot_have_one_port() -> None:
    (free,) = delve.with_ports([("a", None)])
    with pytest.raises(LambdabuildError, match=f"port {free.port}, to debug `b`, is taken"):
        delve.with_ports([("a", free.port), ("b", free.port)])


def executable(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_dlv_on_path_is_found_without_asking_go(tmp_path: Path) -> None:
    run = Running()
    dlv = executable(tmp_path / "dlv")
    assert delve.find({"PATH": str(tmp_path)}, run, "go", "/") == dlv
    assert run.commands == []


@pytest.mark.parametrize("variable", ["GOBIN", "GOPATH"])
def test_dlv_is_found_where_go_installs_it(tmp_path: Path, variable: str) -> None:
    place = tmp_path / "second"
    dlv = executable(place / "dlv" if variable == "GOBIN" else place / "bin" / "dlv")
    value = str(place) if variable == "GOBIN" else f"{tmp_path / 'first'}:{place}"
    run = Running(output=json.dumps({"GOBIN": "", "GOPATH": "", variable: value}))
    assert delve.find({"PATH": str(tmp_path)}, run, "/go/bin/go", "/project") == dlv
    assert run.commands == [Command(("/go/bin/go", "env", "-json", "GOBIN", "GOPATH"), "/project")]


@pytest.mark.parametrize("output", ["", '{"GOBIN": "", "GOPATH": ""}', '{"GOPATH": "/nowhere"}'])
def test_without_dlv_the_error_says_how_to_get_it(tmp_path: Path, output: str) -> None:
    with pytest.raises(LambdabuildError) as caught:
        delve.find({"PATH": str(tmp_path)}, Running(output=output), "go", "/")
    assert caught.value.hint == "`go install github.com/go-delve/delve/cmd/dlv@latest`"


def test_a_machine_that_lets_nothing_be_traced_is_refused_at_once() -> None:
    delve.check_tracing(Running(0), "/")
    run = Running(under_delve.REFUSED)
    with pytest.raises(LambdabuildError) as caught:
        delve.check_tracing(run, "/")
    assert caught.value.hint
    assert run.commands[0].arguments == (
        sys.executable,
        "-I",
        "-S",
        under_delve.__file__,
        "--probe",
    )


def test_a_function_under_delve_has_one_instance_and_no_end() -> None:
    program = Program("users-get", "/bin/users-get/bootstrap", {"A": "1"}, timeout=3, memory=256)
    prefix = (
        *(sys.executable, "-I", "-S", under_delve.__file__),
        *("/usr/bin/dlv", "2345", str(os.getpid())),
    )
    assert delve.under(program, "/usr/bin/dlv", 2345) == program._replace(
        prefix=prefix, timeout=None, concurrency=1
    )


def test_what_is_debugged_is_built_with_all_that_a_debugger_reads() -> None:
    tables = {"users-get": {"gcflags": "-m", "ldflags": "-s -w -X main.version=2"}}
    settings = Settings(Config(functions=tables), flags={"ldflags": "-s -w -X main.version=3"})
    debugged = delve.settings_for(settings, ["users-get", "orders-get"])
    flags = debugged.of("users-get").flags
    assert flags == Flags(
        tags=("lambda.norpc",),
        ldflags="-s -w -X main.version=3 -s=false -w=false",
        gcflags="all=-N -l",
        trimpath=False,
    )
    assert debugged.of("orders-get").flags == flags
    assert debugged.of("other") == settings.of("other")
    assert debugged.variants() == (debugged.of("other"), debugged.of("users-get"))
    assert build_flags(flags, "-trimpath '-ldflags=-s -w'") == [
        "-trimpath=false",
        "-buildvcs=false",
        "-tags=lambda.norpc",
        "-ldflags=-s -w -s -w -X main.version=3 -s=false -w=false",
        "-gcflags=all=-N -l",
    ]
