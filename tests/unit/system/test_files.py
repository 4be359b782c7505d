"""Nothing is read without an end, whatever somebody has put where a file should be."""

import errno
import os
import socket
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdabuild.golang.tree import releasing
from lambdabuild.state.stamps import (
    CONTENT,
    PACKED,
    SOURCE,
    TAKEN_IN,
    UNREADABLE,
    WHOLE,
    FileStamp,
    take_file,
)
from lambdabuild.system import files
from lambdabuild.system.files import content_digest, digest_of

LONG_AFTER = 1 << 62


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def link_to_a_pipe(path: Path) -> None:
    os.mkfifo("pipe")
    path.symlink_to("pipe")


IRREGULAR: dict[str, Callable[[Path], None]] = {
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a pipe": os.mkfifo,
    "a link to a pipe": link_to_a_pipe,
    "a socket": bind,
}
"""What may be where a file should be, by how it gets there."""


@pytest.fixture(params=IRREGULAR)
def irregular(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    # Names of sockets are short.
    monkeypatch.chdir(tmp_path)
    IRREGULAR[request.param](Path("x"))
    return "x"


def test_what_is_no_regular_file_is_not_read(irregular: str) -> None:
    for read in (files.whole, files.text, files.named, digest_of):
        with pytest.raises(OSError, match=r"no regular file|No such device|not supported"):
            read(irregular)


@pytest.mark.parametrize("kind", [SOURCE, CONTENT, WHOLE, TAKEN_IN, PACKED])
def test_what_is_no_regular_file_is_left_to_go(irregular: str, kind: str) -> None:
    assert take_file(irregular, kind, LONG_AFTER) == FileStamp(
        0, 0, 0, 0, True, kind, UNREADABLE, UNREADABLE
    )


def test_a_directory_is_told_from_other_things(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        files.whole(str(tmp_path))


def test_a_file_is_read_by_way_of_links_unless_none_are_wanted(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert files.whole(str(tmp_path / "link")) == b"content"
    with pytest.raises(OSError, match="symbolic links"):
        files.whole(str(tmp_path / "link"), links=False)


@pytest.mark.parametrize("size", [0, 1, files.PIECE, files.PIECE + 1])
def test_a_file_as_large_as_the_limit_is_read_and_a_larger_one_is_not(
    tmp_path: Path, size: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content := os.urandom(size))
    assert files.whole(str(path), size) == b"".join(files.pieces(str(path), size)) == content
    assert digest_of(str(path)) == content_digest(content)
    for read in (files.whole, lambda *of: list(files.pieces(*of))):
        with pytest.raises(OSError, match="it is larger than") as caught:
            read(str(path), size - 1)
        assert caught.value.errno == errno.EFBIG


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="there is no /proc")
def test_a_file_that_tells_no_size_is_read_to_its_end() -> None:
    assert files.whole("/proc/self/status").startswith(b"Name:")
    with pytest.raises(OSError, match="it is larger than"):
        list(files.pieces("/proc/self/status", 100))


def test_what_the_shell_makes_a_pipe_is_read_to_its_end_and_no_further_than_the_limit() -> None:
    for limit in (1000, 999):
        end, start = os.pipe()
        with os.fdopen(start, "wb") as file:
            file.write(bytes(1000))
        try:
            if limit == 1000:
                assert files.named(f"/dev/fd/{end}", limit) == bytes(1000)
            else:
                with pytest.raises(OSError, match="it is larger than"):
                    files.named(f"/dev/fd/{end}", limit)
        finally:
            os.close(end)


@pytest.mark.parametrize("kind", [SOURCE, CONTENT, WHOLE, TAKEN_IN])
def test_a_large_file_takes_no_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.truncate(files.MOST + 1)
    tracemalloc.start()
    try:
        stamp = take_file(str(path), kind, LONG_AFTER)
        assert tracemalloc.get_traced_memory()[1] < 4 * files.PIECE
    finally:
        tracemalloc.stop()
    assert stamp.digest == digest_of(str(path))
    assert stamp.outline == ("here" if kind == CONTENT else stamp.digest)


@pytest.mark.parametrize(("kind", "size"), [(PACKED, 262_144_001), (WHOLE, 1 << 40)])
def test_what_is_too_large_for_all_there_is_is_told_by_its_times(
    tmp_path: Path, kind: str, size: int
) -> None:
    path = tmp_path / "x"
    with path.open("wb") as file:
        try:
            file.truncate(size)
        except OSError:
            pytest.skip("the file system has no such files")
    before = take_file(str(path), kind, LONG_AFTER)
    assert take_file(str(path), kind, LONG_AFTER) == before
    os.utime(path, ns=(1, 1))
    assert take_file(str(path), kind, LONG_AFTER).digest != before.digest


def test_who_waits_for_a_pipe_among_the_sources_gets_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    module = tmp_path / "module"
    for directory in (module, tmp_path / "shared", tmp_path / "node_modules"):
        directory.mkdir()
        os.mkfifo(directory / "x.go")
    got: list[bytes] = []
    waiting = [
        threading.Thread(target=lambda path=path: got.append(path.read_bytes()), daemon=True)
        for path in (module / "x.go", tmp_path / "shared" / "x.go")
    ]
    for thread in waiting:
        thread.start()
    release = releasing(str(module))
    while any(thread.is_alive() for thread in waiting):
        release()
        for thread in waiting:
            thread.join(0.01)
    assert got == [b"", b""]


def test_a_clone_is_a_file_of_its_own_with_the_same_content(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(b"content" * 1000)
    with source.open("rb") as file:
        if not files.cloned(file.fileno(), str(copy)):
            # This file system has no clones; what was begun is empty.
            assert not copy.exists() or copy.read_bytes() == b""
            return
    assert copy.read_bytes() == source.read_bytes()
    copy.write_bytes(b"other")
    assert source.read_bytes() == b"content" * 1000
