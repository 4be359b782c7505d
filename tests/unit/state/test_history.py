import json
import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.result import Status
from lambdabuild.state import history
from lambdabuild.state.history import append, from_line, read_history, to_line
from lambdabuild.state.trends import Run, Timed
from tests.unit.values import seconds, sizes, texts

timed = st.builds(
    Timed,
    name=texts,
    target=texts,
    status=st.sampled_from([status.value for status in Status]),
    seconds=st.none() | seconds,
    compile=st.none() | seconds,
    link=st.none() | seconds,
    size=st.none() | sizes,
)
any_run = st.builds(
    Run,
    time=texts,
    go=texts,
    functions=st.lists(timed, max_size=3).map(tuple),
    imports=st.dictionaries(texts, seconds, max_size=2),
)


def run(number: int = 0, functions: int = 1) -> Run:
    return Run(
        f"run {number}",
        "go1.26.8",
        tuple(
            Timed(f"users-{n}", "linux/amd64", "built", 0.5, None, 0.5, 9) for n in range(functions)
        ),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.jsonl"


def test_runs_are_read_as_they_were_noted_the_oldest_first(path: Path) -> None:
    assert read_history(path) == []
    append(path, run(1))
    append(path, run(2, functions=3))
    assert read_history(path) == [run(1), run(2, functions=3)]


def test_a_run_is_one_line(path: Path) -> None:
    append(path, run(1))
    append(path, run(2, functions=0)._replace(imports={"net/http": 3.1}))
    assert path.read_text() == (
        '{"time":"run 1","go":"go1.26.8",'
        '"functions":[["users-0","linux/amd64","built",0.5,null,0.5,9]]}\n'
        '{"time":"run 2","go":"go1.26.8","functions":[],"imports":{"net/http":3.1}}\n'
    )


@given(any_run)
def test_any_run_is_read_as_it_was_written(made: Run) -> None:
    line = to_line(made)
    assert line.count(b"\n") == 1
    assert from_line(line) == made


@given(any_run, st.data())
def test_half_a_line_is_no_run(made: Run, data: st.DataObject) -> None:
    line = to_line(made).removesuffix(b"\n")
    assert from_line(line[: data.draw(st.integers(0, len(line) - 1))]) is None


ROW = ["a", "linux/amd64", "built", 1, None, None, 9]


@pytest.mark.parametrize(
    "value",
    [
        None, 3, [], {}, {"time": "t", "go": "g"}, {"time": 3, "go": "g", "functions": []},
        {"time": "t", "go": "g", "functions": [], "imports": ["a"]},
        {"time": "t", "go": "g", "functions": [], "imports": {"a": None}},
        {"time": "t", "go": "g", "functions": [], "imports": {"a": -1}},
        {"time": "t", "go": "g", "functions": [], "imports": {"a": "1"}},
        *(
            {"time": "t", "go": "g", "functions": [row]}
            for row in (
                3, [], ROW[:-1], [*ROW, 1], [3, *ROW[1:]], ["a", None, *ROW[2:]],
                ["a", "t", "new", *ROW[3:]], ["a", "t", ["built"], *ROW[3:]],
                *(["a", "t", "built", time, None, None, 9] for time in ("1", True, -1, 1e9)),
                *([*ROW[:-1], size] for size in (1.5, -1, True, "9")),
            )
        ),
    ],
)  # fmt: skip
def test_a_line_of_another_shape_is_no_run(value: object) -> None:
    assert from_line(json.dumps(value).encode()) is None


@pytest.mark.parametrize("time", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_time_is_no_run(time: str) -> None:
    row = f'["a","t","built",{time},null,null,9]'
    assert from_line(f'{{"time":"t","go":"g","functions":[{row}]}}'.encode()) is None


def test_damaged_lines_are_passed_over(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = [
        to_line(run(1)),
        b"\n",
        b"\xff\x00\n",
        b"[" * 100_000 + b"\n",
        b"{}\n",
        to_line(run(2)),
    ]
    path.write_bytes(b"".join(lines))
    with caplog.at_level(logging.WARNING, "lambdabuild"):
        assert read_history(path) == [run(1), run(2)]
    assert caplog.messages == ["3 damaged lines of the history passed over"]


def test_half_a_line_of_a_killed_run_costs_that_run_alone(path: Path) -> None:
    append(path, run(1))
    with path.open("ab") as file:
        file.write(to_line(run(2))[:20])
    append(path, run(3))
    append(path, run(4))
    assert read_history(path) == [run(1), run(3), run(4)]


def test_of_too_many_runs_the_newer_half_is_kept(path: Path) -> None:
    path.write_bytes(b"".join(to_line(run(number)) for number in range(500)))
    append(path, run(500))
    assert read_history(path) == [run(number) for number in range(251, 501)]
    append(path, run(501))
    assert read_history(path) == [run(number) for number in range(251, 502)]
    assert os.listdir(path.parent) == ["history.jsonl"]


def test_of_too_many_bytes_the_newer_half_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(to_line(run(1)))
    monkeypatch.setattr(history, "MOST_BYTES", 10 * size)
    for number in range(9):
        append(path, run(number))
    append(path, run(9)._replace(time="run 10"))
    assert [found.time for found in read_history(path)] == ["run 6", "run 7", "run 8", "run 10"]


def test_a_run_that_is_too_long_by_itself_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_BYTES", 300)
    append(path, run(1))
    append(path, run(2, functions=100))
    assert read_history(path) == [run(2, functions=100)]


def test_damaged_lines_go_when_the_history_is_cut(path: Path) -> None:
    damage = b"half a li\n" * 400
    path.write_bytes(b"".join(to_line(run(number)) for number in range(200)) + damage)
    append(path, run(200))
    assert read_history(path) == [run(number) for number in range(201)]
    assert b"half" not in path.read_bytes()


@pytest.mark.parametrize("obstacle", ["no directory", "a directory in its place"])
def test_a_history_that_cannot_be_written_is_a_line_in_the_log(
    tmp_path: Path, obstacle: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "missing/history.jsonl" if obstacle == "no directory" else tmp_path
    with caplog.at_level(logging.WARNING, "lambdabuild"):
        append(path, run())
    (message,) = caplog.messages
    assert message.startswith("the history of builds is not kept: ")


def test_a_history_that_cannot_be_read_is_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "lambdabuild"):
        assert read_history(tmp_path) == []
    (message,) = caplog.messages
    assert message.startswith("the history of builds cannot be read: ")
