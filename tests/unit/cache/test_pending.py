"""An executable out of this machine's cache shares its blocks where the file system can do that."""

import os
from pathlib import Path

import pytest

from lambdabuild.cache import pending
from lambdabuild.cache.entry import BadEntryError, checked, seal
from lambdabuild.cache.pending import Download, Fetched, Pending, Source
from tests.unit.cache.test_local import digest, key_of

CONTENT = b"an executable" * 1000
HEADER = seal(key_of("users-get"), [CONTENT], digest(CONTENT), len(CONTENT), None)


def taken(directory: Path, kept: bytes) -> tuple[Pending[str], Path]:
    """Take an executable of the cache, where `kept` is what its file holds."""
    file, place = directory / "kept", directory / "staged/users-get"
    file.write_bytes(kept)
    found: Pending[str] = Pending(lambda *_: None)
    download = Download("users-get", HEADER.key, str(place), "users-get")
    with file.open("rb") as opened:
        pieces = checked(HEADER, [kept])
        found.take(download, HEADER, pieces, Source.LOCAL, like=opened.fileno())
    return found, place


def clone(source: int, path: str) -> bool:
    """Copy as file systems that have clones do."""
    Path(path).write_bytes(os.pread(source, 1 << 20, 0))
    return True


@pytest.fixture(params=[clone, lambda *_: False], ids=["clones", "no clones"])
def _file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "cloned", request.param)


@pytest.mark.usefixtures("_file_system")
def test_it_is_what_the_header_says_and_can_be_started(tmp_path: Path) -> None:
    found, place = taken(tmp_path, CONTENT)
    assert found.found == {"users-get": Fetched(Source.LOCAL, HEADER.sha256, HEADER.size)}
    assert place.read_bytes() == CONTENT
    assert os.access(place, os.X_OK)


@pytest.mark.usefixtures("_file_system")
def test_one_that_is_damaged_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(BadEntryError):
        taken(tmp_path, CONTENT[:-1] + b"!")
    assert not list(tmp_path.glob("staged/*"))


def test_what_is_checked_is_the_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(_: int, path: str) -> bool:
        Path(path).write_bytes(CONTENT[:-1] + b"!")
        return True

    monkeypatch.setattr(pending, "cloned", other)
    with pytest.raises(BadEntryError):
        taken(tmp_path, CONTENT)
    assert not list(tmp_path.glob("staged/*"))
