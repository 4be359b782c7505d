"""docs/run.svg shows what lambdabuild shows; `make picture` draws it anew."""

import re
from pathlib import Path

import pytest
from rich.text import Text

from tests.docs.picture import PICTURE, drawn, shown, text_of
from tests.docs.test_readme import masked


def told(text: str) -> list[str]:
    """Return the lines without what differs between runs: times, sizes, and so which is first."""
    lines = masked(text).splitlines()
    names = {match[1] for line in lines if (match := re.match(r"([\w-]+) linux/", line))}
    functions = re.compile(rf"\b({'|'.join(sorted(names, key=len, reverse=True))})\b")
    return sorted(functions.sub("NAME", line) for line in lines)


def test_the_text_of_a_picture_is_that_of_the_terminal() -> None:
    text = Text("$ all <x> & 'y'\n\nend")
    text.append("\nbuilt", style="green").append("     ").append("6 MB", style="bold")

    assert text_of(drawn(text)) == f"{text.plain}\n"


@pytest.mark.extended
@pytest.mark.timeout(900)
def test_the_picture_is_current(tmp_path: Path) -> None:
    assert told(text_of(PICTURE.read_text("utf-8"))) == told(shown(tmp_path).plain)
