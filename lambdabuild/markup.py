"""Write text into HTML so that it says what it says, whatever is in it."""

import html
import re

# Controls, which HTML cannot hold; halves of surrogate pairs, as in names that are no UTF-8; and
# what turns the direction of writing, by which a name can look like another (https://trojansource.codes).
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def escaped(text: str) -> str:
    r"""Return text for an element or a quoted attribute, with `\x1b` for what cannot be seen."""
    return html.escape(_UNSEEN.sub(_spelled, text))


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - a byte
