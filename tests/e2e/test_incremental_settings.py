"""What a changed variable, flag or configuration costs."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.conftest import Recorded
from tests.e2e.incremental import assert_clean, assert_up_to_date, rebuilt
from tests.projects import FUNCTIONS

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


def all_for(reason: str) -> dict[str, str]:
    return dict.fromkeys(FUNCTIONS, reason)


def test_goflags_in_the_environment_are_an_input(repo: Recorded) -> None:
    env = {"GOFLAGS": "-ldflags=-X=main.version=1"}
    assert rebuilt(repo, env=env) == all_for("GOFLAGS changed")
    assert_clean(repo, env=env)
    assert rebuilt(repo, env={"GOFLAGS": ""}) == all_for("GOFLAGS changed")


def test_what_go_env_w_writes_is_an_input(repo: Recorded, tmp_path: Path) -> None:
    env = {"GOENV": str(tmp_path / "goenv")}
    assert rebuilt(repo, env=env) == {}
    repo.go_run("env", "-w", "GOFLAGS=-ldflags=-X=main.version=1", env=env)
    assert rebuilt(repo, env=env) == all_for("GOFLAGS changed")
    repo.go_run("env", "-w", "GOPROXY=off", "GOPRIVATE=example.com", env=env)
    assert rebuilt(repo, env=env) == {}
    repo.go_run("env", "-u", "GOFLAGS", env=env)
    assert rebuilt(repo, env=env) == all_for("GOFLAGS changed")


@pytest.mark.extended
def test_where_go_env_w_writes_by_itself_is_looked_at(repo: Recorded, tmp_path: Path) -> None:
    cache = repo.go_run("env", "GOCACHE").strip()
    # A home is a user's, and so is the key to what was built: both have that of the team.
    team = {"LAMBDABUILD_CACHE_KEY": "of the team"}
    assert rebuilt(repo, env=team) == {}
    repo.run("all", "--force", env=team)
    env = {"GOENV": "", "XDG_CONFIG_HOME": "", "HOME": str(tmp_path), "GOCACHE": cache, **team}
    repo.go_run("env", "-w", "GOFLAGS=-ldflags=-X=main.version=1", env=env)
    assert rebuilt(repo, env=env) == all_for("GOFLAGS changed")
    assert rebuilt(repo, env={**env, "GOENV": "off"}) == all_for("GOFLAGS changed")


def test_an_experiment_is_an_input(repo: Recorded) -> None:
    # Nothing is built with it: all of the standard library would be compiled.
    why = repo.run("why", "ping", env={"GOEXPERIMENT": "nodwarf5"})
    assert why.out == "ping: GOEXPERIMENT changed\n", why.err


def test_variables_that_change_no_executable_build_nothing(repo: Recorded) -> None:
    # If one of many is not seen, neither is it alone; GOARCH and GOOS might hide others.
    platform = {"GOARCH": "arm64", "GOOS": "darwin"}
    others = {
        "CC": "no-compiler", "CGO_CFLAGS": "-O3", "CGO_ENABLED": "1", "GO386": "softfloat",
        "GOAMD64": "v4", "GOARM64": "v9.0", "GOGC": "50", "GOINSECURE": "example.com",
        "GOMAXPROCS": "1", "GOMEMLIMIT": "1GiB", "GOOGLE_APPLICATION_CREDENTIALS": "x",
        "GOPRIVATE": "*", "GOPROXY": "off", "GOSUMDB": "off", "GOTRACEBACK": "crash",
        "GOVCS": "*:off", "LANG": "de_DE.UTF-8", "PKG_CONFIG": "none",
    }  # fmt: skip
    for variables in (platform, others):
        assert repo.run("why", "ping", env=variables).out == "ping: up to date\n"


def test_where_go_keeps_modules_is_no_input(repo: Recorded, tmp_path: Path) -> None:
    env = {"GOMODCACHE": str(tmp_path / "modules"), "GOPATH": str(tmp_path / "path")}
    assert rebuilt(repo, env=env) == {}


def test_buildvcs_is_never_taken_for_up_to_date(repo: Recorded) -> None:
    env = {"GOFLAGS": "-buildvcs=auto"}
    reason = "GOFLAGS has -buildvcs, which only Go can follow"
    for statuses in ("built", "unchanged"), ("unchanged",):
        result = repo.run("all", "--json", env=env)
        assert set(result.statuses.values()) <= set(statuses)
        assert {f["reason"] for f in result.functions.values()} == {reason}
    assert repo.run("why", "ping", env=env).out == f"ping: {reason}\n"
    why = repo.run("why", "ping", env={"GOFLAGS": "-buildvcs=false"})
    assert why.out == "ping: GOFLAGS changed\n"


def test_an_overlay_is_followed_by_go_alone(repo: Recorded, tmp_path: Path) -> None:
    """Its files are younger than those that they stand for, and are no change during the build."""
    other = tmp_path / "other.go"
    source = (repo / "api/ping/main.go").read_text()
    overlay = tmp_path / "overlay.json"
    overlay.write_text(json.dumps({"Replace": {str(repo / "api/ping/main.go"): str(other)}}))
    env = {"GOFLAGS": f"-overlay={overlay}"}
    for _ in range(2):
        word = f"overlay {uuid4()}"
        other.write_text(source.replace("ping 1", word))
        assert repo.run("all", env=env).code == 0
        assert word.encode() in (repo / "dist/ping/bootstrap").read_bytes()


@pytest.mark.extended
def test_without_trimpath_the_place_is_an_input(repo: Recorded) -> None:
    env = {"GOFLAGS": "-trimpath=false"}
    assert rebuilt(repo, env=env) == all_for("GOFLAGS changed")
    place = repo.path.parent / "moved"
    repo.path.rename(place)
    there = replace(repo, path=place)
    assert rebuilt(there, env=env) == all_for(
        "the project, its modules or Go moved, and trimpath is off"
    )
    assert_clean(there, env=env)


# --- configuration and flags


def test_configuration_builds_the_functions_that_it_is_of(repo: Recorded) -> None:
    repo.write("lambdabuild.toml", "")
    assert rebuilt(repo) == {}
    repo.write("lambdabuild.toml", '[functions.ping]\nldflags = "-s"\n')
    assert rebuilt(repo) == {"ping": "ldflags changed: -s -w → -s"}
    repo.write("lambdabuild.toml", '[functions.add]\nenv = { GOAMD64 = "v2" }\n')
    assert repo.run("why", "--all").out.splitlines() == [
        "add: GOAMD64 changed",
        "login: up to date",
        "ping: ldflags changed: -s → -s -w",
        "users: up to date",
    ]
    repo.write("lambdabuild.toml", 'ldflags = "-s"\n[functions.ping]\ntags = ["one", "two"]\n')
    reasons = all_for("ldflags changed: -s -w → -s")
    assert rebuilt(repo) == reasons | {"ping": "tags changed: lambda.norpc → one,two"}


def test_tags_bring_in_files(repo: Recorded) -> None:
    repo.write(
        "internal/log/tagged.go",
        '//go:build extra\n\npackage log\n\nfunc init() { println("x") }\n',
    )
    assert rebuilt(repo) == {}
    reason = "tags changed: lambda.norpc → extra"
    assert {
        name: why.removeprefix("unchanged: ")
        for name, why in rebuilt(repo, "--tags", "extra").items()
    } == all_for(reason)
    repo.write("internal/log/tagged.go", "//go:build extra\n\npackage log\n")
    assert rebuilt(repo, "--tags", "extra") == dict.fromkeys(
        ["login", "users"], "internal/log/tagged.go changed"
    )


def test_a_runtime_is_no_part_of_the_bytes_but_of_the_manifest(repo: Recorded) -> None:
    repo.write("lambdabuild.toml", 'runtime = "provided.al2"\n')
    assert rebuilt(repo) == {}
    manifest = json.loads((repo / "dist/manifest.json").read_text())
    assert {f["runtime"] for f in manifest["functions"]} == {"provided.al2"}


@pytest.mark.extended
def test_output_directories_take_turns_without_building(repo: Recorded) -> None:
    other = ["--out", "other", "--arch", "arm64"]
    assert rebuilt(repo, *other) == all_for("not built before")
    for _ in range(2):
        assert_up_to_date(repo)
        assert_up_to_date(repo, *other)
    repo.replace("api/ping/main.go", "ping 1", "ping, edited")
    assert rebuilt(repo) == {"ping": "api/ping/main.go changed"}
    assert rebuilt(repo, *other) == {"ping": "api/ping/main.go changed"}


@pytest.mark.extended
def test_architectures_take_turns_in_one_place(repo: Recorded) -> None:
    assert rebuilt(repo, "--arch", "arm64") == all_for("not built before")
    assert rebuilt(repo) == all_for("not built before")
    both = ["--arch", "x86_64", "--arch", "arm64"]
    result = repo.run("all", "--json", *both)
    assert set(result.statuses.values()) == {"built"}
    assert_up_to_date(repo, *both)
    repo.replace("api/ping/main.go", "ping 1", "ping, edited")
    assert repo.run("why", "ping", *both).out == (
        "ping for linux/amd64 and linux/arm64: api/ping/main.go changed\n"
    )
    assert repo.run("why", "--all", "ping", *both).out.splitlines() == [
        "ping for linux/amd64: api/ping/main.go changed",
        "ping for linux/arm64: api/ping/main.go changed",
    ]


def test_building_some_leaves_the_rest_to_be_built(repo: Recorded) -> None:
    repo.replace("internal/log/log.go", "log 1", "log 2")
    result = repo.run("build", "users", "--json")
    assert result.statuses == {"users": "built"}
    assert rebuilt(repo) == {"login": "internal/log/log.go changed"}
