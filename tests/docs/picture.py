"""Draw docs/run.svg: what `lambdabuild all` shows for fixtures/shop, in real runs.

The first of two finds nothing in `dist`, the second one shared file edited. The picture holds its text
a second time, for whoever cannot see it, and for the test that compares it.
"""

import html
import io
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.docs.pages import DOCS, ROOT
from tests.docs.terminal import run_on_terminal, screen

PICTURE = DOCS / "run.svg"
COMMANDS = (
    "lambdabuild all",
    "sed -i.bak 's/needs a name/has to have a name/' internal/users/users.go",
    "lambdabuild all",
)


def shown(place: Path, environment: Mapping[str, str]) -> Text:
    """Run the commands below a directory, and return what a terminal shows of them."""
    shop = place / "shop"
    ignored = shutil.ignore_patterns("dist", ".lambdabuild", "bootstrap")
    shutil.copytree(ROOT / "fixtures" / "shop", shop, ignore=ignored)
    # Modules are fetched and packages compiled before: the picture is of every day.
    before = ["lambdabuild", "--quiet", "all", "--out", "before"]
    subprocess.run(before, cwd=shop, env=dict(environment), check=True)
    return Text("\n").join(
        piece for command in COMMANDS for piece in _of_one(command, shop, environment)
    )


def _of_one(command: str, directory: Path, environment: Mapping[str, str]) -> Iterator[Text]:
    code, written = run_on_terminal(["sh", "-c", command], directory, environment)
    assert code == 0, written
    yield Text(f"$ {command.replace('-i.bak', '-i')}", style="bold")
    if answer := Text.from_ansi(screen(written)):
        yield answer


def draw(picture: Text) -> None:
    """Write the picture."""
    width = max(line.cell_len for line in picture.split())
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    console.print(picture)
    drawn = console.export_svg(title="lambdabuild", unique_id="lambdabuild")
    text = f"<desc>\n{html.escape(picture.plain, quote=False)}\n</desc>"
    # Fonts of the reader's: a picture loads nothing from elsewhere.
    drawn = re.sub(r"(?s)\s*@font-face \{.*?\n    \}", "", drawn)
    begin = drawn.index(">") + 1
    PICTURE.write_text(f"{drawn[:begin]}\n    {text}{drawn[begin:]}", "utf-8")


def drawn() -> str:
    """Return the text of the picture."""
    found = re.search(r"(?s)<desc>\n(.*?)\n</desc>", PICTURE.read_text("utf-8"))
    return html.unescape(found[1]) if found else ""
