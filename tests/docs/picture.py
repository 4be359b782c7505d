"""Draw docs/run.svg: what `lambdabuild all` shows for fixtures/shop, in real runs.

`make picture` runs it; test_picture.py compares the picture with other runs. The first run of two
finds nothing in `dist`, the second finds one shared file edited.
"""

import html
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.docs.terminal import run_on_terminal, screen
from tests.environment import CLEAN, INSTALLED

REPOSITORY = Path(__file__).resolve().parents[2]
PICTURE = REPOSITORY / "docs" / "run.svg"
COMMANDS = (
    "lambdabuild all",
    "sed -i 's/needs a name/has to have a name/' internal/users/users.go",
    "lambdabuild all",
)
_CELL = 12.2
"""The width of a character in the pictures that rich draws; it leaves out what is blank."""
_ENVIRONMENT = CLEAN | {"PATH": INSTALLED, "TERM": "xterm-256color"}


def main() -> None:
    """Run the commands and write the picture."""
    with tempfile.TemporaryDirectory() as place:
        picture = shown(Path(place))
    PICTURE.write_text(drawn(picture), "utf-8")
    print(picture.plain)


def shown(place: Path) -> Text:
    """Return what a terminal shows of the commands, run in a copy of the shop below `place`."""
    shop = place / "shop"
    ignored = shutil.ignore_patterns("dist", ".lambdabuild", "bootstrap")
    shutil.copytree(REPOSITORY / "fixtures" / "shop", shop, ignore=ignored)
    # Modules are fetched and packages compiled before: the picture is of every day.
    before = ["lambdabuild", "--quiet", "all", "--out", "before"]
    subprocess.run(before, cwd=shop, env=_ENVIRONMENT, check=True)
    return Text("\n").join(piece for command in COMMANDS for piece in _run(command, shop))


def _run(command: str, directory: Path) -> list[Text]:
    """Run a command and return what a terminal shows of it, the prompt first."""
    code, written = run_on_terminal(["sh", "-c", command], directory, _ENVIRONMENT)
    if code != 0:
        sys.exit(f"`{command}` ended with {code}:\n{written}")
    answer = Text.from_ansi(screen(written))
    return [Text(f"$ {command}", style="bold"), *([answer] if answer else [])]


def drawn(picture: Text) -> str:
    """Return it as SVG."""
    width = max(line.cell_len for line in picture.split())
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    console.print(picture)
    return console.export_svg(title="lambdabuild", unique_id="lambdabuild")


def text_of(svg: str) -> str:
    """Return the text that a picture shows, as far as it is of the terminal."""
    lines: defaultdict[int, str] = defaultdict(str)
    piece = r'<text [^>]* x="([\d.]+)" [^>]*-line-(\d+)\)">([^<]*)</text>'
    for x, number, text in re.findall(piece, svg):
        before = lines[int(number)].ljust(round(float(x) / _CELL))
        lines[int(number)] = before + html.unescape(text).replace("\xa0", " ")
    return "".join(f"{lines[number].rstrip()}\n" for number in range(max(lines) + 1))


if __name__ == "__main__":
    main()
