"""What lambdabuild remembers may be damaged or old, artifacts meddled with, files edited midway."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.conftest import Recorded
from tests.e2e.incremental import assert_clean, assert_up_to_date, rebuilt, times
from tests.projects import FUNCTIONS, REPO

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)

STATE = ".lambdabuild/state.json"


# --- artifacts


def test_a_missing_artifact_is_made_again(repo: Recorded) -> None:
    (repo / "dist/ping/bootstrap").unlink()
    shutil.rmtree(repo / "dist/users")
    assert rebuilt(repo) == {
        name: f"dist/{name}/bootstrap is missing" for name in ("ping", "users")
    }
    assert_up_to_date(repo)


def test_an_artifact_of_other_bytes_is_made_again(repo: Recorded) -> None:
    """Even one of the same size, with the time of writing put back."""
    artifact = repo / "dist/ping/bootstrap"
    stat = artifact.stat()
    content = artifact.read_bytes()
    altered = content[:-1] + bytes([content[-1] ^ 1])
    for how in ("written over", "replaced", "exchanged"):
        if how == "written over":
            artifact.write_bytes(altered)
        elif how == "replaced":
            artifact.unlink()
            artifact.write_bytes(altered)
            artifact.chmod(0o755)
        else:
            artifact.write_bytes((repo / "dist/users/bootstrap").read_bytes())
        os.utime(artifact, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert rebuilt(repo) == {"ping": "dist/ping/bootstrap was changed"}, how
        assert artifact.read_bytes() == content, how


@pytest.mark.extended
def test_what_is_no_executable_is_left_until_it_is_moved_away_or_replaced_by_force(
    repo: Recorded,
) -> None:
    artifact = repo / "dist/ping/bootstrap"
    for how in ("a script", "a link"):
        artifact.unlink()
        if how == "a script":
            artifact.write_text("#!/bin/sh\n")
        else:
            artifact.symlink_to("../users/bootstrap")
        content = artifact.read_bytes()
        for _ in range(2):
            result = repo.run("all", "--json")
            assert result.code == 1, how
            assert result.statuses == {"ping": "failed"} | {
                name: "up-to-date" for name in result.statuses if name != "ping"
            }
            (error,) = result.functions["ping"]["errors"]
            assert error["message"].startswith(f"`{artifact}` is in the way: it is a"), how
            assert "let `--force` replace it" in error["message"]
            assert artifact.read_bytes() == content
        if how == "a script":
            artifact.unlink()
            assert repo.run("all").code == 0
    assert repo.run("build", "ping", "--force").code == 0
    assert not artifact.is_symlink()
    assert_clean(repo)


def test_an_artifact_of_the_same_bytes_is_up_to_date(repo: Recorded) -> None:
    artifact = repo / "dist/ping/bootstrap"
    for how in ("touched", "set back", "copied", "without its mode"):
        if how == "touched":
            os.utime(artifact)
        elif how == "set back":
            os.utime(artifact, (1, 1))
        elif how == "copied":
            shutil.copy(artifact, repo / "copy")
            (repo / "copy").replace(artifact)
        else:
            artifact.chmod(0o600)
        assert set(repo.run("all", "--json").statuses.values()) == {"up-to-date"}, how
        assert repo.started() == [], how
        assert artifact.stat().st_mode & 0o777 == 0o755
    assert_up_to_date(repo)


def test_a_manifest_that_went_or_is_another_checkout_s_is_written_again(repo: Recorded) -> None:
    manifest = (repo / "dist/manifest.json").read_text()
    for text in (
        None,
        "",
        manifest.replace("ping", "pong"),
        '{\n  "schema": 1,\n  "functions": []\n}\n',
    ):
        if text is None:
            (repo / "dist/manifest.json").unlink()
        else:
            (repo / "dist/manifest.json").write_text(text)
        assert set(repo.run("all", "--json").statuses.values()) == {"up-to-date"}
        assert repo.started() == []
        assert (repo / "dist/manifest.json").read_text() == manifest


@pytest.mark.extended
def test_a_manifest_of_somebody_else_s_is_left_and_all_is_built(repo: Recorded) -> None:
    manifest = repo / "dist/manifest.json"
    ours = manifest.read_text()
    edited = ours.replace("{", '{\n  "note": "mine",', 1)
    for number, text in enumerate(('{"name": "web"}\n', ours + "\n", edited)):
        manifest.write_text(text)
        repo.replace("api/ping/main.go", "main()", f"main{number}() {{}}\n\nfunc main()")
        result = repo.run("all", "--report", "report.json")
        assert result.code == 2
        assert "built 1, up to date 3 of 4" in result.err
        assert not json.loads((repo / "report.json").read_text())["ok"]
        assert result.err.splitlines()[-2:] == [
            f"error: `{manifest}` is in the way: lambdabuild replaces no file that somebody else has "
            "changed",
            "  hint: the functions are built; move it away, or let `--force` replace it",
        ]
        assert manifest.read_text() == text
        # What was built is remembered all the same.
        assert repo.run("why", "ping").out == "ping: up to date\n"
    assert repo.run("build", "ping", "--force").code == 0
    assert json.loads(manifest.read_text()).keys() == {"schema", "functions"}
    manifest.unlink()
    manifest.mkdir()
    repo.replace("api/ping/main.go", "main()", "last() {}\n\nfunc main()")
    assert repo.run("all").code == 2
    assert repo.run("clean").err.splitlines()[-1] == f"removed {len(FUNCTIONS)} files"
    assert repo.files() == []


# --- state


def log_of(project: Recorded) -> str:
    return (project / ".lambdabuild/logs/lambdabuild.log").read_text()


def of_a_wrong_byte(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_state_that_is_damaged_or_of_another_version_is_made_anew(repo: Recorded) -> None:
    content = (repo / STATE).read_bytes()
    for damaged in (
        # tests/unit/state has all other damage.
        b'{"lambdabuild": 99, "digest": ""}\n{}\n',
        of_a_wrong_byte(content, content.index(b'"machine": "') + 12),
    ):
        (repo / STATE).write_bytes(damaged)
        ping = repo.run("build", "ping", "--json").functions["ping"]
        assert (ping["status"], ping["reason"]) == ("unchanged", "not built before"), damaged[:80]
        assert log_of(repo).count("starting from nothing") == 1, damaged[:80]
        (repo / ".lambdabuild/logs/lambdabuild.log").unlink()
    (repo / STATE).write_bytes(b"")
    assert rebuilt(repo) == dict.fromkeys(FUNCTIONS, "unchanged: not built before")
    assert "starting from nothing" in log_of(repo)


def test_state_that_is_a_directory_is_an_error_or_made_anew(repo: Recorded) -> None:
    (repo / STATE).unlink()
    (repo / STATE).mkdir()
    result = repo.run("all", "--json")
    assert (result.code, result.err.splitlines()[-2:]) == (2, [
        f"error: cannot write `{repo / STATE}`: Is a directory",
        "  hint: something else is in its place; move it away",
    ])  # fmt: skip


@pytest.mark.extended
def test_another_project_s_state_is_not_believed(repo: Recorded, tmp_path: Path) -> None:
    """Its functions have the same names, and are other programs."""
    foreign = replace(repo, path=tmp_path / "foreign")
    for name, text in REPO.items():
        foreign.write(name, text.replace("example.com/repo", "example.com/foreign"))
    assert foreign.run("all").code == 0
    shutil.copy(foreign / STATE, repo / STATE)
    assert rebuilt(repo).keys() == set(FUNCTIONS)
    assert_clean(repo)
    assert str(foreign.path) in log_of(repo)


def test_without_state_all_is_built_and_nothing_is_lost(repo: Recorded) -> None:
    shutil.rmtree(repo / ".lambdabuild")
    assert rebuilt(repo) == dict.fromkeys(FUNCTIONS, "unchanged: not built before")


def test_why_needs_no_state_and_makes_none(recorded: Recorded) -> None:
    recorded.write("api/ping/main.go", "package main\n\nfunc main() {}\n")
    before = times(recorded.path)
    assert recorded.run("why").out == "ping: not built before\n"
    assert recorded.run("why", "--file", "api/ping/main.go").out == "ping\n"
    assert times(recorded.path) == before


# --- files that change while they are built


@pytest.mark.parametrize(
    "moments",
    [
        ("AFTER_list", "BEFORE_build"),
        pytest.param(("BEFORE_list", "AFTER_build"), marks=pytest.mark.extended),
    ],
)
def test_a_file_edited_midway_leaves_its_functions_to_be_built(
    repo: Recorded, moments: tuple[str, ...]
) -> None:
    ping = repo / "api/ping/main.go"
    for number, moment in enumerate(moments, 1):
        log, new, old = f"log {number + 1}", f"ping {number + 1}", f"ping {number}"
        repo.replace("internal/log/log.go", f"log {number}", log)
        repo.write(f"internal/auth/more{number}.go", "package auth\n")  # or nothing is listed
        hook = repo.once(f"sed -i.old 's/{old}/{new}/' '{ping}'")
        result = repo.run("all", "--json", env={f"RECORDER_{moment}": hook})
        assert result.code == 0, result.err
        assert new in ping.read_text(), moment
        repo.run("all")
        assert_up_to_date(repo)
        assert new.encode() in (repo / "dist/ping/bootstrap").read_bytes(), moment
        assert log.encode() in (repo / "dist/users/bootstrap").read_bytes(), moment
    assert_clean(repo)


def test_an_edit_taken_back_midway_leaves_no_trace(repo: Recorded) -> None:
    """Where Go has what was there midway in its cache, it is not compiled, and so not refused."""
    file = repo / "internal/log/log.go"
    midway = f"log {uuid4()}"
    for old, new in (("log 1", midway), (midway, "log 2")):
        repo.replace("internal/log/log.go", old, new)
        repo.run("all")
    repo.replace("internal/log/log.go", "log 2", "log 3")
    env = {
        "RECORDER_BEFORE_build": f"cp -p '{file}' '{file}.old'; sed -i.x 's/log 3/{midway}/' '{file}'",
        "RECORDER_AFTER_build": f"mv '{file}.old' '{file}'",
    }
    result = repo.run("all", "--json", env=env)
    assert result.statuses["users"] == "built"
    assert midway.encode() in (repo / "dist/users/bootstrap").read_bytes()
    assert rebuilt(repo) == dict.fromkeys(
        ["login", "users"], "internal/log/log.go changed during the last build"
    )
    assert_clean(repo)


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("internal/log/more.go", True),
        pytest.param("internal/pages/texts/more.txt", False, marks=pytest.mark.extended),
        pytest.param("internal/pages/static/deep/more.txt", False, marks=pytest.mark.extended),
    ],
)
def test_a_file_that_comes_and_goes_midway_leaves_no_trace(
    repo: Recorded, name: str, *, refused: bool
) -> None:
    midway = str(uuid4())
    outside = repo.path.parent / "midway"
    source = f'package log\n\nfunc init() {{ println("{midway}") }}\n'
    outside.write_text(source if name.endswith(".go") else midway)
    repo.replace("internal/log/log.go", "log 1", f"log {uuid4()}")
    env = {
        "RECORDER_BEFORE_build": repo.once(f"cp '{outside}' '{repo / name}'"),
        "RECORDER_AFTER_build": f"rm -f '{repo / name}'",
    }
    assert repo.run("all", "--json", env=env).statuses["login"] == "built"
    artifact = repo / "dist/login/bootstrap"
    assert (midway.encode() not in artifact.read_bytes()) == refused
    repo.run("all")
    assert midway.encode() not in artifact.read_bytes()
    assert_clean(repo)


@pytest.mark.extended
def test_a_source_that_comes_before_go_reads_it_is_built_in(repo: Recorded) -> None:
    midway = str(uuid4())
    outside = repo.path.parent / "midway"
    outside.write_text(f'package log\n\nfunc init() {{ println("{midway}") }}\n')
    repo.replace("internal/log/log.go", "log 1", f"log {uuid4()}")
    name = repo / "internal/log/more.go"
    hook = repo.once(f"cp '{outside}' '{name}'")
    result = repo.run("all", "--json", env={"RECORDER_BEFORE_build": hook})
    assert result.statuses["login"] == "built"
    assert midway.encode() in (repo / "dist/login/bootstrap").read_bytes()
    repo.run("all")
    assert_up_to_date(repo)
    assert_clean(repo)


@pytest.mark.extended
def test_a_go_mod_edited_midway_leaves_all_to_be_built(repo: Recorded) -> None:
    repo.replace("internal/log/log.go", "log 1", "log 2")
    env = {
        "RECORDER_BEFORE_build": f"sed -i.x 's/go 1.22/go 1.21/' '{repo / 'go.mod'}'",
        "RECORDER_AFTER_build": f"mv '{repo / 'go.mod'}.x' '{repo / 'go.mod'}'",
    }
    repo.run("all", env=env)
    assert rebuilt(repo).keys() == {"login", "users"}
    assert_clean(repo)


# --- functions that fail


def test_what_fails_is_tried_again_and_an_edit_taken_back_builds_nothing(repo: Recorded) -> None:
    artifact = (repo / "dist/ping/bootstrap").read_bytes()
    for old, new in (
        ('println("ping 1")', "println(undefined)"),
        ("package main", 'package main\n\nimport _ "example.com/repo/none"'),
        ("package main", "package main {"),
        ("func main()", "func main(int)"),
    ):
        repo.replace("api/ping/main.go", old, new)
        for _ in range(2):
            result = repo.run("all", "--json")
            assert (result.code, result.statuses) == (
                1, dict.fromkeys(FUNCTIONS, "up-to-date") | {"ping": "failed"},
            )  # fmt: skip
            assert (repo / "dist/ping/bootstrap").read_bytes() == artifact, new
        repo.started()
        repo.replace("api/ping/main.go", new, old)
        assert set(repo.run("all", "--json").statuses.values()) == {"up-to-date"}, new
        assert "build" not in repo.started()
    assert_up_to_date(repo)


def test_a_broken_import_is_mended_by_the_package_s_coming(repo: Recorded) -> None:
    repo.replace(
        "api/ping/main.go", "package main", 'package main\n\nimport _ "example.com/repo/x"'
    )
    assert repo.run("all", "--json").statuses["ping"] == "failed"
    repo.write("x/x.go", "package x\n")
    assert rebuilt(repo) == {"ping": "api/ping/main.go changed"}


def test_a_broken_shared_package_costs_only_its_functions(repo: Recorded) -> None:
    repo.replace("internal/auth/auth.go", "func Who", "var x int = 1.5\n\nfunc Who")
    result = repo.run("all", "--json")
    assert result.statuses == {
        "add": "up-to-date", "login": "failed", "ping": "up-to-date", "users": "failed",
    }  # fmt: skip
    repo.replace("internal/log/log.go", "log 1", "log 2")
    repo.replace("internal/auth/auth.go", "1.5", "15")
    assert rebuilt(repo).keys() == {"login", "users"}
    assert_clean(repo)
