"""What a person sees of `lambdabuild watch` on a terminal."""

import re

import pytest

from tests.e2e.conftest import Copy
from tests.e2e.processes import PATIENCE
from tests.e2e.terminal import Terminal, on_terminal
from tests.e2e.watcher import replace_whole

# Any Go that lambdabuild supports would do; the newest builds fastest.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)

SHARED, OTHER = "internal/users/users.go", "api/checkout/main.go"
USERS = ["users-create", "users-get", "users-list"]


def said(rows: list[str], text: str) -> bool:
    """Return whether a line above the board has a clock and this text, times left out."""
    return any(
        re.fullmatch(rf"\d\d:\d\d:\d\d {re.escape(text)}", re.sub(r"\d+\.\d+ s", "N s", row))
        for row in rows
    )


def headed(heading: str, terminal: Terminal) -> list[str]:
    """Wait for this heading; return what is below it."""
    rows = terminal.until(lambda rows: rows.count(heading) == 1)
    return rows[rows.index(heading) + 1 :]


def states(rows: list[str]) -> list[tuple[str, str]]:
    """Return the functions on a board, in order, and what it says of each."""
    found = (re.match(r"  (\S+) +(built|unchanged|up to date|failed|building)\b", r) for r in rows)
    return [(match[1], match[2]) for match in found if match]


def shows_what_keys_do(terminal: Terminal, heading: str) -> None:
    """See that `h` shows them below the heading, and hides them again."""
    without = headed(heading, terminal)
    terminal.press("h")
    terminal.until(lambda rows: "  Enter  print a blank line" in rows)
    assert headed(heading, terminal)[6:8] == without[:2]
    terminal.press("h")
    terminal.until(lambda rows: "  Enter  print a blank line" not in rows)


def fits_any_size(terminal: Terminal, heading: str) -> None:
    """See that the board is there once, without a line that wraps, and the error before all."""
    for columns, rows, shown in [
        (50, 24, "watching 18 functions, 3 failed; h help, q quit"),
        (40, 20, "watching 18 functions, 3 failed; h help"),
        (100, 12, heading),
        (120, 32, heading),
    ]:
        terminal.resize(columns, rows)
        headed(shown, terminal)
        if rows == 32:
            terminal.until(lambda seen: len(states(seen)) == 18)
        below = headed(shown, terminal)
        assert below[0].startswith(f"{SHARED}:29:28: ")
        assert below[-1].startswith("  and ") or rows == 32
        assert len(below) <= rows - 4
        assert all(len(row) < columns for row in below)
        assert all("…" not in row for row in below), below


def clears_and_makes_room(terminal: Terminal, heading: str) -> None:
    """See that `c` leaves the board alone on the screen, and Enter puts a blank line above it."""
    terminal.press("c")
    terminal.until(lambda rows: rows[0] == heading)
    terminal.press("\n")
    terminal.until(lambda rows: rows[:2] == ["", heading])


@pytest.mark.extended
def test_a_session_from_the_first_build_to_the_last(copy: Copy) -> None:
    shop = copy("shop")
    whole = (shop / SHARED).read_text()
    keys = "h help, r rebuild all, f failed, c clear, q quit"
    well = f"watching 18 functions; {keys}"
    ill = f"watching 18 functions, 3 failed; {keys}"
    with on_terminal(shop, "--bell", size=(120, 32)) as terminal:
        # All are on the board, where there is room.
        rows = terminal.until(lambda rows: len(states(rows)) == 18, PATIENCE)
        assert {state for _, state in states(rows)} == {"built"}
        assert len(headed(well, terminal)) == 18

        # One line for what a change affects, however many functions that are.
        replace_whole(shop, SHARED, f"{whole}\nfunc Answer() int {{ return 42 }}\n")
        names = ", ".join(USERS)
        terminal.until(lambda rows: said(rows, f"{SHARED} changed: rebuilt 3 in N s ({names})"))
        assert states(headed(well, terminal))[:3] == [(name, "built") for name in USERS]
        rang = terminal.bells

        # What fails is red, with its error, once.
        replace_whole(shop, SHARED, f"{whole}\nfunc Answer() int {{ return true }}\n")
        terminal.until(lambda rows: said(rows, f"{SHARED} changed: failed 3 in N s ({names})"))
        error = [
            f"{SHARED}:29:28: error: "
            "cannot use true (untyped bool constant) as int value in return statement",
            "  29 | func Answer() int { return true }",
            "     |                            ^^^^",
            "  `users-create`, `users-get`, `users-list` did not build: "
            "in package example.com/shop/internal/users",
        ]
        rows = headed(ill, terminal)
        assert rows[:4] == error
        assert states(rows)[:3] == [(name, "failed") for name in USERS]
        assert [row for row in terminal.rows if "error" in row] == error[:1]
        assert [terminal.color_of("3 failed"), terminal.color_of("failed 3")] == ["red", "red"]
        assert terminal.bells == rang + 1

        # It stays, whatever else is built.
        replace_whole(shop, OTHER, f"{(shop / OTHER).read_text()}\nvar _ = 1\n")
        terminal.until(lambda rows: any("checkout/main.go changed: " in row for row in rows))
        assert headed(ill, terminal)[:4] == error

        shows_what_keys_do(terminal, ill)
        fits_any_size(terminal, ill)
        clears_and_makes_room(terminal, ill)

        # A repair is told, in green.
        replace_whole(shop, SHARED, whole)
        repaired = f"{names} build again; all 18 functions build"
        terminal.until(lambda rows: said(rows, repaired))
        assert terminal.color_of(repaired) == "green"
        assert states(headed(well, terminal))[:3] == [(name, "built") for name in USERS]
        assert not any("error" in row for row in terminal.rows)
        assert terminal.bells == rang + 2

        # Nothing is linked, and yet it took its time.
        replace_whole(shop, SHARED, f"{whole}\n// A comment.\n")
        terminal.until(lambda rows: said(rows, f"{SHARED} changed: unchanged 3 in N s ({names})"))
        row = next(row for row in headed(well, terminal) if "users-get" in row)
        assert "unchanged" in row
        assert " 0.00 s " not in row

        # What fails is still to be read when it is over.
        replace_whole(shop, SHARED, f"{whole}\nfunc Answer() int {{ return true }}\n")
        headed(ill, terminal)
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.rows[-4:] == error
        assert not any("watching" in row for row in terminal.rows)


def test_without_colour_the_words_are_the_same_and_keys_and_a_command_get_along(
    copy: Copy,
) -> None:
    shop = copy("all-handlers")
    command = "for i in 1 2 3; do echo line $i; sleep 0.1; done"
    with on_terminal(shop, "--exec", command, environment={"NO_COLOR": "1"}) as terminal:
        file = "api/carts/handler/main.go"
        whole = (shop / file).read_text()
        terminal.until(lambda rows: "line 3" in rows and rows[-1].startswith("  "), PATIENCE)
        terminal.press("c")
        terminal.until(lambda rows: rows[0].startswith("watching "))
        replace_whole(shop, file, f"{whole}\nfunc init() {{ println(1) }}\n")
        # The command's lines are whole, and the board comes back below them.
        rows = terminal.until(lambda rows: "line 3" in rows and rows[-1].startswith("  "))
        assert [row for row in rows if row.startswith("line ")] == ["line 1", "line 2", "line 3"]
        assert sum(row.startswith("watching ") for row in rows) == 1
        replace_whole(shop, file, f"{whole}\nvar _ int = true\n")
        terminal.until(lambda rows: any(", 1 failed; " in row for row in rows))
        assert terminal.color_of("1 failed") == "default"
        terminal.press("q")
        assert terminal.wait() == 0
