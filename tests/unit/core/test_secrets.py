"""Secrets in addresses: neither shown nor remembered, however the address is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.secrets import remembered, shown_address, signs_in, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:SECRET@host/x", "https://host/x"),
        ("https://SECRET@host", "https://host"),
        ("https://:SECRET@host/a@v1", "https://host/a@v1"),
        ("https://user:SEC@RET@host/x", "https://host/x"),
        ("https://user:SEC/RET@host/x: 404", "https://host/x: 404"),
        ('Get "https://https/user:SECRET@host/x/@v/list"', 'Get "https://https/host/x/@v/list"'),
        ("https://user:SEC?RET@host/x", "https://host/x"),
        ('parse "https://user:SEC RET@host/x": invalid', 'parse "https://host/x": invalid'),
        ("'GOPROXY=https://a:SECRET@b,https://c:SECRET@d,direct'",
         "'GOPROXY=https://b,https://d,direct'"),
        ("https://host/x?sig=SECRET&other=SECRET: dial tcp", "https://host/x?sig=…&other=…: dial tcp"),
        ("https://host/x?SECRET", "https://host/x?…"),
        ("https://host/x#token=SECRET.", "https://host/x#token=…."),
        ("s3+x://K:SECRET@b and ftp://SECRET@c", "s3+x://b and ftp://c"),
        # What is no secret stays.
        *((text, text) for text in (
            "reading https://proxy.golang.org/golang.org/x/text/@v/list: 404 Not Found",
            'Get "https://host:8080/x/@v/list": dial tcp', "https://[::1]:80/x/@v/list",
            "ssh://git@github.com/x/y", "git@github.com:x/y", "what? a=b @c", "https://host:/x@y",
        )),
    ],
)  # fmt: skip
def test_an_address_shows_its_host_and_its_path(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
    assert without_secrets(shown) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("s3://KEY:SECRET@bucket/p", "s3://…@bucket/p"),
        ("s3://KEY:SEC/RET+@bucket/p?x=SECRET", "s3://…@bucket/p"),
        ("s3://KEY:SECRET%40bucket", "s3://…"),
        ("s3:/KEY:SECRET@bucket", "s3:…@bucket"),
        ("s3:KEY:SECRET", "s3:…"),
        ("KEY:SECRET@bucket", "…@bucket"),
        ("az://account:SECRET", "az://…"),
        ("abfss://container:SECRET@account.dfs/x", "abfss://…@account.dfs/x"),
        ("https://user:SECRET@minio:9000/bucket", "https:…@minio:9000/bucket"),
    ],
)
def test_an_address_of_a_store_that_signs_in_is_known_as_one(address: str, shown: str) -> None:
    assert signs_in(address)
    assert shown_address(address).replace("https://", "https:") == shown


@pytest.mark.parametrize(
    "address",
    [
        *("s3://bucket/prefix@1", "gs://bucket", "abfss://container@account.dfs.core/x"),
        *("file:///home/u@host/cache", "http://minio:9000/bucket", "/home/u@host", "bucket"),
        "s3://arn:aws:s3:eu-central-1:1:accesspoint/x",
    ],
)
def test_an_address_of_a_store_without_secrets_is_shown_as_it_is(address: str) -> None:
    assert not signs_in(address)
    assert shown_address(address) == address
    assert shown_address(f"{address}?region=x&SECRET") == f"{address}?…"


@pytest.mark.parametrize(
    "piece", ["a", "a://", "a://b:c", "a://b:c/", "://", '"a://b:c', "a://b:c@", "?a=", "a://?"]
)
def test_whatever_others_write_is_read_in_no_time(piece: str) -> None:
    without_secrets(f"x://{piece * 100_000}")


safe = st.text("abcXYZ019+%~!$&'()*,;=", min_size=1, max_size=12).map(lambda text: f"S3CRET{text}")


@given(safe, safe, st.sampled_from(["https", "s3", "ssh"]), st.sampled_from(["", "/p", "/@v/l"]))
def test_no_user_password_or_value_is_left(user: str, word: str, scheme: str, path: str) -> None:
    text = f"go: reading {scheme}://{user}:{word}@host{path}?token={word}: 404"
    assert "S3CRET" not in without_secrets(text)
    assert "S3CRET" not in remembered(text)


def test_a_digest_is_remembered_in_place_of_a_secret_alone() -> None:
    assert remembered("-s -w") == "-s -w"
    one, other = (remembered(f"https://user:{word}@host") for word in ("SECRET", "OTHER"))
    assert one.startswith("blake2b:")
    assert one != other
    assert "SECRET" not in one
