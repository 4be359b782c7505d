"""`lambdabuild watch` for people: plain lines, a terminal with keys, and a command after builds."""

import contextlib
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import LAMBDABUILD, Project
from tests.e2e.processes import PROMPT, wait_for
from tests.e2e.watcher import Gates, replace_whole, watching, words
from tests.projects import main_saying, package_saying

# Any Go that lambdabuild supports would do; the newest builds fastest.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


class Terminal:
    """A watcher on a terminal of its own, and what it wrote there."""

    def __init__(
        self,
        project: Project,
        *arguments: str,
        environment: dict[str, str] | None = None,
        script: str = 'exec "$@"',
    ) -> None:
        self._ours, self._theirs = pty.openpty()
        self.before = termios.tcgetattr(self._theirs)
        name = os.ttyname(self._theirs)
        self.text = ""
        """What was written and not waited for yet, without colours and movements."""
        self.process = subprocess.Popen(
            # What opens a terminal as the leader of a session has Ctrl-C sent to it from there.
            [
                "/bin/sh",
                "-c",
                f"exec <{name} >{name} 2>&1; {script}",
                "sh",
                str(LAMBDABUILD),
                "watch",
                *arguments,
            ],
            cwd=project.path,
            env=project.environment | {"TERM": "xterm"} | (environment or {}),
            start_new_session=True,
        )

    @property
    def settings(self) -> list[object]:
        return termios.tcgetattr(self._theirs)

    def shows(self, wanted: str, within: float = PROMPT) -> str:
        """Wait until this was written, and return all that was up to it."""
        end = time.monotonic() + within
        while wanted not in self.text:
            left = end - time.monotonic()
            assert left > 0, f"waited in vain for {wanted!r}; written: {self.text!r}"
            ended = self.process.poll() is not None
            more = select.select([self._ours], [], [], min(left, 0.5))[0]
            assert more or not ended, f"it ended before {wanted!r}; written: {self.text!r}"
            if more:
                self.text += _plain(os.read(self._ours, 65536).decode("utf-8", "replace"))
        before, _, self.text = self.text.partition(wanted)
        return before + wanted

    def press(self, key: str) -> None:
        os.write(self._ours, key.encode())

    def wait(self) -> int:
        """Wait for the end, reading what is written meanwhile."""
        end = time.monotonic() + PROMPT
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it goes on; written: {self.text!r}"
            if select.select([self._ours], [], [], 0.05)[0]:
                self.text += _plain(os.read(self._ours, 65536).decode("utf-8", "replace"))
        return self.process.returncode

    def hang_up(self) -> None:
        """Close the window that the terminal is in."""
        os.close(self._ours)
        self._ours = os.open(os.devnull, os.O_RDONLY)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "")


@contextlib.contextmanager
def on_terminal(
    project: Project,
    *arguments: str,
    environment: dict[str, str] | None = None,
    script: str = 'exec "$@"',
) -> Iterator[Terminal]:
    """Watch on a terminal, until the board is there."""
    terminal = Terminal(project, *arguments, environment=environment, script=script)
    try:
        terminal.shows("watching ", within=60)
        terminal.shows("q quits")
        yield terminal
    finally:
        terminal.close()


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
                "changed: internal/p/p.go; touches a, b",
                "built a in N s (internal/p/p.go changed)",
                "built b in N s (internal/p/p.go changed)",
            ]
            del lines[:]
            replace_whole(project, "api/d/main.go", "package main\n\nfunc main() { x := 1 }\n")
            until("  `d` did not build: in package example.com/empty/api/d")
            assert lines == [
                "changed: api/d/main.go; touches d",
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
    assert "changed: api/d/main.go; touches d" in watch.messages
    with watching(project, "--quiet") as watch:
        project.write("api/d/main.go", main_saying("d3"))
        watch.until("built d")
    assert watch.messages == ["interrupted; nothing is half written"]


def test_a_table_is_kept_on_a_terminal_and_q_leaves_it_as_it_was(project: Project) -> None:
    with on_terminal(project) as terminal:
        assert terminal.settings != terminal.before
        replace_whole(project, "api/d/main.go", main_saying("d2"))
        terminal.shows("changed: api/d/main.go; touches d")
        terminal.shows("watching 5 functions")
        shown = terminal.shows("zz")
        assert re.search(r"d +built +\d+ ms +just now\n", shown) or "d " in shown
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
        for name in ("a", "b", "c", "d", "zz"):
            terminal.shows(f"unchanged {name} in ")
        terminal.shows("just now")
        broken.touch()
        replace_whole(project, "api/d/main.go", main_saying("d2"))
        terminal.shows("out of luck")
        broken.unlink()
        terminal.press("f")
        shown = terminal.shows("built d in ")
        assert "unchanged a in" not in shown
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
