"""A monorepo with a history in git, and which of its functions a branch touches."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.conftest import Project
from tests.environment import GIT


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with nothing in it that git takes from its owner."""
    return {n: v for n, v in environment.items() if not n.startswith("GIT_")} | GIT


@dataclass(frozen=True, slots=True)
class History(Project):
    """A project in a git repository."""

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git and return what it prints."""
        return subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *arguments],
            cwd=cwd or self.path,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def start_history(self, cwd: Path | None = None) -> None:
        """Make a repository whose first commit has all there is."""
        self.git("init", "--quiet", "--template=", "--initial-branch=main", cwd=cwd)
        self.commit(cwd=cwd)

    def commit(self, cwd: Path | None = None) -> str:
        """Commit all there is and return the commit's name."""
        self.git("add", "--all", cwd=cwd)
        self.git("commit", "--quiet", "--allow-empty", "--message=change", cwd=cwd)
        return self.git("rev-parse", "HEAD", cwd=cwd)

    def touched(
        self,
        ref: str = "HEAD",
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> dict[str, str]:
        """Return the functions that differ from where HEAD and `ref` parted, and why."""
        result = self.run("why", "--all", "--since", ref, *arguments, env=env, cwd=cwd)
        assert result.code == 0, result.err
        assert result.err == ("" if result.out else "no function is affected\n")
        return reasons(result.out)

    def remove(self, name: str) -> None:
        """Remove a file, or a directory with all in it."""
        path = self / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()

    def move(self, old: str, new: str) -> None:
        """Move a file or directory."""
        (self / new).parent.mkdir(parents=True, exist_ok=True)
        (self / old).rename(self / new)


def reasons(lines: str) -> dict[str, str]:
    """Return what `why` printed, by function."""
    return dict(line.split(": ", 1) for line in lines.splitlines())
