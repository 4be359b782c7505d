"""Random edits while `lambdabuild watch` runs; after each, the bytes of a clean build."""

import contextlib
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.amounts import STEPS, amounts
from tests.e2e.conftest import Project
from tests.e2e.processes import PATIENCE, PROMPT
from tests.e2e.randomtree import Manner
from tests.e2e.walk import Walk, clean_digests, take_steps
from tests.e2e.watcher import Watch, watching
from tests.projects import SENTINEL, SENTINEL_FILE, main_saying

# Any Go that lambdabuild supports would do; the newest builds fastest.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


class WatchedWalk(Walk):
    """The same edits, but nobody runs `all`: a watcher has to see them."""

    def __init__(self, project: Project, folder: Path, took: Callable[[], None]) -> None:
        super().__init__(project, folder, took, cached=False)
        self._stack = contextlib.ExitStack()
        self.watch: Watch | None = None
        self.seen: dict[str, str] = {}
        """The files as they were at the last check."""

    def texts(self) -> dict[str, str]:
        return super().texts() | {SENTINEL_FILE: main_saying(SENTINEL)}

    def save(self, manner: Manner = "plain") -> None:
        # A write through a symbolic link happens where nobody watches; it is found in time.
        self.open_directories()
        self.write("rename" if manner == "symlink" else manner)
        self.close_directories()

    def check(self) -> None:
        if self.watch is None:
            self.watch = self._stack.enter_context(watching(self.project))
        watch = self.watch
        texts = self.repo.texts()
        edited = {n for n in texts.keys() | self.seen.keys() if texts.get(n) != self.seen.get(n)}
        first = not self.seen
        self.seen = texts
        failing = {name for name in self.repo.functions if self.repo.fails(name)}
        digests = {name: self.repo.digest(name) for name in self.repo.functions}
        clean = self.clean(digests, failing, {"GOFLAGS": ""})
        gone = self.built.keys() - digests.keys()
        begun = len(watch.events)
        started = time.monotonic()
        self._wait_until_right(watch, clean, gone, edited)
        print(f"right after {time.monotonic() - started:.2f} s: {sorted(edited)}")
        watch.settled(within=PATIENCE)
        assert self._wrong(clean, gone) == {}, f"{edited}\n{watch}"
        assert not (self.project / ".lambdabuild/staging").exists()
        touched = {name for name, d in digests.items() if self.built.get(name) != d}
        # Where several files change, there are states between that others may be touched by.
        if len(edited) == 1 and not first:
            told = {
                event["function"]["name"]
                for event in watch.events[begun:]
                if event["event"] in {"built", "failed"} and event["function"]
            }
            assert told - {SENTINEL} <= touched | failing, f"{edited}\n{watch}"
        # What fails may keep the bytes of any state since.
        self.built = {name: d for name, d in digests.items() if name not in failing}

    def _wait_until_right(
        self, watch: Watch, clean: dict[str, str], gone: set[str], edited: set[str]
    ) -> None:
        """Take events until what is on disk is right; each must come in time."""
        end = time.monotonic() + PATIENCE
        while wrong := self._wrong(clean, gone):
            until = min(end, time.monotonic() + PROMPT)
            watch.next(until, f"{wrong} to be right after {sorted(edited)}")

    def _wrong(self, clean: dict[str, str], gone: set[str]) -> dict[str, str]:
        """Return what is not as a clean build leaves it."""
        wrong = {}
        for name, sha256 in clean.items():
            path = self.project / "dist" / name / "bootstrap"
            if not path.exists():
                wrong[name] = "missing"
            elif hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
                wrong[name] = "stale"
        for name in gone:
            if (self.project / "dist" / name / "bootstrap").exists():
                wrong[name] = "still there"
        return wrong

    # A watcher has one place, one environment, and a state of its own; and what becomes of an
    # artifact that somebody meddles with, the next change tells.
    move_project: Any = None
    copy_project: Any = None
    forget_all: Any = None
    set_goflags: Any = None
    set_harmless: Any = None
    damage_state: Any = None
    meddle: Any = None
    meddle_harmlessly: Any = None

    def teardown(self) -> None:
        self.open_directories()
        self._stack.close()
        super().teardown()


@pytest.mark.extended
@amounts("steps", STEPS, short=12, long=40)
def test_any_edits_while_it_watches_leave_the_bytes_of_a_clean_build(
    empty: Project, tmp_path: Path, steps: int
) -> None:
    folder = tmp_path / "random-test"
    taken = 0

    def took() -> None:
        nonlocal taken
        taken += 1

    try:
        take_steps(lambda: WatchedWalk(empty, folder, took), steps)
    finally:
        print(f"{taken} random steps, {len(clean_digests)} different functions")
