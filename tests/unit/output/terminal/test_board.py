"""The board of a watch: what is on it, and in which order."""

import pytest

from lambdabuild.core.result import Status
from lambdabuild.output.terminal.board import Line, ago, board_lines


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (0.9, "just now"),
        (1, "1 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (90_000, "25 h ago"),
    ],
)
def test_a_time_that_passed_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert ago(seconds) == said


LINES = [
    Line("users-get", Status.BUILT, 0.31, at=90.0),
    Line("orders", Status.UP_TO_DATE, None, at=10.0),
    Line("auth", Status.FAILED, 0.1, at=40.0),
    Line("carts", Status.UNCHANGED, 1.5, at=99.5),
]


def test_what_failed_comes_first_and_then_the_latest() -> None:
    assert board_lines(LINES, now=100.0, most=4) == [
        "auth       failed        0.10 s  1 min ago",
        "carts      unchanged      1.5 s  just now",
        "users-get  built         0.31 s  10 s ago",
        "orders     up to date            1 min ago",
    ]


def test_what_does_not_fit_is_counted() -> None:
    assert board_lines(LINES, now=100.0, most=2) == [
        "auth  failed        0.10 s  1 min ago",
        "and 3 more",
    ]
