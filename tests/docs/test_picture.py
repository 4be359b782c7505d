"""The picture in README.md shows what lambdabuild shows.

`UPDATE_DOCS=1 .venv/bin/pytest tests/docs/test_picture.py` draws it anew.
"""

import os
import re
from pathlib import Path

import pytest

from tests.docs.examples import UPDATING, masked
from tests.docs.picture import PICTURE, draw, drawn, shown
from tests.environment import CLEAN, INSTALLED


@pytest.mark.extended
@pytest.mark.timeout(900)
def test_the_picture_shows_what_is_shown(tmp_path: Path) -> None:
    picture = shown(tmp_path, CLEAN | {"PATH": INSTALLED, "TERM": "xterm-256color"})
    now = lines(picture.plain)
    if UPDATING and now != lines(drawn()):
        draw(picture)

    assert now == lines(drawn())


def lines(text: str) -> list[str]:
    """Return what is the same in each run: times decide the order, and whether one is worth a word."""
    return sorted(line for line in masked(text).splitlines() if not line.startswith("slowest: "))


def test_the_picture_loads_nothing() -> None:
    text = PICTURE.read_text("utf-8")

    assert re.findall(r"url\((?!#)|\bhref=|@import|<script", text) == []
    assert os.path.getsize(PICTURE) < 100_000
