"""What a job in CI finds: a repository, and the variables that a runner sets."""

import subprocess
from pathlib import Path

import pytest

from tests.docs.composite import ACTION
from tests.docs.test_readme import ENVIRONMENT


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """The variables that a runner sets."""
    temporary = tmp_path / "runner"
    temporary.mkdir()
    own = ("GITHUB_", "RUNNER_", "CI_")
    return {name: value for name, value in ENVIRONMENT.items() if not name.startswith(own)} | {
        "RUNNER_OS": "Linux",
        "RUNNER_TEMP": str(temporary),
        "GITHUB_ACTION_PATH": str(ACTION),
        "GITHUB_PATH": str(temporary / "path"),
    }


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A repository of three functions, in a directory of an unusual name."""
    top = tmp_path / "a $(touch pwned) b"
    for name in ("one", "two", "three"):
        (top / "api" / name).mkdir(parents=True)
        (top / "api" / name / "main.go").write_text("package main\n\nfunc main() {}\n", "utf-8")
    (top / "go.mod").write_text("module example.com/tiny\n\ngo 1.22\n", "utf-8")
    (top / ".gitignore").write_text("dist/\n*.json\n", "utf-8")
    git(top, "init", "--quiet", "--initial-branch=main")
    _commit(top)
    return top


def git(top: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *identity, *arguments], check=True, cwd=top, capture_output=True, text=True
    ).stdout.strip()


def _commit(top: Path) -> None:
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message=a")
