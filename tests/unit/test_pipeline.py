"""What of a run is remembered, whatever goes wrong with it."""

import pytest

from lambdabuild.core.errors import Interrupted, LambdabuildError
from lambdabuild.pipeline import saving
from lambdabuild.state.state import State
from tests.unit.published import Project, executable, opened


@pytest.mark.parametrize(
    "error", [Interrupted, LambdabuildError("full"), OSError, ZeroDivisionError]
)
def test_whatever_fails_after_publishing_what_was_published_is_remembered(
    project: Project, error: type[BaseException] | BaseException
) -> None:
    session, home = opened(project.path)

    def fail() -> None:
        with saving(session.tools, home, project.state):
            project.publish(executable())
            raise error

    with pytest.raises(error if isinstance(error, type) else type(error)):
        fail()
    assert home.load().artifacts == project.state.artifacts != {}


def test_what_fails_before_anything_is_published_is_not_noted(project: Project) -> None:
    session, home = opened(project.path)
    with pytest.raises(OSError, match="early"), saving(session.tools, home, State()):
        raise OSError("early")
    assert not (home.path / "state.json").exists()
