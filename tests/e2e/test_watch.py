"""`lambdabuild watch`: what changes touch is rebuilt, at once, and nothing else is."""

import json
import os
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.e2e.processes import PATIENCE
from tests.e2e.watcher import Gates, artifacts, clean_artifacts, replace_whole, watching, words
from tests.projects import MODULE, SENTINEL_FILE, main_saying, package_saying

# Any Go that lambdabuild supports would do; the newest builds fastest.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


def git(project: Project, *arguments: str) -> None:
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    subprocess.run(
        ["git", *identity, "-c", "commit.gpgsign=false", *arguments],
        cwd=project.path,
        env=project.environment
        | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        check=True,
        capture_output=True,
    )


def committed(project: Project) -> None:
    """Make a git repository of a project."""
    project.write(".gitignore", "/dist\n")
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message=first")


def test_the_first_build_is_told_of_before_ready_and_a_second_watch_has_nothing_to_build(
    unbuilt: Project,
) -> None:
    with watching(unbuilt, ready=False) as watch:
        assert watch.ready() == ["built a", "built b", "built c", "built d", "built zz", "ready 5"]
        assert watch.last("a")["reason"] == "not built before"
        assert watch.last("a")["artifact"] == "dist/a/bootstrap"
    with watching(unbuilt, ready=False) as watch:
        assert watch.ready() == ["ready 5"]


def test_an_edit_of_a_function_rebuilds_that_function_alone(project: Project) -> None:
    with watching(project) as watch:
        project.write("api/a/main.go", main_saying("a2", "internal/p"))
        assert watch.until("built a") == ["change api/a/main.go: a", "built a"]
        assert watch.last("a")["reason"] == "api/a/main.go changed"
        assert watch.settled() == []
    assert words(project, "a") == ["a2", "p1", "q1"]


def test_an_edit_of_a_shared_package_rebuilds_all_that_depend_on_it(project: Project) -> None:
    with watching(project) as watch:
        project.write("internal/q/q.go", package_saying("q", "q2"))
        assert watch.until("built a", "built b", "built c") == [
            "change internal/q/q.go: a b c", "built a", "built b", "built c",
        ]  # fmt: skip
        project.write("internal/p/p.go", package_saying("p", "p2", "internal/q"))
        assert watch.until("built a", "built b") == [
            "change internal/p/p.go: a b", "built a", "built b",
        ]  # fmt: skip
        assert watch.settled() == []
    assert words(project, "a") == ["a1", "p2", "q2"]
    assert words(project, "b") == ["b1", "p2", "q2"]
    assert words(project, "c") == ["c1", "q2"]


def test_a_file_added_to_a_package_and_one_deleted_from_it_rebuild_what_depends_on_it(
    project: Project,
) -> None:
    with watching(project) as watch:
        project.write("internal/p/more.go", package_saying("p", "more"))
        watch.until("built a", "built b")
        assert words(project, "a") == ["a1", "more", "p1", "q1"]
        (project / "internal/p/more.go").rename(project / "internal/p/more_arm64.go")
        watch.until("built a", "built b")
        assert words(project, "a") == ["a1", "p1", "q1"]
        (project / "internal/p/more_arm64.go").rename(project / "internal/p/more.go")
        watch.until("built a", "built b")
        (project / "internal/p/more.go").unlink()
        watch.until("built a", "built b")
        assert watch.settled() == []
    assert words(project, "a") == ["a1", "p1", "q1"]


def test_embedded_files_count_when_edited_added_and_deleted(project: Project) -> None:
    """Those of a directory as well as those of a pattern, each in a function of its own."""
    embedded = {"c": "static", "d": "static/*.txt"}
    for name, pattern in embedded.items():
        project.write(f"api/{name}/embed.go", embedding("main", pattern))
        project.write(f"api/{name}/static/one.txt", "<<one-1>>")

    def held() -> set[str]:
        found = {frozenset(words(project, name)) - {"c1", "d1", "q1"} for name in embedded}
        assert len(found) == 1
        return set(found.pop())

    with watching(project, *embedded) as watch:
        for name in embedded:
            replace_whole(project, f"api/{name}/static/one.txt", "<<one-2>>")
        watch.until("built c", "built d")
        assert held() == {"one-2"}
        for name in embedded:
            replace_whole(project, f"api/{name}/static/two.txt", "<<two-1>>")
        watch.until("built c", "built d")
        assert held() == {"one-2", "two-1"}
        for name in embedded:
            (project / f"api/{name}/static/two.txt").unlink()
        watch.until("built c", "built d")
    assert held() == {"one-2"}


def embedding(package: str, pattern: str) -> str:
    return (
        f'package {package}\n\nimport "embed"\n\n//go:embed {pattern}\nvar files embed.FS\n\n'
        'func init() { _, _ = files.ReadDir(".") }\n'
    )


def test_a_directory_added_below_an_embedded_one_counts_with_all_that_is_in_it(
    project: Project, tmp_path: Path
) -> None:
    project.write("api/d/embed.go", embedding("main", "static"))
    project.write("api/d/static/one.txt", "<<one>>")
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "two.txt").write_text("<<two>>")
    with watching(project) as watch:
        outside.rename(project / "api/d/static/more")
        watch.until("built d")
        assert words(project, "d") == ["d1", "one", "two"]
        project.write("api/d/static/more/deep/two.txt", "<<three>>")
        watch.until("built d")
        assert watch.settled() == []
    assert words(project, "d") == ["d1", "one", "three"]


@pytest.mark.extended
def test_embedded_files_are_seen_at_once_wherever_go_lies(project: Project, tmp_path: Path) -> None:
    # A version manager's `go`, or somebody's own script, may well be in `~/bin`.
    script = tmp_path / "bin" / "go"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {project.go} "$@"\n')
    script.chmod(0o755)
    path = f"{script.parent}{os.pathsep}{project.environment['PATH']}"
    # Events of such a name count for nothing else.
    names = ("static/one.txt", "static/one_test.go", "static/#one#")
    project.write(
        "internal/q/embed.go", embedding("q", "static/one.txt static/*_test.go static/#*")
    )
    for name in names:
        project.write(f"internal/q/{name}", "package q")
    with watching(project, env={"PATH": path}) as watch:
        for number, name in enumerate(names):
            watch.at_rest()
            project.write(f"internal/q/{name}", f"<<{number}>>")
            watch.until("built c")
            assert str(number) in words(project, "c")


def test_an_edit_of_go_mod_rebuilds_what_it_touches(project: Project) -> None:
    with watching(project) as watch:
        project.write("go.mod", f"module {MODULE}\n\ngo 1.21\n")
        watch.until(*(f"built {name}" for name in ("a", "b", "c", "d", "zz")), within=PATIENCE)
        assert watch.settled() == []
        project.write("go.mod", f"module {MODULE}\n\ngo 1.21\n\n// A comment changes nothing.\n")
        assert [line for line in watch.settled() if not line.startswith("change ")] == []
    assert artifacts(project) == clean_artifacts(project)


def test_go_work_counts_when_created_edited_and_deleted(project: Project) -> None:
    for number in (1, 2, 3):
        library(project / f"lib{number}", f"lib-{number}")
    project.write(
        "go.mod",
        f"module {MODULE}\n\ngo 1.22\n\nrequire example.com/lib v0.0.0\n\n"
        "replace example.com/lib => ./lib1\n",
    )
    project.write("api/d/main.go", main_saying("d1", "example.com/lib"))
    workspace = "go 1.22\n\nuse .\n\nreplace example.com/lib => ./lib{}\n"
    with watching(project) as watch:
        assert words(project, "d") == ["d1", "lib-1"]
        for number in (2, 3):
            project.write("go.work", workspace.format(number))
            watch.until("built d")
            assert words(project, "d") == ["d1", f"lib-{number}"]
        project.write("lib3/lib.go", package_saying("lib", "lib-4"))
        watch.until("built d")
        assert words(project, "d") == ["d1", "lib-4"]
        (project / "go.work").unlink()
        watch.until("built d")
        assert watch.settled() == []
    assert words(project, "d") == ["d1", "lib-1"]


def library(directory: Path, word: str) -> None:
    directory.mkdir(parents=True)
    (directory / "go.mod").write_text("module example.com/lib\n\ngo 1.22\n")
    (directory / "lib.go").write_text(package_saying("lib", word))


def test_a_local_replacement_outside_the_root_is_watched(project: Project, tmp_path: Path) -> None:
    library(tmp_path / "elsewhere" / "lib", "lib-1")
    project.write(
        "go.mod",
        f"module {MODULE}\n\ngo 1.22\n\nrequire example.com/lib v0.0.0\n\n"
        "replace example.com/lib => ../elsewhere/lib\n",
    )
    # Nothing is loaded of it yet: where the package would be has to follow from go.mod.
    project.write("api/d/main.go", main_saying("d1", "example.com/lib/later"))
    source = tmp_path / "elsewhere" / "lib" / "lib.go"
    with watching(project) as watch:
        source.parent.joinpath("later").mkdir()
        (source.parent / "later/later.go").write_text(package_saying("later", "later"))
        watch.until("built d")
        assert words(project, "d") == ["d1", "later"]
        project.write("api/d/main.go", main_saying("d1", "example.com/lib"))
        watch.until("built d")
        source.write_text(package_saying("lib", "lib-2"))
        assert watch.until("built d") == ["change ../elsewhere/lib/lib.go: d", "built d"]
        source.with_name("more.go").write_text(package_saying("lib", "more"))
        watch.until("built d")
        assert watch.settled() == []
    assert words(project, "d") == ["d1", "lib-2", "more"]


def retarget(link: Path, target: str) -> None:
    new = link.with_name("new-link~")
    new.symlink_to(target)
    new.replace(link)


def test_an_edit_behind_a_symbolic_link_is_seen_at_once(project: Project, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    for place in ("source", "module", "settings", "hop", "end", "pkg", "other"):
        (shared / place).mkdir(parents=True)
    source, module = shared / "source/v.go", shared / "module/go.mod"
    settings, package = shared / "settings/lambdabuild.toml", shared / "pkg/pkg.go"
    source.write_text(package_saying("main", "v1"))
    (shared / "other/v.go").write_text(package_saying("main", "other"))
    # Go embeds no symbolic link, but what is behind one of a directory above.
    asset = shared / "pkg/data/asset.txt"
    asset.parent.mkdir()
    asset.write_text("<<asset-1>>")
    (shared / "pkg/embed.go").write_text(
        'package lib\n\nimport _ "embed"\n\n//go:embed data/asset.txt\nvar asset string\n\n'
        "func init() { println(asset) }\n"
    )
    module.write_text(f"module {MODULE}\n\ngo 1.22\n")
    settings.write_text("")
    (shared / "end/c.go").write_text(package_saying("main", "chain-1"))
    (shared / "hop/c.go").symlink_to("../end/c.go")
    package.write_text(package_saying("lib", "pkg-1"))
    (shared / "pkg/go.mod").write_text("module example.com/lib\n\ngo 1.22\n")
    links = {
        "api/a/v.go": source, "go.mod": module,
        "lambdabuild.toml": settings, "api/c/c.go": shared / "hop/c.go", "lib": shared / "pkg",
    }  # fmt: skip
    module.write_text(
        f"module {MODULE}\n\ngo 1.22\n\nrequire example.com/lib v0.0.0\n\n"
        "replace example.com/lib => ./lib\n"
    )
    for name, target in links.items():
        (project / name).unlink(missing_ok=True)
        (project / name).symlink_to(os.path.relpath(target, (project / name).parent))
    project.write("api/d/main.go", main_saying("d1", "example.com/lib"))
    with watching(project) as watch:
        source.write_text(package_saying("main", "v2"))
        assert watch.until("built a") == ["change api/a/v.go: a", "built a"]
        (shared / "end/c.go").write_text(package_saying("main", "chain-2"))
        assert watch.until("built c") == ["change api/c/c.go: c", "built c"]
        (shared / "other/c.go").write_text(package_saying("main", "chain-3"))
        retarget(shared / "hop/c.go", "../other/c.go")
        assert watch.until("built c") == ["change api/c/c.go: c", "built c"]
        (shared / "other/c.go").write_text(package_saying("main", "chain-4"))
        assert watch.until("built c") == ["change api/c/c.go: c", "built c"]
        retarget(project / "api/a/v.go", os.path.relpath(shared / "other/v.go", project / "api/a"))
        assert watch.until("built a") == ["change api/a/v.go: a", "built a"]
        package.write_text(package_saying("lib", "pkg-2"))
        assert watch.until("built d") == ["change lib/pkg.go: d", "built d"]
        asset.write_text("<<asset-2>>")
        assert watch.until("built d") == ["change lib/data/asset.txt: d", "built d"]
        watch.at_rest()
        settings.write_text('[functions.b]\nldflags = "-w"\n')
        watch.until("built b")
        module.write_text(module.read_text().replace("go 1.22", "go 1.23", 1))
        watch.until_any("change go.mod: ")
        watch.settled()
    assert words(project, "a") == ["a1", "other", "p1", "q1"]
    assert words(project, "c") == ["c1", "chain-4", "q1"]
    assert words(project, "d") == ["asset-2", "d1", "pkg-2"]


@pytest.mark.extended
def test_a_directory_that_was_away_is_seen_at_once_when_it_is_back(
    project: Project, tmp_path: Path
) -> None:
    far, beside = tmp_path / "far/away/lib", project / "used"
    library(far, "lib-1")
    beside.mkdir()
    (beside / "go.mod").write_text("module example.com/used\n\ngo 1.22\n")
    (beside / "used.go").write_text(package_saying("used", "used-1"))
    project.write(
        "go.mod",
        f"module {MODULE}\n\ngo 1.22\n\nrequire example.com/lib v0.0.0\n\n"
        "replace example.com/lib => ../far/away/lib\n",
    )
    project.write("go.work", "go 1.22\n\nuse (\n\t.\n\t./used\n)\n")
    project.write("api/d/main.go", main_saying("d1", "example.com/lib"))
    project.write("api/c/main.go", main_saying("c1", "example.com/used", "internal/q"))
    away = tmp_path / "put-aside"
    with watching(project) as watch:
        for number, (moved, file, name) in enumerate(
            [
                (far, far / "lib.go", "d"),
                (far.parent.parent, far / "lib.go", "d"),
                (beside, beside / "used.go", "c"),
                (project / "internal/q", project / "internal/q/q.go", "c"),
                (project / "api", project / "api/c/main.go", "c"),
            ]
        ):
            # Nothing is looked at any more but for an event.
            time.sleep(0.5)
            moved.rename(away)
            watch.until_any("failed")
            away.rename(moved)
            watch.until_any("change")
            # It is another directory now, by the same path.
            file.write_text(f"{file.read_text()}\nfunc init() {{ println({number}) }}\n")
            watch.until(f"built {name}")
            shutil.copytree(moved, away)
            moved.rename(tmp_path / f"before-{number}")
            away.rename(moved)
            watch.settled()
            file.write_text(f"{file.read_text()}\nfunc init() {{ println({number}) }}\n")
            watch.until(f"built {name}")


def test_go_get_rebuilds_what_imports_the_module_and_no_more(
    project: Project, tmp_path: Path
) -> None:
    proxy = tmp_path / "proxy" / "example.com" / "dep" / "@v"
    proxy.mkdir(parents=True)
    for version in ("v1.0.0", "v1.1.0"):
        module = tmp_path / version / f"example.com/dep@{version}"
        module.mkdir(parents=True)
        (module / "go.mod").write_text("module example.com/dep\n\ngo 1.22\n")
        (module / "dep.go").write_text(package_saying("dep", version))
        shutil.copy(module / "go.mod", proxy / f"{version}.mod")
        (proxy / f"{version}.info").write_text(json.dumps({"Version": version}))
        with zipfile.ZipFile(proxy / f"{version}.zip", "w") as archive:
            for file in module.iterdir():
                archive.write(file, f"example.com/dep@{version}/{file.name}")
    (proxy / "list").write_text("v1.0.0\nv1.1.0\n")
    env = {
        "GOPROXY": f"file://{tmp_path / 'proxy'}",
        "GOMODCACHE": str(tmp_path / "modules"),
        "GONOSUMDB": "*",
        "GOFLAGS": "-modcacherw",
    }
    project.write("api/c/main.go", main_saying("c1", "internal/q", "example.com/dep"))
    project.go_run("get", "example.com/dep@v1.0.0", env=env)
    with watching(project, env=env) as watch:
        assert words(project, "c") == ["c1", "q1", "v1.0.0"]
        project.go_run("get", "example.com/dep@v1.1.0", env=env)
        lines = watch.until("built c")
        assert words(project, "c") == ["c1", "q1", "v1.1.0"]
        assert watch.last("c")["reason"] == "go.mod: example.com/dep v1.0.0 → v1.1.0"
        lines += watch.settled()
        assert [line for line in lines if not line.startswith("change ")] == ["built c"]
        project.write("api/d/main.go", main_saying("d1", "example.com/dep"))
        watch.until("built d")
    assert words(project, "d") == ["d1", "v1.1.0"]


def test_a_function_begun_with_an_empty_directory_is_built_once_it_is_one(project: Project) -> None:
    with watching(project) as watch:
        (project / "api/new/deep").mkdir(parents=True)
        assert all(line.startswith("change ") for line in watch.settled())
        project.write("api/new/deep/main.go", main_saying("new", "internal/q"))
        assert "built new-deep" in watch.until("built new-deep")
        assert watch.settled() == []
        project.write("internal/q/q.go", package_saying("q", "q2"))
        watch.until("built a", "built b", "built c", "built new-deep")
    assert words(project, "new-deep") == ["new", "q2"]


@pytest.mark.parametrize("how", [pytest.param("copied", marks=pytest.mark.extended), "moved"])
def test_a_directory_with_functions_that_arrives_whole_is_built(
    project: Project, tmp_path: Path, how: str
) -> None:
    outside = Project(tmp_path / "outside", project.environment, project.go)
    outside.write("one/main.go", main_saying("one"))
    outside.write("deep/er/two/main.go", main_saying("two", "internal/p"))
    outside.write("deep/er/two/more.go", package_saying("main", "more"))
    with watching(project) as watch:
        if how == "copied":
            shutil.copytree(outside.path, project / "api/new")
        else:
            outside.path.rename(project / "api/new")
        watch.until("built new-deep-er-two", "built new-one")
        watch.settled()
        project.write("api/new/deep/er/two/more.go", package_saying("main", "most"))
        watch.until("built new-deep-er-two")
    assert words(project, "new-deep-er-two") == ["most", "p1", "q1", "two"]
    assert words(project, "new-one") == ["one"]


def test_a_deleted_function_takes_its_artifact_with_it(project: Project) -> None:
    with watching(project) as watch:
        shutil.rmtree(project / "api/b")
        lines = watch.until("removed b")
        assert [line for line in lines if not line.startswith("change ")] == ["removed b"]
        assert watch.events[-1]["function"]["artifact"] == "dist/b/bootstrap"
        assert not (project / "dist/b").exists()
        manifest = json.loads((project / "dist/manifest.json").read_text())
        assert [f["name"] for f in manifest["functions"]] == ["a", "c", "d", "zz"]
        assert watch.settled() == []
        project.write("api/b/main.go", main_saying("b2"))
        watch.until("built b")
    assert words(project, "b") == ["b2"]


def test_a_function_that_loses_its_main_file_is_removed_and_a_renamed_one_moves(
    project: Project,
) -> None:
    with watching(project) as watch:
        (project / "api/b/main.go").unlink()
        watch.until("removed b")
        (project / "api/c").rename(project / "api/e")
        watch.until("built e", "removed c")
        assert watch.settled() == []
    assert sorted(artifacts(project)) == ["a", "d", "e", "zz"]
    assert words(project, "e") == ["c1", "q1"]


def test_a_package_written_first_and_imported_later_is_watched_from_then_on(
    project: Project,
) -> None:
    with watching(project) as watch:
        project.write("internal/new/new.go", package_saying("new", "new-1"))
        assert [line for line in watch.settled() if not line.startswith("change ")] == []
        project.write("api/d/main.go", main_saying("d2", "internal/new"))
        watch.until("built d")
        assert words(project, "d") == ["d2", "new-1"]
        project.write("internal/new/new.go", package_saying("new", "new-2"))
        assert watch.until("built d") == ["change internal/new/new.go: d", "built d"]
        project.write("api/d/main.go", main_saying("d3"))
        watch.until("built d")
        project.write("internal/new/new.go", package_saying("new", "new-3"))
        assert [line for line in watch.settled() if not line.startswith("change ")] == []
    assert words(project, "d") == ["d3"]


def save_by_rename(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.tmp-1234")
    beside.write_text(text)
    beside.replace(path)


def save_as_vim_does(path: Path, text: str) -> None:
    # With `backup` or `writebackup`, and a swap file; `4913` tries whether the directory is
    # writable.
    swap = path.with_name(f".{path.name}.swp")
    swap.write_bytes(b"b0VIM")
    probe = path.with_name("4913")
    probe.touch()
    probe.unlink()
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    path.write_text(text)
    backup.unlink()
    swap.unlink()


def save_as_emacs_does(path: Path, text: str) -> None:
    lock = path.with_name(f".#{path.name}")
    lock.symlink_to("somebody@machine.1234:5678")
    path.with_name(f"#{path.name}#").write_text(text)
    path.write_text(text)
    path.with_name(f"#{path.name}#").unlink()
    lock.unlink()


def save_as_jetbrains_does(path: Path, text: str) -> None:
    new = path.with_name(f"{path.name}___jb_tmp___")
    old = path.with_name(f"{path.name}___jb_old___")
    new.write_text(text)
    path.rename(old)
    new.rename(path)
    old.unlink()


def test_editors_may_save_as_they_like(project: Project) -> None:
    number = 1
    with watching(project) as watch:
        for save in (save_by_rename, save_as_vim_does, save_as_emacs_does, save_as_jetbrains_does):
            for _ in range(2):
                number += 1
                save(project / "api/d/main.go", main_saying(f"d{number}"))
                lines = watch.until("built d")
                assert words(project, "d") == [f"d{number}"], save
                # A file that is away for a moment may be seen to be.
                assert {*lines, "change api/d/main.go:"} == {
                    "change api/d/main.go:", "change api/d/main.go: d", "built d",
                }  # fmt: skip
        assert watch.settled() == []


def test_a_checkout_of_another_branch_is_one_rebuild(project: Project) -> None:
    for package in ("p", "q"):
        for number in range(150):
            project.write(f"internal/{package}/f{number}.go", f"package {package}\n")
    committed(project)
    git(project, "checkout", "--quiet", "-b", "other")
    for package in ("p", "q"):
        for number in range(150):
            name = f"internal/{package}/f{number}.go"
            if number % 3:
                word = f"{package}-{number:03}"
                project.write(name, package_saying(package, word))
            else:
                (project / name).unlink()
        project.write(f"internal/{package}/new.go", package_saying(package, f"{package}-new"))
    project.write("api/e/main.go", main_saying("e1", "internal/q"))
    shutil.rmtree(project / "api/b")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message=second")
    git(project, "checkout", "--quiet", "main")
    with watching(project) as watch:
        before = artifacts(project)
        git(project, "checkout", "--quiet", "other")
        lines = watch.until("built a", "built c", "built e", "removed b", within=PATIENCE)
        lines += watch.settled()
        assert sorted(line for line in lines if not line.startswith("change ")) == [
            "built a", "built c", "built e", "removed b",
        ]  # fmt: skip
        assert len(words(project, "a")) == 1 + 2 * (1 + 100 + 1)
        assert artifacts(project) == clean_artifacts(project)
        git(project, "checkout", "--quiet", "main")
        watch.until("built a", "built b", "built c", "removed e", within=PATIENCE)
        assert watch.settled() == []
        assert artifacts(project) == before | {"zz": artifacts(project)["zz"]}


def test_a_checkout_that_begins_during_a_build_is_waited_for(
    project: Project, tmp_path: Path
) -> None:
    git(project, "init", "--quiet")
    gates = Gates(project, tmp_path / "gates")
    with watching(project, env=gates.environment) as watch:
        gates.shut("before-build")
        project.write("api/d/main.go", main_saying("d2"))
        gates.reached("before-build")
        (project / ".git/index.lock").touch()
        project.write("internal/q/q.go", "package q\n\nfunc halfway(\n")
        gates.open("before-build")
        watch.until("built d")
        time.sleep(0.5)
        project.write("internal/q/q.go", package_saying("q", "q2"))
        (project / ".git/index.lock").unlink()
        lines = watch.until("built a", "built b", "built c")
        assert not [line for line in lines if line.startswith("failed")], watch


def test_a_stash_and_its_return_take_functions_away_and_bring_them_back(project: Project) -> None:
    committed(project)
    project.write("api/new/main.go", main_saying("new"))
    project.write("internal/q/q.go", package_saying("q", "q2"))
    with watching(project) as watch:
        git(project, "stash", "--quiet", "--include-untracked")
        watch.until("built a", "built b", "built c", "removed new")
        assert words(project, "c") == ["c1", "q1"]
        git(project, "stash", "pop", "--quiet")
        watch.until("built a", "built b", "built c", "built new")
        assert words(project, "c") == ["c1", "q2"]
        assert words(project, "new") == ["new"]


def test_the_configuration_counts_when_created_edited_broken_mended_and_deleted(
    project: Project,
) -> None:
    with watching(project) as watch:
        project.write("lambdabuild.toml", '[functions."d"]\nldflags = "-s -w -X=main.no=1"\n')
        lines = watch.until("built d")
        assert [line for line in lines if not line.startswith("change ")] == ["built d"]
        assert watch.settled() == []

        project.write("lambdabuild.toml", '[functions."d"]\nldflag = "-s -w"\n')
        assert "built d" not in watch.until("failed")
        assert "`ldflags`" in watch.events[-1]["errors"][0]["message"]
        # Nothing is known while it is broken; the edit counts once it is mended.
        project.write("api/a/main.go", main_saying("a2"))
        project.write("lambdabuild.toml", '[functions."d"]\nldflags = "-s"\n')
        watch.until("built a", "built d")
        assert watch.settled() == []
        assert artifacts(project) == clean_artifacts(project)

        project.write("lambdabuild.toml", 'exclude = ["d"]\n')
        watch.until("removed d")
        (project / "lambdabuild.toml").unlink()
        watch.until("built d")
        assert watch.settled() == []
    assert words(project, "a") == ["a2"]


def test_what_nothing_is_built_from_triggers_nothing(project: Project) -> None:
    committed(project)
    with watching(project) as watch:
        before = artifacts(project)
        project.write("README.md", "# Read me\n")
        project.write("api/a/a_test.go", "package main\n")
        project.write("internal/p/p_test.go", "package p\n\nsyntax error\n")
        project.write("internal/p/.p.go.swp", "swap")
        project.write("internal/p/p.go~", "backup")
        project.write("internal/p/4913", "")
        project.write("internal/p/#p.go#", "autosave")
        (project / "internal/p/.#p.go").symlink_to("somebody@machine.1")
        project.write("internal/p/_off.go", "package p\n")
        project.write("internal/p/testdata/p.go", "package p\n")
        project.write("api/_off/main.go", "package main\n")
        project.write("api/.off/main.go", "package main\n")
        project.write("notes/notes.txt", "notes")
        project.write("dist/stray", "stray")
        project.write("dist/a/stray.go", "package main\n")
        project.write(".lambdabuild/stray.go", "package main\n")
        project.write(".lambdabuild/logs/stray.log", "stray")
        git(project, "add", ".")
        git(project, "commit", "--quiet", "--message=second")
        git(project, "tag", "v1")
        os.utime(project / "internal/p/p.go")
        (project / "api/a/main.go").chmod(0o600)
        assert watch.settled() == []
        assert artifacts(project) | {"zz": ""} == before | {"zz": ""}


def test_what_it_writes_itself_triggers_nothing(project: Project) -> None:
    with watching(project, "--in-place") as watch:
        first = (project / "api/a/bootstrap").read_bytes()
        project.write("internal/p/p.go", package_saying("p", "p2", "internal/q"))
        lines = watch.until("built a", "built b")
        assert lines == ["change internal/p/p.go: a b", "built a", "built b"]
        assert first != (project / "api/a/bootstrap").read_bytes()
        project.write("api/zz/main.go", main_saying("zz2"))
        lines = watch.until("built zz")
        assert lines == [f"change {SENTINEL_FILE}: zz", "built zz"]
        project.write("api/zz/main.go", main_saying("zz3"))
        assert watch.until("built zz") == [f"change {SENTINEL_FILE}: zz", "built zz"]


def test_a_checkout_may_lie_anywhere(project: Project, tmp_path: Path) -> None:
    place = tmp_path / ".venv/node_modules/dist/_old/testdata/.git/vendor/work tree"
    place.parent.mkdir(parents=True)
    project.path.rename(place)
    moved = Project(place, project.environment, project.go)
    with watching(moved, "d", "c") as watch:
        moved.write("api/d/main.go", main_saying("d2"))
        watch.until("built d")
        moved.write("internal/q/q.go", package_saying("q", "q2"))
        watch.until("built c")
    assert words(moved, "d") == ["d2"]
    assert words(moved, "c") == ["c1", "q2"]


def test_directories_in_the_project_may_have_such_names_too(project: Project) -> None:
    project.write("api/node_modules/dist/main.go", main_saying("one"))
    project.write("internal/dist/dist.go", package_saying("dist", "dist-1"))
    project.write("api/d/main.go", main_saying("d1", "internal/dist"))
    with watching(project) as watch:
        project.write("api/node_modules/dist/main.go", main_saying("two"))
        watch.until("built node_modules-dist")
        project.write("internal/dist/dist.go", package_saying("dist", "dist-2"))
        watch.until("built d")
    assert words(project, "d") == ["d1", "dist-2"]
    assert words(project, "node_modules-dist") == ["two"]


def test_named_functions_alone_are_built(unbuilt: Project) -> None:
    with watching(unbuilt, "a", "api/c", ready=False) as watch:
        assert watch.ready() == ["built a", "built c", "ready 2"]
        unbuilt.write("api/b/main.go", main_saying("b2"))
        unbuilt.write("internal/p/p.go", package_saying("p", "p2", "internal/q"))
        lines = watch.until("built a")
        unbuilt.write("internal/q/q.go", package_saying("q", "q2"))
        lines += watch.until("built a", "built c")
        assert [line for line in lines if not line.startswith("change ")] == [
            "built a", "built a", "built c",
        ]  # fmt: skip
    assert sorted(artifacts(unbuilt)) == ["a", "c"]
    assert words(unbuilt, "a") == ["a1", "p2", "q2"]


def test_each_target_of_a_function_is_told_of(project: Project) -> None:
    with watching(project, "d", "--arch", "x86_64", "--arch", "arm64") as watch:
        project.write("api/d/main.go", main_saying("d2"))
        watch.until("built d", "built d linux/arm64")
        (project / "api/d/only_arm64.go").write_text(package_saying("main", "only"))
        lines = watch.until("built d linux/arm64")
        assert "built d" not in lines
    assert words(project, "d/x86_64") == ["d2"]
    assert words(project, "d/arm64") == ["d2", "only"]


def test_it_watches_from_a_directory_below_the_module(project: Project) -> None:
    with watching(project, "-C", "api", "--root", ".", cwd=project.path) as watch:
        project.write("internal/q/q.go", package_saying("q", "q2"))
        lines = watch.until("built a", "built b", "built c")
        assert lines[0] == "change ../internal/q/q.go: a b c"
        project.write("go.mod", f"module {MODULE}\n\ngo 1.21\n")
        watch.until(*(f"built {name}" for name in ("a", "b", "c", "d", "zz")), within=PATIENCE)


def test_polling_needs_no_events(project: Project) -> None:
    with watching(project, "--poll") as watch:
        project.write("internal/q/q.go", package_saying("q", "q2"))
        assert watch.until("built a", "built b", "built c") == [
            "change internal/q/q.go: a b c", "built a", "built b", "built c",
        ]  # fmt: skip
        project.write("api/new/main.go", main_saying("new"))
        watch.until("built new")
        shutil.rmtree(project / "api/b")
        watch.until("removed b")
        assert watch.settled() == []
    assert sorted(artifacts(project)) == ["a", "c", "d", "new", "zz"]
    assert words(project, "a") == ["a1", "p1", "q2"]


def test_artifacts_that_somebody_deletes_are_back_with_the_next_change(project: Project) -> None:
    with watching(project) as watch:
        before = artifacts(project)
        (project / "dist/a/bootstrap").unlink()
        shutil.rmtree(project / "dist/b")
        project.write("api/d/main.go", main_saying("d2"))
        watch.until("built d")
        assert watch.last("a")["reason"] == "dist/a/bootstrap is missing"
        assert artifacts(project) | {"d": ""} == before | {"d": ""}
        # All of them may go.
        shutil.rmtree(project / "dist")
        project.write("api/d/main.go", main_saying("d1"))
        watch.until("built d", "built zz")
    assert artifacts(project) == before


@pytest.mark.extended
def test_what_is_remembered_may_go_as_well(project: Project) -> None:
    with watching(project) as watch:
        assert project.run("clean").code == 0
        project.write("api/d/main.go", main_saying("d2"))
        watch.until("built d", "built zz")
        shutil.rmtree(project / ".lambdabuild")
        project.write("api/d/main.go", main_saying("d3"))
        watch.until("built d", "unchanged zz")
        assert watch.settled() == []
    assert artifacts(project) == clean_artifacts(project)
