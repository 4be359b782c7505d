"""The board of a watch: what is on it, in which order, and that it fits."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.result import Status
from lambdabuild.core.text import columns
from lambdabuild.output.terminal.frame import Row, View, ago, below, fits, heading
from lambdabuild.output.terminal.style import Line, Part


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


ROWS = [
    Row("users-get", Status.BUILT, 0.31, at=90.0),
    Row("orders", Status.UP_TO_DATE, None, at=10.0),
    Row("auth", Status.FAILED, 0.1, at=40.0),
    Row("carts", Status.UNCHANGED, 1.5, at=99.5),
    Row("stock", None, None, at=98.0),
]
ERRORS = [
    [Part("api/auth/main.go:3:15"), Part(": error: declared and not used: x")],
    [Part("  `auth` did not build: in package example.com/shop/api/auth")],
    [Part("  hint: remove it")],
]


def text(lines: Sequence[Line]) -> list[str]:
    return ["".join(part.text for part in line).rstrip() for line in lines]


def test_what_failed_comes_first_then_what_is_being_built_and_then_the_latest() -> None:
    assert text(below(View(ROWS), 100.0, 80, 24)) == [
        "  auth       failed           0.10 s  1 min ago",
        "  stock      building          2.0 s",
        "  carts      unchanged         1.5 s  just now",
        "  users-get  built            0.31 s  10 s ago",
        "  orders     up to date               1 min ago",
    ]


def test_what_fails_is_red_and_what_is_new_is_green() -> None:
    shown = below(View(ROWS), 100.0, 80, 24)
    assert {row.text.strip(): row.style for _, row, _ in shown} == {
        "failed": "31;1", "building": "33", "unchanged": "36", "built": "32", "up to date": "2",
    }  # fmt: skip


def test_what_does_not_fit_is_counted_and_three_rows_are_left_to_the_log() -> None:
    assert text(below(View(ROWS), 100.0, 80, 6)) == [
        "  auth  failed           0.10 s  1 min ago",
        "  and 4 more",
    ]
    many = [Row(f"f{n}", Status.BUILT, 0.1, 0.0) for n in range(100)]
    for height in range(5, 60):
        assert len(below(View(many), 1.0, 80, height)) == height - 4


def test_a_narrow_board_leaves_out_the_time_it_took_then_that_which_passed() -> None:
    rows = [Row("notifications-by-electronic-mail", Status.UP_TO_DATE, 1.0, 0.0)]

    def shown(width: int) -> list[str]:
        return text(below(View(rows), 9.0, width, 24))

    assert shown(80) == ["  notifications-by-electronic-mail  up to date        1.0 s  9 s ago"]
    assert shown(60) == ["  notifications-by-electronic-mail  up to date  9 s ago"]
    assert shown(50) == ["  notificatio…tronic-mail  up to date  9 s ago"]
    assert shown(40) == ["  notification…ctronic-mail  up to date"]
    assert shown(24) == ["  noti…mail  up to date"]


def test_the_heading_tells_how_many_there_are_how_many_failed_and_the_keys_there_is_room_for() -> (
    None
):
    view = View(ROWS)
    assert [text([heading(view, width)]) for width in (100, 70, 60, 50, 40, 30)] == [
        ["watching 5 functions, 1 failed; h help, r rebuild all, f failed, c clear, q quit"],
        ["watching 5 functions, 1 failed; h help, f failed, q quit"],
        ["watching 5 functions, 1 failed; h help, f failed, q quit"],
        ["watching 5 functions, 1 failed; h help, q quit"],
        ["watching 5 functions, 1 failed; h help"],
        ["watching 5 functions, 1 failed"],
    ]
    well = View(ROWS[:2])
    assert text([heading(well, 80)]) == [
        "watching 2 functions; h help, r rebuild all, f failed, c clear, q quit"
    ]
    assert text([heading(well._replace(keys=False), 80)]) == ["watching 2 functions; Ctrl-C stops"]


def test_errors_stay_below_the_heading_wrapped_and_with_their_beginning_where_room_is_scarce() -> (
    None
):
    view = View(ROWS[:1], ERRORS)
    assert text(below(view, 100.0, 60, 24)) == [
        "api/auth/main.go:3:15: error: declared and not used: x",
        "  `auth` did not build: in package",
        "    example.com/shop/api/auth",
        "  hint: remove it",
        "  users-get  built            0.31 s  10 s ago",
    ]
    assert text(below(view, 100.0, 60, 9)) == [
        "api/auth/main.go:3:15: error: declared and not used: x",
        "  `auth` did not build: in package",
        "  and 2 more lines",
        "  users-get  built            0.31 s  10 s ago",
    ]
    assert (fits(ERRORS, 60, 24), fits(ERRORS, 60, 9)) == (True, False)


def test_the_help_names_every_key() -> None:
    assert text(below(View(ROWS[:1], help=True), 100.0, 40, 24)) == [
        "  r      rebuild all functions",
        "  f      try again what failed",
        "  c      clear the screen",
        "  Enter  print a blank line",
        "  h      show or hide this help",
        "  q      quit, as Ctrl-C does",
        "  users-get  built       10 s ago",
    ]


@given(
    st.lists(st.text("ab-ü語", min_size=1, max_size=90), unique=True, max_size=40),
    st.sampled_from([*Status, None]),
    st.one_of(st.none(), st.floats(0, 3599)),
    st.integers(24, 120),
    st.integers(5, 50),
    st.booleans(),
)
def test_no_line_of_a_board_reaches_the_edge_and_the_board_never_fills_the_screen(
    names: list[str],
    status: Status | None,
    seconds: float | None,
    width: int,
    height: int,
    helped: bool,
) -> None:
    rows = [Row(name, status, seconds, 0.0) for name in names]
    view = View(rows, ERRORS, help=helped)
    lines = [heading(view, width), *below(view, 3599.0, width, height)]
    assert len(lines) <= height - 3
    rest = [line for line in lines[1:] if not (helped and len(line) == 2)]
    assert all(sum(columns(part.text) for part in line) < width for line in rest), lines
