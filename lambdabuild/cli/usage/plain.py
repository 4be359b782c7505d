"""Read the command lines that are typed most without typer, whose import takes a third of a short run.

Only what is certain is read here: `all`, `build` and `list` with flags written in full. Whatever else
a command line has is typer's, which knows all of it, and says what is wrong with it. A test compares
both on random command lines.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from lambdabuild.cli.options import (
    GENERAL_FLAGS,
    TAKEN,
    flags_of,
    laid_over,
    name_of_flag,
    options_from,
)
from lambdabuild.config.options import COUNT, SWITCH, TEXTS, General, Option

_LIST_SWITCHES = ("skipped", "json", "exit_code")
"""Flags that only `list` has."""


class PlainCommand(NamedTuple):
    """A command line, read: what was said before the command, and after it."""

    name: str
    general: Mapping[str, Any]
    """The values of the flags before the command, by the name of the flag."""
    values: Mapping[str, Any]
    """The values of those after it."""
    words: tuple[str, ...]
    """Its arguments."""

    def run(self) -> None:
        """Do what the command line says, as its function in `app.py` does."""
        before = laid_over(General(), self.general)
        options = options_from(before, flags_of(TAKEN[self.name]), self.values)
        from lambdabuild.cli import building

        if self.name == "list":
            switches = {name: bool(self.values.get(name)) for name in _LIST_SWITCHES}
            building.list_functions(options, **switches)
        else:
            building.build(options, self.words)


def read(arguments: Sequence[str]) -> PlainCommand | None:
    """Return a command line, if it is one of those that are read here and nothing is wrong with it."""
    rest = list(arguments)
    try:
        general = _flags(rest, GENERAL_FLAGS)
        name = rest.pop(0) if rest else ""
        if name not in TAKEN:
            return None
        words: list[str] = []
        switches = _LIST_SWITCHES if name == "list" else ()
        values = _flags(rest, [*flags_of(TAKEN[name]), *GENERAL_FLAGS], switches, words)
    except _UncertainError:
        return None
    if bool(words) != (name == "build"):
        return None
    return PlainCommand(name, general, values, tuple(words))


class _UncertainError(Exception):
    """Say that a command line is typer's to read."""


def _flags(
    rest: list[str],
    options: Iterable[Option],
    switches: Iterable[str] = (),
    words: list[str] | None = None,
) -> dict[str, Any]:
    """Take flags with their values from the front of a command line; return them by name.

    Other words are put into `words`; without it, the first one is where this ends.
    """
    known = {name: option for option in options for name in option.names}
    values: dict[str, Any] = {}
    while rest:
        if not rest[0].startswith("-"):
            if words is None:
                break
            words.append(rest.pop(0))
            continue
        word = rest.pop(0)
        flag, equals, value = word.partition("=")
        option = known.get(flag)
        if option is not None and option.kind is not SWITCH:
            if equals and not flag.startswith("--"):
                raise _UncertainError
            if not equals and not rest:
                raise _UncertainError
            _note(values, option, value if equals else rest.pop(0))
        elif option is not None and not equals:
            values[name_of_flag(option)] = True
        elif (name := word.removeprefix("--").replace("-", "_")) in switches:
            values[name] = True
        else:
            raise _UncertainError
    return values


def _note(values: dict[str, Any], option: Option, value: str) -> None:
    """Note the value of a flag as typer would."""
    name = name_of_flag(option)
    if option.kind is COUNT:
        if not (value.isascii() and value.isdigit() and int(value) >= 1):
            raise _UncertainError
        values[name] = int(value)
    elif option.kind.flag == TEXTS.flag:
        values.setdefault(name, []).append(value)
    else:
        values[name] = value
