"""What README.md and docs/ show is true: commands are run, configuration is read, JSON is parsed.

`UPDATE_DOCS=1 .venv/bin/pytest tests/docs/test_examples.py` puts what commands say now below them,
where it is not what is shown. `tests/docs/examples.py` tells what the comments above blocks mean.
"""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdabuild.config.file import parse_config
from tests.docs.checkers import checked
from tests.docs.examples import (
    UPDATING,
    Example,
    Server,
    anew,
    directions,
    examples,
    fits,
    pattern,
    rewrite,
    watched,
)
from tests.docs.markdown import Block, blocks
from tests.docs.pages import PAGES, ROOT
from tests.docs.terminal import run_on_terminal, screen
from tests.environment import CLEAN, GIT, INSTALLED

ENVIRONMENT = CLEAN | GIT | {"NO_COLOR": "1", "PATH": INSTALLED, "TERM": "xterm"}


def _shown(language: str) -> list[tuple[str, Block]]:
    return [(page, block) for page, text in PAGES.items() for block in blocks(text, language)]


def _place(value: object) -> str | None:
    return f"line-{value.line}" if isinstance(value, Block) else None


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    """Copy a fixture by its name."""

    def copied(name: str) -> Path:
        ignored = shutil.ignore_patterns("dist", ".lambdabuild", "bootstrap")
        source = ROOT / "fixtures" / name
        return Path(shutil.copytree(source, tmp_path / name, ignore=ignored))

    return copied


# The first of them may compile all there is, while the others do the same beside it.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("example", [*examples(PAGES)], ids=lambda example: example.place)
def test_commands_do_what_is_shown(example: Example, copy: Callable[[str], Path]) -> None:
    said = directions(example.blocks[0])
    project = copy(said.project)
    if said.first:
        subprocess.run(said.first, shell=True, check=True, cwd=project, env=ENVIRONMENT)

    servers: list[Server] = []
    try:
        for block in example.blocks:
            _check(example, block, project, servers)
    finally:
        for server in servers:
            server.stop()


def _check(example: Example, block: Block, project: Path, servers: list[Server]) -> None:
    outputs = []
    for number, (command, shown) in enumerate(block.commands, 1):
        code = directions(block).code if number == len(block.commands) else 0
        if then := directions(block).then:
            answer = watched(command, then, shown, project, ENVIRONMENT)
        elif directions(block).stays:
            servers.append(Server(command, project, ENVIRONMENT))
            answer = servers[-1].says(shown)
        else:
            meant = servers[-1].meant(command) if servers else command
            ended, written = run_on_terminal(["sh", "-c", meant], project, ENVIRONMENT)
            answer = screen(written)
            assert ended == code, answer
        if not fits(shown, answer):
            assert UPDATING, f"{answer}\n-- is not --\n{shown}"
            shown = anew(shown, answer)  # noqa: PLW2901
        outputs.append(shown)
    if UPDATING and outputs != [shown for _, shown in block.commands]:
        rewrite(ROOT / example.page, block, outputs)


@pytest.mark.parametrize(
    ("shown", "said", "expected"),
    [
        ("a 1\n", "b 2\n", "b 2\n"),
        ("a\n…\nz 1\n", "A\nb\nc\nz 2\n", "A\n…\nz 2\n"),
        ("…\nz 1\n", "a\nb\nz 2", "…\nz 2\n"),
        ("a\n…\n", "b\nc\nd\n", "b\n…\n"),
        ("a\n…\nm 1\n…\nz\n", "a\nb\nm 2\ny\nZ\n", "a\n…\nm 2\n…\nZ\n"),
        ("go … is here\nx\n", "go go1.26.1 is here\ny\n", "go … is here\ny\n"),
        ("x\n", "ok: go1.26.1 at /usr/local/go/bin/go\n", "ok: … at …\n"),
        ("a\n…\nb\nc\n", "only\n", "only\n"),
        ("`a`:\n\n  x\n", "`a`:\n\n  y\n", "`a`:\n\n  y\n"),
    ],
)
def test_what_a_page_shows_is_written_anew(shown: str, said: str, expected: str) -> None:
    assert anew(shown, said) == expected
    assert fits(expected, said)


@pytest.mark.parametrize(("page", "block"), _shown("toml"), ids=_place)
def test_configuration_is_valid(page: str, block: Block) -> None:
    if not block.comment.startswith("not lambdabuild.toml"):
        parse_config(block.text, page)
    else:
        tomllib.loads(block.text)


@pytest.mark.parametrize(("page", "block"), _shown("json"), ids=_place)
def test_json_is_json(page: str, block: Block) -> None:
    assert isinstance(json.loads(block.text), dict), page


@pytest.mark.parametrize(("page", "block"), _shown("sh"), ids=_place)
def test_shell_scripts_pass_shellcheck(page: str, block: Block, tmp_path: Path) -> None:
    script = tmp_path / f"{Path(page).stem}.sh"
    script.write_text(f"#!/bin/sh\n{block.text}", "utf-8")

    # Variables of the reader's; the script to come from, which no path with a space survives.
    checked("shellcheck", "--exclude=SC2154,SC2038", script)


@pytest.mark.parametrize(("page", "block"), _shown("make"), ids=_place)
def test_makefiles_build_before_they_deploy(page: str, block: Block, tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(block.text, "utf-8")

    planned = subprocess.run(
        ["make", "-n", "deploy"], cwd=tmp_path, check=True, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip

    build, deploy = planned.stdout.splitlines()
    assert build == "lambdabuild all", page
    assert re.fullmatch(r"cd cdk && (npx )?cdk deploy --all", deploy)


def test_an_ellipsis_stands_for_lines_or_for_a_part_of_one() -> None:
    assert re.fullmatch(pattern("a … c\n…\nz\n"), "a b c\nd\ne\nz\n")
    assert not re.fullmatch(pattern("a … c\nz\n"), "a b c\nd\nz\n")
