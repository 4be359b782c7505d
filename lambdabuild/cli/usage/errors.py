"""Say what is wrong with a command line in lambdabuild's words, where typer has its own."""

import re
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

import typer

from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.secrets import without_secrets
from lambdabuild.core.text import one_line

_EXTRA = re.compile(r"Got unexpected extra arguments?\(?s?\)? \((.*)\)", re.DOTALL)
_NO_COMMAND = re.compile(r"No such command '([^']*)'")
_NO_VALUE = re.compile(r"Option '([^']*)' requires an argument")
_NO_NUMBER = re.compile(r"'([^']*)' is not a valid int|(-?\d+) is not in the range")


def usage_error(error: typer.TyperException) -> LambdabuildError:
    """Return what typer refuses as an error of ours.

    The kinds that typer distinguishes only by their English are known by that.
    """
    context: typer.Context | None = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "lambdabuild"
    said = error.format_message()
    refused = _Refused(error, said, context, path)
    if asked_for_help(error) is not None:
        message, hint = "no command was given", None
    else:
        kinds = (words(refused) for words in (_of_flag, _of_word, _of_value))
        otherwise = (said[:1].lower() + said[1:].removesuffix("."), None)
        message, hint = next(filter(None, kinds), otherwise)
    return LambdabuildError(
        without_secrets(one_line(message)), hint=hint or f"`{path} -h` shows what there is"
    )


def asked_for_help(error: typer.TyperException) -> str | None:
    """Return the help that typer shows where no command was given."""
    message = error.format_message()
    return message if message.startswith("Usage: ") else None


class _Refused(NamedTuple):
    """What typer refuses."""

    error: typer.TyperException
    said: str
    context: typer.Context | None
    path: str
    """The command: `lambdabuild all`."""


_Words = tuple[str, str | None]
"""A message and a hint."""


def _of_flag(refused: _Refused) -> _Words | None:
    if match := _NO_VALUE.match(refused.said):
        return f"`{match[1]}` needs a value", None
    option = getattr(refused.error, "option_name", None)
    if option is None or refused.context is None:
        return None
    hint = _flag_hint(option, refused.context, refused.path)
    return f"`{refused.path}` has no flag `{option}`", hint


def _of_word(refused: _Refused) -> _Words | None:
    if match := _EXTRA.match(refused.said):
        if refused.path == "lambdabuild all":
            line = shlex.join(["lambdabuild", "build", *match[1].split()])
            return f"`{refused.path}` takes no names", f"`{line}`"
        return f"`{refused.path}` takes no `{match[1]}`", None
    match = _NO_COMMAND.match(refused.said)
    if match is None or refused.context is None:
        return None
    near = did_you_mean(match[1], dict(_commands(refused.context.command)))
    listed = f"`{refused.path} -h` lists the commands"
    if refused.path == "lambdabuild":
        listed += "; `lambdabuild build NAME` builds a function"
    return f"there is no command `{match[1]}`", near or listed


def _of_value(refused: _Refused) -> _Words | None:
    parameter: Any = getattr(refused.error, "param", None)
    if parameter is None:
        return None
    if refused.said.startswith("Missing"):
        named = parameter.metavar or parameter.name.upper()
        listed = "`lambdabuild list` shows the functions" if "NAME" in named else None
        return f"`{refused.path}` needs {named}", listed
    if match := _NO_NUMBER.search(refused.said):
        flag = next(iter(parameter.opts), parameter.name)
        return f"`{flag}` is a whole number from 1, not `{match[1] or match[2]}`", None
    return None


def _flag_hint(option: str, context: typer.Context, path: str) -> str | None:
    """Return the flag that was probably meant, or where the flag belongs."""
    elsewhere = [
        name
        for name, command in _commands(context.find_root().command)
        if option in _flags(command)
    ]
    if not elsewhere:
        return did_you_mean(option, _flags(context.command))
    shown = ", ".join(f"`lambdabuild {name}`" for name in elsewhere[:3])
    if path == "lambdabuild":
        return f"it comes after the command: {shown}"
    return f"it is a flag of {shown}"


def _commands(group: Any) -> Iterator[tuple[str, Any]]:
    return iter(getattr(group, "commands", {}).items())


def _flags(command: Any) -> list[str]:
    return [flag for parameter in command.params for flag in parameter.opts if flag[:1] == "-"]
