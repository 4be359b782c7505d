"""Whatever is in a file that lambdabuild reads, it says so in a few words: there is no traceback.

LAMBDABUILD_FUZZ_EXAMPLES is how many inputs each reader gets; they are the same in each run.
"""

import contextlib
import copy
import hashlib
import io
import json
import logging
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lambdabuild.build.obstacles import bill_made_from, is_manifest_text, unpacked
from lambdabuild.cache.entry import BadEntryError, from_object, read_header, seal, to_object
from lambdabuild.cli.merge_reports import join
from lambdabuild.config.file import parse_config
from lambdabuild.config.positions import of_key
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Status
from lambdabuild.core.secrets import CACHE_KEY
from lambdabuild.golang.action_graph import parse_actions
from lambdabuild.golang.c_files import directives, named_in, parse_rule, preamble
from lambdabuild.golang.modfiles import bump, differences, merged, vendored
from lambdabuild.golang.output import (
    parse_build_ids,
    parse_build_output,
    parse_environment,
    parse_packages,
    without_stacks,
)
from lambdabuild.golang.remedies import position_in_module_file
from lambdabuild.golang.source import head, makes_program, needs_cgo, outline, parse_directives
from lambdabuild.output.report import manifest_text
from lambdabuild.packaging.buildinfo import parse_build_info
from lambdabuild.packaging.elf import read as read_binary
from lambdabuild.state import serialization
from lambdabuild.state.history import read_history
from lambdabuild.state.history import to_line as history_line
from lambdabuild.state.signing import Keys
from lambdabuild.state.store import Home
from lambdabuild.state.trends import (
    Run,
    Timed,
    history_value,
    recorded_seconds,
    times_of,
    trend_rows,
)
from tests.unit.published import opened
from tests.unit.values import A_STATE, PROJECT, artifact

EXAMPLES = int(os.environ.get("LAMBDABUILD_FUZZ_EXAMPLES", "40"))

JUNK: list[Any] = [
    None, True, 0, -1, 1.5, float("nan"), float("inf"), 2**80, 10**20, "", "x", "\0", "../..", "\ud800",
    "\x1b[2J", "::error::x", [], {}, [[]], [None], {"": None}, {"name": 1}, "é" * 300,
]  # fmt: skip
WHOLE = [
    "", "\0", "[" * 50_000, '{"a":' * 50_000, "9" * 5_000, "{}", "[]", "null", '"', "\ufeff{}",
    "[" + "1," * 2_000 + "1]", "a = " + "[" * 3_000, "a." * 2_000 + "b = 1", "\n" * 3_000, "1e999",
]  # fmt: skip


Make = Callable[[random.Random], bytes]
"""Make one input, the same each time for equal states of the generator."""


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place in a value that can be set to something else: where, and its key."""
    keys = (
        range(len(value)) if isinstance(value, list) else value if isinstance(value, dict) else ()
    )
    for key in keys:
        yield value, key
        yield from places(value[key])


def confused(sample: Any) -> Make:
    """Put other things in a few places of a JSON value, or leave them out."""

    def make(chance: random.Random) -> bytes:
        value = copy.deepcopy(sample)
        for _ in range(chance.randint(1, 3)):
            found = list(places(value))
            if found:
                where, key = chance.choice(found)
                if chance.random() < 0.7:
                    where[key] = copy.deepcopy(chance.choice(JUNK))
                else:
                    del where[key]
        return json.dumps(value).encode()

    return make


def damaged(sample: bytes) -> Make:
    """Cut bytes, double them, or overwrite them in a few places."""

    def make(chance: random.Random) -> bytes:
        content = bytearray(sample)
        for _ in range(chance.randint(1, 4)):
            start = chance.randint(0, len(content))
            end = min(len(content), start + chance.randint(0, 30))
            new = [b"", chance.randbytes(8), bytes(content[start:end]) * 2, b"[" * 2_000, b"\xff"]
            content[start:end] = chance.choice(new)
        return bytes(content)

    return make


def whole(chance: random.Random) -> bytes:
    """Return what is nothing like the file that it stands for."""
    return chance.choice([*WHOLE, chance.randbytes(99).decode("latin-1")]).encode()


def one_of(*makers: Make) -> Make:
    """Make inputs in several ways."""
    return lambda chance: chance.choice(makers)(chance)


def texts_of(sample: Any) -> Make:
    """Make what a file may hold instead of a JSON value."""
    return one_of(confused(sample), damaged(json.dumps(sample).encode()), whole)


class Reader(NamedTuple):
    """What reads something, and what it may raise."""

    make: Make
    read: Callable[[bytes], object]
    told: tuple[type[Exception], ...] = ()


REPORT = {
    "schema": 1, "ok": True, "seconds": 1.5, "go": "go1.26.8", "jobs": 2,
    "shard": {"index": 1, "count": 1, "functions": 1, "split": "0"},
    "functions": [{
        "name": "a", "target": "linux/amd64", "sha256": "0" * 64, "code_sha256": None,
        "seconds": 1.0, "status": "built", "size": 3,
    }],
}  # fmt: skip
LISTED = {
    "ImportPath": "example.com/a", "Name": "main", "Dir": "/shop/api/a", "GoFiles": ["main.go"],
    "Imports": ["fmt"], "Module": {"Path": "example.com", "Main": True, "Replace": {"Path": "../x"}},
    "EmbedPatterns": ["x"], "Error": {"Pos": "a.go:1:2", "Err": "wrong", "ImportStack": ["a"]},
}  # fmt: skip
GRAPH = [{
    "ID": 0, "Mode": "build", "Package": "a", "Deps": [0], "Cmd": ["x"],
    "TimeStart": "2026-11-26T10:00:00.5Z", "TimeDone": "2026-11-26T10:00:01.5Z",
}]  # fmt: skip
TOML = b"""\
roots = ["api"]
out = "dist"
tags = ["a"]
env = {CGO_ENABLED = "0"}
max_growth = "10%"
[functions."a"]
directory = "api/a"
assets = ["**/x"]
zip = true
"""
GO = b'//go:build linux\npackage main\n\nimport "C"\n\n// #include <x.h>\nfunc main() { `a` }\n'
KEY = "0" * 32
CONTENT = b"\x7fELF executable" * 40
HEADER = seal(KEY, [CONTENT], hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), None)
TIMED = Timed("a", "linux/amd64", Status.BUILT, 1.0, 0.5, 0.5, 100)
LINE = history_line(Run("now", "go", (TIMED,)))


def state(directory: Path) -> Callable[[bytes], object]:
    """Return what reads a state whose body is this, signed as it should be."""
    home = Home(str(directory), {CACHE_KEY: "known", "HOME": str(directory / "home")})
    home.create()

    def read(body: bytes) -> None:
        text = body.decode("utf-8", "replace").replace("\n", " ")
        for kind, name in (("state", "state.json"), ("announcement", "publishing.json")):
            head = {"lambdabuild": serialization.VERSION, **home._keys.sign(kind, text)}
            (home.path / name).write_text(f"{json.dumps(head)}\n{text}\n", "utf-8", "replace")
        home.load()
        home.announced()
        (home.path / "state.json").write_bytes(body)
        assert home.load().artifacts == {}

    return read


def history(directory: Path) -> Callable[[bytes], object]:
    """Return what reads a history, and makes of it whatever is made of one."""
    path = directory / "history.jsonl"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        runs = read_history(path)
        recorded_seconds(runs)
        json.dumps(history_value(runs))
        trend_rows(runs)

    return read


def reports(directory: Path) -> Callable[[bytes], object]:
    """Return what merges a report, and a manifest."""
    session, _ = opened(directory)

    def read(content: bytes) -> None:
        (directory / "report.json").write_bytes(content)
        with contextlib.suppress(LambdabuildError), contextlib.redirect_stdout(io.StringIO()):
            join(session, ["report.json"], report="out.json", manifest="m.json")
        with contextlib.suppress(ValueError, RecursionError, LambdabuildError):
            times_of(json.loads(content))

    return read


def executable(directory: Path) -> Callable[[bytes], object]:
    """Return what reads an ELF file."""

    def read(content: bytes) -> None:
        (directory / "bootstrap").write_bytes(content)
        read_binary(str(directory / "bootstrap"))

    return read


def module_file(directory: Path) -> Callable[[bytes], object]:
    """Return what finds an error of Go's in a go.mod."""

    def read(content: bytes) -> None:
        (directory / "go.mod").write_bytes(content)
        said = content.decode("utf-8", "replace")
        position_in_module_file(f"go: errors parsing go.mod:\ngo.mod:1: {said}", str(directory))
        position_in_module_file(said, str(directory))

    return read


def sources(content: bytes) -> None:
    """Read a Go or a C file in all the ways there are."""
    for read in (outline, head, makes_program, needs_cgo, directives, named_in, preamble):
        read(content)
    text = content.decode("utf-8", "replace")
    for parse in (parse_directives, parse_rule, without_stacks, parse_build_info):
        parse(text)
    merged(text, text[::-1])
    assert differences(text, text) == {}
    differences(text, text[::-1])
    for said in vendored(text).values():
        bump(said, None)
    parse_build_output(text, {"main"}, PROJECT)
    of_key(text, ["functions", "a"])


def forms(content: bytes) -> None:
    """Look at a file for whether lambdabuild made it."""
    unpacked(content)
    bill_made_from(content, "a")
    is_manifest_text(content.decode("utf-8", "replace"))


def listed(content: bytes) -> None:
    """Read what `go list` and `go env` print."""
    text = content.decode("utf-8", "replace")
    for parse in (lambda: parse_packages(text, PROJECT), lambda: parse_environment(text),
                  lambda: parse_build_ids(text)):  # fmt: skip
        with contextlib.suppress(LambdabuildError):
            parse()


def readers(directory: Path) -> dict[str, Reader]:
    """Return all that reads what others may have written."""
    told = json.loads(serialization.to_text(A_STATE, PROJECT, Keys()).partition("\n")[2])
    row = json.loads(manifest_text([artifact()]))
    return {
        "state": Reader(texts_of(told), state(directory)),
        "history": Reader(
            one_of(damaged(LINE * 3), texts_of(json.loads(LINE))),
            history(directory),
        ),
        "report": Reader(one_of(texts_of(REPORT), texts_of(row)), reports(directory)),
        "configuration": Reader(
            one_of(damaged(TOML), whole),
            lambda content: parse_config(content.decode("utf-8", "replace"), "lambdabuild.toml"),
            (LambdabuildError,),
        ),
        "header": Reader(
            texts_of(json.loads(HEADER.text)),
            lambda content: read_header(content.decode("utf-8", "replace"), KEY, b"secret"),
            (BadEntryError,),
        ),
        "object": Reader(
            one_of(damaged(b"".join(to_object(HEADER, [CONTENT]))), whole),
            lambda content: list(from_object([content], len(content), KEY, None)[1]),
            (BadEntryError,),
        ),
        "go list": Reader(texts_of(LISTED), listed),
        "action graph": Reader(
            texts_of(GRAPH), lambda content: parse_actions(content.decode("utf-8", "replace"))
        ),
        "sources": Reader(one_of(damaged(GO), whole), sources),
        "forms": Reader(one_of(texts_of(row), damaged(CONTENT)), forms),
        "executable": Reader(
            damaged(Path("/proc/self/exe").read_bytes()[:4096] if os.path.exists("/proc/self/exe")
                    else CONTENT),
            executable(directory), (LambdabuildError,),
        ),
        "go.mod": Reader(damaged(b"module a\n\ngo 1.22\n\nrequire b v1.0.0\n"), module_file(directory)),
    }  # fmt: skip


READERS = (
    *("state", "history", "report", "configuration", "header", "object", "go list"),
    *("action graph", "sources", "forms", "executable", "go.mod"),
)


@pytest.mark.parametrize("name", READERS)
def test_whatever_a_file_holds_there_is_an_error_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # What is logged of half surrogates, pytest cannot hand from one process to another.
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    every = readers(tmp_path)
    assert every.keys() == set(READERS)
    reader = every[name]
    # As good as any other number; each input is the same in each run, whatever comes before it.
    for number in range(EXAMPLES):
        content = reader.make(random.Random(f"20261126 {name} {number}"))  # noqa: S311
        try:
            with contextlib.suppress(*reader.told):
                reader.read(content)
        except Exception as error:
            error.add_note(f"input {number}: {content[:300]!r}")
            raise
