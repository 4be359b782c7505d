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
    # Rows are in the order of their times, which differ.
    now, before = (sorted(masked(text).splitlines()) for text in (picture.plain, drawn()))
    if UPDATING and now != before:
        draw(picture)
        before = sorted(masked(drawn()).splitlines())

    assert now == before


def test_the_picture_loads_nothing() -> None:
    text = PICTURE.read_text("utf-8")

    assert re.findall(r"url\((?!#)|\bhref=|@import|<script", text) == []
    assert os.path.getsize(PICTURE) < 100_000
