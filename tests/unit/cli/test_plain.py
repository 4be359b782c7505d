"""A command line that is read without typer is read as typer does."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st

from lambdabuild.cli import app, building
from lambdabuild.cli.options import GENERAL_FLAGS, TAKEN, flags_of
from lambdabuild.cli.usage import plain
from lambdabuild.core.errors import LambdabuildError

GROUP = app.group()
FLAGS = sorted(
    {
        *(name for panels in TAKEN.values() for o in flags_of(panels) for name in o.names),
        *(name for option in GENERAL_FLAGS for name in option.names),
        *("--skipped", "--json", "--exit-code", "--help", "--version", "--poll"),
    }
    # What changes the working directory is not for a test that runs beside others.
    - {"-C", "--directory"}
)
VALUES = ("", "1/2", "4", "0", "-1", "x", "arm64", "linux/arm64", "auto", "-", "--", "a=b", "off")
words = st.one_of(
    st.sampled_from(FLAGS),
    st.sampled_from(VALUES),
    st.builds("{}={}".format, st.sampled_from(FLAGS), st.sampled_from(VALUES)),
    st.builds(
        "{}{}".format, st.sampled_from(["-j", "-q", "-n", "-qj", "-vn"]), st.sampled_from(VALUES)
    ),
)
lines = st.builds(
    lambda before, command, after: [*before, command, *after],
    st.lists(
        st.sampled_from(["-q", "-v", "--color", "never", "--untrusted", "--config=x"]), max_size=2
    ),
    st.sampled_from([*TAKEN, "watch", "al"]),
    st.lists(words, max_size=5),
)


@given(lines)
@example(["all", "--jobs", "2", "--arch=arm64", "--arch", "x86_64", "--exclude", "-x"])
@example(["-q", "list", "--skipped", "--since", "main", "--exit-code"])
@example(["build", "a", "--tags", "x,y", "b", "--out", "--json"])
def test_it_is_read_as_typer_reads_it(line: list[str]) -> None:
    command = plain.read(line)
    if command is not None:
        assert _asked_of_building(command.run) == _asked_of_building(lambda: _by_typer(line))


@pytest.mark.parametrize(
    "line",
    [["all"], ["all", "-q", "-j", "3"], ["build", "a", "b*"], ["list", "--json"], ["-v", "all"]],
)
def test_the_lines_that_are_typed_most_do_without_typer(line: list[str]) -> None:
    assert plain.read(line) is not None


@pytest.mark.parametrize(
    "line",
    [
        *(
            [],
            ["all", "--help"],
            ["all", "a"],
            ["build"],
            ["all", "-qn"],
            ["watch"],
            ["build", "--", "a"],
        ),
        *(["all", "--jobs"], ["all", "--jobs", "0"], ["all", "--quiet=1"], ["all", "--no-such"]),
    ],
)
def test_what_is_wrong_or_rare_is_for_typer(line: list[str]) -> None:
    assert plain.read(line) is None


def _by_typer(line: Sequence[str]) -> None:
    GROUP.main(list(line), standalone_mode=False)


def _asked_of_building(run: Callable[[], object]) -> Any:
    """Return with what a command line calls `building`, or what is refused."""
    asked: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "build", lambda *given: asked.append(("build", *given)))
        patch.setattr(
            building, "list_functions", lambda options, **given: asked.append((options, given))
        )
        try:
            run()
        except LambdabuildError as error:
            return error.message, error.hint
        except typer.TyperException as error:
            return error
    # Arguments are a list here and a tuple there.
    return [
        tuple(tuple(part) if isinstance(part, list) else part for part in each) for each in asked
    ]
