"""docs/reference/commands.md holds what `--help` says, and grammar.json all commands and flags.

`UPDATE_DOCS=1 .venv/bin/pytest tests/docs/test_commands.py` writes it anew.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from lambdabuild.cli import app
from lambdabuild.cli.usage import grammar
from lambdabuild.cli.usage.help import first_line
from lambdabuild.config.options import OPTIONS

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "reference" / "commands.md"
GRAMMAR = Path(grammar.__file__).with_name(grammar.FILE)
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


def test_what_completes_and_refuses_has_the_commands_and_flags_of_typer() -> None:
    text = json.dumps(_of_command(app.group()), indent=1) + "\n"
    if os.environ.get("UPDATE_DOCS"):
        GRAMMAR.write_text(text, "utf-8")

    assert GRAMMAR.read_text("utf-8") == text


def _of_command(command: Any) -> dict[str, Any]:
    inner = {name: _of_command(each) for name, each in getattr(command, "commands", {}).items()}
    return _without_defaults(
        {
            "params": [*map(_of_parameter, command.params)],
            "help": first_line(command.help),
            "hidden": command.hidden,
            "commands": inner,
        }
    )


def _of_parameter(parameter: Any) -> dict[str, Any]:
    is_argument = parameter.param_type_name == "argument"
    return _without_defaults(
        {
            "opts": parameter.opts,
            "secondary_opts": parameter.secondary_opts,
            "metavar": parameter.metavar,
            "help": first_line(parameter.help),
            "values": _VALUES.get(parameter.opts[0], ()),
            "is_argument": is_argument,
            "is_flag": not is_argument and parameter.is_flag,
            "multiple": not is_argument and parameter.multiple,
            "hidden": parameter.hidden,
            "nargs": 0 if parameter.nargs == 1 else parameter.nargs,
        }
    )


_VALUES = {name: option.values for option in OPTIONS for name in option.names if option.values}


def _without_defaults(value: dict[str, Any]) -> dict[str, Any]:
    return {name: inner for name, inner in value.items() if inner or name == "params"}


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


def documented(name: str) -> str:
    """Return what the document has of a command, which a test compares with what `--help` prints."""
    _, _, section = DOCUMENT.read_text("utf-8").partition(f"\n## {_title(name)}\n\n```text\n")
    return section.partition("```\n")[0]


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
