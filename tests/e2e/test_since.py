"""What `--since` finds, in real histories and with a real Go."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import LAMBDABUILD
from tests.e2e.history import History, without_settings
from tests.projects import FUNCTIONS, REPO, main_printing, write


@pytest.fixture(scope="module")
def committed(
    go: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The monorepo of four functions, as the one commit of its history."""
    path = tmp_path_factory.mktemp("committed") / "repo"
    history = History(path, without_settings(environment), go)
    write(history.path, REPO)
    history.start_history()
    return path


@pytest.fixture
def repo(committed: Path, go: str, environment: dict[str, str], tmp_path: Path) -> History:
    """The monorepo of four functions, committed."""
    shutil.copytree(committed, tmp_path / "repo")
    return History(tmp_path / "repo", without_settings(environment), go)


def everything(reason: str) -> dict[str, str]:
    return dict.fromkeys(FUNCTIONS, reason)


def test_nothing_changed_and_nothing_that_matters(repo: History) -> None:
    assert repo.touched() == {}
    repo.write("README.md", "read me")
    repo.write("api/ping/main_test.go", "package main\n")
    repo.write("api/ping/notes.txt", "nobody embeds it")
    repo.write("internal/sum/sum_windows.go", "package sum\n\nfunc Value() int { return 1 }\n")
    repo.write("internal/pages/texts/.hidden/one.txt", "no pattern goes there")
    repo.replace("internal/sum/sum_arm64.go", "1001", "1002")
    repo.remove("internal/pages/texts/notes.md")
    assert repo.touched() == {}
    assert repo.run("list", "--since", "HEAD").err == "no function is affected\n"


def test_one_function(repo: History) -> None:
    repo.replace("api/ping/main.go", "ping 1", "ping 2")
    assert repo.touched() == {"ping": "api/ping/main.go changed"}


def test_a_shared_package_and_what_imports_it_through_another(repo: History) -> None:
    repo.replace("internal/log/log.go", "log 1", "log 2")
    assert repo.touched() == dict.fromkeys(["login", "users"], "internal/log/log.go changed")


def test_assembly_and_headers(repo: History) -> None:
    repo.replace("internal/sum/value.h", "1001", "1002")
    assert repo.touched() == {"add": "internal/sum/value.h changed"}


def test_what_is_committed_staged_changed_and_new(repo: History) -> None:
    repo.git("switch", "--quiet", "--create", "branch")
    repo.replace("api/ping/main.go", "ping 1", "ping 2")
    repo.commit()
    repo.replace("internal/sum/value.h", "1001", "1002")
    repo.git("add", "--all")
    repo.replace("internal/pages/static/index.html", "index 1", "index 2")
    repo.write("api/users/more.go", "package main\n")
    expected = {
        "add": "internal/sum/value.h changed",
        "login": "internal/pages/static/index.html changed",
        "ping": "api/ping/main.go changed",
        "users": "api/users/more.go added",
    }
    assert repo.touched("main") == expected
    del expected["ping"]
    assert repo.touched("HEAD") == expected


def test_embedded_files_that_change_come_and_go(repo: History) -> None:
    repo.replace("internal/pages/texts/one.txt", "one 1", "one 2")
    assert repo.touched() == {"login": "internal/pages/texts/one.txt changed"}
    repo.git("checkout", ".")
    repo.write("internal/pages/texts/two.txt", "two")
    assert repo.touched() == {"login": "internal/pages/texts/two.txt added"}
    repo.remove("internal/pages/texts/two.txt")
    repo.remove("internal/pages/static/deep")
    assert repo.touched() == {"login": "internal/pages/static/deep/style.css removed"}
    repo.git("checkout", ".")
    (repo / "internal/pages/static/index.html").chmod(0o755)
    assert repo.touched() == {}


def test_a_file_renamed_and_one_moved_to_another_package(repo: History) -> None:
    repo.move("internal/log/log.go", "internal/log/line.go")
    assert repo.touched().keys() == {"login", "users"}
    repo.git("reset", "--hard", "--quiet")
    repo.write("api/ping/more.go", 'package main\n\nfunc init() { println("more") }\n')
    base = repo.commit()
    repo.move("api/ping/more.go", "api/users/more.go")
    repo.commit()
    assert repo.touched(base) == {
        "ping": "api/ping/more.go removed",
        "users": "api/users/more.go added",
    }


def test_a_renamed_function_is_new(repo: History) -> None:
    repo.move("api/ping", "api/pong")
    repo.move("api/users", "api/people/list")
    repo.write("api/extra/main.go", main_printing("extra"))
    assert repo.touched() == dict.fromkeys(["extra", "people-list", "pong"], "it is new")


def test_a_package_removed_touches_what_imported_it(repo: History) -> None:
    repo.remove("internal/log")
    repo.write("internal/auth/auth.go", 'package auth\n\nfunc Who() string { return "auth" }\n')
    assert repo.touched().keys() == {"login", "users"}


def test_a_file_that_a_constraint_takes_out_or_lets_in(repo: History) -> None:
    repo.write("internal/log/more.go", 'package log\n\nfunc init() { println("more") }\n')
    base = repo.commit()
    repo.replace("internal/log/more.go", "package", "//go:build windows\n\npackage")
    assert repo.touched() == dict.fromkeys(["login", "users"], "internal/log/more.go removed")
    repo.commit()
    assert repo.touched(base) == dict.fromkeys(["login", "users"], "internal/log/more.go removed")
    repo.replace("internal/log/more.go", "windows", "plan9")
    assert repo.touched() == {}
    repo.replace("internal/log/more.go", "plan9", "linux")
    assert repo.touched() == dict.fromkeys(["login", "users"], "internal/log/more.go added")


def test_an_import_added_touches_only_what_has_the_file(repo: History) -> None:
    repo.replace("api/ping/main.go", "package main\n", 'package main\n\nimport _ "errors"\n')
    repo.replace("internal/log/log.go", "package log\n", "package log // logs\n")
    assert repo.touched() == {
        "login": "internal/log/log.go changed",
        "ping": "api/ping/main.go changed",
        "users": "internal/log/log.go changed",
    }


def test_a_function_that_cannot_be_loaded_is_never_passed_over(repo: History) -> None:
    repo.replace("internal/log/log.go", "package log\n", 'package log\n\nimport _ "no/such"\n')
    repo.commit()
    broken = repo.touched()
    assert broken.keys() == {"login", "users"}
    assert {why.partition(":")[0] for why in broken.values()} == {"cannot be loaded"}
    repo.replace("internal/log/log.go", '\nimport _ "no/such"\n', "")
    assert repo.touched() == dict.fromkeys(["login", "users"], "it could not be loaded")


def test_only_our_side_of_two_branches_counts(repo: History) -> None:
    repo.git("switch", "--quiet", "--create", "branch")
    repo.replace("api/ping/main.go", "ping 1", "ping 2")
    repo.commit()
    repo.git("switch", "--quiet", "main")
    repo.replace("internal/log/log.go", "log 1", "log 2")
    repo.commit()
    assert repo.touched("branch").keys() == {"login", "users"}
    repo.git("switch", "--quiet", "branch")
    repo.git("merge", "--quiet", "--no-edit", "main")
    assert repo.touched("main").keys() == {"ping"}


def test_a_merge_that_is_not_finished(repo: History) -> None:
    repo.git("switch", "--quiet", "--create", "branch")
    repo.replace("api/ping/main.go", "ping 1", "ping branch")
    repo.remove("internal/sum/sum_arm64.go")
    repo.commit()
    repo.git("switch", "--quiet", "main")
    repo.replace("api/ping/main.go", "ping 1", "ping main")
    base = repo.commit()
    with pytest.raises(subprocess.CalledProcessError):
        repo.git("merge", "branch")
    repo.write("api/ping/main.go", main_printing("ping both"))
    assert repo.touched(base) == {"ping": "api/ping/main.go changed"}


def test_what_is_out_of_the_index_and_still_there(repo: History) -> None:
    repo.git("rm", "--quiet", "--cached", "internal/log/log.go", "internal/pages/static/index.html")
    assert repo.touched() == {}
    repo.write(".gitignore", "log.go\n")
    repo.replace("internal/log/log.go", "log 1", "log 2")
    assert repo.touched() == dict.fromkeys(["login", "users"], "internal/log/log.go changed")


def test_a_file_where_a_directory_was_and_the_other_way_round(repo: History) -> None:
    repo.write("internal/pages/texts/two.txt", "two")
    repo.write("internal/pages/static/page", "page")
    base = repo.commit()
    repo.remove("internal/pages/texts/two.txt")
    repo.write("internal/pages/texts/two.txt/a.html", "below")
    repo.remove("internal/pages/static/page")
    repo.write("internal/pages/static/page/a.html", "below")
    repo.remove("internal/pages/static/deep")
    repo.write("internal/pages/static/deep", "a file")
    repo.replace("api/users/main.go", "package main\n", "package main // users\n")
    # The structure differs elsewhere, too, so Go is asked with all of it laid over.
    assert repo.touched().keys() == {"login", "users"}
    repo.commit()
    assert repo.touched(base).keys() == {"login", "users"}


def test_a_source_file_that_is_a_symbolic_link(repo: History) -> None:
    repo.write("shared/version.go", "package main\n\nconst version = 1\n")
    (repo / "api/ping/version.go").symlink_to("../../shared/version.go")
    base = repo.commit()
    repo.replace("shared/version.go", "1", "2")
    assert repo.touched() == {"ping": "api/ping/version.go changed"}
    repo.commit()
    repo.remove("api/ping/version.go")
    repo.write("api/ping/version.go", "package main\n\nconst version = 1\n")
    assert repo.touched(base) == {}
    repo.write("shared/other.go", "package main\n\nconst version = 3\n")
    repo.remove("api/ping/version.go")
    (repo / "api/ping/version.go").symlink_to("../../shared/other.go")
    assert repo.touched(base) == {"ping": "api/ping/version.go changed"}


def test_names_that_need_quotes(repo: History) -> None:
    repo.write("internal/pages/texts/- día & noche.txt", "1")
    repo.write("api/ping/naïve file.go", "package main\n\nconst a = 1\n")
    repo.write('dôcs/"quoted"\\\t.md', "not for Go")
    repo.commit()
    repo.write("internal/pages/texts/- día & noche.txt", "2")
    repo.replace("api/ping/naïve file.go", "const a", 'import _ "errors"\n\nconst a')
    repo.remove('dôcs/"quoted"\\\t.md')
    assert repo.touched() == {
        "login": "internal/pages/texts/- día & noche.txt changed",
        "ping": "api/ping/naïve file.go changed",
    }


def test_line_ends_that_git_makes_are_no_change(repo: History) -> None:
    repo.git("config", "core.autocrlf", "true")
    for path in repo.path.rglob("*.go"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    repo.git("add", "--renormalize", ".")
    assert repo.touched() == {}
    repo.write("api/ping/main.go", main_printing("ping 2").replace("\n", "\r\n"))
    (repo / "internal/sum/sum_amd64.go").write_bytes(
        b"package sum // sum\r\n\r\nfunc Value() int\r\n"
    )
    assert repo.touched().keys() == {"add", "ping"}


def test_a_generated_input_that_git_ignores_is_warned_of(repo: History) -> None:
    repo.write(".gitignore", "*_gen.go\n")
    repo.write("internal/log/words_gen.go", "package log\n")
    base = repo.commit()
    repo.replace("api/ping/main.go", "package main\n", "package main // ping\n")
    result = repo.run("why", "--since", base)
    assert result.out == "ping: api/ping/main.go changed\n"
    assert result.err == (
        "warning: git does not tell whether `internal/log/words_gen.go` changed\n"
        "  hint: a file that git ignores, or of another repository, does not count for --since\n"
    )
    repo.write(".gitignore", "")
    assert repo.run("why", "--since", base).err == ""
    repo.git("update-index", "--skip-worktree", "internal/sum/value.h")
    assert "`internal/sum/value.h` changed" in repo.run("why", "--since", base).err


CONFIGURATION = """\
[functions."ping"]
assets = ["words/*.txt", "pages"]
"""


def test_what_the_configuration_says_of_one_function_touches_only_that(repo: History) -> None:
    repo.write("lambdabuild.toml", "")
    base = repo.commit()
    repo.write("lambdabuild.toml", '[functions."ping"]\nldflags = "-w"\n')
    assert repo.touched() == {"ping": "ldflags changed: -s -w → -w"}
    assert repo.touched("HEAD", "--ldflags", "-s") == {}
    repo.write("lambdabuild.toml", '[functions."ping"]\narchitecture = ["x86_64", "arm64"]\n')
    assert repo.run("why", "--since", base).out == ("ping: it was not built for linux/arm64\n")
    repo.write("lambdabuild.toml", '[functions."users"]\nzip = true\nruntime = "provided.al2"\n')
    assert repo.touched() == {"users": "runtime changed in lambdabuild.toml"}
    repo.write("lambdabuild.toml", '[functions."people"]\ndirectory = "api/users"\n')
    assert repo.touched() == {"people": "it was named `users`"}
    repo.write("lambdabuild.toml", '# a comment\nout = "build"\n[functions."ping"]\n')
    assert repo.touched() == {}


def test_what_the_configuration_leaves_out_and_takes_in(repo: History) -> None:
    repo.write("lambdabuild.toml", 'exclude = ["p*"]\n')
    base = repo.commit()
    assert repo.touched("HEAD~1") == {}
    repo.write("lambdabuild.toml", "")
    assert repo.touched() == {"ping": "the glob `p*` excluded it"}
    repo.write("jobs/nightly/main.go", main_printing("nightly"))
    repo.write("lambdabuild.toml", 'exclude = ["p*"]\nroots = ["api", "jobs"]\n')
    assert repo.touched() == {"nightly": "it is new"}
    assert repo.touched(base, "--root", "jobs") == {"nightly": "it is new"}
    repo.commit()
    # The root is no more, and the file that named it neither.
    repo.remove("jobs")
    repo.remove("lambdabuild.toml")
    repo.replace("internal/sum/value.h", "1001", "1002")
    assert repo.touched() == {
        "add": "internal/sum/value.h changed",
        "ping": "the glob `p*` excluded it",
    }


def test_the_root_is_called_otherwise(repo: History) -> None:
    repo.move("api", "functions")
    repo.write("lambdabuild.toml", 'roots = ["functions"]\n')
    assert repo.touched() == everything("it is new")
    assert repo.touched("HEAD", "--root", "functions") == everything("it is new")


def test_flags_and_architectures_of_the_command_line_held_before(repo: History) -> None:
    repo.replace("internal/sum/sum_arm64.go", "1001", "1002")
    assert repo.touched() == {}
    assert repo.touched("HEAD", "--arch", "arm64") == {"add": "internal/sum/sum_arm64.go changed"}
    repo.replace("api/ping/main.go", "package main\n", "package main // ping\n")
    assert repo.touched("HEAD", "--tags", "x", "--exclude", "ping", "--arch", "arm64").keys() == {
        "add"
    }


def test_an_earlier_configuration_that_was_wrong_touches_everything(repo: History) -> None:
    repo.write("lambdabuild.toml", "rots = 1\n")
    repo.commit()
    repo.write("lambdabuild.toml", "")
    result = repo.run("why", "--all", "--since", "HEAD")
    assert result.code == 0
    assert result.out.splitlines() == [
        f"{name}: what it was built from is not known" for name in FUNCTIONS
    ]
    assert result.err.startswith("warning: what there was at the merge base cannot be loaded: ")


def test_assets_that_change_come_and_go(repo: History) -> None:
    repo.write("lambdabuild.toml", CONFIGURATION)
    for name in ("words/a.txt", "words/b.md", "pages/c.html", "pages/deep/c.html"):
        repo.write(f"api/ping/{name}", "1")
    repo.commit()
    repo.write("api/ping/words/b.md", "2")
    assert repo.touched() == {}
    repo.write("api/ping/words/a.txt", "2")
    assert repo.touched() == {"ping": "api/ping/words/a.txt changed"}
    repo.git("checkout", "--quiet", ".")
    repo.write("api/ping/words/more.txt", "1")
    assert repo.touched() == {"ping": "api/ping/words/more.txt added"}
    repo.remove("api/ping/words/more.txt")
    repo.remove("api/ping/pages/deep")
    assert repo.touched() == {"ping": "api/ping/pages/deep/c.html removed"}
    repo.git("checkout", "--quiet", ".")
    (repo / "api/ping/words/a.txt").chmod(0o755)
    assert repo.touched() == {"ping": "api/ping/words/a.txt changed"}


def test_the_list_as_a_gate(repo: History) -> None:
    none = repo.run("list", "--since", "HEAD", "--json", "--exit-code")
    assert (none.code, none.json, none.err) == (
        0, {"schema": 1, "functions": [], "skipped": []}, "",
    )  # fmt: skip
    repo.replace("api/ping/main.go", "ping 1", "ping 2")
    some = repo.run("list", "--since", "HEAD", "--json", "--exit-code")
    assert some.code == 3
    assert some.json["functions"] == [
        {
            "name": "ping",
            "package": "example.com/repo/api/ping",
            "directory": "api/ping",
            "target": "linux/amd64",
            "architecture": "x86_64",
            "runtime": "provided.al2023",
            "adapter": None,
        }
    ]
    wrong = repo.run("list", "--since", "no-such", "--json", "--exit-code")
    assert (wrong.code, wrong.json["ok"]) == (2, False)
    assert wrong.err == (
        "error: git knows no commit `no-such`\n  hint: `git fetch origin no-such` fetches it\n"
    )


def test_nothing_is_left_in_the_temporary_directory(repo: History, tmp_path: Path) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    repo.environment["TMPDIR"] = str(place)
    repo.replace("api/ping/main.go", "ping 1", "ping 2")
    assert repo.run("list", "--since", "HEAD").code == 0
    assert repo.run("list", "--since", "no-such").code == 2
    repo.write("lambdabuild.toml", 'roots = ["none"]\n')
    assert repo.run("list", "--since", "HEAD").code == 2
    assert list(place.iterdir()) == []


def test_what_cannot_go_together(repo: History) -> None:
    both = repo.run("list", "--since", "HEAD", "--files-from", "-")
    watching = repo.run("watch", "--since", "HEAD")
    assert [(result.code, result.out) for result in (both, watching)] == [(2, ""), (2, "")]
    assert "hint: " in both.err
    assert "hint: " in watching.err


def test_what_failed_before_is_built_again(repo: History) -> None:
    repo.replace("api/users/main.go", "auth.Who()", "auth.Nobody()")
    repo.commit()
    failed = repo.run("all", "--since", "HEAD~1", "--json")
    assert (failed.code, failed.statuses) == (1, {"users": "failed"})
    # Nothing changed since that commit, and yet it is not done.
    assert repo.touched() == {"users": "it did not build before"}
    repo.replace("api/users/main.go", "auth.Nobody()", "auth.Who()")
    base = repo.commit()
    repo.replace("api/ping/main.go", "ping 1", "ping 2")
    some = repo.run("build", "ping", "add", "--since", base, "--json")
    assert (some.code, some.statuses) == (0, {"ping": "built"})
    rest = repo.run("all", "--since", base, "--json")
    assert rest.statuses == {"ping": "up-to-date", "users": "built"}
    assert repo.touched(base).keys() == {"ping"}
    assert repo.files() == ["manifest.json", "ping/bootstrap", "users/bootstrap"]


def test_a_hook_of_git(repo: History) -> None:
    told = repo / "told"
    repo.write(".git/hooks/pre-commit", f"#!/bin/sh\n{LAMBDABUILD} why --since HEAD >{told}\n")
    (repo / ".git/hooks/pre-commit").chmod(0o755)
    repo.replace("api/ping/main.go", "ping 1", "ping 2")
    repo.git("commit", "--quiet", "--all", "--message=ping")
    assert told.read_text() == "ping: api/ping/main.go changed\n"


def test_what_others_removed_is_not_in_the_manifest(repo: History) -> None:
    assert repo.run("all").code == 0
    shutil.rmtree(repo / "dist")
    assert repo.run("all", "--since", "HEAD").code == 0
    assert repo.files() == []
    assert repo.run("build", "ping").code == 0
    listed = json.loads((repo / "dist/manifest.json").read_text())["functions"]
    assert [function["name"] for function in listed] == ["ping"]
    assert repo.run("all", "--json").statuses == {
        **dict.fromkeys(FUNCTIONS, "built"), "ping": "up-to-date",
    }  # fmt: skip
