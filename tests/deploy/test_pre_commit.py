"""The hook of this repository, as pre-commit installs and runs it."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.deploy.conftest import ROOT, TOOLS, Shop
from tests.projects import GO_MOD


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository whose commits the hook looks at."""

    path: Path
    environment: dict[str, str]

    def run(self, *command: str | Path) -> tuple[int, str]:
        done = subprocess.run(
            command, cwd=self.path, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def add(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        self.run("git", "add", name)

    def hook(self) -> tuple[int, str]:
        """Run the hook on what is staged."""
        return self.run(TOOLS / "bin" / "pre-commit", "try-repo", ROOT, "lambdabuild-check")


@pytest.fixture
def repository(built: Shop, tmp_path: Path) -> Repository:
    cache = {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "GIT_CONFIG_NOSYSTEM": "1"}
    repository = Repository(tmp_path / "project", built.environment | cache)
    repository.path.mkdir()
    assert repository.run("git", "init", "--quiet", "--template=")[0] == 0
    repository.add("go.mod", GO_MOD)
    return repository


def test_a_commit_that_does_not_compile_is_refused(repository: Repository) -> None:
    repository.add("api/users/main.go", "package main\n\nfunc main() { none() }\n")
    code, said = repository.hook()

    assert code == 1, said
    assert "api/users/main.go:3" in said
    assert "undefined: none" in said


@pytest.mark.parametrize(
    ("path", "looked_at"),
    {
        "main.go": True, "go.mod": True, "a/go.work.sum": True, "lambdabuild.toml": True,
        "api/x/native.c": True, "api/x/native.H": False, "template.yaml": True, "serverless.yml": True,
        "infra/main.tf": True, "infra/main.tf.json": True, "README.md": False, "cargo.mod": False,
        "pyproject.toml": False, "web/app.ts": False,
    }.items(),
)  # fmt: skip
def test_a_commit_is_looked_at_if_it_has_what_decides(path: str, looked_at: bool) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))

    assert bool(re.search(hook["files"], path)) is looked_at
