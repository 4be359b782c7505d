"""What a job in CI finds: a repository, and the variables that a runner sets."""

import subprocess
from pathlib import Path

import pytest

from tests.environment import CLEAN, GIT, INSTALLED
from tests.projects import write

ROOT = Path(__file__).parents[2]


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """The variables that a runner sets."""
    temporary = tmp_path / "runner"
    temporary.mkdir()
    return CLEAN | {
        "NO_COLOR": "1",
        "PATH": INSTALLED,
        "RUNNER_OS": "Linux",
        "RUNNER_TEMP": str(temporary),
        "GITHUB_ACTION_PATH": str(ROOT / ".github/actions/lambdabuild"),
        "GITHUB_PATH": str(temporary / "path"),
    }


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A repository of three functions, in a directory of an unusual name."""
    top = tmp_path / "a $(touch pwned) b"
    main = "package main\n\nfunc main() {}\n"
    write(top, {f"api/{name}/main.go": main for name in ("one", "two", "three")})
    write(top, {"go.mod": "module example.com/tiny\n\ngo 1.22\n", ".gitignore": "dist/\n*.json\n"})
    git(top, "init", "--quiet", "--initial-branch=main")
    _commit(top)
    return top


def git(top: Path, *arguments: str) -> str:
    """Run git in a repository, and return what it prints."""
    return subprocess.run(
        ["git", *arguments], check=True, cwd=top, capture_output=True, text=True, env=CLEAN | GIT
    ).stdout.strip()


def _commit(top: Path) -> None:
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message=a")
