"""What changed modules, workspaces, vendored packages and replacements cost."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.conftest import Once, Recorded, build
from tests.e2e.incremental import assert_clean, assert_up_to_date, rebuilt
from tests.e2e.modules import main_importing, offer, package_saying
from tests.projects import FUNCTIONS

pytestmark = [pytest.mark.parametrize("go", ["go"], indirect=True), pytest.mark.extended]


@pytest.fixture
def requiring(recorded: Recorded, once: Once, tmp_path: Path) -> Recorded:
    """Functions that import two modules, one of them, or neither; built."""
    proxy = tmp_path / "proxy"
    project = replace(
        recorded,
        environment=recorded.environment
        | {
            "GOPROXY": f"file://{proxy}",
            "GOMODCACHE": str(tmp_path / "modules"),
            "GOSUMDB": "off",
            "GOFLAGS": "-mod=mod -modcacherw",
        },
    )

    def write() -> None:
        for module in ("one", "two"):
            for version in ("v1.0.0", "v1.1.0"):
                offer(proxy, f"example.org/{module}", version, f"{module} {version}")
        project.write("api/both/main.go", main_importing("example.org/one", "example.org/two"))
        project.write("api/first/main.go", main_importing("example.org/one"))
        project.write("api/none/main.go", 'package main\n\nfunc main() { println("none") }\n')
        project.go_run("mod", "edit", "-require=example.org/one@v1.0.0")
        project.go_run("mod", "edit", "-require=example.org/two@v1.0.0")
        project.go_run("mod", "tidy")
        build(project)
        project.started()

    once("requiring", write)
    return project


def test_another_version_builds_only_what_imports_a_package_of_it(requiring: Recorded) -> None:
    assert_up_to_date(requiring)
    requiring.go_run("get", "example.org/two@v1.1.0")
    assert rebuilt(requiring) == {"both": "go.mod: example.org/two v1.0.0 → v1.1.0"}
    requiring.go_run("get", "example.org/one@v1.1.0")
    assert rebuilt(requiring) == dict.fromkeys(
        ["both", "first"], "go.mod: example.org/one v1.0.0 → v1.1.0"
    )
    assert_clean(requiring)


def test_lines_of_go_mod_and_go_sum_that_decide_nothing_build_nothing(requiring: Recorded) -> None:
    with (requiring / "go.mod").open("a") as file:
        file.write("\n// The end.\n")
    assert rebuilt(requiring) == {}
    with (requiring / "go.sum").open("a") as file:
        file.write(
            "example.org/three v1.0.0/go.mod h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        )
    assert rebuilt(requiring) == {}


def test_another_sum_of_the_same_version_is_another_module(
    requiring: Recorded, tmp_path: Path
) -> None:
    offer(tmp_path / "proxy", "example.org/two", "v1.0.0", "two, made again")
    shutil.rmtree(tmp_path / "modules")
    (requiring / "go.sum").unlink()
    requiring.go_run("mod", "tidy")
    assert rebuilt(requiring) == {"both": "go.mod: example.org/two v1.0.0 has another sum"}
    assert_clean(requiring)


def test_a_module_replaced_by_a_version_and_by_a_directory(
    requiring: Recorded, tmp_path: Path
) -> None:
    requiring.go_run("mod", "edit", "-replace=example.org/two=example.org/two@v1.1.0")
    requiring.go_run("mod", "tidy")
    assert rebuilt(requiring).keys() == {"both"}
    assert_clean(requiring)
    local = tmp_path / "local"
    local.mkdir()
    (local / "go.mod").write_text("module example.org/two\n\ngo 1.22\n")
    (local / "two.go").write_text(package_saying("two", "local 1"))
    requiring.go_run("mod", "edit", "-replace=example.org/two=../local")
    assert rebuilt(requiring).keys() == {"both"}
    (local / "two.go").write_text(package_saying("two", "local 2"))
    assert rebuilt(requiring) == {"both": "../local/two.go changed"}
    (local / "more.go").write_text('package two\n\nfunc init() { println("more") }\n')
    assert rebuilt(requiring) == {"both": "../local/more.go added"}
    assert requiring.run("why", "--file", "../local/two.go").out == "both\n"
    (local / "go.mod").write_text("module example.org/two\n\ngo 1.21\n")
    assert rebuilt(requiring) == {"both": "unchanged: go.mod: go 1.22 → 1.21"}
    requiring.go_run("mod", "edit", "-dropreplace=example.org/two")
    assert rebuilt(requiring).keys() == {"both"}
    assert_clean(requiring)


def test_a_replaced_directory_moved_along_is_up_to_date(
    requiring: Recorded, tmp_path: Path
) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local/go.mod").write_text("module example.org/two\n\ngo 1.22\n")
    (tmp_path / "local/two.go").write_text(package_saying("two", "local"))
    requiring.go_run("mod", "edit", "-replace=example.org/two=../local")
    assert rebuilt(requiring).keys() == {"both"}
    (tmp_path / "moved").mkdir()
    (tmp_path / "local").rename(tmp_path / "moved/local")
    requiring.path.rename(tmp_path / "moved/project")
    assert rebuilt(replace(requiring, path=tmp_path / "moved/project")) == {}


def test_vendored_packages_are_inputs(requiring: Recorded) -> None:
    vendoring = replace(
        requiring, environment=requiring.environment | {"GOFLAGS": "-modcacherw", "GOPROXY": "off"}
    )
    requiring.go_run("mod", "vendor")
    reasons = rebuilt(vendoring)
    assert reasons.keys() == {"both", "first"}, reasons
    vendoring.replace("vendor/example.org/two/two.go", "two v1.0.0", "two, patched")
    assert rebuilt(vendoring) == {"both": "vendor/example.org/two/two.go changed"}
    assert vendoring.run("why", "--file", "vendor/example.org/one").out == "both\nfirst\n"
    vendoring.go_run("mod", "edit", "-require=example.org/one@v1.1.0")
    vendoring.replace("vendor/modules.txt", "example.org/one v1.0.0", "example.org/one v1.1.0")
    assert rebuilt(vendoring).keys() == {"both", "first"}
    assert_clean(vendoring)


def test_the_go_line_decides_for_all_of_its_module(repo: Recorded) -> None:
    repo.replace("go.mod", "go 1.22", "go 1.21")
    assert {why.removeprefix("unchanged: ") for why in rebuilt(repo).values()} == {
        "go.mod: go 1.22 → 1.21"
    }
    assert rebuilt(repo) == {}
    assert_clean(repo)


def test_a_debug_setting_in_go_mod_is_an_input(repo: Recorded) -> None:
    with (repo / "go.mod").open("a") as file:
        file.write("\ngodebug panicnil=1\n")
    assert rebuilt(repo) == dict.fromkeys(FUNCTIONS, "its GODEBUG defaults changed")
    repo.replace("api/ping/main.go", "package main", "//go:debug panicnil=0\npackage main")
    assert rebuilt(repo).keys() == {"ping"}
    assert_clean(repo)


def test_a_workspace_that_comes_changes_and_goes(repo: Recorded) -> None:
    repo.write("lib/go.mod", "module example.org/lib\n\ngo 1.22\n")
    repo.write("lib/lib.go", package_saying("lib", "lib 1"))
    repo.write("other/go.mod", "module example.org/lib\n\ngo 1.22\n")
    repo.write("other/lib.go", package_saying("lib", "other 1"))
    repo.write("api/lib/main.go", main_importing("example.org/lib"))
    result = repo.run("all", "--json")
    assert (result.code, result.statuses["lib"]) == (1, "failed")
    repo.write("go.work", "go 1.22\n\nuse (\n\t.\n\t./lib\n)\n")
    assert rebuilt(repo) == {"lib": "not built before"}
    repo.replace("lib/lib.go", "lib 1", "lib 2")
    assert rebuilt(repo) == {"lib": "lib/lib.go changed"}
    repo.replace("go.work", "./lib", "./other")
    assert rebuilt(repo).keys() == {"lib"}
    assert b"other 1" in (repo / "dist/lib/bootstrap").read_bytes()
    (repo / "go.work").unlink()
    assert repo.run("all", "--json").statuses == dict.fromkeys(FUNCTIONS, "up-to-date") | {
        "lib": "failed"
    }


def test_a_workspace_above_the_project_is_noticed(repo: Recorded, tmp_path: Path) -> None:
    (tmp_path / "go.work").write_text("go 1.22\n\nuse ./empty\n")
    assert rebuilt(repo) == {}
    (tmp_path / "go.work").write_text("go 1.22\n\nuse ./empty\n\ngodebug panicnil=1\n")
    assert rebuilt(repo) == dict.fromkeys(FUNCTIONS, "its GODEBUG defaults changed")
    assert_clean(repo)


def test_a_module_cut_out_of_the_tree_takes_its_packages_along(repo: Recorded) -> None:
    repo.write("internal/log/go.mod", "module example.com/repo/internal/log\n\ngo 1.22\n")
    result = repo.run("all", "--json")
    assert result.statuses == {
        "add": "up-to-date", "login": "failed", "ping": "up-to-date", "users": "failed",
    }  # fmt: skip
    (repo / "internal/log/go.mod").unlink()
    assert rebuilt(repo) == {}


def test_without_trimpath_the_place_of_modules_is_an_input(
    requiring: Recorded, tmp_path: Path
) -> None:
    env = {"GOFLAGS": "-mod=mod -modcacherw -trimpath=false"}
    requiring.run("all", env=env)
    (tmp_path / "modules").rename(tmp_path / "elsewhere")
    env["GOMODCACHE"] = str(tmp_path / "elsewhere")
    requiring.run("all", env=env)
    assert_clean(requiring, env=env)
