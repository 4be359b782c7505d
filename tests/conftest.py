"""What all tests have in common: which of them `make test` leaves to `make test-all`."""

import sys
from pathlib import Path

import pytest

# The grammar of IRIs, which jsonschema loads to check a format that none of our schemas has: seconds
# in every process of a test run, and no test needs it.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

EXTENDED = {"browser", "deploy", "store"}
"""Suites that need what only `make test-all` installs; each shares a server or a browser."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is extended, before `-m` selects; keep a suite that shares a server on one worker."""
    top = Path(__file__).parent
    for item in items:
        suite = item.path.relative_to(top).parts[0]
        if suite in EXTENDED:
            item.add_marker(pytest.mark.xdist_group(suite))
        if suite in EXTENDED or "go1.22" in item.nodeid:
            item.add_marker(pytest.mark.extended)
