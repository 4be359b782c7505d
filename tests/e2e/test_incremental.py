"""What a changed file costs: its dependants are built, nothing else is, and without a change no `go`."""

import os
import shutil
import subprocess
from dataclasses import replace

import pytest

from tests.e2e.conftest import Recorded
from tests.e2e.incremental import (
    FUNCTIONS,
    assert_clean,
    assert_up_to_date,
    rebuilt,
)

# Which Go it is makes no difference here; tests/e2e/test_up_to_date.py runs with the oldest too.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


def test_an_edit_builds_what_depends_on_the_file_and_nothing_else(repo: Recorded) -> None:
    for file, old, new, functions in (
        ("api/ping/main.go", "ping 1", "ping, edited", ["ping"]),
        ("internal/auth/auth.go", "auth 1", "auth 2", ["login", "users"]),
        ("internal/log/log.go", "log 1", "log, edited", ["login", "users"]),
        ("internal/pages/texts/one.txt", "one 1", "one 2", ["login"]),
        ("internal/pages/static/deep/style.css", "style 1", "style, edited", ["login"]),
        ("internal/sum/sum_amd64.s", "$VALUE", "$(VALUE+1)", ["add"]),
        ("internal/sum/value.h", "1001", "1002", ["add"]),
    ):
        repo.replace(file, old, new)
        assert rebuilt(repo) == dict.fromkeys(functions, f"{file} changed")
    assert_clean(repo)


def test_a_new_file_is_noticed_and_so_is_its_going(repo: Recorded) -> None:
    files = {
        "internal/auth/more.go": 'package auth\n\nfunc init() { println("more") }\n',
        "api/ping/more.go": 'package main\n\nfunc init() { println("more") }\n',
        "internal/pages/texts/two.txt": "two",
        "internal/pages/static/new.html": "new",
        "internal/pages/static/deep/new.html": "new",
        "internal/pages/static/a/new/directory.html": "new",
        "internal/sum/more_amd64.s": '#include "textflag.h"\n\nTEXT ·more(SB),NOSPLIT,$0\n\tRET\n',
    }
    functions = [["login", "users"], ["ping"], *[["login"]] * 4, ["add"]]
    for (file, text), names in zip(files.items(), functions, strict=True):
        repo.write(file, text)
        reasons = rebuilt(repo)
        assert {n: r.removeprefix("unchanged: ") for n, r in reasons.items()} == dict.fromkeys(
            names, f"{file} added"
        )
    assert_clean(repo)
    for file, names in zip(files, functions, strict=True):
        (repo / file).unlink()
        reasons = rebuilt(repo)
        assert {n: r.removeprefix("unchanged: ") for n, r in reasons.items()} == dict.fromkeys(
            names, f"{file} removed"
        )
    assert_clean(repo)


def test_what_no_function_is_built_from_starts_nothing(repo: Recorded) -> None:
    files = [
        "README.md", "api/README.md", "api/ping/main_test.go", "api/ping/README.md",
        "api/ping/testdata/main.go", "api/_draft/main.go", "api/.git/main.go",
        "internal/auth/auth_test.go", "internal/auth/_old.go", "internal/auth/.auth.go.swp",
        "internal/unused/unused.go", ".git/index",
    ]  # fmt: skip
    for file in files:
        repo.write(file, "package main\n\nfunc main() {}\n")
    assert_up_to_date(repo)
    for file in files:
        repo.write(file, "package main\n\nfunc main() { println() }\n")
    assert_up_to_date(repo)
    for file in files:
        (repo / file).unlink()
    assert_up_to_date(repo)


def test_what_go_leaves_out_builds_nothing(repo: Recorded) -> None:
    files = [
        "internal/pages/texts/more.md", "internal/pages/static/.hidden",
        "internal/pages/static/_hidden", "internal/auth/auth_windows.go",
        "internal/auth/tagged.go",
    ]  # fmt: skip
    for file in files:
        repo.write(file, "//go:build never\n\npackage auth\n")
    assert rebuilt(repo) == {}
    for file in files:
        (repo / file).unlink()
    assert rebuilt(repo) == {}


def test_a_build_constraint_takes_a_file_out_and_back_in(repo: Recorded) -> None:
    repo.write("internal/auth/more.go", 'package auth\n\nfunc init() { println("more") }\n')
    repo.run("all")
    repo.replace("internal/auth/more.go", "package auth", "//go:build never\n\npackage auth")
    assert rebuilt(repo) == dict.fromkeys(["login", "users"], "internal/auth/more.go removed")
    repo.replace("internal/auth/more.go", "never", "!never")
    assert rebuilt(repo) == dict.fromkeys(["login", "users"], "internal/auth/more.go added")


def test_new_imports_are_followed(repo: Recorded) -> None:
    repo.write(
        "api/ping/main.go",
        'package main\n\nimport "example.com/repo/internal/log"\n\n'
        'func main() { println(log.Line("ping")) }\n',
    )
    assert rebuilt(repo) == {"ping": "api/ping/main.go changed"}
    repo.replace("internal/log/log.go", "log 1", "log 2")
    assert rebuilt(repo) == dict.fromkeys(["login", "ping", "users"], "internal/log/log.go changed")


def test_a_package_moved_in_whole_is_noticed(repo: Recorded) -> None:
    repo.write("elsewhere/log.go", 'package log\n\nfunc Line(string) string { return "moved" }\n')
    shutil.rmtree(repo / "internal/log")
    (repo / "elsewhere").rename(repo / "internal/log")
    assert rebuilt(repo) == dict.fromkeys(["login", "users"], "internal/log/log.go changed")
    assert_clean(repo)


def test_a_new_function_is_built_and_no_other(repo: Recorded) -> None:
    repo.write("api/carts/add/main.go", "package main\n\nfunc main() { println() }\n")
    assert rebuilt(repo) == {"carts-add": "not built before"}
    shutil.copytree(repo / "api/carts", repo / "api/orders")
    assert rebuilt(repo) == {"orders-add": "not built before"}


def test_a_deleted_function_takes_its_artifact_along_and_builds_nothing(repo: Recorded) -> None:
    shutil.rmtree(repo / "api/ping")
    result = repo.run("all", "--json")
    assert result.statuses == dict.fromkeys(["add", "login", "users"], "up-to-date")
    assert "build" not in repo.started()
    assert repo.files() == [
        "add/bootstrap", "login/bootstrap", "manifest.json", "users/bootstrap",
    ]  # fmt: skip
    assert_up_to_date(repo)


def test_a_renamed_function_is_another(repo: Recorded) -> None:
    (repo / "api/ping").rename(repo / "api/pong")
    assert rebuilt(repo) == {"pong": "not built before"}
    assert not (repo / "dist/ping").exists()
    assert_clean(repo)


def test_two_functions_that_change_places_are_built(repo: Recorded) -> None:
    (repo / "api/ping").rename(repo / "api/x")
    (repo / "api/users").rename(repo / "api/ping")
    (repo / "api/x").rename(repo / "api/users")
    assert rebuilt(repo) == {name: f"api/{name}/main.go changed" for name in ("ping", "users")}
    assert_clean(repo)


def test_a_function_that_loses_its_main_goes(repo: Recorded) -> None:
    repo.replace("api/ping/main.go", "func main()", "func other()")
    assert repo.run("why").out.splitlines() == [
        f"{name}: up to date" for name in FUNCTIONS if name != "ping"
    ]
    assert set(repo.run("all", "--json").functions) == {"add", "login", "users"}
    assert not (repo / "dist/ping").exists()


# --- times that tell nothing, or lie


def test_a_touch_builds_nothing_and_starts_nothing(repo: Recorded) -> None:
    for folder, _, names in os.walk(repo.path):
        for name in names:
            if not folder.startswith(str(repo / ".lambdabuild")):
                os.utime(os.path.join(folder, name))
    assert_up_to_date(repo)


def test_times_that_lie_hide_no_edit(repo: Recorded) -> None:
    """Of the same size, and written at a time before, of, or after the last one."""
    file = repo / "internal/auth/auth.go"
    for number, seconds in enumerate([-86400, -1, 0, 1, 86400], 1):
        time = file.stat().st_mtime_ns
        repo.replace("internal/auth/auth.go", f"auth {number}", f"auth {number + 1}")
        os.utime(file, ns=(time, time + seconds * 1_000_000_000))
        assert rebuilt(repo) == dict.fromkeys(["login", "users"], "internal/auth/auth.go changed")
    assert_clean(repo)


def test_an_edit_right_after_a_build_is_seen_however_fast(repo: Recorded) -> None:
    for number in range(2, 8):
        old = number - 1
        repo.replace("api/ping/main.go", f"ping {old}", f"ping {number}")
        assert repo.run("all", "--json").statuses["ping"] == "built"
    assert_clean(repo)


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_seen(repo: Recorded) -> None:
    file = repo / "api/ping/main.go"
    stat = file.stat()
    other = repo / "api/ping/.main.go"
    other.write_text(file.read_text().replace("ping 1", "ping 2"))
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(file)
    assert rebuilt(repo) == {"ping": "api/ping/main.go changed"}


def test_a_symbolic_link_given_another_target_is_an_edit(repo: Recorded) -> None:
    source = (repo / "api/ping/main.go").read_text()
    for number in (1, 2):
        repo.write(f"{number}.txt", source.replace("ping 1", f"linked {number}"))
    (repo / "api/ping/main.go").unlink()
    (repo / "api/ping/main.go").symlink_to("../../1.txt")
    assert rebuilt(repo) == {"ping": "api/ping/main.go changed"}
    (repo / "api/ping/main.go").unlink()
    (repo / "api/ping/main.go").symlink_to("../../2.txt")
    assert rebuilt(repo) == {"ping": "api/ping/main.go changed"}
    repo.replace("2.txt", "linked 2", "linked 3")
    assert rebuilt(repo) == {"ping": "api/ping/main.go changed"}
    assert_clean(repo)


# --- the project elsewhere


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_a_project_moved_or_copied_is_up_to_date(repo: Recorded, how: str) -> None:
    place = repo.path.parent / "another place"
    if how == "moved":
        repo.path.rename(place)
    else:
        shutil.copytree(repo.path, place, symlinks=True)
    there = replace(repo, path=place)
    assert set(there.run("all", "--json").statuses.values()) == {"up-to-date"}
    assert "build" not in there.started()
    assert_up_to_date(there)
    there.replace("api/ping/main.go", "ping 1", "ping, moved")
    assert rebuilt(there) == {"ping": "api/ping/main.go changed"}


def test_a_fresh_checkout_with_a_restored_cache_is_up_to_date(repo: Recorded) -> None:
    place = repo.path.parent / "checkout"
    # Neither keeps times, nor does either keep the other's.
    shutil.copytree(repo.path, place, copy_function=shutil.copy)
    there = replace(repo, path=place)
    assert set(there.run("all", "--json").statuses.values()) == {"up-to-date"}
    assert "build" not in there.started()
    assert_up_to_date(there)


# --- profiles

PROFILED = """\
package main

import (
	"os"
	"runtime/pprof"
	"time"
)

func main() {
	pprof.StartCPUProfile(os.Stdout)
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
	}
	pprof.StopCPUProfile()
}
"""


def test_a_profile_is_an_input_of_the_function_it_lies_with(repo: Recorded) -> None:
    repo.write("profiled/main.go", PROFILED)
    repo.go_run("build", "-o", "profiled/profiled", "./profiled")
    for name in ("1.pprof", "2.pprof"):
        with (repo / "profiled" / name).open("wb") as file:
            subprocess.run([repo / "profiled/profiled"], check=True, stdout=file)
    profile = repo / "api/ping/default.pgo"
    shutil.copy(repo / "profiled/1.pprof", profile)
    assert rebuilt(repo) == {"ping": "api/ping/default.pgo added"}
    shutil.copy(repo / "profiled/2.pprof", profile)
    assert repo.run("why", "ping").out == "ping: api/ping/default.pgo changed\n"
    # A profile elsewhere than with a main package is none.
    shutil.copy(repo / "profiled/1.pprof", profile)
    shutil.copy(repo / "profiled/1.pprof", repo / "internal/log/default.pgo")
    assert rebuilt(repo) == {}
    profile.unlink()
    assert rebuilt(repo) == {"ping": "api/ping/default.pgo removed"}
    assert_clean(repo)


# --- which functions depend on a file


def test_why_file_lists_the_functions_that_are_built_from_it(repo: Recorded) -> None:
    expected = {
        "internal/log/log.go": ["login", "users"],
        "internal/auth": ["login", "users"],
        "internal/pages/texts/one.txt": ["login"],
        "internal/pages/texts/notes.md": [],
        "internal/sum/value.h": ["add"],
        "api/ping/main.go": ["ping"],
        ".": list(FUNCTIONS),
    }
    assert {path: repo.run("why", "--file", path).out.splitlines() for path in expected} == expected
    # From elsewhere, and by its absolute path.
    (repo / "lambdabuild.toml").touch()
    for path in ("log/log.go", str(repo / "internal/log/log.go")):
        assert repo.run("why", "--file", path, cwd=repo / "internal").out == "login\nusers\n"


def test_why_file_takes_several(repo: Recorded) -> None:
    files = ["internal/sum/value.h", "api/ping/main.go"]
    assert repo.run("why", "--file", *files).out.splitlines() == ["add", "ping"]
    flags = [flag for file in files for flag in ("--file", file)]
    assert repo.run("why", *flags).out.splitlines() == ["add", "ping"]


def test_why_file_of_a_path_outside_lists_nothing_and_of_none_is_an_error(repo: Recorded) -> None:
    outside = repo.path.parent / "outside.go"
    outside.write_text("package outside\n")
    assert repo.run("why", "--file", str(outside)).out == ""
    result = repo.run("why", "--file", "internal/none.go")
    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines()[0] == "error: there is no file `internal/none.go`"
    assert repo.run("why", "none").code == 2
