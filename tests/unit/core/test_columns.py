"""How wide a text is on a terminal, and how it is made to fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.text import columns, folded, padded


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("users-get", 9),
        ("", 0),
        ("größe", 5),
        ("注文-作成", 9),
        ("e\u0301", 1),
        ("👍", 2),
        ("…", 1),
    ],
)
def test_a_terminal_gives_wide_characters_two_columns(text: str, taken: int) -> None:
    assert columns(text) == taken


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("users-get", 9, "users-get"),
        ("users-create-with-a-handler", 20, "users-crea…a-handler"),
        ("users-create-with-a-handler", 1, "…"),
        ("users-create-with-a-handler", 0, ""),
        ("注文を作成する関数", 10, "注文…関数"),
    ],
)
def test_a_long_name_keeps_its_beginning_and_its_end(text: str, most: int, shown: str) -> None:
    assert folded(text, most) == shown


@given(st.text(), st.integers(0, 20))
def test_what_is_folded_fits(text: str, most: int) -> None:
    assert columns(folded(text, most)) <= most


def test_numbers_are_padded_in_front_and_words_behind() -> None:
    assert (padded("注文", 6), padded("7 s", 5, right=True)) == ("注文  ", "  7 s")
