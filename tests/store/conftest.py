"""One S3 server for all tests that want one, and a proxy for each that can be made to fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store import server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests on one worker: they share the server, which takes long to start."""
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.xdist_group("store"))


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
