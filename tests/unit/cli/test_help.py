import re
import shlex
from typing import Any

import pytest
import typer

from lambdabuild.cli.app import app
from lambdabuild.cli.usage.help import ENVIRONMENT, EXAMPLES, spelled_out
from lambdabuild.config.options import OPTIONS, SECTIONS

GROUP: Any = typer.main.get_command(app)
COMMANDS = {"": GROUP, **GROUP.commands}


def help_of(name: str, monkeypatch: pytest.MonkeyPatch, columns: int = 80) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    root = GROUP.make_context("lambdabuild", [], resilient_parsing=True)
    if not name:
        return str(root.get_help())
    command = COMMANDS[name]
    return str(command.make_context(name, [], parent=root, resilient_parsing=True).get_help())


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_cut_and_nothing_is_too_wide(
    name: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = help_of(name, monkeypatch, columns)
    words = " ".join(text.split())

    assert re.findall(r"[a-z ]\.\.\.", text) == []
    assert max(map(len, text.splitlines())) < columns
    for parameter in COMMANDS[name].params:
        assert parameter.hidden or " ".join(parameter.help.split()) in words


def test_flags_are_in_sections_that_say_what_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    text = help_of("all", monkeypatch)
    sections = dict(re.findall(r"(?m)^([A-Z]\w+):\n((?:  .*\n?)+)", text))

    assert [name for name in sections if name != "Examples"] == [*SECTIONS]
    for option in OPTIONS:
        if option.flag:
            assert option.names[0] in sections[option.section]


def test_a_command_shows_no_flag_that_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, build = help_of("watch", monkeypatch), help_of("build", monkeypatch)
    refused = ("--since", "--files-from", "--shard", "--times", "--dry-run")

    assert [flag for flag in refused if f"{flag} " in watch] == []
    assert [flag for flag in refused if f"{flag} " in build] == [*refused]


def test_the_help_of_all_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    text = help_of("", monkeypatch)

    assert all(f"  {name} " in text for name, _ in ENVIRONMENT)
    assert text.splitlines()[-1] == "`lambdabuild help COMMAND` shows the flags of a command."


@pytest.mark.parametrize(
    ("name", "line"), [(name, e.line) for name, several in EXAMPLES.items() for e in several]
)
def test_an_example_is_a_command_line(name: str, line: str) -> None:
    words = shlex.split(re.sub(r'eval "\$\((.*)\)"|(.*) \| source', r"\1\2", line))
    assert words.pop(0) == "lambdabuild"
    command = COMMANDS.get(words[0], GROUP)
    flags = {word for word in words if word.startswith("-")}

    assert name in {"", "completion", words[0]}
    assert flags <= {flag for parameter in command.params for flag in parameter.opts}


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("help", "--help"),
        ("help build", "build --help"),
        ("help cache info", "cache info --help"),
        ("version", "--version"),
        ("--show-completion", "--show-completion=auto"),
        ("--show-completion bash", "--show-completion=bash"),
        ("--install-completion zsh", "--install-completion=zsh"),
        ("build help", "build help"),
        ("", ""),
    ],
)
def test_some_words_stand_for_flags(words: str, meant: str) -> None:
    assert spelled_out(words.split()) == meant.split()
