"""Make text on a terminal lead to a file.

OSC 8: https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda
"""

import os
from collections.abc import Mapping

_PROGRAMS = frozenset({"iTerm.app", "WezTerm", "ghostty", "Hyper", "rio", "mintty", "Tabby"})
_TERMS = ("xterm-kitty", "foot", "alacritty", "xterm-ghostty", "contour")
_VARIABLES = ("WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "DOMTERM")
_VTE = 5000
"""The first VTE that takes them, as VTE_VERSION gives it."""


def taken(environment: Mapping[str, str]) -> bool:
    """Tell whether the terminal is known to take hyperlinks.

    Editors' terminals find `path:line:column` themselves, and go to the line, which a link to a file
    cannot say. FORCE_HYPERLINK decides, as for other programs: 0 is no, anything else yes.
    """
    forced = environment.get("FORCE_HYPERLINK")
    if forced:
        return forced != "0"
    if environment.get("TERM_PROGRAM") == "vscode" or environment.get("TERMINAL_EMULATOR"):
        return False
    vte = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM") in _PROGRAMS
        or environment.get("TERM", "").startswith(_TERMS)
        or any(environment.get(name) for name in _VARIABLES)
        or (vte.isdigit() and int(vte) >= _VTE)
    )


def link(text: str, path: str) -> str:
    """Return text that leads to the file at an absolute path."""
    from urllib.parse import quote

    address = f"file://{os.uname().nodename}{quote(os.fsencode(path))}"
    return f"\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\"
