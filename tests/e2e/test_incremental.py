"""What a changed file costs: its dependants are built, nothing else is, and without a change no `go`."""

import gzip
import os
import shutil
from dataclasses import replace

import jsonschema
import pytest

from tests.e2e.conftest import Recorded
from tests.e2e.incremental import assert_clean, assert_up_to_date, rebuilt
from tests.projects import FUNCTIONS
from tests.schemas import schema

# Which Go it is makes no difference here; tests/e2e/test_up_to_date.py runs with the oldest too.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


def test_an_edit_builds_what_depends_on_the_file_and_nothing_else(repo: Recorded) -> None:
    edits = {
        "api/ping/main.go": ("ping 1", "ping, edited", ["ping"]),
        "internal/auth/auth.go": ("auth 1", "auth 2", ["login", "users"]),
        "internal/log/log.go": ("log 1", "log, edited", ["login", "users"]),
        "internal/pages/texts/one.txt": ("one 1", "one 2", ["login"]),
        "internal/pages/static/deep/style.css": ("style 1", "style, edited", ["login"]),
        "internal/sum/sum_amd64.s": ("$VALUE", "$(VALUE+1)", ["add"]),
        "internal/sum/value.h": ("1001", "1002", ["add"]),
    }
    # Those of one run have no function in common.
    for files in (
        ["internal/auth/auth.go"],
        ["internal/log/log.go", "internal/sum/value.h"],
        ["internal/pages/texts/one.txt", "api/ping/main.go"],
        ["internal/pages/static/deep/style.css", "internal/sum/sum_amd64.s"],
    ):
        expected: dict[str, str] = {}
        for file in files:
            old, new, functions = edits[file]
            repo.replace(file, old, new)
            expected |= dict.fromkeys(functions, f"{file} changed")
        assert rebuilt(repo) == expected
    assert_clean(repo)


def test_a_new_file_is_noticed_and_so_is_its_going(repo: Recorded) -> None:
    files = {
        "internal/auth/more.go": 'package auth\n\nfunc init() { println("more") }\n',
        "api/ping/more.go": 'package main\n\nfunc init() { println("more") }\n',
        "internal/pages/texts/two.txt": "two",
        "internal/pages/static/deep/new.html": "new",
        "internal/pages/static/a/new/directory.html": "new",
        "internal/sum/more_amd64.s": '#include "textflag.h"\n\nTEXT ·more(SB),NOSPLIT,$0\n\tRET\n',
    }
    auth, ping, *pages, assembly = files
    functions = {auth: ["login", "users"], ping: ["ping"], assembly: ["add"]}
    functions |= {page: ["login"] for page in pages}
    # Those of one run have no function in common.
    for names in ([auth, ping, assembly], *([page] for page in pages)):
        for name in names:
            repo.write(name, files[name])
        reasons = rebuilt(repo)
        assert {function: why.removeprefix("unchanged: ") for function, why in reasons.items()} == {
            function: f"{name} added" for name in names for function in functions[name]
        }
    for names in ([ping, assembly, pages[0]], [pages[-1]], [auth]):
        for name in names:
            (repo / name).unlink()
        reasons = rebuilt(repo)
        assert {function: why.removeprefix("unchanged: ") for function, why in reasons.items()} == {
            function: f"{name} removed" for name in names for function in functions[name]
        }
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
    assert repo.says("users") == "moved"


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
    assert repo.says("pong") == "ping 1"


def test_two_functions_that_change_places_are_built(repo: Recorded) -> None:
    (repo / "api/ping").rename(repo / "api/x")
    (repo / "api/users").rename(repo / "api/ping")
    (repo / "api/x").rename(repo / "api/users")
    assert rebuilt(repo) == {name: f"api/{name}/main.go changed" for name in ("ping", "users")}
    assert repo.says("users") == "ping 1"


def test_a_function_that_loses_its_main_goes(repo: Recorded) -> None:
    repo.replace("api/ping/main.go", "func main()", "func other()")
    assert repo.run("why").out == "3 functions are up to date\n"
    assert set(repo.run("all", "--json").functions) == {"add", "login", "users"}
    assert not (repo / "dist/ping").exists()


# --- times that tell nothing, or lie


def test_a_touch_builds_nothing_and_starts_nothing(repo: Recorded) -> None:
    for folder, _, names in os.walk(repo.path):
        for name in names:
            if not folder.startswith(str(repo / ".lambdabuild")):
                os.utime(os.path.join(folder, name))
    assert_up_to_date(repo)


def test_times_that_lie_hide_no_edit_however_soon_after_a_build(repo: Recorded) -> None:
    """Of the same size, and written at a time before, of, or after the last one, or now."""
    file = repo / "api/ping/main.go"
    for number, seconds in enumerate([None, -1, 0, 86400], 1):
        time = file.stat().st_mtime_ns
        repo.replace("api/ping/main.go", f"ping {number}", f"ping {number + 1}")
        if seconds is not None:
            os.utime(file, ns=(time, time + seconds * 1_000_000_000))
        assert rebuilt(repo) == {"ping": "api/ping/main.go changed"}
        assert repo.says("ping") == f"ping {number + 1}"


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
    assert repo.says("ping") == "linked 3"
    assert repo.run("why", "--file", "2.txt").out == "ping\n"
    # Go embeds none, be the bytes what they may.
    (repo / "internal/pages/texts/one.txt").rename(repo / "one.txt")
    (repo / "internal/pages/texts/one.txt").symlink_to("../../../one.txt")
    result = repo.run("all")
    assert (result.code, "cannot embed irregular file" in result.err) == (1, True)


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


def profile(nanoseconds: int) -> bytes:
    """Return a CPU profile of one sample.

    The same each time: by another, all that a function is built of would be compiled again. See
    https://github.com/google/pprof/blob/main/proto/profile.proto.
    """

    def field(number: int, value: int | bytes) -> bytes:
        if isinstance(value, int):
            return varint(number << 3) + varint(value)
        return varint(number << 3 | 2) + varint(len(value)) + value

    def varint(value: int) -> bytes:
        low = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)]
        return bytes([*(part | 0x80 for part in low[:-1]), low[-1]])

    def pair(name: int, unit: int) -> bytes:
        return field(1, name) + field(2, unit)

    calls = b"".join(
        field(4, field(1, number) + field(4, field(1, number) + field(2, 7)))  # a location's line
        + field(5, field(1, number) + field(2, name) + field(3, name) + field(5, 1))  # a function
        for number, name in ((1, 5), (2, 6))
    )
    strings = ("", "samples", "count", "cpu", "nanoseconds", "main.main", "main.called")
    return gzip.compress(
        field(1, pair(1, 2))
        + field(1, pair(3, 4))
        + field(2, field(1, 2) + field(1, 1) + field(2, 1) + field(2, nanoseconds))
        + calls
        + b"".join(field(6, text.encode()) for text in strings)
        + field(11, pair(3, 4))
        + field(12, 10_000_000),
        mtime=0,
    )


def test_a_profile_is_an_input_of_the_function_it_lies_with(repo: Recorded) -> None:
    place = repo / "api/ping/default.pgo"
    place.write_bytes(profile(10_000_000))
    assert rebuilt(repo) == {"ping": "api/ping/default.pgo added"}
    place.write_bytes(profile(20_000_000))
    assert repo.run("why", "ping").out == "ping: api/ping/default.pgo changed\n"
    # A profile elsewhere than with a main package is none.
    place.write_bytes(profile(10_000_000))
    (repo / "internal/log/default.pgo").write_bytes(profile(10_000_000))
    assert rebuilt(repo) == {}
    place.unlink()
    assert rebuilt(repo) == {"ping": "api/ping/default.pgo removed"}
    assert_clean(repo)


# --- which functions depend on a file


def test_why_file_lists_the_functions_that_are_built_from_it(repo: Recorded) -> None:
    expected = {
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
    result = repo.run("why", "--file", str(outside))
    assert (result.code, result.out) == (0, "")
    assert result.err == f"no function depends on {outside}\n"
    result = repo.run("why", "--file", "internal/none.go")
    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines()[0] == "error: there is no file `internal/none.go`"
    assert repo.run("why", "none").code == 2


def test_why_as_json_tells_the_same_in_the_order_asked(repo: Recorded) -> None:
    repo.replace("internal/log/log.go", "log 1", "log 2")
    result = repo.run("why", "users", "add", "login", "--json")
    jsonschema.validate(result.json, schema("why"))
    changed = "internal/log/log.go changed"
    assert [(f["name"], f["reason"]) for f in result.json["functions"]] == [
        ("users", changed), ("add", None), ("login", changed),
    ]  # fmt: skip
    assert repo.run("why", "users", "add", "login").out == (
        f"users, login: {changed}\nadd: up to date\n"
    )
    colored = repo.run("--color", "always", "why", "--all", "add").out
    assert colored == "\x1b[2madd\x1b[0m: up to date\n"
    of_file = repo.run("why", "--json", "--file", "internal/log/log.go")
    jsonschema.validate(of_file.json, schema("why"))
    assert [f["name"] for f in of_file.json["functions"]] == ["login", "users"]
    refused = repo.run("why", "--json", "nobody")
    jsonschema.validate(refused.json, schema("why"))
    assert (refused.code, refused.json["ok"]) == (2, False)
