"""What a repository's authors put into names and messages is shown, and obeyed by nobody."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.harmless import assert_harmless, is_command, lines
from tests.projects import main_printing

# Go's own messages are the same for all versions as far as this goes.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)

PWN = "::set-output name=pwn::yes"


def broken(said: str) -> str:
    """Return a program whose error is said to be in a file of that name."""
    return f"package main\n\nfunc main() {{\n//line {said}:1\nundefined()\n}}\n"


RAW = "package main\n\nfunc main() {\n_ = `\n::error::raw\n::stop-commands::t\n` + 1\n}\n"


@pytest.fixture
def hostile(empty: Project) -> Project:
    """Functions, one of which can be built, that all try to be obeyed."""
    programs = {
        "api/good": main_printing("good"),
        "api/line": broken(PWN),
        "api/older": broken("##[set-output name=pwn;]yes"),
        "api/stop": broken("::stop-commands::t"),
        "api/terminal": broken("\x1b[2J\x1b]0;title\x07x"),
        "api/raw": RAW,
        f"api/a\n{PWN}": main_printing("a"),
        "api/b\x1b[2J\x1b]0;title\x07": main_printing("b"),
        "api/c\r::error::c": main_printing("c"),
    }
    for directory, text in programs.items():
        empty.write(f"{directory}/main.go", text)
    empty.write(f"api/good/x\n{PWN}.txt", "an asset")
    empty.write(
        "lambdabuild.toml",
        f'[functions."x\\n{PWN}"]\ndirectory = "api/good"\nassets = ["*.txt"]\n',
    )
    return empty


def test_github_is_given_no_command_but_lambdabuild_s_own(hostile: Project, tmp_path: Path) -> None:
    there = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    for arguments in (
        ["all", "--explain", "--verbose"],
        ["all", "--json", "--color", "always"],
        ["all", "--dry-run", "--explain"],
        ["list", "--skipped"],
        ["why"],
        ["history"],
        ["doctor"],
        ["build", PWN],
        ["list", "--root", f"api/a\n{PWN}"],
        [PWN],
        ["clean"],
    ):
        result = hostile.run(*arguments, env=there)
        assert "Traceback" not in result.err
        commands = [line for line in lines(result.err) if is_command(line)]
        others = "\n".join(line for line in lines(result.err) if not is_command(line))
        assert {re.match("::(error|warning) ?[^:]*::", line) is None for line in commands} <= {
            False
        }
        for command in commands:
            assert_harmless(command.removeprefix("::"))
        assert_harmless(others)
        assert_harmless(result.out)
        if arguments[0] == "all" and "--dry-run" not in arguments:
            assert result.code == 1
            assert commands
    assert "\x1b" not in (tmp_path / "summary.md").read_text("utf-8")


def test_what_a_dry_run_prints_runs_no_name(empty: Project) -> None:
    empty.write("api/good/main.go", main_printing("good"))
    names = ["x\\ntouch pasted", "x\\rtouch pasted", "$(touch pasted)`touch pasted`'; touch pasted"]
    for name in names:
        empty.write("lambdabuild.toml", f'[functions."{name}"]\ndirectory = "api/good"\n')
        shown = empty.run("all", "--dry-run", "--out", "o\ntouch pasted\n", "--zip").out
        assert shown.count("\n# each executable goes to ") == 1
        done = subprocess.run(["/bin/sh"], input=shown, cwd=empty.path, env=empty.environment,
                              text=True, capture_output=True, check=False)  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert not (empty / "pasted").exists()


def test_init_writes_through_no_link(empty: Project, tmp_path: Path) -> None:
    empty.write("api/good/main.go", main_printing("good"))
    (empty / "lambdabuild.toml").symlink_to(tmp_path / "elsewhere.toml")
    result = empty.run("init")
    assert (result.code, result.err.splitlines()[0]) == (
        2,
        "error: there is a `lambdabuild.toml` here already",
    )
    assert not (tmp_path / "elsewhere.toml").exists()


def test_names_are_told_on_one_line_with_what_cannot_be_seen(hostile: Project) -> None:
    listed = hostile.run("list").out
    assert [line.split("  ")[0] for line in listed.splitlines()[1:]] == [
        rf"a\n{PWN}",
        r"b\x1b[2J\x1b]0;title\x07",
        r"c\r::error::c",
        *("line", "older", "raw", "stop", "terminal"),
        rf"x\n{PWN}",
    ]


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take nothing but UTF-8")
def test_bytes_that_are_no_text_are_taken_as_they_are(empty: Project, tmp_path: Path) -> None:
    empty.write("api/a/main.go", main_printing("a"))
    store = tmp_path / "store"
    env = {
        "LAMBDABUILD_CACHE": f"file://{store}",
        "LAMBDABUILD_CACHE_DIR": str(tmp_path / "local-\udcff"),
        "LAMBDABUILD_CACHE_KEY": "\udcff",
        "LAMBDABUILD_CACHE_MODE": "read-write",
    }
    arguments = ["all", "--out", "o\udcff", "--zip", "--sbom", "--report", "r\udcff"]
    result = empty.run(*arguments, env=env)
    assert (result.code, "warning" in result.err) == (0, False), result.err
    assert (empty / "o\udcff/a.zip").exists()
    assert (empty / "r\udcff").exists()
    assert empty.run(*arguments).summary == "up to date 1 of 1"
