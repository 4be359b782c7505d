"""Make property tests quick and repeatable: what fails once fails again, on any machine."""

from pathlib import Path

import pytest
from hypothesis import settings

from lambdabuild.saved import State
from tests.unit.published import Project

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("repeatable")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, State())
