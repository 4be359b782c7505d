"""`kill -9` at any moment of a build, and the next `all`: right bytes, and nothing left over."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from lambdabuild.state.state import State
from lambdabuild.state.store import Home
from tests.e2e.amounts import KILLS, amounts
from tests.e2e.conftest import Project
from tests.e2e.processes import processes_of, wait_for

FUNCTIONS = tuple(f"f{number}" for number in range(6))

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)

killed = amounts("kills", KILLS, short=2, long=6)


def write_functions(project: Project, round_: int) -> None:
    """Write functions, each of which prints its name and the round."""
    for name in FUNCTIONS:
        project.write(
            f"api/{name}/main.go",
            f'package main\n\nfunc main() {{ println("{name}-{round_:04}") }}\n',
        )


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_whole(project: Project, round_: int) -> None:
    """Run `all`, and see that everything is in place, of this round, and nothing else is."""
    result = project.run("all", "--json")
    assert result.code == 0, result.err
    assert set(result.statuses) == set(FUNCTIONS)
    for name in FUNCTIONS:
        assert f"{name}-{round_:04}".encode() in (project / f"dist/{name}/bootstrap").read_bytes()
    everything = sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(project / "dist")
        for name in names
    )
    assert everything == sorted(
        [str(project / "dist/manifest.json")]
        + [str(project / f"dist/{name}/bootstrap") for name in FUNCTIONS]
    )
    kept = set(os.listdir(project / ".lambdabuild")) - {"logs", "history.jsonl"}
    assert kept == {".gitignore", "lock", "state.json"}
    assert processes_of(project) == []
    manifest = json.loads((project / "dist/manifest.json").read_text())
    assert {f["artifact"]: f["sha256"] for f in manifest["functions"]} == {
        f"dist/{name}/bootstrap": sha256(project / f"dist/{name}/bootstrap") for name in FUNCTIONS
    }
    assert set(project.run("all", "--json").statuses.values()) == {"up-to-date"}


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate(timeout=60)


@pytest.mark.extended
@killed
def test_a_kill_at_any_time_of_a_build_costs_nothing_but_that_build(
    empty: Project, kills: int
) -> None:
    """At random moments, the first at once and the last when the build is about to end."""
    write_functions(empty, 0)
    started = time.monotonic()
    assert empty.run("all").code == 0
    longest = (time.monotonic() - started) * 1.2
    chance = random.Random(kills)  # noqa: S311 - no secret
    for round_ in range(1, kills + 1):
        write_functions(empty, round_)
        process = empty.start("all", "--json")
        try:
            process.wait(timeout=longest * (round_ - chance.random()) / kills)
        except subprocess.TimeoutExpired:
            kill(process)
        else:
            process.communicate()
        assert_whole(empty, round_)


@pytest.mark.extended
@killed
def test_a_kill_while_executables_are_put_in_place_mixes_nothing(
    empty: Project, kills: int
) -> None:
    """Killed as soon as one of them is there, the others still to come."""
    write_functions(empty, 0)
    assert empty.run("all").code == 0
    artifacts = [empty / f"dist/{name}/bootstrap" for name in FUNCTIONS]
    for round_ in range(1, kills + 1):
        before = [path.stat().st_ino for path in artifacts]
        write_functions(empty, round_)
        process = empty.start("all")
        chosen = artifacts[round_ % len(artifacts)]
        inode = before[round_ % len(artifacts)]
        while process.poll() is None and chosen.stat().st_ino == inode:
            pass
        kill(process)
        # Whatever was reached, no artifact is anything but a whole one.
        for name, path in zip(FUNCTIONS, artifacts, strict=True):
            content = path.read_bytes()
            assert content[:4] == b"\x7fELF"
            assert any(f"{name}-{n:04}".encode() in content for n in (round_ - 1, round_))
        assert_whole(empty, round_)


@killed
@pytest.mark.parametrize(
    "event",
    [
        pytest.param("start compile", marks=pytest.mark.extended),
        "start link",
        pytest.param("done link", marks=pytest.mark.extended),
    ],
)
def test_a_kill_at_each_stage_of_go_s_work_leaves_no_process(
    empty: Project, event: str, kills: int
) -> None:
    write_functions(empty, 0)
    assert empty.run("all").code == 0
    staging = empty / ".lambdabuild/staging"
    for round_ in range(1, max(1, kills // 3) + 1):
        write_functions(empty, round_)
        process = empty.start("all")

        def reached(process: "subprocess.Popen[str]" = process) -> bool:
            events = staging.glob("*/*-events")
            return process.poll() is not None or any(event in path.read_text() for path in events)

        wait_for(f"`{event}`", reached)
        kill(process)
        assert_whole(empty, round_)


def test_the_artifact_of_a_killed_run_goes_with_its_function(empty: Project) -> None:
    """Put in place by a run that had no time to note it: it is lambdabuild's nevertheless."""
    for name in ("first", "last"):
        empty.write(f"api/{name}/main.go", f'package main\n\nfunc main() {{ println("{name}") }}\n')
    # What is in the other's place takes long to compare; any run is caught at it.
    large = empty / "dist/last/bootstrap"
    large.parent.mkdir(parents=True)
    with large.open("wb") as file:
        file.truncate(1 << 38)
    first = empty / "dist/first/bootstrap"
    for _ in range(20):
        process = empty.start("all")
        while process.poll() is None and not first.exists():
            pass
        kill(process)
        if first.exists():
            break
    assert first.exists()
    state = empty / ".lambdabuild/state.json"
    assert not state.exists() or b"dist/first/bootstrap" not in state.read_bytes()
    shutil.rmtree(empty / "api/first")
    large.unlink()
    result = empty.run("all", "--json")
    assert result.statuses == {"last": "built"}
    assert empty.files() == ["last/bootstrap", "manifest.json"]
    assert not first.parent.exists()


@pytest.mark.extended
@killed
def test_clean_after_a_kill_leaves_nothing(empty: Project, kills: int) -> None:
    """Killed as soon as one executable is in place, in the first run, with zips to come."""
    write_functions(empty, 0)
    for round_ in range(1, kills + 1):
        process = empty.start("all", "--zip")
        place = empty / f"dist/{FUNCTIONS[round_ % len(FUNCTIONS)]}/bootstrap"
        while process.poll() is None and not place.exists():
            pass
        kill(process)
        result = empty.run("clean")
        assert (result.code, result.err.startswith("removed ")) == (0, True), result.err
        assert not (empty / "dist").exists()
        assert not (empty / ".lambdabuild").exists()


def test_what_a_killed_run_wrote_is_noted_before_another_run_may_be_killed(empty: Project) -> None:
    write_functions(empty, 0)
    assert empty.run("all").code == 0
    home = Home(str(empty.path))
    written = home.load()
    home.save(State())
    home.announce(list(written.artifacts.values()))
    # That run has nothing to tell, but what it found.
    assert empty.run("all", "--cache-mode", "off", "--arch", "arm64", "--ldflags", "'").code != 0
    assert home.load().artifacts.keys() == written.artifacts.keys()
