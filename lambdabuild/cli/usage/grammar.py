"""The commands and flags that there are, without typer: for completion, and for what is wrong.

`grammar.json` is made of typer's commands by a test, which also compares them:
`UPDATE_DOCS=1 .venv/bin/pytest tests/docs/test_commands.py` writes it anew.
"""

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

FILE = "grammar.json"


class Parameter(NamedTuple):
    """A flag, or an argument."""

    opts: tuple[str, ...]
    """The names of a flag; the name of an argument's variable."""
    secondary_opts: tuple[str, ...] = ()
    """The names that turn a flag off."""
    metavar: str | None = None
    help: str = ""
    """The first line."""
    values: tuple[str, ...] = ()
    """All there are, where they can be listed."""
    is_argument: bool = False
    is_flag: bool = False
    """It takes no value."""
    multiple: bool = False
    hidden: bool = False
    nargs: int = 1


class Command(NamedTuple):
    """A command, or a group of commands."""

    params: tuple[Parameter, ...]
    help: str = ""
    """The first line."""
    hidden: bool = False
    commands: Mapping[str, "Command"] = {}

    @property
    def options(self) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.params if not parameter.is_argument)


def load() -> Command:
    """Return all of the command line."""
    path = PurePath(__file__).with_name(FILE)
    with open(path, encoding="utf-8") as file:
        return _command(json.load(file))


def _command(value: Mapping[str, Any]) -> Command:
    params = [Parameter(**_fields(parameter)) for parameter in value["params"]]
    commands = {name: _command(inner) for name, inner in value.get("commands", {}).items()}
    return Command(
        tuple(params), value.get("help", ""), hidden=value.get("hidden", False), commands=commands
    )


def _fields(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in value.items()}
