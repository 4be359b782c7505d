"""A run that cannot start says so to machines as well: JSON, a report, an annotation, a summary."""

import fcntl
import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import jsonschema
import pytest

from tests.e2e.conftest import Project
from tests.e2e.machine import fake_go
from tests.projects import main_printing

# What Go says of a go.mod is in tests/unit/test_positions.py for both versions.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


def schema(name: str) -> Any:
    file = resources.files("lambdabuild").joinpath("schemas", f"{name}.schema.json")
    return json.loads(file.read_text("utf-8"))


Spoil = Callable[[Project], dict[str, str] | None]
"""Break something; what is returned goes into the environment."""


def nothing(_: Project) -> None:
    pass


def config(text: str) -> Spoil:
    return lambda project: project.write("lambdabuild.toml", text)


def old_go(project: Project) -> dict[str, str]:
    (project / "old").mkdir()
    return fake_go(project / "old", 'echo \'{"GOVERSION": "go1.21.13", "GOWORK": ""}\'')


def same_names(project: Project) -> None:
    project.write("api/users/get/main.go", main_printing("one"))
    project.write("api/users-get/main.go", main_printing("other"))


def broken_workspace(project: Project) -> None:
    project.write("go.work", "go 1.22\n\nuse .\nuze ./x\n")


def taken_output(project: Project) -> None:
    project.write("dist", "a file where the directory should be\n")


def taken_lock(project: Project) -> None:
    (project / ".lambdabuild/lock").mkdir(parents=True)


TOML = "lambdabuild.toml"
_TWICE = '[functions.x]\ndirectory = "api/a"\n[functions.y]\ndirectory = "api/a"\n'


@pytest.mark.parametrize(
    ("spoil", "arguments", "said", "place"),
    [
        # Flags and words.
        (nothing, ["--forse"], "`lambdabuild all` has no flag `--forse`", (None, None, None)),
        (nothing, ["--jobs=none"], "`--jobs` is a whole number from 1, not `none`", (None, None, None)),
        (nothing, ["--arch=arm46"], "`arm46` is not an architecture", (None, None, None)),
        (nothing, ["--color=allways"], "--color is auto, always or never", (None, None, None)),
        (nothing, ["--root=nowhere"], "the root `nowhere` is missing", (None, None, None)),
        (nothing, ["--config=nowhere.toml"], "cannot read the configuration", (None, None, None)),
        # The configuration.
        (config("a = 1\nroots = api\n"), [], "this is not TOML", (TOML, 2, 9)),
        (config('out = "dist"\n\nrots = []\n'), [], "`rots` is not a key", (TOML, 3, 1)),
        (config('[functions."nobody"]\nzip = true\n'), [], "there is no function", (TOML, 1, 13)),
        (config(_TWICE), [], "`x` and `y` are in one directory: `api/a`", (TOML, 1, 12)),
        (config('roots = ["nowhere"]\n'), [], "the root `nowhere` is missing", (None, None, None)),
        # What is there.
        (broken_workspace, [], "unknown directive: uze", ("go.work", 4, None)),
        (same_names, [], "two functions are named `users-get`", (None, None, None)),
        (old_go, [], "go1.21.13 is too old", (None, None, None)),
        (taken_output, [], "cannot write", (None, None, None)),
        (taken_lock, [], "cannot write", (None, None, None)),
    ],
)  # fmt: skip
def test_whatever_keeps_a_run_from_starting_is_left_for_machines(  # the whole table
    empty: Project,
    spoil: Spoil,
    arguments: list[str],
    said: str,
    place: tuple[str | None, int | None, int | None],
) -> None:
    empty.write("api/a/main.go", main_printing("a"))
    env = (spoil(empty) or {}) | {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(empty.path.parent),
        "GITHUB_STEP_SUMMARY": str(empty / "summary.md"),
    }
    result = empty.run("all", "--json", "--report=out/report.json", *arguments, env=env)
    assert result.code == 2, result.err
    jsonschema.validate(result.json, schema("report"))
    error = result.json["error"]
    assert result.json == {"schema": 1, "ok": False, "functions": [], "error": error}
    assert said in error["message"]
    assert (error["file"], error["line"], error["column"]) == place
    assert json.loads((empty / "out/report.json").read_text("utf-8")) == result.json
    (annotation,) = (line for line in result.err.splitlines() if line.startswith("::"))
    shown = f"::error file=empty/{place[0]},line={place[1]}" if place[0] else "::error title"
    assert annotation.startswith(shown)
    assert said in (empty / "summary.md").read_text("utf-8")
    # People are told once, and nothing but JSON is on stdout.
    assert sum(said in line for line in result.err.splitlines() if line[:2] != "::") == 1


def test_a_list_that_cannot_be_made_says_so_in_json(empty: Project) -> None:
    result = empty.run("list", "--json", "--root=nowhere")
    assert result.code == 2
    jsonschema.validate(result.json, schema("list"))
    assert result.json["error"]["message"].startswith("the root `nowhere` is missing")
    event = json.loads(empty.run("watch", "--json", "--root=nowhere").out)
    assert (event["event"], event["function"]) == ("failed", None)
    assert event["errors"][0]["message"].startswith("the root `nowhere` is missing")


def test_paths_are_from_where_the_command_runs(empty: Project) -> None:
    empty.write("api/a/main.go", main_printing("a"))
    empty.write("lambdabuild.toml", "roots = api\n")
    result = empty.run("-C", "api", "all", "--json", "--report", "r.json")
    assert result.json["error"]["file"] == "../lambdabuild.toml"
    assert json.loads((empty / "api/r.json").read_text("utf-8")) == result.json


def test_reports_are_merged_only_of_what_could_start(empty: Project) -> None:
    for name in ("a", "b"):
        empty.write(f"api/{name}/main.go", main_printing(name))
    assert empty.run("all", "--shard=1/2", "--report=shards/1.json").code == 0
    assert empty.run("all", "--shard=2/2", "--report=shards/2.json", "--root=gone").code == 2
    merged = empty.run("merge-reports", "shards", "--report=all.json")
    assert (merged.code, merged.out) == (1, "")
    assert merged.err.startswith(
        "error: one of the builds could not start\n"
        "  at: shards/2.json: the root `gone` is missing\n"
    )
    assert "one of the builds" in json.loads((empty / "all.json").read_text())["error"]["message"]


def test_a_report_that_cannot_be_written_is_told_and_what_was_built_is_reported(
    empty: Project,
) -> None:
    empty.write("api/a/main.go", main_printing("a"))
    refused = empty.run("all", "--json", "--report=api")
    assert (refused.code, refused.json["ok"]) == (2, False)
    assert refused.json["error"]["message"] == "cannot write the report `api`: Is a directory"
    assert refused.err.count("cannot write the report") == 1
    # The report was written before the trace that could not be.
    assert empty.run("all", "--report=r.json", "--code-quality=q.json", "--trace=api").code == 2
    assert json.loads((empty / "r.json").read_text())["functions"][0]["status"] == "up-to-date"
    assert json.loads((empty / "q.json").read_text()) == []


def test_a_lock_that_another_has_is_waited_for_and_is_no_error(empty: Project) -> None:
    empty.write("api/a/main.go", main_printing("a"))
    assert empty.run("all").code == 0
    with (empty / ".lambdabuild/lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = empty.start("all", "--json")
        assert process.stderr is not None
        assert process.stderr.readline().startswith("waiting for another lambdabuild")
    assert json.loads(process.communicate(timeout=60)[0])["ok"] is True


def test_reports_that_are_nested_too_deeply_are_named(empty: Project) -> None:
    empty.write("api/a/main.go", main_printing("a"))
    empty.write("deep.json", "[" * 200_000)
    for arguments, said in (
        (["merge-reports", "deep.json"], "cannot read `"),
        (["list", "--shard", "1/2", "--times", "deep.json"], "`deep.json` is no report: "),
    ):
        result = empty.run(*arguments)
        assert (result.code, result.err.startswith(f"error: {said}")) == (2, True), result.err
        assert "recursion" in result.err
