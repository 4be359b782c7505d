"""What git is asked, with a real git and histories of every kind; no Go."""

import os
import shutil
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.selection.base_files import copy_base
from lambdabuild.system.git import Change, Head, Repository, changed_since, head, unknown_to_git
from lambdabuild.system.process import Runner
from tests.environment import GIT

ENVIRONMENT = GIT | {"PATH": os.environ["PATH"]}


class Tree:
    """A working tree of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *arguments],
            cwd=self.path, env=ENVIRONMENT, check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    def write(self, **texts: str) -> None:
        """Write files, of the texts' names."""
        for name, text in texts.items():
            self.put(name, text)

    def put(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def commit(self, **texts: str) -> str:
        """Commit all there is, with these files, and return the commit's name."""
        self.write(**texts)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.git("rev-parse", "HEAD")

    def since(
        self, ref: str = "HEAD", *, at: str = ".", env: Mapping[str, str] | None = None
    ) -> Repository:
        run = Runner(ENVIRONMENT | dict(env or {}))
        return changed_since(run, os.path.normpath(self.path / at), ref)

    def changes(self, ref: str = "HEAD") -> dict[str, str]:
        """Return the changes, by path from here: A as added, D deleted, M modified, ? unknown."""
        return {
            os.path.relpath(change.path, self.path): sign(change)
            for change in self.since(ref).everything
        }

    def before(self, ref: str = "HEAD", wanted: Collection[str] | None = None) -> dict[str, str]:
        """Return the text of files as they were, by path from here."""
        repository = self.since(ref)
        paths = {change.path for change in repository.everything}
        if wanted is not None:
            paths = {str(self.path / name) for name in wanted}
        place = self.path.with_name("copies")
        copies = copy_base(Runner(ENVIRONMENT), repository, paths, str(place))
        texts = {
            os.path.relpath(path, self.path): Path(copy).read_bytes().decode()
            for path, copy in copies.items()
        }
        shutil.rmtree(place)
        return texts


def sign(change: Change) -> str:
    if not change.known:
        return "?"
    return {(False, True): "A", (True, False): "D", (True, True): "M", (False, False): "-"}[
        change.before, change.now
    ]


def begun(path: Path) -> Tree:
    path.mkdir(parents=True)
    tree = Tree(path)
    tree.git("init", "--quiet", "--template=", "--initial-branch=main")
    return tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """One commit with the files `a` and `b`."""
    made = begun(tmp_path / "tree")
    made.commit(a="1", b="1")
    return made


def refused(tree: Tree, ref: str, *, env: Mapping[str, str] | None = None) -> LambdabuildError:
    with pytest.raises(LambdabuildError) as caught:
        tree.since(ref, env=env)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return caught.value


def test_what_is_committed_staged_changed_and_new(tree: Tree) -> None:
    tree.git("switch", "--quiet", "--create", "branch")
    tree.commit(c="committed")
    tree.write(d="staged")
    tree.git("add", "d")
    tree.write(b="changed", e="new")
    tree.put("below/f", "new")
    (tree.path / "a").unlink()
    assert tree.changes("main") == {
        "a": "D", "b": "M", "c": "A", "d": "A", "e": "A", "below/f": "A",
    }  # fmt: skip
    assert tree.changes("HEAD").keys() == {"a", "b", "d", "e", "below/f"}
    assert tree.before("main") == {"a": "1", "b": "1"}


def test_what_is_changed_back_is_no_change(tree: Tree) -> None:
    tree.write(a="2")
    tree.git("add", "a")
    tree.write(a="1", b="1")
    os.utime(tree.path / "b")
    assert tree.changes() == {}


def test_a_renamed_file_is_one_that_went_and_one_that_came(tree: Tree) -> None:
    tree.git("config", "diff.renames", "copies")
    tree.git("mv", "a", "c")
    assert tree.changes() == {"a": "D", "c": "A"}


def test_settings_that_change_what_diff_prints_change_nothing(tree: Tree) -> None:
    tree.put("below/c", "1")
    tree.commit()
    for setting in ("diff.relative=true", "color.ui=always", "diff.external=false",
                    "status.showUntrackedFiles=no", "core.quotePath=true", "diff.noprefix=true",
                    "core.abbrev=4", "diff.ignoreSubmodules=all"):  # fmt: skip
        tree.git("config", *setting.split("="))
    tree.write(a="2", **{"é ü": "new"})
    found = tree.since(at="below")
    assert {change.path.removeprefix(f"{tree.path}/") for change in found.changes} == {"a", "é ü"}
    assert tree.before() == {"a": "1"}


def test_only_our_side_counts(tree: Tree) -> None:
    tree.git("switch", "--quiet", "--create", "branch")
    tree.commit(ours="1")
    tree.git("switch", "--quiet", "main")
    tree.commit(theirs="1")
    tree.git("switch", "--quiet", "branch")
    assert tree.changes("main") == {"ours": "A"}
    tree.git("merge", "--quiet", "--no-edit", "main")
    assert tree.changes("main") == {"ours": "A"}
    assert tree.changes("HEAD^1") == {"theirs": "A"}
    tree.git("checkout", "--quiet", "--detach")
    tree.commit(detached="1")
    assert tree.changes("main") == {"ours": "A", "detached": "A"}
    tree.git("tag", "--annotate", "--message=tag", "v1", "main~1")
    assert tree.changes("v1") == {"ours": "A", "theirs": "A", "detached": "A"}


def test_a_merge_with_conflicts(tree: Tree) -> None:
    base = tree.git("rev-parse", "HEAD")
    tree.git("switch", "--quiet", "--create", "branch")
    (tree.path / "b").unlink()
    tree.commit(a="ours", new="ours")
    tree.git("switch", "--quiet", "main")
    tree.commit(a="theirs", b="theirs", new="theirs")
    with pytest.raises(subprocess.CalledProcessError):
        tree.git("merge", "branch")
    assert tree.changes(base) == {"a": "M", "b": "M", "new": "A"}
    assert unknown_to_git(tree.since(base), [str(tree.path / name) for name in ("a", "b")]) == []
    found = head(Runner(ENVIRONMENT), str(tree.path))
    assert found is not None
    assert found.changed == {"a", "b", "new"}
    assert not found.new


def test_out_of_the_index_is_not_off_the_disk(tree: Tree) -> None:
    tree.git("rm", "--quiet", "--cached", "a")
    tree.put(".gitignore", "a\n")
    assert tree.changes() == {"a": "M", ".gitignore": "A"}
    assert unknown_to_git(tree.since(), [str(tree.path / "a")]) == []


def test_a_directory_where_a_file_was_and_the_other_way_round(tree: Tree) -> None:
    tree.put("c/d", "1")
    tree.commit()
    (tree.path / "a").unlink()
    tree.put("a/inner", "new")
    shutil.rmtree(tree.path / "c")
    tree.write(c="new")
    assert tree.changes() == {"a": "D", "a/inner": "A", "c/d": "D", "c": "A"}
    tree.git("add", "--all")
    assert tree.changes() == {"a": "D", "a/inner": "A", "c/d": "D", "c": "A"}
    assert tree.before() == {"a": "1", "c/d": "1"}


@pytest.mark.parametrize(
    "name", ["a b", "-x", "é", "ü ☃", '"', "'", "\\", "\t", "a\nb", ":(top)a", "*", "a\x85b"]
)
def test_names_of_every_kind(tree: Tree, name: str) -> None:
    tree.put(name, "1")
    tree.commit()
    tree.put(name, "2")
    tree.put(f"new {name}", "new")
    assert tree.changes() == {name: "M", f"new {name}": "A"}
    assert tree.before() == {name: "1"}


def test_files_are_copied_as_git_checks_them_out(tree: Tree) -> None:
    tree.put(".gitattributes", "*.txt text eol=crlf\n*.sh text eol=lf\n")
    (tree.path / "c.txt").write_bytes(b"1\r\n")
    tree.put("run.sh", "1\n").chmod(0o755)
    tree.commit()
    (tree.path / "c.txt").write_bytes(b"2\r\n")
    tree.put("run.sh", "2\n")
    assert tree.before() == {"c.txt": "1\r\n", "run.sh": "1\n"}
    assert tree.before(wanted=["c.txt", "a"]) == {"c.txt": "1\r\n"}


def test_line_ends_that_git_makes_are_no_change(tree: Tree) -> None:
    tree.git("config", "core.autocrlf", "true")
    (tree.path / "a").write_bytes(b"1\r\n2\r\n")
    tree.commit()
    (tree.path / "a").write_bytes(b"1\n2\n")
    assert tree.changes() == {}


def test_a_link_is_copied_as_what_it_led_to(tree: Tree) -> None:
    tree.put("there/c", "c 1")
    (tree.path / "inner").mkdir()
    for name, target in {
        "changed": "there/c", "same": "b", "inner/chain": "../changed", "gone": "nowhere",
        "outside": "/nowhere/at/all", "circle": "circle",
    }.items():  # fmt: skip
        (tree.path / name).symlink_to(target)
    tree.commit()
    for name in ("changed", "same", "inner/chain", "gone", "outside", "circle"):
        (tree.path / name).unlink()
        tree.put(name, "a file")
    tree.put("there/c", "c 2")
    assert tree.before(wanted=["changed", "same", "inner/chain"]) == {
        "changed": "c 1", "same": "1", "inner/chain": "c 1", "there/c": "c 1",
    }  # fmt: skip
    place = tree.path.with_name("links")
    wanted = [str(tree.path / name) for name in ("gone", "outside", "circle")]
    copies = copy_base(Runner(ENVIRONMENT), tree.since(), wanted, str(place))
    assert {name: os.path.isfile(copies[name]) for name in wanted} == dict.fromkeys(wanted, False)


def test_an_environment_of_a_hook_and_one_of_another_repository(tree: Tree, tmp_path: Path) -> None:
    other = begun(tmp_path / "other")
    other.commit(other="1")
    tree.write(a="2")
    (tree.path / "below").mkdir()
    expected = tree.since().changes
    for place in (".git", str(other.path / ".git")):
        env = {"GIT_DIR": place, "GIT_INDEX_FILE": f"{place}/index", "GIT_PREFIX": "below/"}
        assert tree.since(at="below", env=env).changes == expected


def test_a_hook_of_git_itself(tree: Tree, tmp_path: Path) -> None:
    told = tmp_path / "told"
    hook = tree.path / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nenv > {told}\nexit 1\n")
    hook.chmod(0o755)
    tree.write(a="2")
    with pytest.raises(subprocess.CalledProcessError):
        tree.git("commit", "--quiet", "--all", "--message=no")
    env = dict(line.split("=", 1) for line in told.read_text().splitlines() if line[:4] == "GIT_")
    assert "GIT_INDEX_FILE" in env
    assert [change.path for change in tree.since(env=env).changes] == [str(tree.path / "a")]


def test_a_worktree(tree: Tree, tmp_path: Path) -> None:
    tree.git("worktree", "add", "--quiet", "-b", "branch", str(tmp_path / "work"))
    work = Tree(tmp_path / "work")
    work.commit(c="1")
    work.write(a="2")
    assert work.changes("main") == {"a": "M", "c": "A"}
    assert work.before("main") == {"a": "1"}
    assert tree.changes() == {}


def test_a_path_through_a_symbolic_link_gives_real_paths(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("tree")
    tree.write(a="2")
    (change,) = Tree(tmp_path / "link").since().changes
    assert change.path == str(tree.path / "a")


def test_what_git_does_not_tell_of(tree: Tree, tmp_path: Path) -> None:
    tree.put(".gitignore", "ignored\n")
    tree.commit(ignored="1", skipped="1", assumed="1", tracked="1")
    tree.git("update-index", "--skip-worktree", "skipped")
    tree.git("update-index", "--assume-unchanged", "assumed")
    tree.write(new="1", tracked="2")
    names = ["a", "assumed", "ignored", "new", "skipped", "tracked", "../outside"]
    paths = [os.path.normpath(tree.path / name) for name in names]
    assert unknown_to_git(tree.since(), paths) == [
        *(str(tree.path / name) for name in ("assumed", "ignored", "skipped")),
        str(tmp_path / "outside"),
    ]


@pytest.fixture
def library(tree: Tree, tmp_path: Path) -> Tree:
    """A submodule `lib` of the tree, with the file `l`."""
    origin = begun(tmp_path / "library")
    origin.commit(l="1")
    tree.git("submodule", "--quiet", "add", str(origin.path), "lib")
    tree.commit()
    return Tree(tree.path / "lib")


def test_a_submodule_edited_inside(tree: Tree, library: Tree) -> None:
    library.write(l="2", new="2")
    assert tree.changes() == {"lib/l": "M", "lib/new": "A"}
    assert tree.before() == {"lib/l": "1"}
    paths = [str(library.path / name) for name in ("l", "new")]
    assert unknown_to_git(tree.since(), paths) == []


def test_a_submodule_at_another_commit(tree: Tree, library: Tree) -> None:
    library.commit(l="2")
    library.commit(more="2")
    library.write(l="3")
    assert tree.changes() == {"lib/l": "M", "lib/more": "A"}
    tree.commit()
    assert tree.changes() == {"lib/l": "M"}
    assert tree.changes("HEAD~1") == {"lib/l": "M", "lib/more": "A"}
    assert tree.before("HEAD~1") == {"lib/l": "1"}


def test_a_submodule_that_does_not_differ_is_told_of(tree: Tree, library: Tree) -> None:
    assert unknown_to_git(tree.since(), [str(library.path / "l")]) == []


def test_a_submodule_whose_commit_is_not_there_is_not_known(tree: Tree, library: Tree) -> None:
    library.commit(l="2")
    tree.commit()
    library.git("checkout", "--quiet", "--orphan", "other")
    library.commit(l="3")
    library.git("branch", "--quiet", "-D", "main")
    library.git("update-ref", "-d", "refs/remotes/origin/main")
    library.git("symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    library.git("reflog", "expire", "--expire=now", "--all")
    library.git("gc", "--quiet", "--prune=now")
    assert tree.changes("HEAD~1") == {"lib": "?"}


def test_a_submodule_that_is_not_initialized(tree: Tree, library: Tree, tmp_path: Path) -> None:
    before = tree.git("rev-parse", "HEAD")
    library.commit(l="2")
    tree.commit()
    tree.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Tree(tmp_path / "clone")
    assert clone.changes() == {}
    assert clone.changes(before) == {"lib": "?"}


def test_a_submodule_that_came_and_one_that_went(tree: Tree, library: Tree) -> None:
    assert tree.changes("HEAD~1") == {".gitmodules": "A", "lib": "?"}
    tree.git("rm", "--quiet", "-f", "lib")
    assert tree.changes() == {".gitmodules": "M", "lib": "?"}
    del library


def test_a_repository_inside_that_is_no_submodule(tree: Tree) -> None:
    inner = begun(tree.path / "inner")
    inner.commit(i="1")
    assert tree.changes() == {"inner": "?"}
    assert unknown_to_git(tree.since(), [str(inner.path / "i")]) == []


def test_a_shallow_clone_is_refused_where_it_does_not_tell(tree: Tree, tmp_path: Path) -> None:
    tree.git("switch", "--quiet", "--create", "branch")
    for number in range(3):
        tree.commit(ours=str(number))
    tree.git("switch", "--quiet", "main")
    for number in range(3):
        tree.commit(theirs=str(number))
    url = f"file://{tree.path}"

    def cloned(depth: int, *arguments: str) -> Tree:
        place = tmp_path / "clone"
        shutil.rmtree(place, ignore_errors=True)
        tree.git("clone", "--quiet", f"--depth={depth}", *arguments, url, str(place))
        return Tree(place)

    clone = cloned(1, "--branch=branch")
    error = refused(clone, "origin/main")
    assert error.message == "git knows no commit `origin/main`"
    assert "fetch-depth: 0" in str(error.hint)
    # A branch alone tells of nothing: HEAD would be its own base.
    error = refused(clone, "origin/branch")
    assert error.message == (
        "this is a shallow clone, which does not tell where `origin/branch` and HEAD parted"
    )
    assert "fetch-depth: 0" in str(error.hint)
    clone.write(ours="changed")
    assert clone.changes() == {"ours": "M"}
    assert refused(cloned(2, "--branch=branch", "--no-single-branch"), "origin/main").hint
    # Two commits suffice for the one before, whatever is behind it.
    assert cloned(2, "--branch=branch").changes("HEAD^") == {"ours": "M"}
    refused(cloned(2, "--branch=branch"), "HEAD~2")
    # Deep enough for both, though not down to the first commit of all.
    assert cloned(4, "--branch=branch", "--no-single-branch").changes("origin/main") == {
        "ours": "A"
    }


def test_a_shallow_history_that_may_hide_a_later_base(tree: Tree) -> None:
    tree.git("switch", "--quiet", "--create", "branch")
    tree.commit(ours="1")
    tree.git("switch", "--quiet", "main")
    first = tree.git("rev-parse", "HEAD")
    tree.commit(theirs="1")
    tree.git("switch", "--quiet", "branch")
    # The merge that makes `theirs` common to both is beyond the end of the history ...
    tree.git("merge", "--quiet", "--no-edit", "main")
    tree.commit(ours="2")
    cut = tree.git("rev-parse", "HEAD")
    # ... and what is left is older, on a way of its own.
    side = tree.git("commit-tree", f"{first}^{{tree}}", "-p", first, "-m", "side")
    tree.git("merge", "--quiet", "--no-edit", "--strategy=ours", side)
    assert tree.changes("main") == {"ours": "A"}
    (tree.path / ".git" / "shallow").write_text(f"{cut}\n")
    assert tree.git("merge-base", "main", "HEAD") == first
    assert "shallow clone" in refused(tree, "main").message


def test_references_that_mean_no_commit(tree: Tree) -> None:
    tree.git("update-ref", "refs/remotes/origin/develop", "HEAD")
    for ref, message, hint in [
        ("no/such", "git knows no commit `no/such`", "`git fetch origin no/such` fetches it"),
        ("origin/x", "git knows no commit `origin/x`", "`git fetch origin x` fetches it"),
        ("develop", "git knows no commit `develop`", "did you mean `origin/develop`?"),
        ("HEAD:a", "git knows no commit `HEAD:a`", None),
        ("-x", "git knows no commit `-x`", "name one branch, tag or commit"),
        ("--all", "git knows no commit `--all`", "name one branch, tag or commit"),
        ("main..HEAD", "git knows no commit `main..HEAD`", "name one branch, tag or commit"),
        ("", "--since names no commit", None),
        ("0" * 40, f"`{'0' * 40}` stands for no commit: the branch is new", None),
    ]:
        error = refused(tree, ref)
        assert error.message == message
        assert hint in {None, error.hint}, error.hint


def test_histories_that_have_nothing_in_common(tree: Tree) -> None:
    tree.git("checkout", "--quiet", "--orphan", "alone")
    tree.commit(a="alone")
    assert refused(tree, "main").message == "`main` and HEAD have no commit in common"


def test_no_commit_yet(tmp_path: Path) -> None:
    tree = begun(tmp_path / "tree")
    assert refused(tree, "main").message == "there is no commit here yet"
    assert refused(tree, "HEAD").message == "there is no commit here yet"


def test_no_repository_and_no_working_tree(tree: Tree, tmp_path: Path) -> None:
    env = {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
    (tmp_path / "none").mkdir()
    error = refused(Tree(tmp_path / "none"), "HEAD", env=env)
    assert error.message.startswith("--since needs a git repository: not a git repository")
    assert "--files-from" in str(error.hint)
    error = refused(Tree(tree.path / ".git"), "HEAD")
    assert error.message.startswith("--since needs a git repository: ")


def test_a_repository_of_somebody_else(tree: Tree) -> None:
    error = refused(tree, "HEAD", env={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    assert error.hint == f"`git config --global --add safe.directory {tree.path}`"
    foreign = Runner(ENVIRONMENT | {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    assert head(foreign, str(tree.path)) is None


def test_no_git_on_path(tree: Tree, tmp_path: Path) -> None:
    error = refused(tree, "HEAD", env={"PATH": str(tmp_path)})
    assert error.message == "--since needs git, which was not found on PATH"


def test_a_repository_that_somebody_committed_as_files_runs_nothing(tree: Tree) -> None:
    """Git takes a directory that looks like a bare repository for one, with all its `config` says."""
    ran = tree.path.with_name("ran")
    inner = tree.path / "svc"
    for name in ("objects", "refs", "HEAD", "index"):
        source = tree.path / ".git" / name
        inner.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, inner / name)
    worktree = f'worktree = "{inner}"\n\tfsmonitor = "touch {ran}; false"'
    (inner / "config").write_text(f"[core]\n\trepositoryformatversion = 0\n\t{worktree}\n")
    subprocess.run(["git", "status"], cwd=inner, env=ENVIRONMENT, check=True, capture_output=True)
    assert ran.exists(), "this git would not run it anyway"
    ran.unlink()

    with pytest.raises(LambdabuildError) as caught:
        tree.since(at="svc")

    assert "safe.bareRepository" in caught.value.told
    assert head(Runner(ENVIRONMENT), str(inner)) is None
    assert not ran.exists()


def test_what_is_checked_out(tree: Tree, tmp_path: Path) -> None:
    def here(directory: Path | None = None) -> Head | None:
        return head(Runner(ENVIRONMENT), str(directory or tree.path))

    commit = tree.commit(**{"a.go": "1", "below/b c.go": "2", ".gitignore": "ignored"})
    top, none = os.path.realpath(tree.path), frozenset[str]()
    clean = Head(top, commit, "main", None, none, none)
    assert here() == here(tree.path / "below") == clean
    tree.git("remote", "add", "origin", "https://u:p@example.com/x.git")
    tree.write(**{"below/b c.go": "3", "below/new\n.go": "4", "ignored": "5"})
    changed = clean._replace(
        remote="https://u:p@example.com/x.git",
        changed=frozenset({"below/b c.go"}),
        new=frozenset({"below/new\n.go"}),
    )
    assert here() == here(tree.path / "below") == changed
    tree.git("checkout", "--quiet", "--detach")
    assert here() == changed._replace(branch=None)
    assert here(tmp_path) is None
    assert here(begun(tmp_path / "unborn").path) is None
    without = Runner(ENVIRONMENT | {"PATH": str(tmp_path)})
    assert head(without, str(tree.path)) is None
