import json
import os
from pathlib import Path
from typing import Any

import pytest

from lambdabuild.cli.usage import grammar
from lambdabuild.cli.usage.refusals import CommandLine, leave, read
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.output.annotating import from_top
from tests.schemas import code_quality


def wrong(shop: Path, **more: Any) -> LambdabuildError:
    place: dict[str, Any] = {"file": str(shop / "go.mod"), "line": 4, "column": None}
    return LambdabuildError("it is wrong", at=["go.mod"], hint="mend it", **place | more)


TOLD = {
    "schema": 1,
    "ok": False,
    "functions": [],
    "error": {
        "message": "it is wrong\n  at: go.mod",
        "hint": "mend it",
        "file": "shop/go.mod",
        "line": 4,
        "column": None,
    },
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


def test_an_error_is_left_on_stdout_and_in_the_report(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = CommandLine("all", json=True, report="out/deep/report.json")
    leave(wrong(shop), line, str(shop.parent), {})
    assert json.loads(capsys.readouterr().out) == TOLD
    assert json.loads((shop.parent / "out/deep/report.json").read_text("utf-8")) == TOLD


def test_paths_are_from_where_the_command_runs_though_it_may_never_have_gone_there(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = CommandLine("all", json=True, report="report.json", directories=("shop", "."))
    leave(wrong(shop), line, str(shop.parent), {})
    told = json.loads(capsys.readouterr().out)
    assert told["error"]["file"] == "go.mod"
    assert json.loads((shop / "report.json").read_text("utf-8")) == told
    gone = CommandLine("all", json=True, directories=("nowhere",))
    leave(wrong(shop), gone, str(shop.parent), {})
    assert json.loads(capsys.readouterr().out) == TOLD


def test_where_nobody_asks_nothing_is_left(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave(
        wrong(shop), CommandLine("all"), str(shop), {"GITHUB_STEP_SUMMARY": str(shop / "summary")}
    )
    assert capsys.readouterr() == ("", "")
    assert list(shop.iterdir()) == []


def test_a_watcher_gets_its_own_event(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave(wrong(shop), CommandLine("watch", json=True), str(shop), {})
    (line,) = capsys.readouterr().out.splitlines()
    message = "it is wrong\n  at: go.mod\n  hint: mend it"
    error = {"file": "go.mod", "line": 4, "column": None, "message": message}
    assert json.loads(line) == {"event": "failed", "function": None, "errors": [error]}


def test_a_report_that_cannot_be_written_hides_nothing(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = CommandLine("all", json=True, report="shop")
    leave(wrong(shop), line, str(shop.parent), {})
    out, err = capsys.readouterr()
    assert json.loads(out) == TOLD
    assert err == "warning: cannot write the report `shop`: Is a directory\n"
    # Where that is the error, it was told.
    leave(LambdabuildError(err[9:-1]), line, str(shop.parent), {})
    assert capsys.readouterr().err == ""


def test_the_report_of_what_was_built_stays(shop: Path) -> None:
    (shop / "report.json").write_text("of what was built")
    error = LambdabuildError("cannot write the trace")
    error.reported = ("report.json",)
    leave(error, CommandLine("all", report="report.json"), str(shop), {})
    assert (shop / "report.json").read_text() == "of what was built"


@pytest.mark.parametrize(
    ("top", "place"), [("", "shop/go.mod"), ("shop", "go.mod"), ("elsewhere", "go.mod")]
)
def test_gitlab_gets_a_report_from_the_top_of_the_repository(
    shop: Path, top: str, place: str
) -> None:
    line = CommandLine("check", code_quality="out/quality.json")
    leave(wrong(shop), line, str(shop), {"CI_PROJECT_DIR": str(shop.parent / top)})

    assert code_quality(shop / "out/quality.json") == [
        ("start", "blocker", place, 4, "it is wrong; hint: mend it")
    ]


def test_github_gets_an_annotation_at_the_line_and_a_summary(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(shop.parent)}
    summary = shop / "summary.md"
    leave(wrong(shop), CommandLine("all"), str(shop), env | {"GITHUB_STEP_SUMMARY": str(summary)})
    assert capsys.readouterr() == (
        "",
        "::error file=shop/go.mod,line=4,title=lambdabuild stopped::"
        "it is wrong%0A  at: go.mod%0A  hint: mend it\n",
    )
    assert summary.read_text("utf-8") == (
        "## ❌ lambdabuild stopped\n\n```text\nerror: it is wrong\n  at: go.mod\n"
        "  hint: mend it\n```\n"
    )
    leave(
        wrong(shop, file=None), CommandLine(), str(shop), env | {"GITHUB_STEP_SUMMARY": str(shop)}
    )
    err = capsys.readouterr().err.splitlines()
    assert err[0].startswith("::error title=lambdabuild stopped::it is wrong")
    assert err[1:] == ["warning: cannot write the job summary: Is a directory"]


@pytest.mark.parametrize(
    ("top", "working", "pwd", "file", "told"),
    [
        # Whichever side is the link.
        ("real", "real/shop", None, "real/shop/api/a.go", "shop/api/a.go"),
        ("link", "real/shop", None, "real/shop/api/a.go", "shop/api/a.go"),
        ("real", "link/shop", None, "link/shop/api/a.go", "shop/api/a.go"),
        ("link", "real/shop", "link/shop", "real/shop/api/a.go", "shop/api/a.go"),
        ("link/", "link/shop", None, "real/shop/api/a.go", "shop/api/a.go"),
        # A link in the repository, to another place in it and to one outside.
        ("real", "real/shop", "real/inner", "real/shop/api/a.go", "shop/api/a.go"),
        ("real", "outside", "real/outer", "outside/api/a.go", "outer/api/a.go"),
        ("link", "outside", "link/outer", "outside/api/a.go", "outer/api/a.go"),
        ("link", "outside", "real/outer", "outside/api/a.go", "outer/api/a.go"),
        # What is really outside.
        ("real", "outside", None, "outside/api/a.go", "../outside/api/a.go"),
        ("real", "outside", "real/shop", "outside/api/a.go", "../outside/api/a.go"),
        ("real", "real/shop", "link/shop", "outside/api/a.go", "../outside/api/a.go"),
    ],
)
def test_paths_are_from_the_top_of_the_repository_whatever_links_lead_there(  # the whole table
    tmp_path: Path, top: str, working: str, pwd: str | None, file: str, told: str
) -> None:
    for name in ("real/shop/api", "outside/api"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/inner").symlink_to("shop")
    (tmp_path / "real/outer").symlink_to("../outside")
    env = {"GITHUB_WORKSPACE": os.path.join(tmp_path, top)}
    env |= {"PWD": os.path.join(tmp_path, pwd)} if pwd else {}
    shown = from_top(env, os.path.join(tmp_path, working))
    assert shown(os.path.join(tmp_path, file)) == told


GROUP = grammar.load()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", CommandLine()),
        ("all --json --report r.json", CommandLine("all", json=True, report="r.json")),
        ("all --report=out/r.json --forse", CommandLine("all", report="out/r.json")),
        ("check --code-quality=q.json -h", CommandLine("check", code_quality="q.json")),
        ("-C one all -C two --json", CommandLine("all", json=True, directories=("one", "two"))),
        (
            "-qCone --directory=two list --json",
            CommandLine("list", json=True, directories=("one", "two")),
        ),
        ("all -vqC one -j4 --json", CommandLine("all", json=True, directories=("one",))),
        # The value of another flag.
        ("watch --exec --json", CommandLine("watch")),
        ("all --report --json", CommandLine("all", report="--json")),
        ("all --tags --report x", CommandLine("all")),
        # Names of functions.
        ("build -- --json", CommandLine("build")),
        ("build --json -- --report x", CommandLine("build", json=True)),
        # What makes no sense for typer.
        ("--json all", CommandLine("all", json=True)),
        ("al --json --report r.json", CommandLine("al", json=True, report="r.json")),
        ("list --report r.json", CommandLine("list")),
        ("all --report", CommandLine("all")),
    ],
)
def test_what_a_command_line_asks_for_is_known_though_it_may_be_wrong(
    line: str, expected: CommandLine
) -> None:
    assert read(line.split(), GROUP) == expected
