"""Find the console blocks of a page, run them, and write anew what is shown below their commands.

A block is run in a copy of fixtures/shop, on a terminal. A comment above it may say otherwise, in
parts with `; ` between them:

- `not run: REASON`
- `goes on`: where the block before left off
- `exits N`: so ends the last of its commands
- `in NAME`: in a copy of fixtures/NAME
- `then: COMMAND`: not on a terminal; once it waits, this is run, and it is ended after the last line shown
- `stays`: not on a terminal; its command serves until the example ends. Other commands find its address
  where the page has it, whatever the port is
- `first: COMMAND`: before, and not shown; it is the last part

Where output is shown, it is compared. Times and sizes are not, nor how wide the gaps between columns
are; `…` stands for anything, on a line of its own for any number of lines.
"""

import fcntl
import os
import queue
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.docs.markdown import Block, blocks

_PLACES = re.compile(r"(?:(?<=\s)|^)/(?:[\w.+-]+/)+[\w.+-]+|\bgo1\.\d+(?:\.\d+)?\b")
"""What is another on each machine: absolute paths, Go's version."""

_ADDRESS = re.compile(r"\b127\.0\.0\.1:\d+\b")
_PATIENCE = 120.0
"""Seconds that a watcher may take for what is shown of it."""
_QUIET = 10.0
"""Seconds without a line, after which a watcher has nothing more to say."""
UPDATING = bool(os.environ.get("UPDATE_DOCS"))


class Directions(NamedTuple):
    """What the comment above a block says."""

    run: bool = True
    goes_on: bool = False
    code: int = 0
    project: str = "shop"
    first: str = ""
    then: str = ""
    stays: bool = False


class Example(NamedTuple):
    """Blocks that are run one after the other in one copy of a project."""

    page: str
    blocks: tuple[Block, ...]

    @property
    def place(self) -> str:
        """Return where it stands, as the test is called."""
        return f"{self.page}:{self.blocks[0].line}"


def directions(block: Block) -> Directions:
    """Return what the comment above a block says of it."""
    said = Directions()
    before, _, first = f"; {block.comment}".partition("; first: ")
    for part in filter(None, before.split("; ")):
        match part.split(" ", 1):
            case ["not", why] if re.fullmatch(r"run: .+", why):
                said = said._replace(run=False)
            case ["goes", "on"]:
                said = said._replace(goes_on=True)
            case ["exits", code]:
                said = said._replace(code=int(code))
            case ["stays"]:
                said = said._replace(stays=True)
            case ["then:", then]:
                said = said._replace(then=then)
            case ["in", project]:
                said = said._replace(project=project)
            case _:
                raise AssertionError(f"nobody knows what `{part}` above a block says")
    return said._replace(first=first)


def examples(pages: Mapping[str, str]) -> Iterator[Example]:
    """Find all that is run."""
    for page, text in pages.items():
        found: list[list[Block]] = []
        for block in blocks(text, "console"):
            said = directions(block)
            if said.goes_on:
                found[-1].append(block)
            elif said.run:
                found.append([block])
        yield from (Example(page, tuple(together)) for together in found)


def masked(text: str) -> str:
    """Take out what differs between runs and machines."""
    text = re.sub(r"\b\d+ min \d+ s\b|\b\d+(\.\d+)? s\b", "TIME", text)
    text = re.sub(r"\b\d+\.\d [kM]B\b", "SIZE", text)
    text = re.sub(r"\b127\.0\.0\.1:\d+\b", "ADDRESS", text)
    lines = (re.sub(r"(?<=\S)[ \t]+", " ", line).rstrip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line)


def pattern(shown: str) -> str:
    """Return the regular expression that `shown` is, with its `…`."""
    lines = (
        r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
        for line in masked(shown).splitlines()
    )
    return "".join(lines)


def fits(shown: str, said: str) -> bool:
    """Tell whether a page shows what a command said; what shows nothing claims nothing."""
    return not shown.strip() or bool(re.fullmatch(pattern(shown), masked(said)))


def anew(shown: str, said: str) -> str:
    """Return what a page is to show: of what was said, the parts that it has shown so far.

    Lines before the first `…` and after the last one stay as many. What stands between two of them is
    looked for. A line with a `…` in it stays if it still fits, and what is of a machine becomes one.
    """
    lines = said.splitlines()
    pieces = [piece.splitlines() for piece in re.split(r"(?m)^…\n", shown)]
    if sum(map(len, pieces)) > len(lines) or len(pieces) == 1:
        pieces = [lines]
    kept: list[list[str]] = []
    position = 0
    for number, piece in enumerate(pieces):
        if number == len(pieces) - 1 and number:
            position = len(lines) - len(piece)
        elif number:
            fitting = (at for at in range(position, len(lines)) if _alike(piece[:1], lines[at]))
            position = next(fitting, position)
        kept.append(lines[position : position + len(piece)])
        position += len(piece)
    old = [line for line in shown.splitlines() if "…" in line and line != "…"]
    written = ("".join(f"{_line(line, old)}\n" for line in piece) for piece in kept)
    return "…\n".join(written)


def _alike(shown: Sequence[str], line: str) -> bool:
    return bool(shown) and bool(line) and shown[0].split()[:1] == line.split()[:1]


def _line(line: str, old: Sequence[str]) -> str:
    same = (known for known in old if re.fullmatch(pattern(known), masked(line)))
    return next(same, _PLACES.sub("…", line))


def watched(command: str, then: str, shown: str, at: Path, environment: Mapping[str, str]) -> str:
    """Run what goes on until it is ended, and return as many lines as are shown.

    `then` is run once a line says `watching`. While pages are written anew, lines are waited for until
    there are none for a while.
    """
    process = subprocess.Popen(
        ["sh", "-c", f"exec {command}"], cwd=at, env=dict(environment), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    stream = process.stdout
    arrived: queue.SimpleQueue[str] = queue.SimpleQueue()
    reader = threading.Thread(target=lambda: deque(map(arrived.put, stream), 0), daemon=True)
    reader.start()
    lines: list[str] = []
    until = time.monotonic() + _PATIENCE
    try:
        while UPDATING or len(lines) < shown.count("\n"):
            lines.append(arrived.get(timeout=_QUIET if UPDATING else until - time.monotonic()))
            if lines[-1].startswith("watching"):
                subprocess.run(then, shell=True, check=True, cwd=at, env=dict(environment))
    except queue.Empty:
        pass
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
        reader.join()
        stream.close()
    return "".join(lines)


class Server:
    """A command of a page that serves while others are run: at ports of its own."""

    def __init__(self, command: str, at: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["sh", "-c", f"exec {command} --port 0"], cwd=at, env=dict(environment),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self._stream = self._process.stdout
        self._said: list[str] = []
        reader = threading.Thread(target=lambda: deque(map(self._said.append, self._stream), 0))
        self._reader = reader
        reader.start()
        self._addresses: dict[str, str] = {}

    def says(self, shown: str) -> str:
        """Return what it said once that is what is shown, or it has nothing more to say."""
        until = time.monotonic() + (_QUIET if UPDATING else _PATIENCE)
        while time.monotonic() < until and self._process.poll() is None:
            if shown.strip() and fits(shown, "".join(list(self._said))):
                break
            time.sleep(0.05)
        said = "".join(list(self._said))
        # In their order: the server's own, debuggers'.
        own = dict.fromkeys(_ADDRESS.findall(said))
        self._addresses = dict(zip(dict.fromkeys(_ADDRESS.findall(shown)), own, strict=False))
        return said

    def meant(self, command: str) -> str:
        """Return a command of the page with the addresses that there are."""
        return _ADDRESS.sub(lambda match: self._addresses.get(match[0], match[0]), command)

    def stop(self) -> None:
        """End it, as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()
        self._reader.join()
        self._stream.close()


def rewrite(path: Path, block: Block, outputs: Sequence[str]) -> None:
    """Put other outputs below the commands of a block, while others may do so in the same page."""
    fresh = "".join(
        f"$ {command}\n{output}"
        for (command, _), output in zip(block.commands, outputs, strict=True)
    )
    with path.open("r+", encoding="utf-8") as page:
        fcntl.flock(page, fcntl.LOCK_EX)
        text = page.read()
        page.seek(0)
        page.write(text.replace(f"```console\n{block.text}```", f"```console\n{fresh}```", 1))
        page.truncate()
