"""Write text into HTML so that it says what it says, whatever is in it."""

import html

from lambdabuild.core.text import visible


def escaped(text: str) -> str:
    r"""Return text for an element or a quoted attribute, with `\x1b` for what cannot be seen."""
    return html.escape(visible(text))
