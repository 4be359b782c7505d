import hashlib
import io
import time
import zipfile
from collections.abc import Iterator
from importlib import metadata

import deflate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core import artifact
from lambdabuild.packaging import archive
from lambdabuild.packaging.archive import Member, pack

FIRST = (1980, 1, 1, 0, 0, 0)
LAST = (2107, 12, 31, 23, 59, 58)

letters = st.sampled_from(["a", "b", "Z", "-", "é", "ß", "中", "😀", "\uffff"])
names = st.lists(st.text(letters, min_size=1, max_size=3), min_size=1, max_size=3).map("/".join)
contents = st.binary(max_size=20) | st.builds(bytes.__mul__, st.binary(max_size=9), st.just(50))
members = st.lists(
    st.builds(Member, names, contents, st.sampled_from([0o644, 0o755])),
    max_size=6,
    unique_by=lambda member: member.name,
)
epochs = st.none() | st.integers(-(2**40), 2**40)


def opened(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))


@given(members, epochs)
def test_what_was_packed_is_read_back_by_name(packed: list[Member], epoch: int | None) -> None:
    with opened(pack(packed, epoch)) as read:
        assert read.testzip() is None
        infos = read.infolist()
        assert [info.filename for info in infos] == [
            member.name for member in sorted(packed, key=lambda member: member.name.encode())
        ]
        by_name = {member.name: member for member in packed}
        for info in infos:
            member = by_name[info.filename]
            assert read.read(info) == member.content
            # A regular file of Unix with these permissions.
            assert (info.create_system, info.external_attr >> 16) == (3, 0o100000 | member.mode)
            assert (info.extra, info.comment, info.internal_attr) == (b"", b"", 0)
        assert len({info.date_time for info in infos}) <= 1
        assert read.comment == b""


@given(st.permutations(range(5)), st.lists(contents, min_size=5, max_size=5))
def test_the_order_of_the_members_decides_nothing(order: list[int], texts: list[bytes]) -> None:
    in_order = [Member(f"{number}.txt", text, 0o644) for number, text in enumerate(texts)]
    assert pack(in_order[number] for number in order) == pack(in_order)


def test_names_are_in_the_order_of_their_bytes() -> None:
    # Not in that of UTF-16, nor of any language.
    ordered = ["B", "a", "a-b", "a/b", "ab", "é", "\uffff", "😀"]
    data = pack(Member(name, b"", 0o644) for name in reversed(ordered))
    with opened(data) as read:
        assert read.namelist() == ordered


@pytest.mark.parametrize(
    ("epoch", "told"),
    [
        (None, FIRST),
        (-1, FIRST),
        (0, FIRST),
        (315532800, FIRST),
        (315532802, (1980, 1, 1, 0, 0, 2)),
        (1709210096, (2024, 2, 29, 12, 34, 56)),
        # A zip has no odd seconds.
        (1709210097, (2024, 2, 29, 12, 34, 56)),
        (4354819199, LAST),
        (4354819200, LAST),
        (10**30, LAST),
    ],
)
def test_every_member_bears_the_epoch_as_far_as_a_zip_can_tell_it(
    epoch: int | None, told: tuple[int, ...]
) -> None:
    with opened(pack([Member("a", b"", 0o644), Member("b", b"b", 0o755)], epoch)) as read:
        assert [info.date_time for info in read.infolist()] == [told, told]


@pytest.fixture(params=["UTC", "America/St_Johns", "XYZ-13:37"])
def time_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.usefixtures("time_zone")
def test_the_time_zone_decides_nothing() -> None:
    with opened(pack([Member("a", b"", 0o644)], 1709210096)) as read:
        assert read.infolist()[0].date_time == (2024, 2, 29, 12, 34, 56)


def test_what_compression_would_not_make_smaller_is_stored() -> None:
    noise = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(100))
    with opened(pack([Member("noise", noise, 0o644), Member("zeros", bytes(9999), 0o644)])) as read:
        told = {info.filename: (info.compress_type, info.compress_size) for info in read.infolist()}
    assert told["noise"] == (zipfile.ZIP_STORED, len(noise))
    assert told["zeros"][0] == zipfile.ZIP_DEFLATED
    assert told["zeros"][1] < 100


def test_an_empty_member_takes_no_space() -> None:
    with opened(pack([Member("empty", b"", 0o644)])) as read:
        (info,) = read.infolist()
        assert (info.compress_type, info.compress_size, info.file_size) == (0, 0, 0)
        assert read.read("empty") == b""


def test_a_zip_of_nothing_is_an_empty_zip() -> None:
    with opened(pack([])) as read:
        assert read.namelist() == []


def test_a_zip_holds_no_more_files_than_it_can_count(monkeypatch: pytest.MonkeyPatch) -> None:
    class AtWorkError(Exception):
        pass

    def begin(_content: bytes, _level: int) -> bytes:
        raise AtWorkError

    # Told before anything is compressed, which takes a while for so many.
    monkeypatch.setattr(deflate, "deflate_compress", begin)
    many = [Member("a", b"", 0o644)] * 65_536
    with pytest.raises(ValueError, match="at most 65,535 files"):
        pack(iter(many))
    with pytest.raises(AtWorkError):
        pack(iter(many[:-1]))


def test_a_zip_holds_no_more_than_its_fields_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST", (1 << 16) + 64)
    noise = hashlib.sha256(b"").digest()
    pack([Member("a", noise, 0o644)])
    with pytest.raises(ValueError, match="larger than 4 GB"):
        pack([Member("a", bytes(65), 0o644)])
    with pytest.raises(ValueError, match="larger than 4 GB"):
        pack([Member("a", noise, 0o644), Member("b", noise, 0o644)])


PACKED_BY = {
    "deflate 0.9.0, level 4": "f06c59596974a315bee383d6c0a6b0ee1850c38266e4d2dfada651d5c5e0e90a"
}
"""The digest of one zip: another version or level gives another, and has another name."""


def something_like_an_executable() -> bytes:
    """Return a megabyte that is neither noise nor easily packed, the same on every machine."""
    number = 1
    words = []
    for _ in range(1 << 17):
        # Knuth's MMIX: https://en.wikipedia.org/wiki/Linear_congruential_generator
        number = (number * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        top = number >> 40
        # Mostly one of few words, as machine code is, and now and then one like no other.
        words.append(top.to_bytes(8, "little") if top % 7 == 0 else bytes([top % 61] * 3 + [9] * 5))
    return b"".join(words)


def test_equal_content_gives_equal_bytes_on_every_machine() -> None:
    # Linux and macOS, x86-64 and arm64: the compressor has code of its own for each.
    content = something_like_an_executable()
    assert hashlib.sha256(content).hexdigest() == (
        "d93020d4abafb0898be862f34bf58e3dd4b350ca0de012e9d998f3fcfbcf49f0"
    )
    packed = pack([Member("bootstrap", content, 0o755), Member("a.txt", content[:5000], 0o644)])
    assert len(packed) < len(content) / 2
    assert hashlib.sha256(packed).hexdigest() == PACKED_BY[artifact.PACKER]


def test_a_zip_is_known_to_be_made_by_the_version_and_the_level_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    levels = set()
    compress = deflate.deflate_compress

    def noted(content: bytes, level: int) -> bytes:
        levels.add(level)
        return bytes(compress(content, level))

    monkeypatch.setattr(deflate, "deflate_compress", noted)
    pack([Member("a", bytes(99), 0o644)])
    (level,) = levels
    version = metadata.version("deflate")
    assert f"deflate {version}, level {level}" == artifact.PACKER
