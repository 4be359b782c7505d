"""`lambdabuild watch` for people: plain lines, a terminal with keys, and a command after builds."""

import os
import re
import shlex
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.e2e.processes import PROMPT, wait_for
from tests.e2e.terminal import on_terminal
from tests.e2e.watcher import Gates, replace_whole, watching, words
from tests.projects import main_saying, package_saying

# Any Go that lambdabuild supports would do; the newest builds fastest.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


def test_off_a_terminal_plain_lines_name_files_and_functions(project: Project) -> None:
    process = project.start("watch")
    assert process.stderr is not None
    lines = []

    def until(line: str) -> None:
        for said in process.stderr or ():
            lines.append(re.sub(r"\d+(\.\d+)? m?s\b", "N s", said.rstrip("\n")))
            if lines[-1] == line:
                return
        raise AssertionError(lines)

    with process:
        try:
            until("watching 5 functions; Ctrl-C stops")
            del lines[:]
            replace_whole(project, "internal/p/p.go", package_saying("p", "p2", "internal/q"))
            until("built b in N s (internal/p/p.go changed)")
            assert lines == [
                "changed: internal/p/p.go; affected: a, b",
                "built a in N s (internal/p/p.go changed)",
                "built b in N s (internal/p/p.go changed)",
            ]
            del lines[:]
            replace_whole(project, "api/d/main.go", "package main\n\nfunc main() { x := 1 }\n")
            until("  `d` did not build: in package example.com/empty/api/d")
            assert lines == [
                "changed: api/d/main.go; affected: d",
                "api/d/main.go:3:15: error: declared and not used: x",
                "  3 | func main() { x := 1 }",
                "    |               ^",
                "  `d` did not build: in package example.com/empty/api/d",
            ]
            (project / "api/d/main.go").unlink()
            until("removed dist/d/bootstrap, which nothing builds any more")
            process.send_signal(signal.SIGINT)
            until("interrupted; nothing is half written")
            assert process.wait(PROMPT) == 130
            assert process.stdout is not None
            assert process.stdout.read() == ""
        finally:
            process.kill()


def test_json_and_people_s_lines_do_not_mix(project: Project) -> None:
    with watching(project, "--json") as watch:
        project.write("api/d/main.go", main_saying("d2"))
        watch.until("built d")
    assert "changed: api/d/main.go; affected: d" in watch.messages
    with watching(project, "--quiet") as watch:
        project.write("api/d/main.go", main_saying("d3"))
        watch.until("built d")
    assert watch.messages == ["interrupted; nothing is half written"]


def test_a_table_is_kept_on_a_terminal_and_q_leaves_it_as_it_was(project: Project) -> None:
    with on_terminal(project) as terminal:
        assert terminal.settings != terminal.before
        replace_whole(project, "api/d/main.go", main_saying("d2"))
        terminal.shows("api/d/main.go changed: rebuilt 1 in ")
        terminal.shows("watching 5 functions")
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.settings == terminal.before
    assert words(project, "d") == ["d2"]


def test_r_builds_everything_again_and_f_what_failed(project: Project, tmp_path: Path) -> None:
    # What makes it fail is nothing that a function is built from.
    script = tmp_path / "tools" / "bin" / "go"
    script.parent.mkdir(parents=True)
    script.write_text(
        '#!/bin/sh\n[ "$1" != build ] || [ ! -e "$0-broken" ] || '
        '{ echo "out of luck" >&2; exit 1; }\n'
        f'exec {shlex.quote(project.go)} "$@"\n'
    )
    script.chmod(0o755)
    broken = script.with_name("go-broken")
    environment = {"PATH": f"{script.parent}{os.pathsep}{project.environment['PATH']}"}
    with on_terminal(project, environment=environment) as terminal:
        terminal.press("r")
        terminal.shows("rebuild of all: unchanged 5 in ")
        broken.touch()
        replace_whole(project, "api/d/main.go", main_saying("d2"))
        terminal.shows("out of luck")
        broken.unlink()
        terminal.press("f")
        terminal.shows("another try: rebuilt 1 in ")
        terminal.shows("d builds again; all 5 functions build")
        terminal.press("q")
        assert terminal.wait() == 0
    assert words(project, "d") == ["d2"]


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PROMPT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("gate", [None, "before-build"])
def test_ctrl_c_on_the_terminal_stops_it_and_restores_the_settings(
    project: Project, tmp_path: Path, gate: str | None
) -> None:
    gates = Gates(project, tmp_path / "gates")
    with on_terminal(project, environment=gates.environment) as terminal:
        if gate is not None:
            gates.shut(gate)
            replace_whole(project, "api/d/main.go", main_saying("d2"))
            gates.reached(gate)
        terminal.press("\x03")
        assert terminal.wait() == 130
        assert terminal.settings == terminal.before
    assert words(project, "d") == ["d1"]


def test_a_stopped_watch_leaves_the_terminal_as_it_was_until_it_goes_on(project: Project) -> None:
    # With its jobs in groups of their own, as shells have them where people type.
    script = 'set -m; "$@"; stty -a; echo "it is stopped"; fg'
    with on_terminal(project, script=script) as terminal:
        terminal.press("\x1a")
        shown = terminal.shows("it is stopped").split()
        assert {"echo;", "echo"} & set(shown)
        assert "icanon" in shown
        wait_until(lambda: terminal.settings != terminal.before)
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.settings == terminal.before


def test_a_closed_terminal_ends_it_as_other_signals_do(project: Project) -> None:
    with on_terminal(project) as terminal:
        terminal.hang_up()
        assert terminal.process.wait(PROMPT) == 130
    assert words(project, "d") == ["d1"]


def test_q_counts_during_a_build(project: Project, tmp_path: Path) -> None:
    gates = Gates(project, tmp_path / "gates")
    with on_terminal(project, environment=gates.environment) as terminal:
        gates.shut("before-build")
        replace_whole(project, "api/d/main.go", main_saying("d2"))
        gates.reached("before-build")
        terminal.press("q")
        gates.open("before-build")
        assert terminal.wait() == 0


def noting(place: Path, *, long: bool = False) -> str:
    """Return a command that notes each of its runs in a file of its own, with the functions."""
    new = f"{shlex.quote(str(place))}/run-$$"
    note = f'printf "%s" "$LAMBDABUILD_FUNCTIONS" >{new}.part && mv {new}.part {new}'
    return (
        f"{note}; trap 'touch {new}.ended; exit' TERM; while :; do sleep 0.05; done"
        if long
        else note
    )


def runs(place: Path) -> list[str]:
    files = sorted(place.glob("run-*[0-9]"), key=lambda path: path.stat().st_mtime_ns)
    return [path.read_text() for path in files]


def wait_for_runs(place: Path, count: int) -> list[str]:
    end = time.monotonic() + PROMPT
    while len(found := runs(place)) < count:
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found


def test_exec_runs_for_the_functions_with_new_bytes_alone(unbuilt: Project, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    with watching(unbuilt, "--exec", noting(notes)) as watch:
        assert wait_for_runs(notes, 1) == ["a b c d zz"]
        unbuilt.write("internal/p/p.go", package_saying("p", "p2", "internal/q"))
        watch.until("built a", "built b")
        assert wait_for_runs(notes, 2)[1:] == ["a b"]
        # Broken and mended, the bytes are those of before: nobody has to know.
        unbuilt.write("api/d/main.go", "package main\n\nfunc main() { x := 1 }\n")
        watch.until("failed d")
        unbuilt.write("api/d/main.go", main_saying("d1"))
        watch.until("up-to-date d")
        # Neither is there a run for what failed, even if another function has new bytes.
        unbuilt.write("internal/q/q.go", package_saying("q", "q2"))
        unbuilt.write("api/b/main.go", "package main\n\nfunc main() { x := 1 }\n")
        watch.until("failed b", "built a", "built c")
        unbuilt.write("api/b/main.go", main_saying("b2"))
        watch.until("built b")
        found = wait_for_runs(notes, 3)
        assert found[2:] in (["b"], ["a c", "b"])


@pytest.mark.parametrize("fault", ["compile", "import"])
def test_exec_runs_while_another_function_still_fails(
    unbuilt: Project, tmp_path: Path, fault: str
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    bad = (
        main_saying("d2", "internal/none")
        if fault == "import"
        else "package main\n\nfunc main() { x := 1 }\n"
    )
    unbuilt.write("api/d/main.go", bad)
    with watching(unbuilt, "--exec", noting(notes)) as watch:
        assert runs(notes) == []
        unbuilt.write("api/a/main.go", main_saying("a2"))
        watch.until("built a")
        assert wait_for_runs(notes, 1) == ["a"]


def test_a_command_that_goes_on_is_replaced_and_ends_with_the_watch(
    unbuilt: Project, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    with watching(unbuilt, "--exec", noting(notes, long=True)) as watch:
        assert wait_for_runs(notes, 1) == ["a b c d zz"]
        (first,) = notes.glob("run-*")
        unbuilt.write("api/d/main.go", main_saying("d2"))
        watch.until("built d")
        assert wait_for_runs(notes, 2) == ["a b c d zz", "d"]
        assert first.with_name(f"{first.name}.ended").exists()
        (second,) = set(notes.glob("run-*[0-9]")) - {first}
        unbuilt.write("api/d/main.go", "package main\n\nfunc main() { x := 1 }\n")
        watch.until("failed d")
        assert watch.stop() == 130
        ended = second.with_name(f"{second.name}.ended")
        wait_for(str(ended), ended.exists)


def test_a_command_that_ends_badly_is_told_of(project: Project) -> None:
    project.write("api/d/main.go", main_saying("d2"))
    with watching(project, "--exec", "exit 3") as watch:
        watch.says("warning: `exit 3` ended with exit code 3")
