"""What a person sees of a build on a narrow terminal, as pyte shows it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pyte
import pytest

from tests.e2e.conftest import LAMBDABUILD, Project
from tests.projects import main_printing, main_refused

COLUMNS, LINES = 60, 40
LONG = "-".join(["payments", *["reconciliation"] * 5, "webhook"])


class Screen(pyte.Screen):
    """A screen that notes the lines that were on it."""

    def __init__(self) -> None:
        super().__init__(COLUMNS, LINES)
        self.seen: dict[str, None] = {}

    def note(self) -> None:
        self.seen |= dict.fromkeys(line.rstrip() for line in self.display)


def built_on(project: Project, *arguments: str) -> Screen:
    """Run lambdabuild on a terminal, and return its screen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {k: v for k, v in project.environment.items() if k != "COLUMNS"}
    process = subprocess.Popen(
        [LAMBDABUILD, *arguments], cwd=project.path, env=environment | {"TERM": "xterm"},
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    screen = Screen()
    stream = pyte.ByteStream(screen)
    try:
        # Linux says EIO where nobody has the other end any more, macOS says nothing.
        while shown := os.read(ours, 4096):
            stream.feed(shown)
            screen.note()
    except OSError:
        pass
    finally:
        os.close(ours)
    process.wait(60)
    return screen


@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_on_sixty_columns_each_line_is_one_line(empty: Project) -> None:
    for name in ("a", "b", LONG):
        empty.write(f"api/{name}/main.go", main_printing(name))
    empty.write("api/c/main.go", main_refused("c"))
    empty.write("api/d/main.go", 'package main\n\nimport _ "fmt"\n\nfunc main() {}\n')
    screen = built_on(empty, "all")

    shown = [line.split() for line in screen.display]
    head = shown.index(["function", "status", "time"])
    end = next(number for number, line in enumerate(shown) if line[1:2] == ["error:"])
    # What other functions import may be compiled or not.
    rows = [line[:2] for line in shown[head + 1 : end] if not {"import", "imports"} & {*line}]
    name = next(name for name, _ in rows if "…" in name)
    assert (name[:12], name[-12:]) == (LONG[:12], LONG[-12:])
    assert sorted(rows) == [["a", "built"], ["b", "built"], ["d", "built"], [name, "built"]]
    assert [line.rstrip() for line in screen.display if "`c`" in line] == [
        "  `c` did not build: in package example.com/empty/api/c"
    ]
    assert ["built", "4,", "failed", "1", "of", "5", "in"] in [line[:7] for line in shown]
    headings = [line for line in screen.seen if "linked" in line]
    assert headings
    assert not [line for line in headings if " of 5 linked" not in line]


@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_the_packages_are_known_before_they_are_compiled_anew(empty: Project) -> None:
    # One after another, so that there is time to look.
    for number in range(25):
        below = f'import _ "example.com/empty/p{number + 1}"\n' if number < 24 else ""
        empty.write(f"p{number}/p.go", f"package p{number}\n\n{below}")
    empty.write(
        "api/a/main.go", 'package main\n\nimport _ "example.com/empty/p0"\n\nfunc main() {}\n'
    )
    assert empty.run("all").code == 0
    headings = [line for line in built_on(empty, "all", "--force").seen if "linked" in line]
    assert any(re.match(r"\d+ of \d+ packages, 0 of 1 linked, ", line) for line in headings)
