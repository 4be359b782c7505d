"""One S3 server for all tests that want one, and a proxy for each that can be made to fail."""

from collections.abc import Iterator

import pytest

from tests.store import server


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of a real S3 server with the bucket `server.BUCKET` in it."""
    with server.moto() as address:
        yield address


@pytest.fixture
def store(s3: str) -> Iterator[server.Proxy]:
    proxy = server.Proxy(s3)
    yield proxy
    proxy.close()
