"""Make property tests quick and repeatable: what fails once fails again, on any machine."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from lambdabuild.state.state import State
from tests.unit.published import Project

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("repeatable")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, State())


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put `staging` on another file system than all the rest."""
    replace_ = os.replace

    def replace_on_one_device(source: str, target: str) -> None:
        if "/staging/" in source:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), source, None, target)
        replace_(source, target)

    monkeypatch.setattr(os, "replace", replace_on_one_device)
