"""`lambdabuild watch` where something is wrong: it keeps what it has, and goes on once mended."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.e2e.processes import PATIENCE
from tests.e2e.watcher import Gates, artifacts, clean_artifacts, replace_whole, watching, words
from tests.projects import MODULE, main_saying, package_saying

# Any Go that lambdabuild supports would do; the newest builds fastest.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


def test_a_compile_error_is_told_once_and_the_old_bytes_stay(project: Project) -> None:
    with watching(project) as watch:
        before = (project / "dist/d/bootstrap").stat()
        project.write("api/d/main.go", "package main\n\nfunc main() { x := 1 }\n")
        assert watch.until("failed d") == ["change api/d/main.go: d", "failed d"]
        assert watch.last("d")["errors"] == [
            {"file": "api/d/main.go", "line": 3, "column": 15, "message": "declared and not used: x"}
        ]  # fmt: skip
        assert (project / "dist/d/bootstrap").stat() == before
        # Nothing that it is built from changes: it is not tried again.
        project.write("api/a/main.go", main_saying("a2", "internal/p"))
        assert watch.until("built a") == ["change api/a/main.go: a", "built a"]
        assert watch.settled() == []
        # Its next edit is another error, and the one after mends it.
        project.write("api/d/main.go", "package main\n\nfunc main() { y := 1 }\n")
        watch.until("failed d")
        assert watch.last("d")["errors"][0]["message"] == "declared and not used: y"
        project.write("api/d/main.go", main_saying("d2"))
        assert watch.until("built d") == ["change api/d/main.go: d", "built d"]
        assert watch.settled() == []
    assert words(project, "d") == ["d2"]


def test_a_compile_error_taken_back_leaves_nothing_to_build(project: Project) -> None:
    with watching(project) as watch:
        before = artifacts(project)
        project.write("internal/q/q.go", 'package q\n\nvar x int = "no"\n')
        watch.until("failed a", "failed b", "failed c")
        project.write("internal/q/q.go", package_saying("q", "q1"))
        watch.until("up-to-date a", "up-to-date b", "up-to-date c")
        assert watch.settled() == []
        assert artifacts(project) | {"zz": ""} == before | {"zz": ""}


def test_a_shared_package_that_does_not_compile_costs_its_dependants_and_is_tried_when_it_changes(
    project: Project,
) -> None:
    with watching(project) as watch:
        broken = package_saying("p", "p2", "internal/q") + 'var x int = "no"\n'
        project.write("internal/p/p.go", broken)
        lines = watch.until("failed a", "failed b")
        assert lines == ["change internal/p/p.go: a b", "failed a", "failed b"]
        project.write("internal/q/q.go", package_saying("q", "q2"))
        watch.until("failed a", "failed b", "built c")
        assert words(project, "a") == ["a1", "p1", "q1"]
        project.write("internal/p/p.go", package_saying("p", "p2", "internal/q"))
        watch.until("built a", "built b")
        assert watch.settled() == []
    assert words(project, "a") == ["a1", "p2", "q2"]
    assert words(project, "c") == ["c1", "q2"]


def test_a_broken_import_is_mended_either_way(project: Project, tmp_path: Path) -> None:
    outside = Project(tmp_path / "outside", project.environment, project.go)
    with watching(project, "d", "c") as watch:
        for number, (missing, top) in enumerate(
            [
                ("internal/missing", None),
                ("internal/deep/er/missing", None),
                ("internal/deeper/er/missing", "internal/deeper"),
                ("missing", "missing"),
            ]
        ):
            there = words(project, "d")
            project.write("api/d/main.go", main_saying(f"d-{number}", missing))
            assert "failed d" in watch.until("failed d")
            assert f"{MODULE}/{missing}" in watch.last("d")["errors"][0]["message"]
            assert words(project, "d") == there
            project.write("api/c/main.go", main_saying(f"c-{number}", "internal/q"))
            assert watch.until("built c") == ["change api/c/main.go: c", "built c"]
            text = package_saying("missing", "found")
            if top is None:
                project.write(f"{missing}/missing.go", text)
            else:
                outside.write(f"{missing}/missing.go", text)
                (outside / top).rename(project / top)
            watch.until("built d")
            assert words(project, "d") == [f"d-{number}", "found"]
            project.write(f"{missing}/missing.go", package_saying("missing", "again"))
            watch.until("built d")
            assert words(project, "d") == ["again", f"d-{number}"]
        project.write("api/d/main.go", main_saying("d2", "internal/nowhere"))
        assert "failed d" in watch.until("failed d")
        project.write("api/d/main.go", main_saying("d3"))
        watch.until("built d")
        assert words(project, "d") == ["d3"]


def test_a_shared_package_with_a_broken_import_costs_its_dependants_until_it_is_mended(
    project: Project,
) -> None:
    with watching(project) as watch:
        project.write("internal/p/p.go", package_saying("p", "p2", "internal/gone"))
        watch.until("failed a", "failed b")
        project.write("api/a/main.go", main_saying("a2", "internal/p"))
        watch.until("failed a")
        project.write("api/a/main.go", main_saying("a3"))
        watch.until("built a")
        project.write("internal/gone/gone.go", package_saying("gone", "found"))
        watch.until("built b")
        assert watch.settled() == []
    assert words(project, "a") == ["a3"]
    assert words(project, "b") == ["b1", "found", "p2"]


def test_a_package_that_is_deleted_fails_its_dependants_and_its_return_mends_them(
    project: Project,
) -> None:
    with watching(project) as watch:
        before = artifacts(project)
        (project / "internal/q").rename(project / "internal/away")
        watch.until("failed a", "failed b", "failed c")
        assert artifacts(project) == before
        (project / "internal/away").rename(project / "internal/q")
        watch.until("up-to-date a", "up-to-date b", "up-to-date c")
        assert watch.settled() == []


@pytest.mark.extended
def test_a_syntax_error_anywhere_in_a_file_is_mended(project: Project) -> None:
    project.write("api/d/more.go", package_saying("main", "more"))
    with watching(project, "d", "c") as watch:
        for number, broken in enumerate(
            [
                "packag main\n",
                "package\n",
                "",
                'package main\n\nimport "\n',
                "package main\n\nfunc main() {\n",
                "package other\n",
            ]
        ):
            # In one step: a watcher that is quick would see it empty first, and then once more.
            replace_whole(project, "api/d/more.go", broken)
            watch.until("failed d")
            project.write("api/c/main.go", main_saying(f"c-{number}"))
            assert watch.until("built c") == ["change api/c/main.go: c", "built c"]
            project.write("api/d/more.go", package_saying("main", f"more-{number}"))
            watch.until("built d")
            assert words(project, "d") == ["d1", f"more-{number}"]


def test_an_embedded_file_that_is_missing_is_awaited(project: Project) -> None:
    with watching(project) as watch:
        project.write(
            "internal/q/embed.go",
            'package q\n\nimport "embed"\n\n//go:embed static/*.txt\nvar files embed.FS\n\n'
            'func init() { _, _ = files.ReadDir(".") }\n',
        )
        watch.until("failed a", "failed b", "failed c")
        project.write("internal/q/static/one.txt", "<<one>>")
        watch.until("built a", "built b", "built c")
        (project / "internal/q/static/one.txt").rename(project / "internal/q/static/one.md")
        watch.until("failed a", "failed b", "failed c")
        (project / "internal/q/static/one.md").rename(project / "internal/q/static/two.txt")
        watch.until("built a", "built b", "built c")
        assert watch.settled() == []
    assert words(project, "c") == ["c1", "one", "q1"]


def test_an_import_cycle_is_mended(project: Project) -> None:
    with watching(project) as watch:
        project.write("internal/q/q.go", package_saying("q", "q2", "internal/p"))
        watch.until("failed a", "failed b", "failed c")
        project.write("internal/p/p.go", package_saying("p", "p2"))
        watch.until("built a", "built b", "built c")
        assert watch.settled() == []
    assert words(project, "a") == ["a1", "p2"]
    assert words(project, "c") == ["c1", "p2", "q2"]


def test_a_first_build_that_fails_is_watched_all_the_same(unbuilt: Project) -> None:
    unbuilt.write("api/d/main.go", "package main\n\nfunc main() { x := 1 }\n")
    unbuilt.write("api/c/main.go", main_saying("c1", "internal/missing"))
    with watching(unbuilt, ready=False) as watch:
        *told, ready = watch.ready()
        assert sorted(told) == ["built a", "built b", "built zz", "failed c", "failed d"]
        assert ready == "ready 5"
        assert watch.settled() == []
        unbuilt.write("api/d/main.go", main_saying("d2"))
        watch.until("built d")
        unbuilt.write("internal/missing/missing.go", package_saying("missing", "found"))
        watch.until("built c")
    assert words(unbuilt, "c") == ["c1", "found"]


@pytest.mark.extended
def test_modules_that_cannot_be_loaded_are_told_of_and_awaited(project: Project) -> None:
    project.write("other/go.mod", "module example.com/other\n\ngo 1.22\n")
    right = {"go.mod": (project / "go.mod").read_text(), "go.work": None}
    with watching(project) as watch:
        for number, (name, broken) in enumerate(
            [
                ("go.mod", "modul example.com/empty\n"),
                ("go.mod", f"module {MODULE}\n\ngo 1.99\n"),
                ("go.mod", ""),
                ("go.mod", None),
                ("go.work", "use .\n\nuse ./missing\n"),
                ("go.work", "go 1.22\n\nuse ./other\n"),
            ]
        ):
            put(project, name, broken)
            watch.until_any("failed")
            # Nothing can be built for now; what is saved counts once it is mended.
            project.write("api/d/main.go", main_saying(f"d-{number}"))
            put(project, name, right[name])
            watch.until("built d")
            assert words(project, "d") == [f"d-{number}"]
        assert [line for line in watch.settled() if line.startswith("failed")] == []
    assert artifacts(project) == clean_artifacts(project)


def put(project: Project, name: str, text: str | None) -> None:
    """Write a file, or delete it."""
    if text is None:
        (project / name).unlink()
    else:
        replace_whole(project, name, text)


def test_a_root_that_is_deleted_may_come_back(project: Project) -> None:
    with watching(project) as watch:
        (project / "api").rename(project / "away")
        watch.until("failed")
        assert "5 main packages found" in watch.events[-1]["errors"][0]["message"]
        project.write("internal/q/q.go", package_saying("q", "q2"))
        (project / "away").rename(project / "api")
        watch.until("built a", "built b", "built c")
        shutil.rmtree(project / "api")
        watch.until("failed")
        project.write("api/d/main.go", main_saying("d2"))
        watch.until("built d")
    assert words(project, "d") == ["d2"]
    assert sorted(artifacts(project)) == ["d"]


def test_a_project_may_lose_all_its_functions_and_get_one(project: Project) -> None:
    with watching(project) as watch:
        for name in ("a", "b", "c", "d", "zz"):
            shutil.rmtree(project / "api" / name)
        watch.until("failed")
        project.write("api/new/main.go", main_saying("new"))
        watch.until("built new")
    assert words(project, "new") == ["new"]


def test_two_functions_of_one_name_are_told_of_until_one_goes(project: Project) -> None:
    project.write("api/x/y/main.go", main_saying("one"))
    with watching(project) as watch:
        project.write("api/x-y/main.go", main_saying("two"))
        watch.until("failed")
        assert "`x-y`" in watch.events[-1]["errors"][0]["message"]
        shutil.rmtree(project / "api/x/y")
        watch.until("built x-y")
    assert words(project, "x-y") == ["two"]


def test_an_output_that_cannot_be_written_is_told_of_and_tried_again(project: Project) -> None:
    with watching(project) as watch:
        shutil.rmtree(project / "dist/d")
        project.write("dist/d", "a file where a directory should be")
        project.write("api/d/main.go", main_saying("d2"))
        watch.until_any("failed")
        (project / "dist/d").unlink()
        project.write("api/d/main.go", main_saying("d3"))
        watch.until("built d")
    assert words(project, "d") == ["d3"]


def test_an_output_that_somebody_replaced_is_left_told_of_once_and_costs_no_other(
    project: Project,
) -> None:
    with watching(project) as watch:
        script = project / "dist/d/bootstrap"
        script.unlink()
        script.write_text("#!/bin/sh\n")
        project.write("api/a/main.go", main_saying("a2"))
        watch.until("built a", "failed d")
        assert "is in the way" in watch.last("d")["errors"][0]["message"]
        assert watch.settled() == []
        project.write("api/d/main.go", main_saying("d2"))
        assert watch.until("failed d") == ["change api/d/main.go: d", "failed d"]
        assert watch.settled() == []
        assert script.read_text() == "#!/bin/sh\n"
        script.unlink()
        project.write("api/d/main.go", main_saying("d3"))
        watch.until("built d")
    assert words(project, "d") == ["d3"]


def test_a_manifest_that_somebody_replaced_keeps_nothing_from_being_built(
    project: Project,
) -> None:
    with watching(project) as watch:
        manifest = project / "dist/manifest.json"
        manifest.write_text('{"name": "web"}\n')
        project.write("api/d/main.go", main_saying("d2"))
        assert watch.until("built d", "failed") == ["change api/d/main.go: d", "built d", "failed"]
        assert "is in the way" in watch.events[-1]["errors"][0]["message"]
        manifest.unlink()
        project.write("api/d/main.go", main_saying("d3"))
        watch.until("built d")
        assert watch.settled() == []
    assert words(project, "d") == ["d3"]


def test_a_change_to_what_is_being_built_stops_it_and_the_next_build_has_both(
    project: Project, tmp_path: Path
) -> None:
    gates = Gates(project, tmp_path / "gates")
    with watching(project, env=gates.environment) as watch:
        gates.shut("before-build")
        replace_whole(project, "api/a/main.go", main_saying("a2", "internal/p"))
        gates.reached("before-build")
        replace_whole(project, "internal/q/q.go", package_saying("q", "q2"))
        # The first is stopped, or there would be no second.
        gates.reached("before-build")
        gates.open("before-build")
        lines = watch.until("built a", "built b", "built c")
        assert lines == [
            "change api/a/main.go: a", "change internal/q/q.go: a b c",
            "built a", "built b", "built c",
        ]  # fmt: skip
        assert watch.settled() == []
    assert words(project, "a") == ["a2", "p1", "q2"]
    assert words(project, "c") == ["c1", "q2"]


def test_a_change_to_something_else_does_not_stop_a_build(project: Project, tmp_path: Path) -> None:
    gates = Gates(project, tmp_path / "gates")
    with watching(project, env=gates.environment) as watch:
        gates.shut("before-build")
        replace_whole(project, "api/a/main.go", main_saying("a2", "internal/p"))
        gates.reached("before-build")
        replace_whole(project, "api/d/main.go", main_saying("d2"))
        gates.open("before-build")
        assert watch.until("built a", "built d") == [
            "change api/a/main.go: a", "built a", "change api/d/main.go: d", "built d",
        ]  # fmt: skip
        assert watch.settled() == []
    assert words(project, "a") == ["a2", "p1", "q1"]
    assert words(project, "d") == ["d2"]


def test_what_is_being_built_may_be_deleted_or_broken_or_taken_back(
    project: Project, tmp_path: Path
) -> None:
    gates = Gates(project, tmp_path / "gates")
    with watching(project, env=gates.environment) as watch:
        gates.shut("before-build")
        replace_whole(project, "api/a/main.go", main_saying("a2", "internal/p"))
        gates.reached("before-build")
        shutil.rmtree(project / "api/a")
        watch.until("removed a")
        gates.open("before-build")
        assert watch.settled() == []

        gates.shut("before-build")
        replace_whole(project, "api/b/main.go", main_saying("b2", "internal/p"))
        gates.reached("before-build")
        replace_whole(project, "api/b/main.go", main_saying("b3", "internal/none"))
        watch.until("failed b")
        gates.open("before-build")
        assert watch.settled() == []
        assert words(project, "b") == ["b1", "p1", "q1"]

        gates.shut("before-build")
        replace_whole(project, "api/b/main.go", main_saying("b4", "internal/p"))
        gates.reached("before-build")
        replace_whole(project, "api/b/main.go", main_saying("b1", "internal/p"))
        watch.until("up-to-date b")
        gates.open("before-build")
        assert watch.settled() == []
    assert artifacts(project) == clean_artifacts(project)


@pytest.mark.parametrize(
    "gate",
    [
        "after-build",
        pytest.param("after-list", marks=pytest.mark.extended),
        pytest.param("before-list", marks=pytest.mark.extended),
        pytest.param("before-build", marks=pytest.mark.extended),
    ],
)
def test_a_change_at_any_moment_of_a_build_is_in_the_next(
    unbuilt: Project, tmp_path: Path, gate: str
) -> None:
    gates = Gates(unbuilt, tmp_path / "gates")
    edits = [
        ("internal/q/q.go", package_saying("q", "q2")),
        ("internal/q/new.go", package_saying("q", "new")),
        ("api/a/main.go", main_saying("a3", "internal/p")),
        ("go.mod", f"module {MODULE}\n\ngo 1.21\n"),
    ]
    gates.shut(gate)
    with watching(unbuilt, ready=False, env=gates.environment) as watch:
        for number, (name, text) in enumerate(edits):
            gates.reached(gate)
            replace_whole(unbuilt, name, text)
            gates.open(gate)
            if number == 0:
                watch.ready()
            watch.settled(within=PATIENCE)
            expected = set(text.replace("<<", ">>").split(">>")[1::2])
            assert expected <= set(words(unbuilt, "a")), watch
            if name == edits[-1][0]:
                break
            # What stands above the first declaration makes Go be asked again what there is.
            gates.shut(gate)
            first = f"// {number}\n\n{main_saying(f'a-{number}', 'internal/q')}"
            replace_whole(unbuilt, "api/a/main.go", first)
    assert artifacts(unbuilt) == clean_artifacts(unbuilt)


@pytest.mark.parametrize(
    "gate", ["before-list", pytest.param("after-list", marks=pytest.mark.extended)]
)
def test_a_function_may_go_while_go_is_asked(project: Project, tmp_path: Path, gate: str) -> None:
    gates = Gates(project, tmp_path / "gates")
    with watching(project, env=gates.environment) as watch:
        gates.shut(gate)
        replace_whole(project, "api/a/main.go", f"// Asks.\n\n{main_saying('a2')}")
        gates.reached(gate)
        shutil.rmtree(project / "api/b")
        gates.open(gate)
        watch.until("built a", "removed b")
        assert watch.settled() == []
    assert words(project, "a") == ["a2"]
    assert sorted(artifacts(project)) == ["a", "c", "d", "zz"]


def test_many_changes_during_builds_of_several_modules_end_well(
    project: Project, tmp_path: Path
) -> None:
    gates = Gates(project, tmp_path / "gates")
    for number in range(4):
        project.write(f"api/m{number}/go.mod", f"module example.com/m{number}\n\ngo 1.22\n")
        project.write(f"api/m{number}/one/main.go", main_saying("one"))
    with watching(project, "-j", "4", env=gates.environment) as watch:
        gates.shut("before-build")
        for number in range(4):
            replace_whole(project, f"api/m{number}/one/main.go", main_saying("two"))
        gates.reached("before-build")
        for turn in range(30):
            for number in range(4):
                replace_whole(project, f"api/m{number}/one/main.go", main_saying(f"t-{turn}"))
        gates.open("before-build")
        watch.settled(within=PATIENCE)
        assert [words(project, f"m{number}-one") for number in range(4)] == [["t-29"]] * 4
        assert watch.settled() == []


@pytest.mark.parametrize(
    ("number", "gate"),
    [
        (signal.SIGINT, None),
        pytest.param(signal.SIGINT, "before-list", marks=pytest.mark.extended),
        (signal.SIGINT, "before-build"),
        (signal.SIGTERM, "before-build"),
        (signal.SIGHUP, None),
    ],
)
def test_a_signal_stops_it_at_once(
    project: Project, tmp_path: Path, number: signal.Signals, gate: str | None
) -> None:
    gates = Gates(project, tmp_path / "gates")
    with watching(project, "a", "d", env=gates.environment) as watch:
        before = artifacts(project)
        if gate is not None:
            gates.shut(gate)
            replace_whole(project, "api/a/main.go", main_saying("a2", "internal/q"))
            gates.reached(gate)
        assert watch.stop(number) == 130
        assert watch.messages[-1] == "interrupted; nothing is half written"
        assert artifacts(project) == before
        assert sorted(os.listdir(project / ".lambdabuild")) == [
            ".gitignore", "history.jsonl", "lock", "logs", "state.json",
        ]  # fmt: skip


@pytest.mark.extended
def test_two_watchers_and_others_at_once_get_along(project: Project) -> None:
    with watching(project) as one, watching(project) as other:
        for number in range(2, 5):
            project.write("internal/q/q.go", package_saying("q", f"q{number}"))
            running = [project.start("all", "--json", *force) for force in ([], ["--force"])]
            project.write("api/d/main.go", main_saying(f"d{number}"))
            for process in running:
                out, err = process.communicate(timeout=PATIENCE)
                assert process.returncode == 0, err
                assert json.loads(out)["ok"]
            # Whoever comes first builds; the others find it up to date.
            one.settled(within=PATIENCE)
            other.settled(within=PATIENCE)
            assert words(project, "a") == ["a1", "p1", f"q{number}"]
            assert words(project, "d") == [f"d{number}"]
        assert artifacts(project) == clean_artifacts(project)


@pytest.mark.extended
def test_more_events_than_the_system_keeps_leave_nothing_stale(project: Project) -> None:
    limit = Path("/proc/sys/fs/inotify/max_queued_events")
    count = int(limit.read_text()) if limit.exists() else 16384
    with watching(project) as watch:
        watch.process.send_signal(signal.SIGSTOP)
        noise = project / "internal/q/noise.txt"
        for _ in range(count // 3 + 1000):
            noise.touch()
            noise.unlink()
        # The queue is full: of these, nobody hears.
        project.write("internal/q/q.go", package_saying("q", "q2"))
        project.write("api/new/main.go", main_saying("new"))
        shutil.rmtree(project / "api/b")
        watch.process.send_signal(signal.SIGCONT)
        watch.until("built a", "built c", "built new", "removed b", within=PATIENCE)
        project.write("api/d/main.go", main_saying("d2"))
        watch.until("built d")
        assert watch.settled() == []
    assert artifacts(project) == clean_artifacts(project)
