import hashlib
import logging
import os
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from lambdabuild.cache.local import LocalCache
from lambdabuild.cache.pending import Fetched, Source
from lambdabuild.cache.remote import RemoteStore
from lambdabuild.cache.transfer import Caches, Stores
from lambdabuild.core.result import Activity
from lambdabuild.system.threads import Crew
from lambdabuild.system.timeline import Timeline

NAMES = ("carts-add", "orders-list", "users-get")
CONTENT = {name: f"the executable of {name} ".encode() * 99 for name in NAMES}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


KEYS = {name: sha256(name.encode()) for name in NAMES}


class Runs:
    """One run after the other, with a local cache, or a shared one in a directory, or both."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[tuple[str, str | None]] = []
        self.timeline = Timeline()
        for name in NAMES:
            (path / name).write_bytes(CONTENT[name])

    @property
    def local(self) -> LocalCache:
        return LocalCache(str(self.path / "local"), 10**9, None)

    @property
    def remote(self) -> RemoteStore:
        return RemoteStore(f"file://{self.path}/shared", {}, 20)

    def open(
        self, local: LocalCache | None, remote: RemoteStore | None, *, read_only: bool = False
    ) -> Caches:
        self.timeline = Timeline()
        return Caches(
            Stores(local, remote, read_only=read_only),
            lambda message, hint: self.warnings.append((message, hint)),
            self.timeline,
        )

    def kept(self, directory: str) -> int:
        """Return how many entries a cache has."""
        return len([*(self.path / directory / "keys").glob("*/*")]) + len(
            [*(self.path / directory / "v1").glob("*/*")]
        )

    def place(self, name: str) -> str:
        return str(self.path / "staging" / name / "bootstrap")

    def fetch(self, caches: Caches) -> dict[str, Fetched]:
        return caches.fetch(KEYS, self.place, str.upper)

    def refuse(self, caches: Caches, unfit: Iterable[str] = NAMES) -> dict[str, Fetched]:
        """Fetch as a run does that finds something wrong with some of the executables."""

        def why(name: str, path: str) -> str | None:
            assert Path(path).read_bytes() == CONTENT[name]
            assert os.access(path, os.X_OK)
            return "it is no executable" if name in unfit else None

        return caches.fetch(KEYS, self.place, str.upper, why)

    def store(self, caches: Caches, names: Iterable[str] = NAMES) -> None:
        for name in names:
            caches.store(KEYS[name], str(self.path / name), sha256(CONTENT[name]), name.upper())

    def fill(self, local: LocalCache | None, remote: RemoteStore | None) -> Caches:
        caches = self.open(local, remote)
        self.store(caches)
        caches.close()
        return caches

    def spans(self) -> list[tuple[Activity, str]]:
        return sorted((span.activity, span.name) for span in self.timeline.spans)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def fetched(source: Source) -> dict[str, Fetched]:
    return {name: Fetched(source, sha256(CONTENT[name]), len(CONTENT[name])) for name in NAMES}


def test_what_is_stored_is_fetched_by_the_next_run(runs: Runs, umask: int) -> None:
    runs.fill(runs.local, None)
    assert runs.spans() == [(Activity.STORE, name.upper()) for name in NAMES]
    caches = runs.open(runs.local, None)
    assert runs.fetch(caches) == fetched(Source.LOCAL)
    assert runs.spans() == [(Activity.FETCH, name.upper()) for name in NAMES]
    for name in NAMES:
        directory = Path(runs.place(name)).parent
        assert [path.name for path in directory.iterdir()] == ["bootstrap"]
        assert (directory / "bootstrap").read_bytes() == CONTENT[name]
        assert (directory / "bootstrap").stat().st_mode & 0o777 == 0o755, oct(umask)


def test_what_is_not_there_is_missed(runs: Runs) -> None:
    caches = runs.open(runs.local, runs.remote)
    assert runs.fetch(caches) == {}
    assert runs.warnings == []


def test_without_caches_nothing_happens(runs: Runs) -> None:
    runs.fill(None, None)
    assert runs.fetch(runs.open(None, None)) == {}


def test_what_comes_from_the_shared_cache_is_kept_here(runs: Runs) -> None:
    runs.fill(None, runs.remote)
    assert runs.kept("shared") == 3
    caches = runs.open(runs.local, runs.remote)
    assert runs.fetch(caches) == fetched(Source.REMOTE)
    assert runs.fetch(runs.open(runs.local, None)) == fetched(Source.LOCAL)


def test_what_is_here_is_not_asked_of_the_shared_cache(runs: Runs) -> None:
    runs.fill(runs.local, runs.remote)
    caches = runs.open(runs.local, runs.remote)
    assert runs.fetch(caches) == fetched(Source.LOCAL)


def test_what_is_here_and_not_in_the_shared_cache_is_put_there(runs: Runs) -> None:
    runs.fill(runs.local, None)
    reading = runs.open(runs.local, runs.remote, read_only=True)
    assert runs.fetch(reading) == fetched(Source.LOCAL)
    reading.close()
    assert runs.kept("shared") == 0
    caches = runs.open(runs.local, runs.remote)
    assert runs.fetch(caches) == fetched(Source.LOCAL)
    caches.close()
    assert [what for what, _ in runs.spans()] == [Activity.FETCH] * 3 + [Activity.STORE] * 3
    again = runs.open(runs.local, runs.remote)
    runs.fetch(again)
    again.close()
    assert [what for what, _ in runs.spans()] == [Activity.FETCH] * 3
    assert runs.fetch(runs.open(None, runs.remote)) == fetched(Source.REMOTE)


def test_reading_only_is_meant_of_the_shared_cache_if_there_is_one(runs: Runs) -> None:
    caches = runs.open(runs.local, runs.remote, read_only=True)
    runs.store(caches)
    caches.close()
    assert (runs.kept("local"), runs.kept("shared")) == (3, 0)


def test_reading_only_is_meant_of_the_local_cache_otherwise(runs: Runs) -> None:
    caches = runs.open(runs.local, None, read_only=True)
    runs.store(caches)
    caches.close()
    assert not (runs.path / "local").exists()


def test_a_damaged_entry_costs_one_warning_and_is_stored_again(runs: Runs) -> None:
    runs.fill(runs.local, None)
    for path in (runs.path / "local" / "objects").glob("*/*"):
        path.write_bytes(b"damaged")
    caches = runs.open(runs.local, None)
    assert runs.fetch(caches) == {}
    assert len(runs.warnings) == 1
    assert f" and 2 more in the cache {runs.path}/local is not used: " in runs.warnings[0][0]
    runs.fill(runs.local, None)
    assert runs.fetch(runs.open(runs.local, None)) == fetched(Source.LOCAL)


def test_a_damaged_entry_here_is_asked_of_the_shared_cache(runs: Runs) -> None:
    runs.fill(runs.local, runs.remote)
    for path in (runs.path / "local" / "objects").glob("*/*"):
        path.write_bytes(b"damaged")
    assert runs.fetch(runs.open(runs.local, runs.remote)) == fetched(Source.REMOTE)


@pytest.mark.parametrize("where", ["local", "shared", "both"])
def test_what_cannot_be_used_is_neither_kept_nor_shared_and_stored_anew(
    runs: Runs, where: str
) -> None:
    local = runs.local if where != "shared" else None
    remote = runs.remote if where != "local" else None
    runs.fill(local, remote)
    caches = runs.open(runs.local, remote)
    bad, *good = NAMES
    assert runs.refuse(caches, [bad]).keys() == set(good)
    assert not os.path.exists(runs.place(bad))
    assert os.listdir(os.path.dirname(runs.place(bad))) == []
    places = {"local": ["local"], "shared": ["shared"], "both": ["local", "shared"]}[where]
    assert [(told.replace(str(runs.path), ""), hint) for told, hint in runs.warnings] == [
        (
            f"the entry of `{bad.upper()}` in the cache "
            f"{'file://' if place == 'shared' else ''}/{place} is not used: it is no executable",
            "what it was to give is built instead",
        )
        for place in places
    ]
    # Nothing of it is here any more, and what a build made takes its place with others.
    assert runs.fetch(runs.open(runs.local, None)).keys() == set(good)
    runs.store(caches, [bad])
    caches.close()
    if remote is not None:
        assert runs.kept("shared") == len(NAMES)
        assert runs.fetch(runs.open(None, runs.remote)) == fetched(Source.REMOTE)
    assert runs.fetch(runs.open(runs.local, None)) == fetched(Source.LOCAL)


def test_what_is_bad_here_is_not_sent_to_the_shared_cache(runs: Runs) -> None:
    runs.fill(runs.local, None)
    caches = runs.open(runs.local, runs.remote)
    assert runs.refuse(caches) == {}
    caches.close()
    assert runs.kept("shared") == 0
    assert runs.fetch(runs.open(None, runs.remote)) == {}


def test_a_local_cache_that_cannot_be_costs_one_warning(runs: Runs) -> None:
    (runs.path / "local").write_text("no directory", "utf-8")
    caches = runs.open(runs.local, runs.remote)
    assert runs.fetch(caches) == {}
    runs.store(caches)
    caches.close()
    hint = "the run goes on without it; LAMBDABUILD_CACHE_DIR names another directory"
    message = f"the cache {runs.path}/local cannot be used: Not a directory"
    assert runs.warnings == [(message, hint)]
    assert runs.kept("shared") == 3


def test_a_full_disk_costs_one_warning(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("lambdabuild.cache.local._write", full)
    runs.fill(runs.local, None)
    message = f"the cache {runs.path}/local cannot be used: No space left on device"
    assert [told for told, _ in runs.warnings] == [message]


def test_where_the_place_cannot_be_written_it_is_left_to_the_build(runs: Runs) -> None:
    runs.fill(runs.local, None)
    (runs.path / "staging").write_text("no directory", "utf-8")
    assert runs.fetch(runs.open(runs.local, None)) == {}
    assert runs.warnings == []


def test_room_is_made_at_the_end(runs: Runs) -> None:
    local = LocalCache(str(runs.path / "local"), max(map(len, CONTENT.values())), None)
    runs.fill(local, None)
    assert local.info().objects == 1


def test_a_cancelled_run_keeps_what_it_has_begun_and_says_nothing(runs: Runs) -> None:
    (runs.path / "local").write_text("no directory", "utf-8")
    caches = runs.open(runs.local, None)
    runs.store(caches)
    caches.close(cancelled=True)
    assert runs.warnings == []


def test_a_crew_does_all_its_jobs_on_as_many_threads_as_it_may() -> None:
    together = threading.Barrier(3)
    done: list[str] = []

    def job() -> None:
        together.wait(20)
        done.append(threading.current_thread().name)

    with Crew(3) as crew:
        for _ in range(6):
            crew.submit(job)
        assert crew.wait(20) == 0
    assert len(done) == 6


def test_a_job_that_fails_is_noted_and_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []
    with caplog.at_level(logging.ERROR), Crew(1) as crew:
        crew.submit(lambda: done.append(1 // len(done)))
        crew.submit(lambda: done.append(2))
        assert crew.wait(20) == 0
    assert done == [2]
    assert "ZeroDivisionError" in caplog.text


def test_what_was_dropped_is_not_begun() -> None:
    held, begun = threading.Event(), threading.Event()
    done: list[int] = []

    def first() -> None:
        begun.set()
        held.wait(20)
        done.append(1)

    crew = Crew(1)
    crew.submit(first)
    crew.submit(lambda: done.append(2))
    begun.wait(20)
    assert crew.wait(0.01) == 2
    crew.drop()
    crew.submit(lambda: done.append(3))
    held.set()
    assert crew.wait(20) == 0
    assert done == [1]
