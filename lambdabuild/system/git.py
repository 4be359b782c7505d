"""Compare the working tree with a commit, and tell what is checked out, through git."""

import os
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.system import files
from lambdabuild.system.process import Command, Completed, Run

GITLINK = "160000"
"""The mode of a submodule."""
_ABSENT = "000000"
_UNBORN, _DETACHED = "(initial)", "(detached)"
"""As `git status` tells that there is no commit, or no branch."""
_OF_A_HOOK = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)  # fmt: skip
"""What git sets for its hooks: it would apply to submodules and other directories as well."""
Environment = Mapping[str, str | None]
_ENVIRONMENT: Environment = {
    "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **dict.fromkeys(_OF_A_HOOK),
}  # fmt: skip
# A directory with `HEAD`, `objects` and `refs` in it is a repository to git, whoever committed these,
# and its `config` may name programs. https://git-scm.com/docs/git-config (safe.bareRepository)
_NO_COMMITTED_REPOSITORY = "safe.bareRepository=explicit"
_SHALLOW = "fetch the history: `fetch-depth: 0` for actions/checkout, or `git fetch --unshallow`"
_NO_COMMIT = re.compile(r"0{40}|0{64}")
_FOREIGN = re.compile(r"git config --global --add safe\.directory \S.*")


class Change(NamedTuple):
    """One changed file; a directory where its earlier content is not known."""

    path: str
    """Absolute."""
    before: bool
    """It existed."""
    now: bool
    """It exists."""
    known: bool = True
    """Git has its earlier content."""


class Repository(NamedTuple):
    """A working tree, compared with a commit."""

    top: str
    """Absolute."""
    base: str
    changes: tuple[Change, ...]
    """Of its own files, without those of submodules."""
    submodules: tuple["Repository", ...] = ()
    watched: frozenset[str] = frozenset()
    """Files, and repositories in it, whose changes git reports; relative to the top."""

    @property
    def everything(self) -> tuple[Change, ...]:
        """All changes, in submodules too."""
        return tuple(change for one in self.all for change in one.changes)

    @property
    def all(self) -> tuple["Repository", ...]:
        """It and the submodules that differ, the innermost last."""
        return (self, *(inner for module in self.submodules for inner in module.all))

    def watches(self, path: str) -> bool:
        """Tell whether git reports a change of a file, by its absolute real path."""
        for one in reversed(self.all):
            if path.startswith(f"{one.top}{os.sep}"):
                name = path[len(one.top) + 1 :]
                while name and name not in one.watched:
                    name = os.path.dirname(name)
                return bool(name)
        return False


class Head(NamedTuple):
    """What is checked out."""

    top: str
    """Of the working tree; absolute."""
    commit: str
    branch: str | None
    """None where HEAD is detached."""
    remote: str | None
    """The address of `origin`, as it is: it may hold a password."""
    changed: frozenset[str]
    """Files whose content is not that of the commit; relative to the top."""
    new: frozenset[str]
    """Files that git neither knows nor ignores; relative to the top."""


class Git:
    """Run git in one working tree."""

    def __init__(self, run: Run, directory: str) -> None:
        self._run = run
        self.directory = directory

    def ask(self, *arguments: str, environment: Environment = MappingProxyType({})) -> Completed:
        """Run `git` with these arguments, whatever its exit code."""
        command = ("git", "-c", _NO_COMMITTED_REPOSITORY, *arguments)
        return self._run(Command(command, self.directory, {**_ENVIRONMENT, **environment}))

    def text(self, *arguments: str, environment: Environment = MappingProxyType({})) -> str:
        """Return what `git` prints."""
        done = self.ask(*arguments, environment=environment)
        if done.code != 0:
            raise LambdabuildError(
                f"`git {arguments[0]}` failed: {_first_line(done)}",
                at=[self.directory],
                hint="--files-from takes the changed paths from elsewhere",
            )
        return done.output


def changed_since(run: Run, directory: str, ref: str) -> Repository:
    """Return what differs between the working tree and its merge base with `ref`.

    Uncommitted changes count, and so do new files that git does not ignore.
    """
    _refuse_what_is_no_commit(ref)
    git = Git(run, directory)
    top, shallow = _repository(git, directory)
    found = git.ask("merge-base", ref, "HEAD")
    base = found.output.strip()
    if found.code != 0 or shallow:
        tip, head = _commit(git, ref), _commit(git, "HEAD")
        if head is None:
            raise LambdabuildError("there is no commit here yet", at=[top], hint="commit something")
        if tip is None:
            raise _unknown(git, ref, shallow=shallow)
        if shallow and _is_cut(git, base, tip, head, ref):
            raise LambdabuildError(
                f"this is a shallow clone, which does not tell where `{ref}` and HEAD parted",
                at=[top],
                hint=_SHALLOW,
            )
        if found.code != 0:
            raise LambdabuildError(
                f"`{ref}` and HEAD have no commit in common", at=[top], hint="name another commit"
            )
    return _compared(run, os.path.realpath(top), base)


def head(run: Run, directory: str) -> Head | None:
    """Return what is checked out; None without git, a repository or a commit."""
    git = Git(run, directory)
    try:
        top = git.ask("rev-parse", "--show-toplevel")
        # https://git-scm.com/docs/git-status#_porcelain_format_version_2
        status = git.ask(
            "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all",
            "--no-renames", "--ignore-submodules=dirty",
        )  # fmt: skip
        remote = git.ask("remote", "get-url", "origin")
    except LambdabuildError:
        return None
    if top.code != 0 or status.code != 0:
        return None
    entries = [entry for entry in status.output.split("\0") if entry]
    told = dict(entry[2:].split(" ", 1) for entry in entries if entry[0] == "#")
    commit, branch = told.get("branch.oid", _UNBORN), told.get("branch.head", _DETACHED)
    if commit == _UNBORN:
        return None
    fields = {"1": 8, "u": 10}
    return Head(
        top=os.path.realpath(top.output.removesuffix("\n")),
        commit=commit,
        branch=None if branch == _DETACHED else branch,
        remote=remote.output.strip() or None if remote.code == 0 else None,
        changed=frozenset(e.split(" ", fields[e[0]])[-1] for e in entries if e[0] in fields),
        new=frozenset(entry[2:] for entry in entries if entry[0] == "?"),
    )


def _refuse_what_is_no_commit(ref: str) -> None:
    if not ref.strip():
        raise LambdabuildError(
            "--since names no commit",
            hint="name a branch, tag or commit; is a variable empty that should name it?",
        )
    if _NO_COMMIT.fullmatch(ref):
        # CI systems name this as the commit before the first push of a branch.
        raise LambdabuildError(
            f"`{ref}` stands for no commit: the branch is new",
            hint="name the branch that it is to be merged into, such as `origin/main`",
        )
    if ref.startswith("-") or ".." in ref:
        raise LambdabuildError(
            f"git knows no commit `{ref}`", hint="name one branch, tag or commit"
        )


def _commit(git: Git, ref: str) -> str | None:
    done = git.ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    return done.output.strip() if done.code == 0 else None


def _repository(git: Git, directory: str) -> tuple[str, bool]:
    """Return the top of the working tree, and whether its history is cut short."""
    try:
        done = git.ask("rev-parse", "--show-toplevel", "--is-shallow-repository")
    except LambdabuildError as error:
        raise LambdabuildError(
            "--since needs git, which was not found on PATH",
            hint="install git, or name the changed files with --files-from",
        ) from error
    if done.code != 0:
        foreign = _FOREIGN.search(done.error)
        raise LambdabuildError(
            f"--since needs a git repository: {_first_line(done)}",
            at=[directory],
            hint=f"`{foreign[0]}`"
            if foreign
            else "run it in a clone, or name the changed files with --files-from",
        )
    top, shallow = done.output.splitlines()[:2]
    return top, shallow == "true"


def _unknown(git: Git, ref: str, *, shallow: bool) -> LambdabuildError:
    hint = f"`git fetch origin {ref.removeprefix('origin/')}` fetches it"
    if _commit(git, f"origin/{ref}") is not None:
        hint = f"did you mean `origin/{ref}`?"
    elif shallow:
        hint = f"this is a shallow clone: {_SHALLOW}"
    return LambdabuildError(f"git knows no commit `{ref}`", hint=hint)


def _is_cut(git: Git, base: str, tip: str, head: str, ref: str) -> bool:
    """Tell whether a shallow history ends before it shows where the two branched off."""
    if not base:
        return True
    if base == head:
        # A clone of depth 1 has no change at all: a check would always pass.
        return ref not in {"HEAD", "@"} and head in _ends(git)
    if base == tip:
        # HEAD descends from it, whatever came before it.
        return False
    # Beyond an end that is no ancestor of the base, a later commit may be common to both.
    listed = git.text("rev-list", tip, head, "--not", base).split()
    return not _ends(git).isdisjoint(listed)


def _ends(git: Git) -> set[str]:
    """Return the commits whose parents were not fetched."""
    where = os.path.join(git.directory, git.text("rev-parse", "--git-path", "shallow").strip())
    try:
        return set(files.text(where).split())
    except OSError:
        return set()


def _compared(run: Run, top: str, base: str) -> Repository:
    """Return what differs from a commit."""
    git = Git(run, top)
    raw = git.text(
        "diff", "--raw", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color",
        "--no-relative", "--ignore-submodules=none", "--no-abbrev", base, "--",
    )  # fmt: skip
    changes: dict[str, Change] = {}
    submodules = []
    for (before, now, commit), name in _raw_entries(raw):
        path = os.path.join(top, name)
        if GITLINK in {before, now}:
            inner = _submodule(run, path, commit) if before == GITLINK else None
            if inner is not None:
                submodules.append(inner)
            else:
                changes[path] = Change(path, before != _ABSENT, now != _ABSENT, known=False)
        else:
            # What is no longer in the index may still be on disk.
            exists = os.path.islink(path) or (os.path.lexists(path) and not os.path.isdir(path))
            changes[path] = Change(path, before != _ABSENT, exists)
    listed = git.text("ls-files", "-v", "--cached", "--others", "--exclude-standard", "-z")
    watched = set()
    for entry in filter(None, listed.split("\0")):
        tag, name = entry[0], entry[2:].rstrip("/")
        # git takes files with `S` (skip-worktree) and small letters (assume-unchanged) for unchanged.
        if (tag.isupper() and tag != "S") or tag == "?":
            watched.add(name)
        if tag == "?":
            path = os.path.join(top, name)
            # A directory is a repository of its own that is no submodule.
            known = not entry.endswith("/")
            changes.setdefault(path, Change(path, before=False, now=True, known=known))
    watched |= {os.path.relpath(path, top) for path in changes}
    return Repository(top, base, tuple(changes.values()), tuple(submodules), frozenset(watched))


def _raw_entries(text: str) -> list[tuple[tuple[str, str, str], str]]:
    """Return the modes before and now, the object before, and the path of each entry.

    https://git-scm.com/docs/git-diff#_raw_output_format
    """
    fields = text.split("\0")
    entries = []
    for head, path in zip(fields[::2], fields[1::2], strict=False):
        before, now, commit, *_ = head.removeprefix(":").split(" ")
        entries.append(((before, now, commit), path))
    return entries


def _submodule(run: Run, path: str, commit: str) -> Repository | None:
    """Compare a submodule with its earlier commit; None where that was not fetched."""
    if not os.path.lexists(os.path.join(path, ".git")):
        return None
    git = Git(run, path)
    if git.ask("cat-file", "-e", f"{commit}^{{commit}}").code != 0:
        return None
    return _compared(run, os.path.realpath(path), commit)


def unknown_to_git(repository: Repository, paths: Iterable[str]) -> list[str]:
    """Return those of some files, absolute real paths, whose changes git does not report.

    They are ignored, marked skip-worktree or assume-unchanged, or in no repository that was compared.
    """
    return [path for path in paths if not repository.watches(path)]


def _first_line(done: Completed) -> str:
    lines = (done.error.strip() or f"exit code {done.code}").splitlines()
    return lines[0].removeprefix("fatal: ")
