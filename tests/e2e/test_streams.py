"""Output that cannot be written ends nothing that can still be done, and is told without a traceback."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import LAMBDABUILD, Project, Result
from tests.e2e.processes import PROMPT
from tests.projects import main_printing

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)

FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}


@pytest.fixture
def project(empty: Project) -> Project:
    empty.write("api/a/main.go", main_printing("a"))
    return empty


def redirected(
    project: Project, redirection: str, *arguments: str, env: dict[str, str] | None = None
) -> Result:
    """Run lambdabuild as a shell does that redirects its output."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", str(LAMBDABUILD), *arguments],
        cwd=project.path,
        env=project.environment | (env or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=PROMPT,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("redirection", ["2>&-", pytest.param("2>/dev/full", marks=FULL)])
def test_without_stderr_all_is_built_and_told_on_stdout(project: Project, redirection: str) -> None:
    result = redirected(project, redirection, "all", "--verbose", "--json")
    assert (result.code, result.statuses, result.err) == (0, {"a": "built"}, "")
    assert project.says("a") == "a"
    project.write("api/a/main.go", "package main\n\nfunc main() { undefined() }\n")
    assert redirected(project, redirection, "all").code == 1
    assert redirected(project, redirection, "nonsense").code == 2
    # Nothing that was opened later was taken for it.
    (log,) = (project / ".lambdabuild/logs").glob("lambdabuild.log")
    assert "did not build" not in log.read_text("utf-8")


COMMANDS = [
    *(["--help"], ["--version"], ["list"], ["list", "--json"], ["why"], ["history"], ["doctor"]),
    *(["cache", "info"], ["all", "--dry-run", "--force"], ["all", "--json"], ["watch", "--json"]),
    *(["--show-completion", "bash"], ["merge-reports", "report.json"]),
]


@pytest.mark.extended
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [
        (">&-", "it is closed"),
        pytest.param(">/dev/full", "No space left on device", marks=FULL),
    ],
)
def test_without_stdout_who_asked_for_output_is_told(
    project: Project, redirection: str, reason: str
) -> None:
    assert redirected(project, redirection, "all", "--report", "report.json").code == 0
    project.write("api/a/main.go", main_printing("a2"))
    # Python may be told to keep nothing for later.
    for env, commands in (({}, COMMANDS), (UNBUFFERED, COMMANDS[:3])):
        for command in commands:
            result = redirected(project, redirection, *command, env=env)
            last = result.err.splitlines()[-1]
            assert (result.code, last) == (2, f"error: cannot write to stdout: {reason}"), command
            assert "Traceback" not in result.err
    assert project.says("a") == "a2"


def test_with_no_stream_at_all_everything_is_done(project: Project) -> None:
    assert redirected(project, "<&- >&- 2>&-", "all", "--report", "report.json").code == 0
    assert json.loads((project / "report.json").read_text("utf-8"))["ok"]
    assert redirected(project, "<&- >&- 2>&-", "list").code == 2


@pytest.mark.parametrize("env", [{}, UNBUFFERED])
def test_whoever_reads_stdout_may_leave_early(project: Project, env: dict[str, str]) -> None:
    for command, code in ((["--help"], 0), (["list"], 0), (["all", "--json"], 1)):
        project.write("api/a/main.go", "package main\n\nfunc main() { undefined() }\n")
        process = project.start(*command, env=env)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
        assert (process.wait(PROMPT), "Exception" in told) == (code, False), told
        process.stderr.close()
