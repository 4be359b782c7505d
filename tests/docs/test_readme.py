"""What README.md says is true: its commands are run, its configuration is read.

Every line beginning with `$ ` in a `console` block is run in a copy of fixtures/shop, on a
terminal; each block has a copy of its own. A comment above the block may say otherwise:
`<!-- not run: reason -->`, `<!-- goes on -->` where the block before left off, or `<!-- exits 2 -->`
for the last of its commands. Where output is
shown, it is compared. Times and sizes are not, nor how wide the gaps between columns are; `…`
stands for anything, on a line of its own for any number of lines.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lambdabuild.config.file import parse_config
from tests.docs.markdown import Block, blocks
from tests.docs.terminal import run_on_terminal, screen
from tests.environment import CLEAN, INSTALLED

ENVIRONMENT = CLEAN | {"NO_COLOR": "1", "PATH": INSTALLED, "TERM": "xterm"}

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def _runnable() -> list[list[Block]]:
    """Return the blocks that are run, those together that have one copy of the shop."""
    runs: list[list[Block]] = []
    for block in blocks(README, "console"):
        if block.comment == "goes on":
            runs[-1].append(block)
        elif not block.comment.startswith("not run: "):
            runs.append([block])
    return runs


def _line(block: Block) -> str:
    return f"line-{block.line}"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("dist", ".lambdabuild", "bootstrap")
    return Path(shutil.copytree(ROOT / "fixtures" / "shop", tmp_path / "shop", ignore=ignored))


# The first of them may compile all there is, while the others do the same beside it.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("run", _runnable(), ids=lambda run: _line(run[0]))
def test_its_commands_do_what_it_shows(run: list[Block], shop: Path) -> None:
    *before, last = (command for block in run for command in block.commands)
    exits = re.fullmatch(r"exits (\d+)", run[-1].comment)
    expected = [*((command, 0) for command in before), (last, int(exits[1]) if exits else 0)]

    for (command, shown), code in expected:
        ended, written = run_on_terminal(["sh", "-c", command], shop, ENVIRONMENT)
        said = screen(written)
        assert ended == code, said
        if shown.strip():
            assert re.fullmatch(pattern(shown), masked(said)), f"{said}\n-- is not --\n{shown}"


def masked(text: str) -> str:
    """Take out what differs between runs and machines."""
    text = re.sub(r"\b\d+ min \d+ s\b|\b\d+(\.\d+)? s\b", "TIME", text)
    text = re.sub(r"\b\d+\.\d [kM]B\b", "SIZE", text)
    lines = (re.sub(r"(?<=\S)[ \t]+", " ", line).rstrip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line)


def pattern(shown: str) -> str:
    """Return the regular expression that `shown` is, with its `…`."""
    lines = (
        r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
        for line in masked(shown).splitlines()
    )
    return "".join(lines)


@pytest.mark.parametrize("block", blocks(README, "toml"), ids=_line)
def test_its_configuration_is_valid(block: Block) -> None:
    config = parse_config(block.text, "README.md")

    if "billing" in block.text:
        assert config.functions["billing"]["directory"] == "api/invoices/v2"
    else:
        assert config.functions["thumbnails"] == {"cgo": True}


def test_its_makefile_builds_before_it_deploys(tmp_path: Path) -> None:
    (makefile,) = blocks(README, "make")
    (tmp_path / "Makefile").write_text(makefile.text, "utf-8")

    planned = subprocess.run(
        ["make", "-n", "deploy"], cwd=tmp_path, check=True, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip

    assert planned.stdout.splitlines() == ["lambdabuild all", "cd cdk && cdk deploy --all"]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_its_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
