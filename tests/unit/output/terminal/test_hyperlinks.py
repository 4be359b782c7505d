"""Links are for the terminals that are known to take them."""

import pytest

from lambdabuild.output.terminal.hyperlinks import link, taken


@pytest.mark.parametrize(
    ("environment", "yes"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM_PROGRAM": "iTerm.app"}, True),
        ({"TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM_PROGRAM": "WezTerm", "FORCE_HYPERLINK": "0"}, False),
        ({"FORCE_HYPERLINK": "1"}, True),
        ({"VTE_VERSION": "6800"}, True),
        ({"VTE_VERSION": "4200"}, False),
        ({"VTE_VERSION": "new"}, False),
        ({"WT_SESSION": "1-2-3"}, True),
        # Editors find `path:line:column` themselves.
        ({"TERM_PROGRAM": "vscode", "VTE_VERSION": "6800"}, False),
        ({"TERMINAL_EMULATOR": "JetBrains-JediTerm"}, False),
    ],
)
def test_the_environment_tells(environment: dict[str, str], yes: bool) -> None:
    assert taken(environment) is yes


def test_a_path_is_encoded() -> None:
    shown = link("x", "/a b/\x1b\udcff.go")
    assert shown.startswith("\x1b]8;;file://")
    assert "/a%20b/%1B%FF.go\x1b\\x\x1b]8;;\x1b\\" in shown
