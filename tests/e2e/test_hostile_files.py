"""A repository that brings files of lambdabuild's own making gets nothing by it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.conftest import Project

KEY = "LAMBDABUILD_CACHE_KEY"


@pytest.fixture
def hostile(empty: Project, tmp_path: Path) -> Project:
    """Two functions in a git repository, and a user whose home is beside it."""
    for name in ("a", "b"):
        empty.write(f"api/{name}/main.go", f'package main\n\nfunc main() {{ println("{name}") }}\n')
    git(empty.path, "init", "-q", "-b", "main")
    return at_home(empty, tmp_path / "home")


def at_home(project: Project, home: Path) -> Project:
    """Return the project as a user sees it who has this home; Go's caches stay."""
    home.mkdir(exist_ok=True)
    kept = {name: project.go_run("env", name).strip() for name in ("GOCACHE", "GOMODCACHE")}
    return replace(project, environment=project.environment | kept | {"HOME": str(home)})


def git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True)


def cloned(project: Project, tmp_path: Path) -> Project:
    """Return a clone of a project with all that is in it now."""
    git(project.path, "add", "--force", ".")
    git(project.path, "commit", "-qm", "all")
    place = tmp_path / f"clone-{uuid4()}"
    git(tmp_path, "clone", "-q", str(project.path), str(place))
    return replace(project, path=place)


def tree(top: Path) -> Iterator[tuple[str, bytes]]:
    """Yield all files of a user but for those of caches, and what Go counts its uses with."""
    for path in sorted(top.rglob("*")):
        if path.is_file() and not {".cache", ".config", "Library"} & set(path.parts):
            yield str(path.relative_to(top)), path.read_bytes()


@pytest.mark.parametrize(
    ("place", "target"),
    [
        (".lambdabuild", "bin"), (".lambdabuild/lock", ".bashrc"), ("dist", "bin"),
        *(
            pytest.param(f".lambdabuild/{place}", target, marks=pytest.mark.extended)
            for place, target in (("logs/lambdabuild.log", ".bashrc"), ("logs", "bin"), ("staging", "bin"))
        ),
    ],
)  # fmt: skip
def test_a_clone_with_a_link_in_a_place_of_lambdabuilds_writes_nothing(
    hostile: Project, tmp_path: Path, place: str, target: str
) -> None:
    home = tmp_path / "home"
    (home / "bin").mkdir()
    (home / "bin/f").write_text("mine")
    (home / ".bashrc").write_text("mine\n")
    (hostile / place).parent.mkdir(parents=True, exist_ok=True)
    (hostile / place).symlink_to(home / target)
    before = dict(tree(home))
    clone = cloned(hostile, tmp_path)
    for command in ("all", "clean"):
        result = clone.run(command)
        # Where there is only a link for an output directory, nothing was written to be taken away.
        assert result.code == (0 if (command, place) == ("clean", "dist") else 2), result.err
        assert "Traceback" not in result.err
        if result.code:
            assert "\n  hint: " in result.err
    clone.run("list")
    clone.run("why")
    assert dict(tree(home)) == before


def test_outputs_that_would_leave_the_output_directory_fail_alone(
    hostile: Project, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (hostile / "dist").mkdir()
    (hostile / "dist/a").symlink_to(home)
    result = cloned(hostile, tmp_path).run("all", "--json")
    assert (result.code, result.statuses) == (1, {"a": "failed", "b": "built"})
    assert str(home) in result.functions["a"]["errors"][0]["message"]
    assert dict(tree(home)) == {}
    # One that took the place of a directory later: what is there now is not lambdabuild's.
    (hostile / "dist/a").unlink()
    assert hostile.run("all").code == 0
    shutil.move(hostile / "dist/a", home / "a")
    (hostile / "dist/a").symlink_to(home / "a")
    hostile.write("api/a/main.go", 'package main\n\nfunc main() { println("other") }\n')
    assert hostile.run("all", "--json").statuses == {"a": "failed", "b": "up-to-date"}
    assert "is left" in hostile.run("clean").err
    assert list(dict(tree(home))) == ["a/bootstrap"]


@pytest.mark.parametrize(
    "flag",
    ["--report", *(pytest.param(f, marks=pytest.mark.extended) for f in ("--html", "--trace"))],
)
def test_a_report_is_not_written_where_a_link_of_the_project_leads(
    hostile: Project, tmp_path: Path, flag: str
) -> None:
    victim = tmp_path / "home/.bashrc"
    victim.write_text("mine\n")
    (hostile / "out.json").symlink_to(victim)
    (hostile / "reports").symlink_to(victim.parent)
    for name in ("out.json", "reports/new/out.json"):
        result = hostile.run("all", flag, name)
        assert result.code == 2
        assert "leads out of the project" in result.err
    # Nor by a run that could not start; and what a person names themselves is theirs.
    result = hostile.run("all", "--out", "", flag, "out.json")
    assert result.code == 2
    assert dict(tree(victim.parent)) == {".bashrc": b"mine\n"}
    assert hostile.run("all", flag, str(tmp_path / "home/out.json")).code == 0
    assert (tmp_path / "home/out.json").stat().st_size > 0


def test_the_sums_of_a_commit_are_not_written_where_they_were_a_link_to(
    hostile: Project, tmp_path: Path
) -> None:
    """What there was is copied for Go to see, with the sums that it knows today."""
    victim = tmp_path / "home/.bashrc"
    victim.write_text("mine\n")
    (hostile / "go.sum").symlink_to(victim)
    # A go.mod that is another, and a directory in a module: an overlay does not do.
    hostile.write("nested/go.mod", "module example.com/nested\n\ngo 1.22\n")
    git(hostile.path, "add", ".")
    git(hostile.path, "commit", "-qm", "link")
    (hostile / "go.sum").unlink()
    hostile.write("go.sum", "example.com/x v1.0.0/go.mod h1:x=\n")
    hostile.write("go.mod", "module example.com/other\n\ngo 1.22\n")
    (hostile / "nested/go.mod").unlink()
    result = hostile.run("list", "--since", "HEAD")
    assert result.code == 0, result.err
    assert victim.read_text() == "mine\n"


@pytest.mark.parametrize("out", [".git", ".git/hooks", ".lambdabuild", ".lambdabuild/staging"])
def test_outputs_do_not_go_where_git_or_lambdabuild_would_use_them(
    hostile: Project, out: str
) -> None:
    hostile.write("lambdabuild.toml", f'out = "{out}"\n')
    before = dict(tree(hostile.path))
    result = hostile.run("all")
    assert (result.code, result.out) == (2, "")
    assert f"the output directory `{out}` is in `{out.partition('/')[0]}`" in result.err
    assert dict(tree(hostile.path)) == before


def test_what_git_tracks_is_not_taken_for_lambdabuilds_own(
    hostile: Project, tmp_path: Path
) -> None:
    assert hostile.run("all").code == 0
    clone = cloned(hostile, tmp_path)
    for project in (clone, hostile):
        for command in ("all", "clean"):
            result = project.run(command)
            assert result.code == 2
            assert "git tracks `.lambdabuild/" in result.err
    git(clone.path, "rm", "-rfq", ".lambdabuild")
    assert clone.run("all", "--json").statuses == {"a": "unchanged", "b": "unchanged"}
    # And a cache in the project, which would be believed as well, however it is named.
    clone.write(".cache/lambdabuild/entry", "")
    git(clone.path, "add", ".cache")
    assert clone.run("all").code == 0
    (clone / "link").symlink_to(".cache")
    cache = str(clone / "link/lambdabuild")
    for env in ({"LAMBDABUILD_CACHE_DIR": ".cache/lambdabuild"}, {"LAMBDABUILD_CACHE_DIR": cache}):
        result = clone.run("all", env=env)
        assert (result.code, "git tracks `.cache/lambdabuild/entry`" in result.err) == (2, True)
    if sys.platform != "darwin":
        assert clone.run("all", env={"XDG_CACHE_HOME": str(clone / ".cache")}).code == 2


def test_the_state_of_another_user_removes_nothing_and_vouches_for_nothing(
    hostile: Project, tmp_path: Path
) -> None:
    """Another one wrote it, and wrote `dist` as well, of other sources."""
    attacker = at_home(hostile, tmp_path / "attacker")
    sources = {name: (hostile / f"api/{name}/main.go").read_text() for name in ("a", "b")}
    word = uuid4().hex
    for name in sources:
        hostile.replace(f"api/{name}/main.go", f'"{name}"', f'"{word}"')
    hostile.write("api/gone/main.go", sources["a"])
    assert attacker.run("all", "--zip").code == 0
    shutil.rmtree(hostile / "api/gone")
    for name, source in sources.items():
        hostile.write(f"api/{name}/main.go", source)
    before = dict(tree(hostile.path))
    result = hostile.run("clean")
    assert (result.code, "counts for nothing" in result.err) == (0, True)
    after = dict(tree(hostile.path))
    assert {name for name in before if after.get(name) != before[name]} <= {".lambdabuild/lock"}
    result = hostile.run("all", "--zip", "--json")
    assert (result.code, result.statuses) == (0, {"a": "built", "b": "built"})
    assert "counts for nothing" in result.err
    assert [hostile.says(name) for name in ("a", "b")] == ["a", "b"]
    listed = json.loads((hostile / "dist/manifest.json").read_text())
    told = {f["name"]: f["sha256"] for f in listed["functions"]}
    assert told == {name: f["sha256"] for name, f in result.functions.items()}
    # What is of a function that is gone is not known to be lambdabuild's.
    assert (hostile / "dist/gone/bootstrap").exists()
    assert hostile.run("clean").code == 0
    assert "gone/bootstrap" in hostile.files()


@pytest.mark.extended
def test_machines_that_share_a_secret_take_one_anothers_state(
    hostile: Project, tmp_path: Path
) -> None:
    other = at_home(hostile, tmp_path / "other")
    assert hostile.run("all", env={KEY: "of the team"}).code == 0
    result = other.run("all", "--json", env={KEY: "of the team"})
    assert result.statuses == {"a": "up-to-date", "b": "up-to-date"}
    assert "counts for nothing" not in result.err
    result = other.run("all", "--json", env={KEY: "of others"})
    assert result.statuses == {"a": "up-to-date", "b": "up-to-date"}, "it is of this user as well"
    result = hostile.run("all", "--json", env={KEY: "of the team"})
    assert result.statuses == {"a": "up-to-date", "b": "up-to-date"}
    result = hostile.run("all", "--json", env={KEY: "of others"})
    assert result.statuses == {"a": "unchanged", "b": "unchanged"}
    assert "counts for nothing" in result.err


@pytest.mark.parametrize(
    "kind",
    [
        "pipe",
        "deep",
        *(pytest.param(k, marks=pytest.mark.extended) for k in ("/dev/zero", "large")),
    ],
)
def test_a_state_that_is_no_state_holds_nobody_up(hostile: Project, kind: str) -> None:
    state = hostile / ".lambdabuild/state.json"
    state.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(state)
    elif kind == "large":
        state.touch()
        os.truncate(state, 8 << 30)
    elif kind == "deep":
        state.write_text('{"lambdabuild":8}\n' + "[" * 200_000)
    else:
        state.symlink_to(kind)
    for command in ("list", "why"):
        result = hostile.run(command)
        assert (result.code, "Traceback" in result.err) == (0, False)
    assert hostile.run("all").code == (0 if kind in {"large", "deep"} else 2)
