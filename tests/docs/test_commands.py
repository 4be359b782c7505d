"""docs/reference/commands.md holds what `--help` says.

`UPDATE_DOCS=1 .venv/bin/pytest tests/docs/test_commands.py` writes it anew.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "reference" / "commands.md"
COMMANDS = (
    *(
        "",
        "all",
        "build",
        "check",
        "watch",
        "why",
        "list",
        "serve",
        "invoke",
        "events",
        "history",
        "merge-reports",
        "clean",
        "doctor",
    ),
    *("init", "schema", "completion", "cache", "cache info", "cache clear"),
)


def test_the_document_holds_what_help_says() -> None:
    text = document()
    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(text, "utf-8")

    assert DOCUMENT.read_text("utf-8") == text


def test_the_document_knows_every_command() -> None:
    _, _, listed = help_of("").partition("Commands:\n")

    own = [name for name in COMMANDS[1:] if " " not in name]
    assert re.findall(r"(?m)^  (\S+)", listed.partition("\n\n")[0]) == own


def document() -> str:
    """Return what docs/reference/commands.md is to be."""
    sections = [
        "# Commands\n\nThe output of `lambdabuild COMMAND --help`. Defaults are in brackets. Flags that all commands\naccept, such as `-C DIR` and `-v`, may come before the command or after it.\n",
        *(f"## {_title(name)}\n\n```text\n{help_of(name)}```\n" for name in COMMANDS),
    ]
    return "\n".join(sections)


def help_of(name: str) -> str:
    """Return what a command's `--help` prints; of lambdabuild itself where `name` is empty."""
    return subprocess.run(
        [Path(sys.executable).with_name("lambdabuild"), *name.split(), "--help"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"},
    ).stdout


def _title(name: str) -> str:
    return f"lambdabuild {name}".rstrip()
