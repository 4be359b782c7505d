"""What was built once is restored, here and from a store that machines share."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lambdabuild.cache.entry import seal, to_object
from tests.e2e.conftest import Project
from tests.e2e.watcher import watching
from tests.projects import SENTINEL_FILE, main_printing, main_saying
from tests.unit.published import executable

pytestmark = pytest.mark.extended


@pytest.fixture
def repo(empty: Project, tmp_path: Path) -> Project:
    """Two functions, one shared package, and a cache of their own."""
    cached = replace(
        empty,
        environment=empty.environment
        | {"LAMBDABUILD_CACHE_MODE": "read-write", "LAMBDABUILD_CACHE_DIR": str(tmp_path / "c")},
    )
    cached.write("go.mod", "module example.com/repo\n\ngo 1.22\n")
    cached.write("api/one/main.go", main_printing("one"))
    cached.write("api/two/main.go", main_printing("two"))
    return cached


def elsewhere(project: Project, place: Path) -> Project:
    """Return a fresh copy of a project, on another machine: nothing of a cache is there."""
    there = place / "elsewhere" / "deeper"
    shutil.rmtree(there, ignore_errors=True)
    shutil.copytree(project.path, there, ignore=shutil.ignore_patterns("dist", ".lambdabuild"))
    environment = project.environment | {"LAMBDABUILD_CACHE_DIR": str(place / "its-cache")}
    return replace(project, path=there, environment=environment)


def statuses(project: Project, *arguments: str) -> dict[str, str]:
    done = project.run("all", "--json", *arguments)
    assert done.code == 0, done.err
    return done.statuses


def stored(store: Path) -> list[Path]:
    return [path for path in store.rglob("*") if path.is_file()]


BUILT = {"one": "built", "two": "built"}
RESTORED = {"one": "restored", "two": "restored"}


def test_what_was_built_before_is_restored(repo: Project) -> None:
    assert statuses(repo) == BUILT
    built = (repo / "dist/one/bootstrap").read_bytes()
    repo.replace("api/one/main.go", "one", "changed")
    assert statuses(repo) == {"one": "built", "two": "up-to-date"}
    repo.replace("api/one/main.go", "changed", "one")
    assert statuses(repo) == {"one": "restored", "two": "up-to-date"}
    assert (repo / "dist/one/bootstrap").read_bytes() == built
    assert repo.says("one") == "one"
    shutil.rmtree(repo / "dist")
    assert statuses(repo, "--force") == BUILT


def test_a_fresh_clone_elsewhere_is_restored_from_the_store(repo: Project, tmp_path: Path) -> None:
    store = f"--cache=file://{tmp_path}/store"
    assert statuses(repo, store) == BUILT
    there = elsewhere(repo, tmp_path)
    assert statuses(there, store) == RESTORED
    assert there.says("two") == "two"
    assert (there / "dist/manifest.json").read_bytes() == (repo / "dist/manifest.json").read_bytes()


def test_what_only_this_machine_had_is_shared(repo: Project, tmp_path: Path) -> None:
    assert statuses(repo) == BUILT
    shutil.rmtree(repo / "dist")
    store = f"--cache=file://{tmp_path}/store"
    assert statuses(repo, store) == RESTORED
    assert statuses(elsewhere(repo, tmp_path), store) == RESTORED


@pytest.mark.parametrize(("mode", "count"), [("read-write", 3), ("read", 0)])
def test_a_watcher_asks_the_store_at_first_only(
    repo: Project, tmp_path: Path, mode: str, count: int
) -> None:
    repo.write(SENTINEL_FILE, main_saying("zz"))
    with watching(repo, f"--cache=file://{tmp_path}/store", f"--cache-mode={mode}") as watch:
        shared = stored(tmp_path / "store")
        assert len(shared) == count
        repo.replace("api/one/main.go", "one", "changed")
        watch.until("built one")
        repo.replace("api/one/main.go", "changed", "one")
        watch.until("restored one")
        # What was built meanwhile is kept on this machine, whatever may be done with the store.
        repo.replace("api/one/main.go", "one", "changed")
        watch.until("restored one")
    assert stored(tmp_path / "store") == shared


def test_an_altered_entry_is_told_of_and_built(repo: Project, tmp_path: Path) -> None:
    store = f"--cache=file://{tmp_path}/store"
    assert statuses(repo, store) == BUILT
    for entry in stored(tmp_path / "store"):
        content = bytearray(entry.read_bytes())
        content[len(content) // 2] ^= 1
        entry.write_bytes(content)
    there = elsewhere(repo, tmp_path)
    done = there.run("all", "--json", store)
    assert (done.code, done.statuses) == (0, BUILT)
    assert "warning: the entry of `" in done.err
    assert statuses(elsewhere(repo, tmp_path), store, "--force") == BUILT


@pytest.mark.extended
def test_an_entry_that_cannot_be_used_is_told_of_and_built_and_kept_nowhere(
    repo: Project, tmp_path: Path
) -> None:
    """Such as whoever may write to a store without a key can put there."""
    store = f"--cache=file://{tmp_path}/store"
    for content, reason in (
        (b"rubbish", "it is no ELF file"),
        (executable(), "it is no executable of Go's"),
    ):
        machine = elsewhere(repo, tmp_path)
        assert machine.run("all", "--sbom", store).code == 0
        for entry in stored(tmp_path / "store"):
            sha256 = hashlib.sha256(content).hexdigest()
            header = seal(entry.name, [content], sha256, len(content), None)
            entry.write_bytes(b"".join(to_object(header, [content])))
        shutil.rmtree(tmp_path / "its-cache")
        machine = elsewhere(repo, tmp_path)
        done = machine.run("all", "--json", "--sbom", store)
        assert (done.code, done.statuses) == (0, BUILT), done.err
        (warning,) = [line for line in done.err.splitlines() if line.startswith("warning: ")]
        assert "and 1 more in the cache file://" in warning
        assert reason in warning
        # Nothing of it is kept, here or there.
        machine = elsewhere(repo, tmp_path)
        done = machine.run("all", "--json", "--sbom", store)
        assert (done.code, done.statuses, "warning" in done.err) == (0, RESTORED, False)
        shutil.rmtree(tmp_path / "its-cache")


def test_an_entry_that_others_signed_is_not_taken(repo: Project, tmp_path: Path) -> None:
    store = f"--cache=file://{tmp_path}/store"
    assert statuses(repo, store) == BUILT
    there = elsewhere(repo, tmp_path)
    there.environment["LAMBDABUILD_CACHE_KEY"] = "secret"
    done = there.run("all", "--json", store)
    assert (done.code, done.statuses) == (0, BUILT)
    assert "it is not signed" in done.err
    assert statuses(there, store) == {"one": "up-to-date", "two": "up-to-date"}


def test_nothing_is_written_to_a_store_that_is_only_read(repo: Project, tmp_path: Path) -> None:
    store = f"--cache=file://{tmp_path}/store"
    assert statuses(repo, store, "--cache-mode=read") == BUILT
    assert stored(tmp_path / "store") == []


def test_a_store_that_cannot_be_reached_costs_a_warning(repo: Project) -> None:
    done = repo.run("all", "--json", "--cache=s3://bucket/there?endpoint=http://127.0.0.1:9")
    assert (done.code, done.statuses) == (0, BUILT)
    assert "warning: the cache s3://bucket/there cannot be used: " in done.err


def test_an_address_of_no_store_is_an_error_whatever_there_is_to_build(repo: Project) -> None:
    assert statuses(repo) == BUILT
    done = repo.run("all", "--cache=s4://bucket")
    assert (done.code, done.out) == (2, "")
    assert "hint: what is possible: s3://bucket/prefix" in done.err
