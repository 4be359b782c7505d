"""Keys that tell our own notes from others'."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lambdabuild.core.secrets import CACHE_KEY
from lambdabuild.state.signing import Keys, keys_of
from lambdabuild.system.links import caches_of


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home")}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home/.cache/lambdabuild/state.key"


def keys(environment: dict[str, str], project: str = "/shop") -> Keys:
    return keys_of(environment, "linux", project)


def test_a_user_has_one_key_that_nobody_else_can_read(
    environment: dict[str, str], file: Path
) -> None:
    first = keys(environment)
    assert first == keys(environment) != Keys()
    assert first.machine == file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == ["state.key"]


def test_all_that_begin_at_the_same_time_have_the_same_key(environment: dict[str, str]) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(keys, [environment] * 16))) == 1


def readable(path: Path) -> None:
    path.write_bytes(b"k" * 32)
    path.chmod(0o644)


def short(path: Path) -> None:
    path.write_bytes(b"k" * 31)
    path.chmod(0o600)


def pipe(path: Path) -> None:
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("make", [readable, short, pipe])
def test_what_is_no_private_key_gives_way_to_one(
    environment: dict[str, str], file: Path, make: Callable[[Path], None]
) -> None:
    """Git keeps no mode that would make a file private: a key that can be read may be anybody's."""
    file.parent.mkdir(parents=True)
    make(file)
    key = keys(environment).machine
    assert key not in {None, b"k" * 32}
    assert file.read_bytes() == key


def linked(path: Path) -> None:
    aside = path.with_name("aside")
    aside.write_bytes(b"k" * 32)
    aside.chmod(0o600)
    path.symlink_to(aside)


def directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [linked, directory])
def test_a_key_that_cannot_be_had_is_none(
    environment: dict[str, str], file: Path, make: Callable[[Path], None]
) -> None:
    file.parent.mkdir(parents=True)
    make(file)
    assert keys(environment) == Keys()


def test_a_key_in_the_project_is_none(environment: dict[str, str], tmp_path: Path) -> None:
    """It may have come with the repository, as all that is there."""
    assert keys(environment, str(tmp_path)) == Keys()
    (tmp_path / "link").symlink_to(tmp_path / "home")
    linked_home = {"HOME": str(tmp_path / "link")}
    assert keys(linked_home, str(tmp_path / "home")) == Keys()
    assert not (tmp_path / "home/.cache/lambdabuild").exists()


def test_whoever_knows_the_secret_has_the_same_second_key(
    environment: dict[str, str], tmp_path: Path
) -> None:
    one = keys(environment | {CACHE_KEY: "of the team"})
    other = keys({"HOME": str(tmp_path / "other"), CACHE_KEY: "of the team"})
    assert one.shared == other.shared != keys(environment | {CACHE_KEY: "of others"}).shared
    assert one.machine != other.machine
    assert keys(environment | {CACHE_KEY: ""}).shared is None
    # Variables are bytes, and need be no text.
    assert keys(environment | {CACHE_KEY: "\udcff"}).shared


def test_a_signature_is_of_one_kind_of_note() -> None:
    own = Keys(b"own", b"team")
    signed = own.sign("state", "text")
    assert own.signed(signed, "state", "text")
    assert not own.signed(signed, "announcement", "text")
    assert not own.signed(signed, "state", "another")
    assert not Keys().signed(Keys().sign("state", "text"), "state", "text")


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"HOME": "/home/u"}, "linux", "/home/u/.cache"),
        ({"HOME": "/home/u", "XDG_CACHE_HOME": "/fast"}, "linux", "/fast"),
        ({"HOME": "/home/u", "XDG_CACHE_HOME": "fast"}, "linux", "/home/u/.cache"),
        ({"HOME": "/Users/u", "XDG_CACHE_HOME": "/fast"}, "darwin", "/Users/u/Library/Caches"),
    ],
)
def test_the_users_caches_are_where_the_system_keeps_them(
    environment: dict[str, str], platform: str, expected: str
) -> None:
    assert caches_of(environment, platform) == expected
