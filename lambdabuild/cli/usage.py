"""Read what an invalid command line asks for, and explain what is wrong with it."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import typer

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.secrets import without_secrets
from lambdabuild.output.streams import tell


class Asked(NamedTuple):
    """What a command line asks for, as far as it can be read though it may be wrong."""

    command: str | None = None
    json: bool = False
    report: str | None = None
    directories: tuple[str, ...] = ()
    """Of -C, one after the other."""


def asked_of(
    arguments: Sequence[str], commands: Mapping[str, frozenset[str]], general: frozenset[str]
) -> Asked:
    """Read a command line that may be wrong.

    `commands` has, by command, its flags that take a value; `general` are those before its name.
    """
    asked = Asked()
    rest = list(arguments)
    # What may stand after a command that there is not.
    unknown = frozenset[str]().union(*commands.values())
    while rest:
        word = rest.pop(0)
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            asked = asked._replace(command=asked.command or word)
            continue
        valued = commands.get(asked.command, unknown) if asked.command else general
        flag, equals, value = word.partition("=")
        if not word.startswith("--"):
            flag, value = _short(word, valued)
            equals = value
        if flag == "--json":
            asked = asked._replace(json=True)
        elif flag in valued:
            if not equals:
                value = rest.pop(0) if rest else ""
            if flag == "--report" and value:
                asked = asked._replace(report=value)
            elif flag in {"-C", "--directory"} and value:
                asked = asked._replace(directories=(*asked.directories, value))
    return asked


def _short(word: str, valued: frozenset[str]) -> tuple[str, str]:
    """Return the flag with a value among flags of one letter, such as `-qC`, and the value."""
    for place, letter in enumerate(word[1:], start=2):
        if f"-{letter}" in valued:
            return f"-{letter}", word[place:]
    return word, ""


def flags_of(group: Any) -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    """Return the flags that take a value: by command, and those before a command's name."""
    commands = {name: _valued(command) for name, command in group.commands.items()}
    return commands, _valued(group)


def _valued(command: Any) -> frozenset[str]:
    return frozenset(
        flag
        for parameter in command.params
        if parameter.param_type_name == "option" and not parameter.is_flag
        for flag in parameter.opts
    )


def shown(error: typer.TyperException) -> LambdabuildError:
    """Show what typer says of a command line, with the usage, and return it as an error."""
    error.message = without_secrets(error.message)
    usage = io.StringIO()
    error.show(usage)  # type: ignore[attr-defined]
    tell(usage.getvalue().rstrip("\n"))
    context: typer.Context | None = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "lambdabuild"
    # Without a command, typer's message is the whole help.
    said = error.format_message()
    message = "no command was given" if said.startswith("Usage: ") else said
    return LambdabuildError(message, hint=f"`{path} -h` tells what is possible")
