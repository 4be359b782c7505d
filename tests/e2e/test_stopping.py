"""Ctrl-C, SIGTERM and kill -9 at work, and two lambdabuilds at once."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.e2e.processes import PATIENCE, processes_of, wait_for

# What is tested here does not depend on Go's version.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


def compiling(project: Project) -> bool:
    """Tell whether the wrapper has reported a compile."""
    events = (project / ".lambdabuild").glob("staging/*/*-events")
    return any("start compile" in path.read_text() for path in events)


def cold(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which there is everything to compile."""
    return {"GOCACHE": str(tmp_path / "cold")}


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.extended)],
)
def test_a_signal_stops_everything_and_leaves_nothing(
    built: Project, tmp_path: Path, number: signal.Signals
) -> None:
    before = {name: (built / "dist" / name).read_bytes() for name in built.files()}
    process = built.start("all", "--force", env=cold(tmp_path))
    wait_for("a compile", lambda: compiling(built))
    sent = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert time.monotonic() - sent < 5
    assert err.splitlines()[-1] == "interrupted; nothing is half written"
    assert processes_of(built) == []
    assert sorted(os.listdir(built / ".lambdabuild")) == [
        ".gitignore", "history.jsonl", "lock", "logs", "state.json",
    ]  # fmt: skip
    assert before == {name: (built / "dist" / name).read_bytes() for name in built.files()}
    assert set(built.run("all", "--json").statuses.values()) == {"up-to-date"}


def test_the_terminal_s_own_ctrl_c_stops_it_too(handlers: Project, tmp_path: Path) -> None:
    # A terminal sends SIGINT to its whole foreground group, not to one process.
    process = subprocess.Popen(
        [sys.executable, "-m", "lambdabuild", "all"],
        cwd=handlers.path,
        env=handlers.environment | cold(tmp_path),
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for("a compile", lambda: compiling(handlers))
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert processes_of(handlers) == []


def test_after_kill_9_the_next_run_is_right_and_tidy(handlers: Project, tmp_path: Path) -> None:
    process = handlers.start("all", env=cold(tmp_path))
    wait_for("a compile", lambda: compiling(handlers))
    process.kill()
    process.communicate(timeout=PATIENCE)
    left = handlers / ".lambdabuild/staging"
    assert left.exists()
    assert processes_of(handlers) != []
    result = handlers.run("all", "--json")
    assert result.code == 0, result.err
    assert set(result.statuses.values()) == {"built"}
    assert handlers.says("users-handler") == "users-handler"
    assert processes_of(handlers) == []
    assert not left.exists()
    assert handlers.files() == sorted(
        ["manifest.json", *(f"{name}/bootstrap" for name in result.functions)]
    )


def test_two_at_once_take_turns_and_the_second_says_so(handlers: Project) -> None:
    handlers.run("build", "users-handler")
    lock = handlers / ".lambdabuild/lock"
    with lock.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write("4711")
        file.flush()
        process = handlers.start("build", "users-handler")
        assert process.stderr is not None
        assert process.stderr.readline() == (
            "waiting for another lambdabuild (process 4711) to finish in this repository\n"
        )
        assert process.poll() is None
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err


@pytest.mark.extended
def test_many_at_once_all_end_well(handlers: Project) -> None:
    command = ["build", "users-handler", "carts-handler", "--json"]
    running = [handlers.start(*command, "--force") for _ in range(4)]
    for process in running:
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, out + err
    assert handlers.says("users-handler") == "users-handler"
    assert set(handlers.run(*command).statuses.values()) == {"up-to-date"}


def test_whoever_reads_may_leave_early(handlers: Project) -> None:
    with handlers.start("build", "users-handler", "carts-handler") as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.stderr.close()
    assert process.returncode == 0
    assert handlers.says("users-handler") == "users-handler"
