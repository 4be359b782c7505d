import hashlib
import json
import tracemalloc
from collections.abc import Iterator

import deflate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.cache.entry import (
    FRAME,
    LONGEST,
    MOST,
    BadEntryError,
    Header,
    checked,
    from_object,
    pack,
    read_header,
    seal,
    to_object,
)

KEY = "0123456789abcdef"
SECRET = b"only known to us"

contents = st.binary(max_size=60) | st.builds(bytes.__mul__, st.binary(max_size=9), st.just(50))
secrets = st.none() | st.just(SECRET)


def sealed(content: bytes, secret: bytes | None = None, key: str = KEY) -> Header:
    return seal(key, [content], hashlib.sha256(content).hexdigest(), len(content), secret)


def stored(header: Header, content: bytes) -> bytes:
    return b"".join(to_object(header, [content]))


def taken(data: bytes, secret: bytes | None = None, chunk: int = 7) -> tuple[Header, bytes]:
    """Read an object that comes in chunks."""
    chunks = (data[place : place + chunk] for place in range(0, len(data), chunk))
    header, pieces = from_object(chunks, len(data), KEY, secret)
    return header, b"".join(pieces)


def reason_of(text: str, secret: bytes | None = None) -> str:
    with pytest.raises(BadEntryError) as caught:
        read_header(text, KEY, secret)
    return str(caught.value)


@given(contents, secrets)
def test_what_was_put_in_comes_out(content: bytes, secret: bytes | None) -> None:
    header = sealed(content, secret)
    assert taken(stored(header, content), secret) == (header, content)
    assert read_header(header.text, KEY, secret) == header


@given(contents, secrets, st.data())
def test_an_altered_object_is_refused_or_gives_the_same(
    content: bytes, secret: bytes | None, data: st.DataObject
) -> None:
    whole = bytearray(stored(header := sealed(content, secret), content))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        found, read = taken(bytes(whole), secret)
    except BadEntryError:
        return
    # The signature means nothing to whoever has no secret.
    assert (found._replace(hmac=header.hmac), read) == (header, content)


@given(contents, secrets, st.data())
def test_a_truncated_object_is_refused(
    content: bytes, secret: bytes | None, data: st.DataObject
) -> None:
    whole = stored(sealed(content, secret), content)
    with pytest.raises(BadEntryError):
        taken(whole[: data.draw(st.integers(0, len(whole) - 1))], secret)


@given(st.binary(max_size=200), secrets)
def test_garbage_is_refused(data: bytes, secret: bytes | None) -> None:
    with pytest.raises(BadEntryError):
        taken(data + b"\n", secret)


def test_the_content_of_another_entry_is_refused() -> None:
    one, two = sealed(b"1" * 9), sealed(b"2" * 9)
    with pytest.raises(BadEntryError):
        taken(one.text.encode() + b"".join(pack([b"2" * 9])))
    with pytest.raises(BadEntryError):
        list(checked(one._replace(blake3=two.blake3), [b"2" * 9]))


@pytest.mark.parametrize("content", [b"other", b"longer than it was", b""])
def test_what_was_replaced_meanwhile_is_not_sealed(content: bytes) -> None:
    with pytest.raises(BadEntryError):
        seal(KEY, [content], hashlib.sha256(b"these").hexdigest(), 5, None)


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME])
def test_an_executable_of_any_length_comes_out(size: int) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    header = sealed(content, SECRET)
    data = stored(header, content)
    assert taken(data, SECRET, chunk=100_000) == (header, content)
    for wrong in (data + b"x", data + b"".join(pack([b"x"])), data[:-1]):
        with pytest.raises(BadEntryError):
            taken(wrong, SECRET, chunk=100_000)


def test_the_entry_of_another_key_is_refused() -> None:
    header = sealed(b"x", SECRET, key="another-key")
    assert reason_of(header.text, SECRET) == "it is the entry of something else"


def test_another_version_is_refused() -> None:
    text = sealed(b"x").text.replace('"lambdabuild": 1', '"lambdabuild": 2')
    assert reason_of(text) == "it is of another version of lambdabuild"


def test_with_a_secret_only_what_it_signed_is_taken() -> None:
    assert reason_of(sealed(b"x").text, SECRET) == "it is not signed"
    assert reason_of(sealed(b"x", b"guessed").text, SECRET) == "its signature is wrong"


def test_without_a_secret_what_others_signed_is_taken() -> None:
    header = sealed(b"x", SECRET)
    assert read_header(header.text, KEY, None) == header


@pytest.mark.parametrize("field", ["key", "sha256", "size", "blake3"])
def test_the_signature_is_over_every_part(field: str) -> None:
    told = json.loads(sealed(b"x", SECRET).text)
    told[field] = json.loads(sealed(b"another", SECRET, key="another-key").text)[field]
    with pytest.raises(BadEntryError) as caught:
        read_header(json.dumps(told), str(told["key"]), SECRET)
    assert str(caught.value) == "its signature is wrong"


@pytest.mark.parametrize(
    "change",
    [
        {"size": -1}, {"size": True}, {"size": 1.0}, {"size": 1 << 40}, {"sha256": "A" * 64},
        {"sha256": None}, {"blake3": 1}, {"hmac": 1}, {"hmac": "ß"}, {"more": 1},
    ],
)  # fmt: skip
def test_a_header_with_other_values_is_damaged(change: dict[str, object]) -> None:
    text = json.dumps(json.loads(sealed(b"x").text) | change)
    assert reason_of(text) == "its header is damaged"


@pytest.mark.parametrize("text", ["", "[]", "1", '"x"', "[" * 1000, "x" * 2000, "{}", "1" * 1024])
def test_what_is_no_header_is_refused(text: str) -> None:
    with pytest.raises(BadEntryError):
        read_header(text, KEY, None)


def endless(start: bytes, read: list[int]) -> Iterator[bytes]:
    """Yield chunks for ever, and note how many bytes were taken."""
    chunk = start.ljust(1 << 18, b"\xaa")
    while True:
        read.append(len(chunk))
        yield chunk
        chunk = b"\xaa" * (1 << 18)


@pytest.mark.parametrize(
    ("start", "secret", "chunks"),
    [
        (b"", None, 1),
        (b"\n", None, 1),
        (b"x" * LONGEST + b"\n", SECRET, 1),
        (sealed(b"x" * 1000).text.encode(), SECRET, 1),
        (sealed(b"x" * 1000)._replace(size=MOST).text.encode(), None, 1),
    ],
)
def test_rubbish_is_refused_by_how_it_begins(
    start: bytes, secret: bytes | None, chunks: int
) -> None:
    read: list[int] = []
    with pytest.raises(BadEntryError):
        b"".join(from_object(endless(start, read), 200_000_000, KEY, secret)[1])
    assert len(read) == chunks


@pytest.mark.parametrize("length", [999, 1 << 40])
def test_what_cannot_be_as_long_as_its_header_says_is_not_read(length: int) -> None:
    header = sealed(b"")._replace(size=100_000_000)
    with pytest.raises(BadEntryError):
        from_object([header.text.encode()], len(header.text) + length, KEY, None)


def test_a_bomb_takes_no_more_memory_than_a_frame() -> None:
    zeros = b"\0" * FRAME
    longer = sealed(zeros).text.encode() + (20_000).to_bytes(4, "big")
    longer += deflate.deflate_compress(b"\0" * 20_000_000, 1)
    boast = sealed(b"")._replace(size=MOST).text.encode() + b"x" * 300_000
    size = 100 * FRAME
    plain = hashlib.sha256(zeros * 100).hexdigest()
    true = b"".join(to_object(header := seal(KEY, [zeros] * 100, plain, size, None), [zeros] * 100))
    tracemalloc.start()
    try:
        for data in (longer, boast):
            with pytest.raises(BadEntryError):
                taken(data, chunk=1 << 18)
        found, pieces = from_object([true], len(true), KEY, None)
        assert (found, sum(map(len, pieces))) == (header, size)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("key", ["", "short", "../../../etc/passwd", "with space", "ä" * 10])
def test_a_key_that_is_no_file_name_is_an_error(key: str) -> None:
    with pytest.raises(ValueError, match="not for a cache"):
        sealed(b"", key=key)
