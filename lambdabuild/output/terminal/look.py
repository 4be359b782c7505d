"""Decide how to print: with colour, links and a board, or in plain lines."""

import re
from collections.abc import Mapping
from typing import NamedTuple, TextIO

from lambdabuild.core.text import is_read
from lambdabuild.output.terminal import hyperlinks


class Look(NamedTuple):
    """How to print: decided once, from flags, environment and terminal."""

    terminal: bool
    color: bool
    quiet: bool = False
    verbose: bool = False
    read: bool = False
    """By a CI system that takes some lines for commands."""
    links: bool = False
    """On a terminal that takes hyperlinks."""
    columns: int | None = None
    """The width that COLUMNS gives a terminal, in place of its own."""


def choose_look(
    color: str, environment: Mapping[str, str], stream: TextIO, *, quiet: bool, verbose: bool
) -> Look:
    """Decide between board and lines, with colour or without (https://no-color.org)."""
    terminal = stream.isatty() and environment.get("TERM") != "dumb"
    colored = color == "always"
    if color == "auto":
        colored = terminal and not environment.get("NO_COLOR")
    links = terminal and colored and hyperlinks.taken(environment)
    told = environment.get("COLUMNS", "") if terminal else ""
    columns = int(told) if re.fullmatch("[1-9][0-9]{0,4}", told) else None
    return Look(terminal, colored, quiet, verbose, is_read(environment), links, columns)
