import hashlib
import json
import tracemalloc

import deflate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.entry import (
    BadEntryError,
    Header,
    from_object,
    read_header,
    seal,
    to_object,
    verify,
)

KEY = "0123456789abcdef"
SECRET = b"only known to us"

contents = st.binary(max_size=60) | st.builds(bytes.__mul__, st.binary(max_size=9), st.just(50))
secrets = st.none() | st.just(SECRET)


def sealed(content: bytes, secret: bytes | None = None, key: str = KEY) -> Header:
    return seal(key, content, hashlib.sha256(content).hexdigest(), secret)


def reason_of(text: str, secret: bytes | None = None) -> str:
    with pytest.raises(BadEntryError) as caught:
        read_header(text, KEY, secret)
    return str(caught.value)


@given(contents, secrets)
def test_what_was_put_in_comes_out(content: bytes, secret: bytes | None) -> None:
    header = sealed(content, secret)
    found, read = from_object(to_object(header, content), KEY, secret)
    assert (found, bytes(read)) == (header, content)
    assert read_header(header.text, KEY, secret) == header


@given(contents, secrets, st.data())
def test_an_altered_object_is_refused_or_gives_the_same(
    content: bytes, secret: bytes | None, data: st.DataObject
) -> None:
    whole = bytearray(to_object(header := sealed(content, secret), content))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        found, read = from_object(bytes(whole), KEY, secret)
    except BadEntryError:
        return
    # The signature means nothing to whoever has no secret.
    assert (found._replace(hmac=header.hmac), bytes(read)) == (header, content)


@given(contents, secrets, st.data())
def test_a_truncated_object_is_refused(
    content: bytes, secret: bytes | None, data: st.DataObject
) -> None:
    whole = to_object(sealed(content, secret), content)
    with pytest.raises(BadEntryError):
        from_object(whole[: data.draw(st.integers(0, len(whole) - 1))], KEY, secret)


@given(st.binary(max_size=200), secrets)
def test_garbage_is_refused(data: bytes, secret: bytes | None) -> None:
    with pytest.raises(BadEntryError):
        from_object(data + b"\n", KEY, secret)


def test_the_content_of_another_entry_is_refused() -> None:
    one, two = sealed(b"1" * 9), sealed(b"2" * 9)
    with pytest.raises(BadEntryError):
        from_object(one.text.encode() + deflate.deflate_compress(b"2" * 9), KEY, None)
    with pytest.raises(BadEntryError):
        verify(one._replace(blake3=two.blake3), b"2" * 9)


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


def test_a_bomb_takes_no_more_memory_than_it_says() -> None:
    header = sealed(b"\0" * 1000)
    bomb = header.text.encode() + deflate.deflate_compress(b"\0" * 20_000_000, 1)
    boast = sealed(b"")._replace(size=1 << 30).text.encode() + b"x" * 50
    tracemalloc.start()
    try:
        for data in (bomb, boast):
            with pytest.raises(BadEntryError):
                from_object(data, KEY, None)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("key", ["", "short", "../../../etc/passwd", "with space", "ä" * 10])
def test_a_key_that_is_no_file_name_is_an_error(key: str) -> None:
    with pytest.raises(ValueError, match="not for a cache"):
        sealed(b"", key=key)
