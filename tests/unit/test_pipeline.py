"""What of a run is remembered, whatever goes wrong with it."""

import io
from pathlib import Path

import pytest

from lambdabuild.config import Settings
from lambdabuild.console import Console, Look
from lambdabuild.errors import Interrupted, LambdabuildError
from lambdabuild.interrupts import Interrupts
from lambdabuild.pipeline import saving
from lambdabuild.process import Runner
from lambdabuild.saved import State
from lambdabuild.session import Session
from lambdabuild.state import Home
from lambdabuild.timeline import Timeline
from tests.unit.published import Project, executable


@pytest.mark.parametrize(
    "error", [Interrupted, LambdabuildError("full"), OSError, ZeroDivisionError]
)
def test_whatever_fails_after_publishing_what_was_published_is_remembered(
    project: Project, error: type[BaseException] | BaseException
) -> None:
    session, home = opened(project.path)

    def fail() -> None:
        with saving(session, home, project.state, ({}, {})):
            project.publish(executable())
            raise error

    with pytest.raises(error if isinstance(error, type) else type(error)):
        fail()
    assert home.load().artifacts == project.state.artifacts != {}


def test_what_fails_before_anything_is_published_is_not_noted(project: Project) -> None:
    session, home = opened(project.path)
    with pytest.raises(OSError, match="early"), saving(session, home, State(), ({}, {})):
        raise OSError("early")
    assert not (home.path / "state.json").exists()


def opened(path: Path) -> tuple[Session, Home]:
    home = Home(str(path))
    home.create()
    console = Console(Look(terminal=False, color=False), io.StringIO())
    session = Session(
        str(path), str(path), Settings(), {}, Runner({}), console, Interrupts(), Timeline()
    )
    return session, home
