# ruff: noqa: INP001, T201 - a script beside the documents, not part of a package
"""Draw docs/run.svg: what `lambdabuild all` shows for fixtures/shop, in real runs.

Run it in the repository: `.venv/bin/python docs/make_picture.py`. The first run of two finds
nothing in `dist`, the second finds one shared file edited.
"""

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.docs.terminal import run_on_terminal, screen

REPOSITORY = Path(__file__).resolve().parent.parent
PICTURE = REPOSITORY / "docs" / "run.svg"
COMMANDS = (
    "lambdabuild all",
    "sed -i 's/needs a name/has to have a name/' internal/users/users.go",
    "lambdabuild all",
)


def main() -> None:
    """Run the commands and write the picture."""
    environment = os.environ | {"TERM": "xterm-256color"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment.pop("NO_COLOR", None)
    with tempfile.TemporaryDirectory() as place:
        shop = Path(place, "shop")
        ignored = shutil.ignore_patterns("dist", ".lambdabuild", "bootstrap")
        shutil.copytree(REPOSITORY / "fixtures" / "shop", shop, ignore=ignored)
        # Modules are fetched and packages compiled before: the picture is of every day.
        before = ["lambdabuild", "--quiet", "all", "--out", "before"]
        subprocess.run(before, cwd=shop, env=environment, check=True)
        pieces = [piece for command in COMMANDS for piece in shown(command, shop, environment)]
    picture = Text("\n").join(pieces)
    width = max(line.cell_len for line in picture.split())
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    console.print(picture)
    console.save_svg(str(PICTURE), title="lambdabuild", unique_id="lambdabuild")
    print(picture.plain)


def shown(command: str, directory: Path, environment: Mapping[str, str]) -> list[Text]:
    """Run a command and return what a terminal shows of it, the prompt first."""
    code, written = run_on_terminal(["sh", "-c", command], directory, environment)
    if code != 0:
        sys.exit(f"`{command}` ended with {code}:\n{written}")
    answer = Text.from_ansi(screen(written))
    return [Text(f"$ {command}", style="bold"), *([answer] if answer else [])]


if __name__ == "__main__":
    main()
