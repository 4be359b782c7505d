"""Tell a shell what may follow the words of a command line; `shells` has the scripts that ask."""

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.cli.usage.grammar import Command, Parameter, load

FILES, DIRECTORIES = "\tfiles", "\tdirectories"
"""What a shell completes by itself."""
_HARMLESS = re.compile(r"[\w@%+=:,./-]+")
"""Words that no shell reads anything into."""


class Word(NamedTuple):
    """What may follow, and what explains it."""

    text: str
    help: str = ""


def answer(shell: str, environment: Mapping[str, str]) -> None:
    """Print what may follow the words in the environment, for `complete_bash` and the like.

    Whatever goes wrong, the answer is that nothing is known: nobody asked for anything.
    """
    import logging

    logging.disable()
    shell = shell.removeprefix("complete_")
    try:
        words, typed = _words(environment)
        for line in _printed(complete(load(), words, environment), words[-1], typed, shell):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except Exception:  # noqa: BLE001, S110 - as the docstring says
        pass
    finally:
        logging.disable(logging.NOTSET)


def _words(environment: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the words after the command, the last of which is not complete, and that as typed."""
    text, place = environment["COMP_WORDS"], int(environment["COMP_CWORD"])
    # As the shell's scripts give them; or as one types them.
    raw = text.split("\n") if "\n" in text else shlex.split(text)
    raw = [*raw, ""][: place + 1]
    words: list[str] = []
    for word in map(_unquoted, raw[1:]):
        # Bash takes `--arch=arm64` apart.
        before = words[-1] if words else ""
        if word == "=" and before.startswith("--"):
            words[-1] += "="
        elif before.startswith("--") and before.endswith("=") and "=" not in word:
            words[-1] += word
        else:
            words.append(word)
    return words or [""], raw[-1]


def _unquoted(word: str) -> str:
    """Return a word as the shell would pass it on; one whose quotes are not closed as it is."""
    try:
        return "".join(shlex.split(word))
    except ValueError:
        return word.lstrip("'\"").replace("\\", "")


def complete(
    group: Command, words: Sequence[str], environment: Mapping[str, str]
) -> str | Iterable[Word]:
    """Return what may stand for the last of the words: FILES, DIRECTORIES, or words."""
    *before, last = words
    if before[:1] == ["help"]:
        return _commands(_read(group, before[1:]).command)
    line = _read(group, before)
    if _is_optional(line.awaited) and last.startswith("-"):
        line = line._replace(awaited=None)
    if line.awaited is None and not line.only_arguments and last.startswith("-"):
        if not (last.startswith("--") and "=" in last):
            return _flags(line)
        line = line._replace(awaited=_flag_of(line.command, last.partition("=")[0]))
        return _of_option(line, environment) if line.awaited is not None else ()
    if line.awaited is not None:
        return _of_option(line, environment)
    if line.command.commands:
        return [*_commands(line.command), *([] if line.name else map(Word, ("help", "version")))]
    return _arguments(line, last, environment)


def _arguments(line: "_Line", last: str, environment: Mapping[str, str]) -> str | Iterable[Word]:
    """Return what may follow that is no flag; the flags where nothing else may."""
    arguments = [p for p in line.command.params if p.is_argument]
    if not arguments or (arguments[0].nargs == 1 and line.arguments):
        return _flags(line)
    metavar = str(arguments[0].metavar).removesuffix("...").strip("[]")
    # `history` has no paths: what it shows may be gone.
    if metavar == "NAME" and line.name != "history" and (os.sep in last or last.startswith(".")):
        return FILES
    found = _standing_for(metavar, line, environment)
    if isinstance(found, str):
        return found
    return [word for word in found if word.text not in line.arguments]


class _Line(NamedTuple):
    """What the words before the last one say."""

    command: Command
    name: str = ""
    """Of the command; empty before there is one."""
    awaited: Parameter | None = None
    """The flag whose value comes next."""
    arguments: tuple[str, ...] = ()
    only_arguments: bool = False
    """After `--`."""
    flags: frozenset[str] = frozenset()
    """Those that were given, in any of their names."""
    directories: tuple[str, ...] = ()
    """Of -C, in order."""
    config: str | None = None


def _read(group: Command, words: Iterable[str]) -> _Line:
    line = _Line(group)
    for word in words:
        if _is_optional(line.awaited) and word.startswith("-"):
            line = line._replace(awaited=None)
        if line.awaited is not None:
            line = _with_value(line, line.awaited, word)._replace(awaited=None)
        elif word == "--" and not line.only_arguments:
            line = line._replace(only_arguments=True)
        elif word.startswith("-") and len(word) > 1 and not line.only_arguments:
            line = _with_flag(line, word)
        elif word in line.command.commands:
            line = line._replace(command=line.command.commands[word], name=word)
        else:
            line = line._replace(arguments=(*line.arguments, word))
    return line


def _is_optional(option: Parameter | None) -> bool:
    """Return whether the value of a flag may be left out: another flag follows."""
    return option is not None and str(option.metavar).startswith("[")


def _with_flag(line: _Line, word: str) -> _Line:
    if word.startswith("--"):
        flag, equals, value = word.partition("=")
        option = _flag_of(line.command, flag)
    else:
        # Several of one letter, of which the last may have a value: `-qj4`.
        for place, letter in enumerate(word[1:], start=2):
            option, equals, value = _flag_of(line.command, f"-{letter}"), word[place:], word[place:]
            if option is not None and not option.is_flag:
                break
            line = line._replace(flags=line.flags | set(option.opts if option else ()))
    if option is None:
        return line
    line = line._replace(flags=line.flags | set(option.opts))
    if option.is_flag:
        return line
    return _with_value(line, option, value) if equals else line._replace(awaited=option)


def _with_value(line: _Line, option: Parameter, value: str) -> _Line:
    if "--directory" in option.opts:
        return line._replace(directories=(*line.directories, value))
    if "--config" in option.opts:
        # Relative to where -C before it leads.
        return line._replace(config=os.path.join(*line.directories, value))
    return line


def _flag_of(command: Command, name: str) -> Parameter | None:
    return next((option for option in command.options if name in option.opts), None)


def _flags(line: _Line) -> Iterator[Word]:
    """Yield the flags that a command takes, but those that were given and take one value."""
    for option in line.command.options:
        if not option.hidden and (option.multiple or not line.flags & set(option.opts)):
            yield Word(max(option.opts, key=len), option.help)
            yield from (Word(name, option.help) for name in option.secondary_opts)
    yield Word("--help", "Show this message and exit.")


def _commands(group: Command) -> list[Word]:
    shown = ((n, command) for n, command in group.commands.items() if not command.hidden)
    return [Word(name, command.help) for name, command in shown]


def _of_option(line: _Line, environment: Mapping[str, str]) -> str | Iterable[Word]:
    if line.awaited is None:
        return ()
    if line.awaited.values:
        return map(Word, line.awaited.values)
    return _standing_for(str(line.awaited.metavar).strip("[]"), line, environment)


_CONSTANT: Mapping[str, str | tuple[str, ...]] = {
    "FILE": FILES,
    "PATH": FILES,
    "DIR": DIRECTORIES,
    "GOOS/GOARCH": ("linux/amd64", "linux/arm64"),
    "SHELL": ("bash", "zsh", "fish"),
    "ID": ("last",),
}


def _standing_for(
    metavar: str, line: _Line, environment: Mapping[str, str]
) -> str | Iterable[Word]:
    """Return what may be written for the word that help has in the place of a value."""
    found = _CONSTANT.get(metavar, ())
    directories = map(os.path.expanduser, line.directories)
    working = os.path.normpath(os.path.join(os.getcwd(), *directories))
    if metavar in {"NAME", "GLOB", "NAME|TYPE", "REF"}:
        # Slow to import, for a command or a flag.
        from lambdabuild.cli.usage import values

    if metavar in {"TYPE", "NAME|TYPE"}:
        found = tuple(_events())
    if metavar in {"NAME", "GLOB", "NAME|TYPE"}:
        config = os.path.join(os.getcwd(), line.config) if line.config is not None else None
        names = values.function_names(working, config, environment)
        found = (*names, *(found if metavar == "NAME|TYPE" else ()))
    elif metavar == "REF":
        found = tuple(values.refs(working, environment))
    return found if isinstance(found, str) else map(Word, found)


def _events() -> Iterator[str]:
    from lambdabuild.local.events.catalogue import SOURCES

    return (source.name for source in SOURCES)


def _printed(found: str | Iterable[Word], last: str, typed: str, shell: str) -> Iterator[str]:
    """Yield the lines for a shell: what begins as the last word does, and can be typed."""
    if isinstance(found, str):
        yield found
        return
    flag, equals, value = last.partition("=")
    of_flag = bool(equals) and flag.startswith("--")
    # A shell that takes the word apart, as bash does, replaces only what follows the sign.
    joined = f"{flag}=" if of_flag and typed.startswith("-") else ""
    for word in found:
        if word.text.isprintable() and word.text.startswith(value if of_flag else last):
            if shell != "bash":
                yield f"{joined}{word.text}" + (f"\t{word.help}" if word.help else "")
            # What a shell would obey is not put on the line, where Enter would run it.
            elif _HARMLESS.fullmatch(word.text):
                yield f"{joined}{word.text}"
