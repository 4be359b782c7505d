"""Directories deeper than Python recurses are made, walked, followed and removed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambdabuild.selection.symlinks import Aliases
from lambdabuild.state.stamps import Stamps
from lambdabuild.system import directories
from lambdabuild.system.directories import Links

DEEP = "/".join("d" * 1_200)


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "top" / DEEP)
    directories.make(path)
    yield path
    directories.remove(str(tmp_path / "top"))
    assert list(tmp_path.iterdir()) == []


def test_however_deep_all_is_seen_and_removed(deep: str, tmp_path: Path) -> None:
    directories.make(deep)
    Path(deep, "file").write_text("")
    found = list(directories.walk(str(tmp_path / "top")))
    assert len(found) == 1_201
    assert found[-1] == (deep, [], ["file"])


def test_a_deep_path_is_followed(deep: str) -> None:
    real = os.path.realpath(deep)
    assert Links().follow(deep) == real
    stamps = Stamps()
    stamps.directories[deep] = 0  # type: ignore[assignment]
    assert Aliases(stamps).real(deep) == real


def test_what_is_no_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in ("file", "file/below"):
        with pytest.raises(OSError, match="File exists"):
            directories.make(str(tmp_path / path))


def test_a_walk_goes_through_no_link_and_nowhere_else_that_is_taken_out(tmp_path: Path) -> None:
    for name in ("a/x", "b/y"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "loop").symlink_to("loop")
    seen = []
    for directory, inner, names in directories.walk(str(tmp_path)):
        seen.append((os.path.relpath(directory, tmp_path), list(inner), names))
        inner[:] = [name for name in inner if name != "b"]
    assert seen == [(".", ["a", "b", "link"], ["loop"]), ("a", ["x"], []), ("a/x", [], [])]
