import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lambdabuild.cache.entry import BadEntryError, Header, seal
from lambdabuild.cache.local import DEFAULT_LIMIT, Info, LocalCache, cache_limit
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.system.links import cache_directory

SECRET = b"only known to us"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def key_of(name: str) -> str:
    return digest(name.encode())


def put(cache: LocalCache, name: str, content: bytes, secret: bytes | None = None) -> Header:
    header = seal(key_of(name), [content], digest(content), len(content), secret)
    cache.put(header, [content])
    return header


def got(cache: LocalCache, name: str) -> tuple[Header, bytes] | None:
    with cache.reading(key_of(name)) as found:
        return (found.header, b"".join(found.pieces)) if found is not None else None


def files(top: Path) -> set[str]:
    return {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}


def object_path(top: Path, content: bytes) -> Path:
    return top / "objects" / digest(content)[:2] / digest(content)


def key_path(top: Path, name: str) -> Path:
    return top / "keys" / key_of(name)[:2] / key_of(name)


def used(path: Path, ago: float) -> None:
    """Make a file look as if it was last used so many seconds ago."""
    moment = time.time() - ago
    os.utime(path, (moment, moment))


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache"


@pytest.fixture
def cache(top: Path) -> LocalCache:
    return LocalCache(str(top), 10**9, None)


def test_what_was_put_is_got(cache: LocalCache) -> None:
    header = put(cache, "one", b"content")
    assert got(cache, "one") == (header, b"content")
    assert got(cache, "two") is None


def test_equal_executables_are_kept_once(cache: LocalCache, top: Path) -> None:
    put(cache, "one", b"content")
    put(cache, "two", b"content")
    assert files(top) == {
        "CACHEDIR.TAG",
        *(str(key_path(top, name).relative_to(top)) for name in ("one", "two")),
        str(object_path(top, b"content").relative_to(top)),
    }
    assert got(cache, "one") is not None
    assert got(cache, "two") is not None


def test_nobody_else_may_look_into_it(cache: LocalCache, top: Path, umask: int) -> None:
    put(cache, "one", b"content")
    assert top.stat().st_mode & 0o777 == 0o700, oct(umask)


def test_backups_leave_it_out(cache: LocalCache, top: Path) -> None:
    put(cache, "one", b"content")
    tag = (top / "CACHEDIR.TAG").read_text("utf-8")
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


@pytest.mark.parametrize("content", [b"contenT", b"conten", b""])
def test_a_damaged_executable_is_refused_and_removed(
    cache: LocalCache, top: Path, content: bytes
) -> None:
    put(cache, "one", b"content")
    object_path(top, b"content").write_bytes(content)
    with pytest.raises(BadEntryError):
        got(cache, "one")
    assert files(top) == {"CACHEDIR.TAG"}
    put(cache, "one", b"content")
    assert got(cache, "one") is not None


@pytest.mark.parametrize("content", [b"", b"\xff\0", b"{}\n", b"x" * 5000])
def test_a_damaged_key_is_refused_and_removed(cache: LocalCache, top: Path, content: bytes) -> None:
    put(cache, "one", b"content")
    key_path(top, "one").write_bytes(content)
    with pytest.raises(BadEntryError):
        got(cache, "one")
    assert got(cache, "one") is None


@pytest.mark.parametrize("part", ["key", "object"])
@pytest.mark.parametrize("kind", ["link", "zeros", "pipe", "directory"])
def test_what_is_no_file_is_no_entry(cache: LocalCache, top: Path, part: str, kind: str) -> None:
    put(cache, "one", b"content")
    place = key_path(top, "one") if part == "key" else object_path(top, b"content")
    content = place.read_bytes()
    place.unlink()
    if kind == "link":
        (top / "elsewhere").write_bytes(content)
        place.symlink_to(top / "elsewhere")
    elif kind == "zeros":
        place.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.mkdir()
    with pytest.raises(BadEntryError, match="it is no regular file"):
        got(cache, "one")


def test_an_executable_that_grew_is_not_read_to_its_end(cache: LocalCache, top: Path) -> None:
    put(cache, "one", b"content")
    with object_path(top, b"content").open("ab") as more:
        more.truncate(1 << 40)
    with pytest.raises(BadEntryError, match="it is damaged"):
        got(cache, "one")


def test_the_header_of_another_key_is_refused(cache: LocalCache, top: Path) -> None:
    put(cache, "one", b"content")
    put(cache, "two", b"other")
    key_path(top, "one").write_bytes(key_path(top, "two").read_bytes())
    with pytest.raises(BadEntryError):
        got(cache, "one")


def test_with_a_secret_only_what_it_signed_is_taken(cache: LocalCache, top: Path) -> None:
    put(cache, "one", b"content")
    signed = LocalCache(str(top), 10**9, SECRET)
    with pytest.raises(BadEntryError):
        got(signed, "one")
    header = put(signed, "one", b"content", SECRET)
    assert got(signed, "one") == (header, b"content")


def test_a_key_without_its_executable_is_a_miss(cache: LocalCache, top: Path) -> None:
    put(cache, "one", b"content")
    object_path(top, b"content").unlink()
    assert got(cache, "one") is None
    assert files(top) == {"CACHEDIR.TAG"}


def test_what_may_only_be_read_is_left_as_it_is(cache: LocalCache, top: Path) -> None:
    put(cache, "one", b"content")
    put(cache, "two", b"other")
    object_path(top, b"other").write_bytes(b"damaged")
    used(object_path(top, b"content"), 1000)
    before = object_path(top, b"content").stat().st_mtime_ns, files(top)
    reader = LocalCache(str(top), 0, None, read_only=True)
    assert got(reader, "one") is not None
    with pytest.raises(BadEntryError):
        got(reader, "two")
    reader.trim()
    assert (object_path(top, b"content").stat().st_mtime_ns, files(top)) == before


def test_what_was_not_used_for_longest_goes_first(top: Path) -> None:
    cache = LocalCache(str(top), 250, None)
    contents = {name: name.encode() * 100 for name in "abcd"}
    for age, name in enumerate("cab"):
        put(cache, name, contents[name])
        used(key_path(top, name), 3000 - 1000 * age)
        used(object_path(top, contents[name]), 3000 - 1000 * age)
    got(cache, "c")
    put(cache, "d", contents["d"])
    cache.trim()
    assert files(top) == {
        "CACHEDIR.TAG",
        *(str(key_path(top, name).relative_to(top)) for name in "cd"),
        *(str(object_path(top, contents[name]).relative_to(top)) for name in "cd"),
    }


def test_with_an_executable_its_key_goes(top: Path) -> None:
    cache = LocalCache(str(top), 0, None)
    put(cache, "one", b"content")
    cache.trim()
    assert files(top) == {"CACHEDIR.TAG"}


def test_what_is_put_again_is_used(top: Path) -> None:
    cache = LocalCache(str(top), 250, None)
    for age, name in enumerate("abc"):
        put(cache, name, name.encode() * 100)
        used(object_path(top, name.encode() * 100), 3000 - 1000 * age)
    put(cache, "again", b"a" * 100)
    cache.trim()
    assert got(cache, "again") is not None
    assert got(cache, "b") is None


def test_without_anything_new_nothing_is_looked_at(cache: LocalCache, top: Path) -> None:
    put(cache, "one", b"content")
    full = LocalCache(str(top), 0, None)
    assert got(full, "one") is not None
    full.trim()
    assert got(full, "one") is not None


def test_what_a_killed_process_left_goes_after_a_day(cache: LocalCache, top: Path) -> None:
    put(cache, "one", b"content")
    place = object_path(top, b"content")
    left = [place.with_name(f".{place.name}.{n:016x}") for n in range(2)]
    for path in left:
        path.touch()
    used(left[0], 25 * 60 * 60)
    put(cache, "two", b"other")
    cache.trim()
    assert [path.exists() for path in left] == [False, True]
    assert cache.info().objects == 2


def test_it_tells_what_is_there(cache: LocalCache, top: Path) -> None:
    assert cache.info() == Info(str(top), 0, 0, 0, 10**9)
    for name in ("one", "two"):
        put(cache, name, b"content")
    put(cache, "three", b"other")
    used(object_path(top, b"other"), 1000)
    assert cache.info() == Info(str(top), 3, 2, 12, 10**9)


def test_clearing_leaves_what_is_not_of_the_cache(cache: LocalCache, top: Path) -> None:
    put(cache, "one", b"content")
    # As a repository of git has them, and what a person might have put there.
    foreign = {"objects/ab/" + "c" * 38, "objects/pack/x.pack", "keys/mine", "notes", "a/b/c"}
    for name in foreign:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).touch()
    removed = len(b"content") + key_path(top, "one").stat().st_size
    assert cache.clear() == removed
    assert files(top) == foreign
    assert cache.clear() == 0


def test_clearing_leaves_nothing_of_the_cache(cache: LocalCache, top: Path) -> None:
    put(cache, "one", b"content")
    cache.clear()
    assert not top.exists()


def test_a_disk_that_takes_nothing_is_an_os_error_and_leaves_nothing(
    cache: LocalCache, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cache, "one", b"content")
    before = files(top)

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        put(cache, "two", b"other")
    assert files(top) == before


_WRITE = """\
import sys
from tests.unit.cache.test_local import *
cache = LocalCache(sys.argv[1], 25_000, None)
for n in range(150):
    content = str(n % 50).encode() * 500
    put(cache, str(n % 50), content)
    found = got(cache, str(n % 50))
    assert found is None or found[1] == content
    cache.trim()
"""


def test_processes_may_write_and_make_room_at_once(top: Path) -> None:
    command = [sys.executable, "-c", _WRITE, str(top)]
    root = Path(__file__).parents[2]
    with (
        subprocess.Popen(command, cwd=root) as one,
        subprocess.Popen(command, cwd=root) as two,
    ):
        assert (one.wait(), two.wait()) == (0, 0)
    cache = LocalCache(str(top), 25_000, None)
    assert 0 < cache.info().bytes <= 26_000
    assert not any(name.rpartition("/")[2].startswith(".") for name in files(top))
    for n in range(50):
        got(cache, str(n))


@pytest.mark.parametrize(
    ("environment", "platform", "directory"),
    [
        ({"HOME": "/home/me"}, "linux", "/home/me/.cache/lambdabuild"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "/var/x"}, "linux", "/var/x/lambdabuild"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "x"}, "linux", "/home/me/.cache/lambdabuild"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "/var/x"}, "darwin",
         "/home/me/Library/Caches/lambdabuild"),
        ({"HOME": "/home/me", "LAMBDABUILD_CACHE_DIR": "/fast"}, "darwin", "/fast"),
    ],
)  # fmt: skip
def test_it_is_where_caches_are(environment: dict[str, str], platform: str, directory: str) -> None:
    assert cache_directory(environment, platform) == directory


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", DEFAULT_LIMIT), ("5GB", 5 * 10**9), ("500MB", 5 * 10**8), ("1.5 gb", 15 * 10**8),
        ("2GiB", 2 << 30), ("64M", 64 * 10**6), ("123456", 123456), ("0", 0),
    ],
)  # fmt: skip
def test_sizes_are_written_as_people_write_them(text: str, size: int) -> None:
    assert cache_limit({"LAMBDABUILD_CACHE_SIZE": text}) == size


@pytest.mark.parametrize("text", ["much", "-1", "5 apples", "GB", "1IB", "9" * 400, "٣GB"])
def test_what_is_no_size_is_told_with_the_remedy(text: str) -> None:
    with pytest.raises(LambdabuildError) as caught:
        cache_limit({"LAMBDABUILD_CACHE_SIZE": text})
    assert caught.value.message == f"LAMBDABUILD_CACHE_SIZE is no size: `{text}`"
    assert caught.value.hint == "write it as `5GB`, `500MB`, or in bytes"


@pytest.mark.parametrize("part", ["objects", "keys", "objects/xx", "keys/xx"])
def test_nothing_is_written_where_a_link_in_the_cache_leads(
    cache: LocalCache, top: Path, tmp_path: Path, part: str
) -> None:
    """The cache may be in a checkout, and whoever committed it may have put links there."""
    names = {"objects": digest(b"content"), "keys": key_of("one")}
    place = top / part.replace("xx", names[part.partition("/")[0]][:2])
    place.parent.mkdir(parents=True)
    (tmp_path / "home").mkdir()
    place.symlink_to(tmp_path / "home")
    with pytest.raises(OSError, match="leads elsewhere"):
        put(cache, "one", b"content")
    assert list((tmp_path / "home").iterdir()) == []


def test_the_cache_itself_may_be_a_link(top: Path, tmp_path: Path) -> None:
    top.mkdir(parents=True)
    (tmp_path / "link").symlink_to(top)
    cache = LocalCache(str(tmp_path / "link"), 10**9, None)
    put(cache, "one", b"content")
    assert got(cache, "one") is not None
