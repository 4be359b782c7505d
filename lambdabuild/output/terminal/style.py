"""What a line on a terminal is made of."""

from typing import NamedTuple

BOLD, RED, GREEN, YELLOW, BLUE, CYAN = "1", "31;1", "32;1", "33;1", "34;1", "36;1"
"""Parameters of SGR: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html"""


class Part(NamedTuple):
    """A piece of a line; its text is made harmless when it is printed."""

    text: str
    style: str = ""
    file: str | None = None
    """The absolute path that it leads to."""


Line = tuple[Part, ...]
