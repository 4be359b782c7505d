import os
from pathlib import Path

import pytest

from lambdabuild.local.programs.footprint import Footprint
from lambdabuild.state.stamps import Level, World, take

SECOND = 10**9


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "package/main.go"
    file.parent.mkdir()
    file.write_text("package main\n")
    return file


def footprint(source: Path, *also: str) -> Footprint:
    """Return the footprint of a package as it is now, which was left alone for a while."""
    world = World()
    world.enter(str(source.parent), Level.PACKAGE)
    for path in also:
        world.files[path] = "whole"
    clock = max(path.stat().st_ctime_ns for path in (source, source.parent)) + 60 * SECOND
    stamps = take(world, {}, clock, ())
    return Footprint(stamps, [*stamps.files, *stamps.directories], ())


def test_it_holds_while_nothing_happens(source: Path) -> None:
    now = footprint(source)
    assert [now.holds(), now.holds()] == [True, True]


@pytest.mark.parametrize("text", ["package main // and more\n", "package mine\n"])
def test_it_does_not_hold_once_a_file_is_saved(source: Path, text: str) -> None:
    now = footprint(source)
    source.write_text(text)
    assert not now.holds()
    assert not now.holds()


def test_it_holds_where_a_file_is_saved_as_it_was(source: Path) -> None:
    now = footprint(source)
    source.write_text(source.read_text())
    os.utime(source)
    assert now.holds()


def test_it_does_not_hold_once_a_file_comes_or_goes(source: Path) -> None:
    before = footprint(source)
    (source.parent / "more.go").write_text("package main\n")
    assert not before.holds()
    now = footprint(source)
    source.unlink()
    assert not now.holds()
    (source.parent / "more.go").unlink()
    source.parent.rmdir()
    assert not now.holds()


def test_what_is_no_source_may_come_and_go(source: Path) -> None:
    now = footprint(source)
    (source.parent / "notes.txt").write_text("x")
    assert now.holds()


def test_a_file_that_was_not_there_is_noticed_when_it_comes(source: Path) -> None:
    work = source.parent.parent / "go.work"
    now = footprint(source, str(work))
    assert now.holds()
    work.write_text("go 1.22\n")
    assert not now.holds()
