"""Show the lines of source that an error is about, with a caret below its column."""

import os
import re
from typing import NamedTuple

from lambdabuild.core.text import beginning, columns, visible
from lambdabuild.system import files

_SOURCES = frozenset(
    {".go", ".mod", ".work", ".sum", ".s", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".m", ".mm"}
    | {".toml"}
)
"""Endings of what is shown. A `//line` directive names any file as the place of an error."""
_MOST = 1 << 22
"""Bytes of the largest file that is read for an error."""
_TAB = 4
_WORD, _WORD_OF_TOML = re.compile(r"\w+"), re.compile(r"[\w-]+")


class Excerpt(NamedTuple):
    """The line of an error, and the one above it unless that is blank."""

    number: int
    """Of the last line; the first has 1."""
    lines: tuple[str, ...]
    column: int | None = None
    """In the last line, in characters from 0."""
    length: int = 1
    """Characters at fault from there."""


def read_excerpt(path: str, line: int, column: int | None) -> Excerpt | None:
    """Return the source around a place; None where there is none to show.

    Columns count from 1: bytes in what Go reads (https://pkg.go.dev/go/token#Position), characters in
    TOML.
    """
    try:
        real = os.path.realpath(path)
        ending = os.path.splitext(real)[1]
        lines = files.whole(real, _MOST).split(b"\n") if ending in _SOURCES else []
    except (OSError, ValueError):
        return None
    if not 1 <= line <= len(lines):
        return None
    raw = lines[line - 1].rstrip(b"\r")
    text = raw.decode("utf-8", "replace")
    place = None
    if column is not None:
        before = (
            text[: column - 1]
            if ending == ".toml"
            else raw[: column - 1].decode("utf-8", "replace")
        )
        place = len(before) if 1 <= column <= len(raw) + 1 else None
    above = lines[line - 2].rstrip(b"\r").decode("utf-8", "replace") if line > 1 else ""
    word = None
    if place is not None:
        word = (_WORD_OF_TOML if ending == ".toml" else _WORD).match(text, place)
    length = len(word[0]) if word else 1
    return Excerpt(line, (above, text) if above.strip() else (text,), place, length)


class Drawn(NamedTuple):
    """A line of a drawn excerpt."""

    gutter: str
    text: str
    """Harmless, or the carets."""


def draw(excerpt: Excerpt, width: int) -> list[Drawn]:
    """Return an excerpt as lines of at most `width` columns, cut around the caret."""
    *above, text = (_shown(line) for line in excerpt.lines)
    digits = len(str(excerpt.number))
    room = max(width - digits - 5, 20)
    start = marked = 0
    if excerpt.column is not None:
        last = excerpt.lines[-1]
        start = columns(_shown(last[: excerpt.column]))
        marked = max(1, columns(_shown(last[: excerpt.column + excerpt.length])) - start)
    # Indentation that both lines have says nothing.
    lines = [*above, text]
    common = min(len(line) - len(line.lstrip(" ")) for line in lines)
    lines = [line[common:] for line in lines]
    start -= min(common, start)
    shift = max(0, start + min(marked, room // 2) - room + 1) if start + marked > room else 0
    numbers = range(excerpt.number - len(above), excerpt.number + 1)
    drawn = [
        Drawn(f"  {str(number).rjust(digits)} | ", _cut(line, shift, room))
        for number, line in zip(numbers, lines, strict=True)
    ]
    if excerpt.column is not None:
        carets = "^" * max(1, min(marked, room - (start - shift)))
        drawn.append(Drawn(f"  {' ' * digits} | ", " " * (start - shift) + carets))
    return drawn


def _shown(text: str) -> str:
    return visible(text.expandtabs(_TAB))


def _cut(line: str, shift: int, room: int) -> str:
    """Return what of a line is in view, with `…` where something is left out."""
    if shift:
        # The caret's columns stay: what is cut off in front is replaced cell by cell.
        kept, cells = "", 0
        for place, character in enumerate(line):
            if cells >= shift + 1:
                kept = line[place:]
                break
            cells += columns(character)
        line = "…" + " " * (cells - shift - 1) + kept
    if columns(line) > room:
        line = beginning(line, room - 1).rstrip(" ") + "…"
    return line.rstrip()
