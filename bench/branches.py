"""Keep a monorepo in git, and change between its commits as somebody who works on it does."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench import edits, measure
from bench.edits import Edit
from bench.model import BenchError, Command, Sample, Workspace

MAIN = "main"
_TOPIC = "topic"
_IDENTITY = ("user.name=bench", "user.email=bench@example.com", "commit.gpgSign=false")


@contextmanager
def two_built(workspace: Workspace) -> Iterator[None]:
    """Have two branches that differ in a package of all functions, both built once.

    Each is named after what its executables hold.
    """
    _begin(workspace)
    for _ in range(2):
        _git(workspace, "checkout", "-q", MAIN)
        _git(workspace, "checkout", "-q", "-b", edits.EVERYTHING.save(workspace))
        _commit(workspace)
        measure.run(workspace, [workspace.settings.lambdabuild, "all"])
    yield


def switching(
    measured: Callable[[Workspace, Command], Sample],
) -> Callable[[Workspace, Command], Sample]:
    """Check out the other branch before each run, outside its time."""

    def switched(workspace: Workspace, command: Command) -> Sample:
        current = _git(workspace, "branch", "--show-current")
        names = _git(workspace, "branch", "--format=%(refname:short)").split()
        (other,) = set(names) - {current, MAIN}
        _git(workspace, "checkout", "-q", other)
        os.sync()
        sample = measured(workspace, command)
        edits.EVERYTHING.check(workspace, other)
        return sample

    return switched


@contextmanager
def on_topic(workspace: Workspace) -> Iterator[None]:
    """Have a branch checked out, beside the one that it is to be merged into."""
    _begin(workspace)
    _git(workspace, "checkout", "-q", "-B", _TOPIC, MAIN)
    yield


@contextmanager
def on_topic_of_built(workspace: Workspace) -> Iterator[None]:
    """Have a branch checked out of what was built once."""
    _begin(workspace)
    measure.run(workspace, [workspace.settings.lambdabuild, "all"])
    _git(workspace, "checkout", "-q", "-B", _TOPIC, MAIN)
    yield


def committing(
    edit: Edit, measured: Callable[[Workspace, Command], Sample]
) -> Callable[[Workspace, Command], Sample]:
    """Have the branch hold one commit with an edit, another for each run, outside its time."""

    def committed(workspace: Workspace, command: Command) -> Sample:
        _git(workspace, "reset", "-q", "--hard", MAIN)
        revision = edit.save(workspace)
        _commit(workspace)
        os.sync()
        sample = measured(workspace, command)
        edit.check(workspace, revision)
        return sample

    return committed


def _begin(workspace: Workspace) -> None:
    """Put the monorepo into git; if it is there, go on from what was last committed."""
    top = workspace.monorepo.directory
    if not (top / ".git").exists():
        (top / ".gitignore").write_text("/dist/\n", encoding="utf-8")
        _git(workspace, "init", "-q", "-b", MAIN)
        _commit(workspace)
    _git(workspace, "checkout", "-q", "-f", MAIN)


def _commit(workspace: Workspace) -> None:
    _git(workspace, "add", "--all")
    _git(workspace, "commit", "-q", "-m", "a commit")


def _git(workspace: Workspace, *arguments: str) -> str:
    settings = (word for setting in _IDENTITY for word in ("-c", setting))
    done = subprocess.run(
        ["git", *settings, *arguments],
        cwd=workspace.monorepo.directory,
        env=workspace.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"`git {arguments[0]}` exited with {done.returncode}\n  {done.stderr}")
    return done.stdout.strip()
