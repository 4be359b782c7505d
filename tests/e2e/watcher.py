"""A running `lambdabuild watch --json`, and tiny projects in which it has something to see.

Nothing here sleeps to let something happen: a test waits for the watcher's own word. That
something does *not* start a build is shown by what does: see `Watch.settled`.
"""

import contextlib
import hashlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from tests.e2e.conftest import Project
from tests.e2e.processes import PATIENCE, PROMPT, wait_until_gone
from tests.projects import SENTINEL, SENTINEL_FILE, main_refused

Event = dict[str, Any]


def words(project: Project, name: str, *, directory: str = "dist") -> list[str]:
    """Return the words in a function's executable, sorted."""
    content = (project / directory / name / "bootstrap").read_bytes()
    return sorted({word.decode() for word in re.findall(rb"<<([\w.-]+)>>", content)})


def artifacts(project: Project, directory: str = "dist") -> dict[str, str]:
    """Return the SHA-256 of every executable in place, by the path from `directory`."""
    top = project.path / directory
    return {
        str(path.parent.relative_to(top)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in top.rglob("bootstrap")
    }


def clean_artifacts(project: Project, *arguments: str) -> dict[str, str]:
    """Return what `artifacts` would be if a copy of the project had been built from nothing."""
    beside = project.path.with_name(f"{project.path.name}-clean")
    ignored = shutil.ignore_patterns(".lambdabuild", "bootstrap", ".git")
    shutil.copytree(project.path, beside, symlinks=True, ignore=ignored)
    clean = Project(beside, project.environment, project.go)
    clean.run("all", "--force", *arguments, "--out", "elsewhere")
    found = artifacts(clean, "elsewhere")
    shutil.rmtree(beside)
    return found


def replace_whole(project: Project, name: str, text: str) -> None:
    """Replace a file in one go, so that nobody ever sees half of it, nor the new one elsewhere."""
    new = project.path.with_name(f"{project.path.name}-new")
    new.write_text(text, "utf-8")
    new.replace(project / name)


def told(event: Event) -> str:
    """Return an event as a short line, for comparison."""
    match event:
        case {"event": "ready", "functions": count}:
            return f"ready {count}"
        case {"event": "change", "paths": paths, "functions": names}:
            return f"change {' '.join(paths)}: {' '.join(names)}".rstrip()
        case {"event": "failed", "function": None}:
            return "failed"
        case {"event": "removed", "function": function}:
            return f"removed {_named(function)}"
        case {"function": function}:
            return f"{function['status']} {_named(function)}"
    raise AssertionError(event)


def _named(function: Mapping[str, str]) -> str:
    target = function["target"]
    return function["name"] if target == "linux/amd64" else f"{function['name']} {target}"


class Watch:
    """A running watcher; what it told is taken in order."""

    def __init__(self, project: Project, process: "subprocess.Popen[str]") -> None:
        self.project = project
        self.process = process
        self.events: list[Event] = []
        """Every event that was waited for or passed over, oldest first."""
        self.messages: list[str] = []
        """The lines for people, so far."""
        self._arrived: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.bumps = 0
        assert process.stdout is not None
        assert process.stderr is not None
        self._threads = [
            threading.Thread(target=self._read, args=(process.stdout,), daemon=True),
            threading.Thread(target=self._listen, args=(process.stderr,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._arrived.put(json.loads(line))
        self._arrived.put(None)

    def _listen(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self.messages.append(line.rstrip("\n"))

    def next(self, until: float, what: str) -> Event:
        """Take the next event; fail, naming `what`, if there is none until then."""
        try:
            event = self._arrived.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f"waited in vain for {what}\n{self}") from None
        if event is None:
            raise AssertionError(f"it ended before {what}\n{self}")
        self.events.append(event)
        return event

    def until(self, *wanted: str, within: float = PROMPT) -> list[str]:
        """Take events until all of these were told, in whatever order; return all as lines."""
        missing = list(wanted)
        lines = []
        end = time.monotonic() + within
        while missing:
            line = told(self.next(end, ", ".join(f"`{item}`" for item in missing)))
            lines.append(line)
            if line in missing:
                missing.remove(line)
        return lines

    def until_any(self, beginning: str, within: float = PROMPT) -> list[str]:
        """Take events until there is one of this kind; return all as lines."""
        end = time.monotonic() + within
        lines = [""]
        while not lines[-1].startswith(beginning):
            lines.append(told(self.next(end, f"`{beginning} …`")))
        return lines[1:]

    def ready(self) -> list[str]:
        """Take events until the watcher watches."""
        return self.until_any("ready", PATIENCE)

    def last(self, name: str) -> Event:
        """Return the function in the last event that carried one of this name."""
        return next(
            event["function"]
            for event in reversed(self.events)
            if (event.get("function") or {}).get("name") == name
        )

    def settled(self, *, within: float = PROMPT) -> list[str]:
        """Return all that is told of what happened up to now, once no more can come.

        The sentinel is broken and mended; both are waited for. The run that finds it mended began
        after the one that found it broken was told of, so it saw everything up to now, and so did
        whatever was built before. What is told of the sentinel alone is left out. Nothing is linked
        for it: what mends it are the bytes it was built from.
        """
        self.bumps += 1
        word = f"{SENTINEL}-{self.bumps}"
        file = self.project / SENTINEL_FILE
        whole = file.read_text("utf-8")
        end = time.monotonic() + within
        replace_whole(self.project, SENTINEL_FILE, main_refused(word))
        lines = self._until_sentinel(end, "failed", word)
        replace_whole(self.project, SENTINEL_FILE, whole)
        lines += self._until_sentinel(end, "built", "")
        return lines

    def at_rest(self) -> None:
        """Wait until no late event makes the watcher look at the disk: what it sees, it is told of."""
        self.settled()
        time.sleep(0.5)

    def _until_sentinel(self, end: float, kind: str, word: str) -> list[str]:
        """Take events until one of this kind is of the sentinel, and has this word; return others."""
        lines: list[str] = []
        while True:
            event = self.next(end, f"the sentinel {kind} {word}")
            function = event.get("function") or {}
            own = function.get("name") == SENTINEL
            if own and event["event"] == kind and word in str(function["errors"]):
                return [line for line in lines if line != f"change {SENTINEL_FILE}: {SENTINEL}"]
            lines.append(told(event))

    def says(self, message: str, within: float = PROMPT) -> None:
        """Wait until people were told this."""
        end = time.monotonic() + within
        while message not in self.messages:
            assert time.monotonic() < end, f"`{message}` is not said\n{self}"
            time.sleep(0.01)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal, and return how the watcher ended."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the watcher to end, and for all that it said."""
        code = self.process.wait(PROMPT)
        for thread in self._threads:
            thread.join(PROMPT)
        return code

    def kill(self) -> None:
        """End it whatever it does, with what it started."""
        self.process.kill()
        self.wait()

    def __str__(self) -> str:
        said = "\n".join(f"  {message}" for message in self.messages)
        return f"told: {[told(event) for event in self.events]}\nsaid:\n{said}"


@contextlib.contextmanager
def watching(
    project: Project,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    ready: bool = True,
) -> Iterator[Watch]:
    """Watch a project with --json; at the end, stop with Ctrl-C and leave nothing."""
    process = project.start("watch", "--json", *arguments, env=env, cwd=cwd)
    watch = Watch(project, process)
    try:
        if ready:
            watch.ready()
        yield watch
        if process.poll() is None:
            assert watch.stop() == 130, watch
        assert not any("Traceback" in message for message in watch.messages), watch
        wait_until_gone(project)
        assert not (project / ".lambdabuild/staging").exists()
    finally:
        watch.kill()


class Gates:
    """A `go` that waits, before or after it does something, for as long as a gate is shut."""

    def __init__(self, project: Project, place: Path) -> None:
        self.place = place
        self._reached: dict[str, int] = {}
        directory = place / "tools" / "bin"
        directory.mkdir(parents=True)
        script = directory / "go"
        # A gate is a file; who waits before it says so by another, and as often as it happens.
        script.write_text(
            "#!/bin/sh\n"
            "pause() {\n"
            f"  gate='{place}'/\"$1\"\n"
            '  [ -e "$gate" ] || return 0\n'
            '  : >"$gate-reached-$$"\n'
            '  while [ -e "$gate" ]; do sleep 0.02; done\n'
            "}\n"
            'pause "before-$1"\n'
            f"'{project.go}' \"$@\"\n"
            "code=$?\n"
            'pause "after-$1"\n'
            "exit $code\n"
        )
        script.chmod(0o755)
        path = project.environment["PATH"]
        self.environment = {"PATH": f"{directory}{os.pathsep}{path}"}

    def shut(self, gate: str) -> None:
        """Let `go` wait here, as in `before-build` or `after-list`."""
        (self.place / gate).touch()

    def open(self, gate: str) -> None:
        (self.place / gate).unlink()

    def reached(self, gate: str) -> None:
        """Wait until a `go` waits here that did not when this was asked last."""
        end = time.monotonic() + PATIENCE
        while True:
            count = len(list(self.place.glob(f"{gate}-reached-*")))
            if count > self._reached.get(gate, 0):
                self._reached[gate] = count
                return
            assert time.monotonic() < end, f"no `go` came to {gate}"
            time.sleep(0.01)
