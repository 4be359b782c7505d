"""Paths are named from the project without a look at the disk."""

import os

from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.paths import Paths, name_of, path_of

absolute = st.lists(st.sampled_from(["a", "b", "ab", "c.go"]), max_size=5).map(
    lambda parts: os.sep + os.sep.join(parts)
)


@given(path=absolute, project=absolute)
def test_a_name_is_the_relative_path_and_leads_back(path: str, project: str) -> None:
    assert name_of(path, project) == os.path.relpath(path, project)
    assert os.path.normpath(path_of(name_of(path, project), project)) == path


@given(path=absolute, working=absolute)
def test_what_is_shown_is_relative_to_the_working_directory(path: str, working: str) -> None:
    paths = Paths(project="/p", working=working, out="/p/dist", layout="dist")
    assert paths.relative(os.path.join(path, "x", "..")) == os.path.relpath(path, working)
    assert paths.relative("api/main.go") == "api/main.go"
