"""What `go` is started for, on the newest Go and on the oldest: nothing, where nothing changed."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.conftest import OLD_GO, Recorded
from tests.e2e.incremental import assert_clean, assert_up_to_date, rebuilt_as_told, times
from tests.projects import FUNCTIONS

pytestmark = pytest.mark.oldest_go

LOADED = Path(__file__).with_name("loaded.txt")
"""Which modules runs load; `UPDATE_DOCS=1` writes it anew."""
SLOW = {
    *("rich", "concurrent_log_handler", "watchfiles", "concurrent.futures", "tempfile"),
    *("blake3", "cyclonedx", "deflate", "elftools", "obstore", "packageurl", "pydantic"),
    *("importlib.resources", "sysconfig", "urllib.request", "zipfile"),
}
"""Modules of others that take long."""


def test_with_nothing_changed_no_go_is_started_and_no_file_is_touched(repo: Recorded) -> None:
    assert_up_to_date(repo)
    result = repo.run("all")
    assert result.summary == "up to date 4 of 4"
    assert repo.run("build", "users").summary == "up to date 1 of 1"
    assert repo.run("why").out == "4 functions are up to date\n"
    assert repo.run("why", "--all", "users", "a*").out == "users: up to date\nadd: up to date\n"
    assert repo.run("all", "--dry-run").out == ""
    result = repo.run("all", "--explain")
    assert result.err.splitlines()[:-1] == ["4 functions are up to date"]
    assert repo.started() == []


def test_go_is_started_once_to_build_and_only_then_to_list(repo: Recorded) -> None:
    repo.replace("api/ping/main.go", "ping 1", "ping, edited")
    repo.run("all")
    assert repo.started() == ["build"]
    repo.write("api/ping/more.go", "package main\n")
    repo.run("all")
    assert repo.started() == ["env", "list", "build"]


@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_an_edit_and_its_taking_back_build_what_depends_on_it(repo: Recorded) -> None:
    repo.replace("internal/auth/auth.go", "auth 1", "auth 2")
    assert rebuilt_as_told(repo) == dict.fromkeys(
        ["login", "users"], "internal/auth/auth.go changed"
    )
    repo.write("internal/pages/texts/two.txt", "two")
    assert rebuilt_as_told(repo) == {"login": "internal/pages/texts/two.txt added"}
    repo.write("api/carts/add/main.go", "package main\n\nfunc main() {}\n")
    assert rebuilt_as_told(repo) == {"carts-add": "not built before"}
    assert_clean(repo)


def test_force_builds_all_but_leaves_equal_files_alone_and_the_next_run_builds_nothing(
    repo: Recorded,
) -> None:
    before = times(repo / "dist")
    result = repo.run("all", "--force", "--json", "--explain")
    assert set(result.statuses.values()) == {"unchanged"}
    assert times(repo / "dist") == before
    assert {f["reason"] for f in result.functions.values()} == {"--force"}
    assert result.err.splitlines()[0] == "add, login, ping, users: --force"
    assert_up_to_date(repo)


def test_a_version_manager_s_go_is_asked_which_go_it_is_and_nothing_else(
    repo: Recorded, tmp_path: Path
) -> None:
    (tmp_path / "shims").mkdir()
    shim = tmp_path / "shims/go"
    recorder = repo.environment["PATH"].partition(":")[0]
    shim.write_text(f'#!/bin/sh\nexec "{recorder}/go" "$@"\n')
    shim.chmod(0o755)
    managed = replace(
        repo, environment=repo.environment | {"PATH": f"{shim.parent}:{repo.environment['PATH']}"}
    )
    assert set(managed.run("all", "--json").statuses.values()) == {"up-to-date"}
    managed.started()
    assert set(managed.run("all", "--json").statuses.values()) == {"up-to-date"}
    assert managed.started() == ["env"]


@pytest.mark.extended
@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_another_go_builds_all(repo: Recorded) -> None:
    version = repo.go_run("env", "GOVERSION").strip()
    old = repo.environment | {"PATH": f"{OLD_GO.parent}:{repo.environment['PATH']}"}
    other = replace(repo, environment=old, go=str(OLD_GO))
    older = other.go_run("env", "GOVERSION").strip()
    result = other.run("all", "--json")
    assert {f["reason"] for f in result.functions.values()} == {f"{version} → {older}"}
    assert set(other.run("all", "--json").statuses.values()) == {"up-to-date"}
    assert rebuilt_as_told(repo) == dict.fromkeys(FUNCTIONS, f"{older} → {version}")


def loaded(repo: Recorded, *arguments: str) -> set[str]:
    """Return the modules that a run loads: lambdabuild's own, and what is slow of others."""
    code = (
        "import json, sys\n"
        "from lambdabuild.cli.app import app\n"
        f"sys.argv[1:] = {list(arguments)}\n"
        "try: app()\n"
        "except SystemExit: print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repo.path, check=True, capture_output=True, text=True,
        env=repo.environment | {"COVERAGE_PROCESS_CONFIG": ""},  # it imports more
    )  # fmt: skip
    modules = json.loads(done.stdout.splitlines()[-1])
    return {name for name in modules if name.partition(".")[0] == "lambdabuild" or name in SLOW}


@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_a_run_loads_what_it_needs_and_no_more(repo: Recorded) -> None:
    sections = {"--help": loaded(repo, "--help"), "nothing to do": loaded(repo, "all", "--quiet")}
    repo.replace("api/ping/main.go", "ping 1", "ping, edited")
    sections["a function to build"] = loaded(repo, "all", "--quiet")
    known: set[str] = set()
    lines = []
    for title, modules in sections.items():
        lines += [f"# {title}", *sorted(modules - known), ""]
        known |= modules
    text = "\n".join(lines)
    if os.environ.get("UPDATE_DOCS"):
        LOADED.write_text(text, "utf-8")
    assert text == LOADED.read_text("utf-8")
