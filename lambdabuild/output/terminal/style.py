"""What a line on a terminal is made of."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lambdabuild.core.result import Status
from lambdabuild.core.text import visible
from lambdabuild.output.terminal import hyperlinks

BOLD, DIM, RED, GREEN, YELLOW, BLUE, CYAN = "1", "2", "31;1", "32;1", "33;1", "34;1", "36;1"
"""Parameters of SGR: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html"""
STYLES: Mapping[Status | None, str] = {
    Status.BUILT: "32",
    Status.RESTORED: "32",
    Status.UNCHANGED: "36",
    Status.UP_TO_DATE: DIM,
    Status.FAILED: RED,
    Status.CANCELLED: "33",
    None: "33",
}
"""By status; None is being built."""


class Part(NamedTuple):
    """A piece of a line; its text is made harmless when it is printed."""

    text: str
    style: str = ""
    file: str | None = None
    """The absolute path that it leads to."""


Line = Sequence[Part]


def styled(line: Line, *, color: bool, links: bool = False) -> str:
    """Return a line as it is printed; whatever is in it, no terminal obeys it."""
    return "".join(_styled(part, color=color, links=links) for part in line)


def _styled(part: Part, *, color: bool, links: bool) -> str:
    shown = visible(part.text)
    if color and part.style:
        shown = f"\x1b[{part.style}m{shown}\x1b[0m"
    return hyperlinks.link(shown, part.file) if links and part.file else shown
