"""The loop of a watch: what it builds, what it leaves alone, and what it says, without a process."""

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lambdabuild.config.options import Request
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.filewatch.notifier import Watcher
from lambdabuild.filewatch.on_success import FollowUp
from lambdabuild.filewatch.wakeups import Wakeups
from lambdabuild.output.terminal.board import Board
from lambdabuild.survey.session import Session
from lambdabuild.watch import Loop, WatchOptions
from tests.unit.shop import AUTH, MAIN, Shop, small_shop

BROKEN = 'package main\n\nimport "os"\n\nfunc main() { undefined() }\n'


class Events(Watcher):
    """File events that the test sends."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.paths: set[str] = set()

    def arm(
        self, directories: Collection[str], own: Collection[str], inputs: Collection[str] = ()
    ) -> bool:
        del directories, own, inputs
        return False

    def pending(self) -> bool:
        return bool(self.paths)

    def take(self) -> set[str]:
        taken, self.paths = self.paths, set()
        return taken


class Script(Wakeups):
    """Do the next thing whenever the loop has nothing to do, and quit after the last."""

    def __init__(self, steps: Sequence[Callable[[], object]]) -> None:
        super().__init__()
        self._steps = list(steps)

    def wait(self, seconds: float) -> bool:
        with suppress(IndexError):
            if seconds > 0:
                self._steps.pop(0)()
                return super().wait(0)
        if seconds > 0:
            self.press("q")
        return super().wait(0)


@dataclass(slots=True)
class Watch:
    """A watch of a small repository."""

    shop: Shop
    events: Events = field(default_factory=Events)
    reopened: list[LambdabuildError | None] = field(default_factory=list)
    """What is wrong with the configuration, each time that it is read."""
    signals: Wakeups = field(default_factory=Wakeups)

    def save(self, name: str, text: str) -> Callable[[], None]:
        """Return how somebody saves a file."""

        def saved() -> None:
            self.shop.write(f"shop/{name}", text)
            self.events.paths.add(str(self.shop.path / "shop" / name))
            self.signals.files_changed()

        return saved

    def remove(self, name: str) -> Callable[[], None]:
        """Return how somebody deletes a file."""

        def removed() -> None:
            (self.shop.path / "shop" / name).unlink()
            self.events.paths.add(str(self.shop.path / "shop" / name))
            self.signals.files_changed()

        return removed

    def press(self, key: str) -> Callable[[], None]:
        return lambda: self.signals.press(key)

    def _reopen(self, session: Session) -> Session:
        problem = self.reopened.pop(0) if self.reopened else None
        if problem is not None:
            raise problem
        return session

    def run(self, *steps: Callable[[], object]) -> None:
        """Watch until all steps are done, one after another as the loop comes to rest."""
        self.signals = Script(steps)
        session = self.shop.session()
        console = session.tools.console
        loop = Loop(
            session, WatchOptions(Request(), json=True), self._reopen,
            self.events, self.signals, Board(console), FollowUp(None, {}, console, lambda: None),
            lambda _: self.shop,
        )  # fmt: skip
        loop.run()


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(small_shop(tmp_path))


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """Return the events on stdout, in a few words each."""

    def words(event: dict[str, Any]) -> str:
        kind, function = event["event"], event.get("function")
        if kind == "change":
            return f"change {','.join(event['functions'])}"
        if function is not None:
            return f"{function['status']} {function['name']}"
        return f"stuck {event['errors'][0]['message']}" if "errors" in event else str(kind)

    return lambda: [words(json.loads(line)) for line in capsys.readouterr().out.splitlines()]


Said = Callable[[], list[str]]


def test_all_is_built_first_and_nothing_without_a_change(watch: Watch, said: Said) -> None:
    watch.run()
    assert said() == ["built login", "built logout", "ready"]
    assert watch.shop.built == ["login", "logout"]


def test_a_change_builds_what_it_affects_and_no_more(watch: Watch, said: Said) -> None:
    watch.run(watch.save("internal/auth/auth.go", AUTH.format("false")))
    assert said()[3:] == ["change login", "built login"]
    assert watch.shop.built[2:] == ["login"]


def test_what_failed_is_built_again_only_once_it_changed(watch: Watch, said: Said) -> None:
    watch.run(
        watch.save("api/logout/main.go", BROKEN),
        watch.save("internal/auth/auth.go", AUTH.format("false")),
        watch.save("api/logout/main.go", MAIN.format(imports='"fmt"')),
    )
    assert said()[3:] == [
        *("change logout", "failed logout"),
        *("change login", "built login"),
        *("change logout", "built logout"),
    ]
    assert watch.shop.built[2:] == ["logout", "login", "logout"]


def test_f_builds_what_failed_and_r_builds_all(watch: Watch, said: Said) -> None:
    watch.run(watch.save("api/logout/main.go", BROKEN), watch.press("f"), watch.press("r"))
    assert watch.shop.built[2:] == ["logout", "logout", "login", "logout"]
    assert "unchanged login" in said()[4:]


def test_q_quits_before_anything_is_built_again(watch: Watch, said: Said) -> None:
    watch.run(
        lambda: (watch.press("q")(), watch.save("api/logout/main.go", BROKEN)()),
        watch.save("internal/auth/auth.go", AUTH.format("false")),
    )
    assert said()[3:] == []


def test_a_change_while_it_builds_stops_the_build_and_is_in_the_next(
    watch: Watch, said: Said
) -> None:
    later = [watch.save("api/login/main.go", MAIN.format(imports='"fmt"'))]

    def once() -> None:
        if len(watch.shop.built) > 2 and later:
            later.pop()()

    watch.shop.while_building.append(once)
    watch.run(watch.save("internal/auth/auth.go", AUTH.format("false")))
    assert watch.shop.built[2:] == ["login", "login"]
    # The first of them was stopped: nobody wants it any more.
    assert said()[3:] == ["change login", "change login", "built login"]


def test_a_configuration_that_is_wrong_is_reported_once_and_the_next_edit_fixes_it(
    watch: Watch, said: Said
) -> None:
    wrong = LambdabuildError("`outt` is no option")
    watch.reopened = [None, wrong]
    watch.run(
        watch.save("lambdabuild.toml", "outt = 1\n"),
        watch.save("lambdabuild.toml", "# nothing\n"),
        watch.save("api/logout/main.go", MAIN.format(imports='"fmt"')),
    )
    assert [event for event in said()[3:] if event.startswith(("stuck", "built"))] == [
        "stuck `outt` is no option",
        "built logout",
    ]


TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {{Timeout: {timeout}, Runtime: provided.al2023, Architectures: [{architecture}]}}
Resources:
  Login:
    Type: AWS::Serverless::Function
    Metadata: {{BuildMethod: go1.x}}
    Properties: {{CodeUri: api/login}}
"""


def test_a_template_that_names_another_architecture_builds_all_that_is_deployed_there(
    watch: Watch, said: Said
) -> None:
    watch.shop.write("shop/template.yaml", TEMPLATE.format(timeout=5, architecture="x86_64"))
    watch.run(
        watch.save("template.yaml", TEMPLATE.format(timeout=9, architecture="x86_64")),
        watch.save("template.yaml", TEMPLATE.format(timeout=9, architecture="arm64")),
    )
    # What is built as before is nothing to tell.
    assert said()[3:] == ["change login,logout", "built login", "built logout"]


def test_a_template_that_comes_or_goes_is_seen(watch: Watch, said: Said) -> None:
    watch.run(
        watch.save("template.yaml", TEMPLATE.format(timeout=5, architecture="arm64")),
        watch.save("docker-compose.yaml", "services: {}\n"),
        watch.remove("template.yaml"),
    )
    assert said()[3:] == ["change login,logout", "built login", "built logout"] * 2
