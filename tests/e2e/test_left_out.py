"""What Go leaves out, cannot load or nobody can read costs no other function, and none goes unseen."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Project, Result
from tests.e2e.watcher import watching
from tests.projects import main_printing

pytestmark = [pytest.mark.parametrize("go", ["go"], indirect=True), pytest.mark.extended]

WITH_C = '\n// #include <stdlib.h>\nimport "C"\n\nfunc main() { println(int(C.abs(-2))) }\n'
NEEDS_CGO = 'it has `import "C"`, or a constraint that asks for cgo, and cgo is off'


def functions(project: Project, *names: str) -> None:
    for name in names:
        project.write(f"api/{name}/main.go", main_printing(name))


def outcome(result: Result) -> dict[str, str]:
    """Return the status of each function, or the first line of what is wrong with it."""
    return {
        name: f["errors"][0]["message"].splitlines()[0] if f["errors"] else f["status"]
        for name, f in result.functions.items()
    }


@pytest.mark.extended
def test_functions_that_come_to_need_cgo_fail_and_keep_their_executables(empty: Project) -> None:
    c = {"main.go": f"package main\n{WITH_C}"}
    needing = {
        "thumb": c,
        # Tests, or another file, make Go list the package all the same.
        "tested": c | {"main_test.go": "package main\n"},
        "more": c | {"other.go": "package main\n"},
        "constrained": {"main.go": "//go:build cgo\n\npackage main\n\nfunc main() {}\n"},
    }
    functions(empty, "a", *needing)
    assert empty.run("all").code == 0
    for function, files in needing.items():
        for name, text in files.items():
            empty.write(f"api/{function}/{name}", text)
    for env in ({}, {"CGO_ENABLED": "1"}):
        result = empty.run("all", "--json", env=env)
        failed = dict.fromkeys(needing, NEEDS_CGO)
        assert (result.code, outcome(result)) == (1, {"a": "up-to-date"} | failed)
        assert "cgo = true" in result.err
    # One remedy is to leave them out; neither takes an executable away.
    exclude = [f"--exclude={function}" for function in needing]
    for arguments, code in ([], 1), (exclude, 0):
        assert empty.run("all", *arguments).code == code
        for function in needing:
            assert (empty / f"dist/{function}/bootstrap").exists()
            assert function in (empty / "dist/manifest.json").read_text()


def test_only_what_go_or_a_person_leaves_out_is_passed_over(empty: Project) -> None:
    empty.write(
        "go.mod", "module example.com/empty\n\ngo 1.25\n\nignore (\n\t./api/legacy\n\told\n)\n"
    )
    functions(
        empty, "live", "legacy/a", "b/old/c", "testdata/d", "_e", ".f", "vendor/create", "left",
    )  # fmt: skip
    empty.write("api/windows/main.go", "//go:build windows\n\npackage main\n\nfunc main() {}\n")
    empty.write("api/arm/main_arm64.go", "package main\n\nfunc main() {}\n")
    empty.write("lambdabuild.toml", 'exclude = ["left"]\n')
    result = empty.run("all", "--json")
    assert result.code == 1
    assert outcome(result) == {
        "live": "built",
        "vendor-create": "it is below a directory called `vendor`, which Go keeps for dependencies",
    }
    warnings = [line for line in result.err.splitlines() if line.startswith("warning: ")]
    assert [line.split("`")[1] for line in warnings] == ["api/arm"]
    listed = empty.run("list", "--skipped", "--json").json
    assert {item["directory"]: item["reason"] for item in listed["skipped"]} == {
        "api/legacy/a": "`ignore` in go.mod leaves it out",
        "api/b/old/c": "`ignore` in go.mod leaves it out",
        "api/testdata/d": "Go ignores directories named `testdata` or beginning with `_` or `.`",
        "api/_e": "Go ignores directories named `testdata` or beginning with `_` or `.`",
        "api/.f": "Go ignores directories named `testdata` or beginning with `_` or `.`",
        "api/left": "the glob `left` excludes it",
        "api/windows": "build constraints exclude all its Go files for linux/amd64",
        "api/arm": "build constraints exclude all its Go files for linux/amd64",
    }
    # What is passed over can be excluded: then nobody is warned of it.
    empty.write("lambdabuild.toml", 'exclude = ["left", "arm", "vendor-*"]\n')
    result = empty.run("all")
    assert (result.code, "warning" in result.err) == (0, False)


BROKEN = {
    "directive": "module example.com/directive\n\ngo 1.22\nrequre x\n",
    "empty": "",
    "nowhere": "module example.com/nowhere\n\ngo 1.999\n",
    "requirement": "module example.com/requirement\n\ngo 1.22\n\nrequire example.com/none v1\n",
}


def modules(project: Project, *names: str) -> None:
    """Make a module of each function."""
    for name in names:
        project.write(f"api/{name}/go.mod", f"module example.com/{name}\n\ngo 1.22\n")


def test_a_module_that_cannot_be_loaded_costs_its_own_functions(empty: Project) -> None:
    (empty / "go.mod").unlink()
    functions(empty, "good", *BROKEN)
    modules(empty, "good", *BROKEN)
    assert empty.run("all").code == 0
    for name, text in BROKEN.items():
        empty.write(f"api/{name}/go.mod", text)
    result = empty.run("all", "--json")
    assert result.code == 1
    assert result.statuses == {"good": "up-to-date"} | dict.fromkeys(BROKEN, "failed")
    assert result.functions["directive"]["errors"] == [
        {"file": "api/directive/go.mod", "line": 4, "column": None,
         "message": "unknown directive: requre"}
    ]  # fmt: skip
    assert all((empty / f"dist/{name}/bootstrap").exists() for name in BROKEN)
    assert empty.run("list", "--json").code == 0
    assert "good: up to date" in empty.run("why").out.splitlines()
    assert empty.run("doctor").code == 2
    # Nobody asks for them: then Go is not even started there.
    left_out = [f"--exclude={name}" for name in BROKEN]
    for arguments in (["build", "good"], ["all", *left_out]):
        result = empty.run(*arguments, "-v")
        assert result.code == 0
        assert not any(f"api/{name} " in result.err for name in BROKEN)
    for name in BROKEN:
        assert empty.run("build", name).code == 1
    modules(empty, *BROKEN)
    assert set(empty.run("all", "--json").statuses.values()) == {"up-to-date"}


def test_a_workspace_that_cannot_be_loaded_costs_its_own_modules(empty: Project) -> None:
    (empty / "go.mod").unlink()
    functions(empty, "inside/a", "outside")
    empty.write("api/inside/go.mod", "module example.com/inside\n\ngo 1.22\n")
    empty.write("api/inside/go.work", "go 1.22\n\nuse .\nuse ./gone\n")
    empty.write("api/outside/go.mod", "module example.com/outside\n\ngo 1.22\n")
    result = empty.run("all", "--json")
    assert (result.code, result.statuses) == (1, {"inside-a": "failed", "outside": "built"})
    assert "go work edit -dropuse=./gone" in result.err
    # Where nothing is left that can be loaded, it could not start.
    shutil.rmtree(empty / "api/outside")
    assert empty.run("all").code == 2


def test_a_watcher_builds_what_is_well_while_a_module_is_broken(empty: Project) -> None:
    (empty / "go.mod").unlink()
    functions(empty, "good", "bad")
    empty.write("api/zz/main.go", main_printing("zz"))
    for name in ("good", "bad", "zz"):
        empty.write(f"api/{name}/go.mod", f"module example.com/{name}\n\ngo 1.22\n")
    with watching(empty) as watch:
        empty.write("api/bad/go.mod", BROKEN["directive"])
        watch.until("failed bad")
        empty.write("api/good/main.go", main_printing("better"))
        watch.until("built good")
        empty.write("api/bad/go.mod", "module example.com/bad\n\ngo 1.22\n")
        watch.until("up-to-date bad")
    assert empty.says("good") == "better"


@pytest.mark.skipif(
    sys.platform == "darwin" and os.geteuid() == 0, reason="nothing is refused to root there"
)
def test_what_cannot_be_read_fails_alone_and_keeps_its_executable(empty: Project) -> None:
    empty.write("shared/all/all.go", 'package all\n\nconst V = "1"\n')
    for number in range(4):
        empty.write(
            f"api/g{number}/f{number}/main.go",
            'package main\n\nimport "example.com/empty/shared/all"\n\n'
            "func main() { println(all.V) }\n",
        )
    assert empty.run("all").code == 0
    empty.write("shared/all/all.go", 'package all\n\nconst V = "2"\n')
    closed = {
        path: path.stat().st_mode
        for path in map(Path, (empty / "api/g1/f1", empty / "api/g2", empty / "api/g3/f3/main.go"))
    }
    for path in closed:
        path.chmod(0)
    try:
        result = empty.unprivileged().run("all", "--json")
        assert result.code == 1
        failed = dict.fromkeys(["g1-f1", "g2", "g3-f3"], "failed")
        assert result.statuses == {"g0-f0": "built"} | failed
        assert result.err.count("ermission denied") >= len(closed)
        assert empty.unprivileged().run("build", "g0-f0").code == 0
        for number in range(4):
            assert (empty / f"dist/g{number}-f{number}/bootstrap").exists()
    finally:
        for path, mode in closed.items():
            path.chmod(mode)
            # Go keeps in its index that a file could not be read, by the file's time of writing.
            path.touch()
    assert empty.run("all", "--json").statuses == {
        "g0-f0": "up-to-date", "g1-f1": "built", "g2-f2": "built", "g3-f3": "built",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["go.work", "go.mod", "api/a/z.go", "api/a/default.pgo"])
def test_what_comes_and_cannot_be_read_is_not_taken_for_nothing(empty: Project, name: str) -> None:
    functions(empty, "a", "b")
    assert empty.run("all").code == 0
    (empty / name).touch()
    (empty / name).chmod(0)
    result = empty.unprivileged().run("all", "--json")
    assert result.code == (2 if name.startswith("go.") else 1)
    assert "permission denied" in result.err
    assert (empty / "dist/a/bootstrap").exists()
    (empty / name).chmod(0o644)


def test_a_source_that_is_a_link_to_nowhere_fails_as_go_does(empty: Project) -> None:
    functions(empty, "a", "b")
    assert empty.run("all").code == 0
    (empty / "api/b/main.go").unlink()
    (empty / "api/b/main.go").symlink_to("nowhere.go")
    result = empty.run("all", "--json")
    assert (result.code, result.statuses) == (1, {"a": "up-to-date", "b": "failed"})
    assert (empty / "dist/b/bootstrap").exists()


@pytest.mark.parametrize("link", ["api/b/c", "api/b"])
def test_a_directory_that_is_a_link_to_nowhere_keeps_its_executable(
    empty: Project, link: str
) -> None:
    """It may be on a disk that is not mounted just now."""
    functions(empty, "a", "b/c")
    assert empty.run("all").code == 0
    elsewhere = empty.path.parent / "elsewhere"
    (empty / link).rename(elsewhere)
    (empty / link).symlink_to(empty.path.parent / "unmounted")
    assert empty.run("all", "--json").statuses == {"a": "up-to-date"}
    assert (empty / "dist/b-c/bootstrap").exists()
    (empty / link).unlink()
    assert empty.run("all", "--json").statuses == {"a": "up-to-date"}
    assert not (empty / "dist/b-c").exists()


def test_without_home_go_still_finds_what_needs_no_module(empty: Project) -> None:
    functions(empty, "a")
    home = {k: v for k, v in empty.environment.items() if k not in {"HOME", "GOPATH", "GOMODCACHE"}}
    cache = empty.go_run("env", "GOCACHE").strip()
    homeless = Project(empty.path, home | {"GOCACHE": cache}, empty.go)
    assert homeless.run("all", "--json").statuses == {"a": "built"}
    assert homeless.run("all", "--json").statuses == {"a": "up-to-date"}


def test_a_target_that_needs_cgo_fails_and_keeps_its_executable(empty: Project) -> None:
    both = ["--arch", "x86_64", "--arch", "arm64"]
    for architecture in ("amd64", "arm64"):
        empty.write(f"api/t/main_{architecture}.go", "package main\n\nfunc main() {}\n")
    assert empty.run("all", *both).code == 0
    empty.write("api/t/main_amd64.go", f"package main\n{WITH_C}")
    result = empty.run("all", *both, "--json")
    assert result.code == 1
    assert result.functions["t linux/amd64"]["errors"][0]["message"] == NEEDS_CGO
    assert (empty / "dist/t/x86_64/bootstrap").exists()
    assert (empty / "dist/t/arm64/bootstrap").exists()


def test_nothing_of_a_module_that_cannot_be_loaded_is_taken_for_gone(empty: Project) -> None:
    (empty / "go.mod").unlink()
    functions(empty, "good", "bad")
    for name in ("good", "bad"):
        empty.write(f"api/{name}/go.mod", f"module example.com/{name}\n\ngo 1.22\n")
    assert empty.run("all").code == 0
    empty.write("api/bad/go.mod", BROKEN["directive"])
    empty.write("api/bad/main.go", "pakage main\n")
    empty.run("all")
    assert (empty / "dist/bad/bootstrap").exists()


@pytest.mark.extended
def test_two_modules_of_one_path_in_a_broken_workspace_both_fail(empty: Project) -> None:
    (empty / "go.mod").unlink()
    functions(empty, "in/a", "in/b", "out")
    for name in ("in/a", "in/b", "out"):
        empty.write(f"api/{name}/go.mod", "module example.com/x\n\ngo 1.22\n")
    assert empty.run("all").code == 0
    empty.write("api/in/go.work", "go 1.22\n\nuse ./a\nuse ./b\n")
    result = empty.run("all", "--json")
    assert result.statuses == {"in-a": "failed", "in-b": "failed", "out": "up-to-date"}
    assert (empty / "dist/in-a/bootstrap").exists()


def test_where_no_function_of_api_can_be_read_each_fails_by_name(empty: Project) -> None:
    empty.write("api/a/main.go", main_printing("a"))
    assert empty.run("all").code == 0
    (empty / "api/a").chmod(0)
    try:
        result = empty.unprivileged().run("all", "--json")
    finally:
        (empty / "api/a").chmod(0o755)
    assert (result.code, result.statuses) == (1, {"a": "failed"})
    assert empty.says("a") == "a"
