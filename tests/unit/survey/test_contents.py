"""Why what stands with an executable is made again."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from lambdabuild.core import artifact
from lambdabuild.core.build import Step
from tests.unit.published import Project, executable, tamper


def published(project: Project) -> Step:
    project.write("a", "a")
    step = project.wanting("*", sbom=True)
    project.publish(executable(), step=step, bill="bill")
    return step


def touch_all(project: Project) -> None:
    for name in project.there:
        os.utime(Path(project.out, name), ns=(1, 1))


class Change(NamedTuple):
    """What somebody does, and what is said of it."""

    make: Callable[[Project], object]
    reason: str | None


CHANGES = {
    "nothing": Change(lambda _: None, None),
    "all touched": Change(touch_all, None),
    "an asset": Change(lambda p: p.write("a", "b"), "api/users/get/a changed"),
    "its mode": Change(lambda p: p.write("a", "a", 0o755), "api/users/get/a changed"),
    "a new asset": Change(lambda p: p.write("b", "b"), "api/users/get/b added"),
    "a copy": Change(
        lambda p: tamper(p.artifact.parent / "a", b"b"), "dist/users-get/a was changed"
    ),
    "a copy's mode": Change(
        lambda p: tamper(p.artifact.parent / "a", b"a", 0o755), "dist/users-get/a was changed"
    ),
    "no copy": Change(lambda p: (p.artifact.parent / "a").unlink(), "dist/users-get/a is missing"),
    "the zip": Change(
        lambda p: tamper(p.zip, p.zip.read_bytes()[:-1]), "dist/users-get.zip was changed"
    ),
    "no zip": Change(lambda p: p.zip.unlink(), "dist/users-get.zip is missing"),
    "the bill": Change(lambda p: tamper(p.sbom, b"mine"), "dist/users-get.sbom.json was changed"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_the_reason_to_pack_again(project: Project, change: str) -> None:
    published(project)
    make, reason = CHANGES[change]
    make(project)
    assert project.why(project.wanting("*", sbom=True)) == reason


def test_an_asset_that_went_away_is_a_reason_to_pack_again(project: Project) -> None:
    published(project)
    (project.directory / "a").unlink()
    assert project.why(project.wanting(sbom=True)) == "api/users/get/a removed"


def test_what_nobody_asks_for_any_more_is_no_reason(project: Project) -> None:
    published(project)
    project.zip.unlink()
    project.sbom.unlink()
    assert project.why(project.wanting("*", zip=False)) is None


@pytest.mark.parametrize(
    ("before", "now"), [({}, {"SOURCE_DATE_EPOCH": "1"}), ({"SOURCE_DATE_EPOCH": "1"}, {})]
)
def test_another_epoch_is_a_reason_where_something_bears_it(
    project: Project, before: Mapping[str, str], now: Mapping[str, str]
) -> None:
    project.write("a", "a")
    step = project.wanting("a")
    epoch = artifact.epoch_of(before)
    linked = project.linked(executable(), step)
    project.publisher().publish(linked, project.packed(linked, epoch=epoch), "not built before")
    assert project.why(step, before) is None
    assert project.why(step, now) == "SOURCE_DATE_EPOCH changed"
    assert project.why(step._replace(zip=None), now) is None


def test_another_packer_is_a_reason(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    step = published(project)
    monkeypatch.setattr(artifact, "PACKER", "deflate 1")
    assert project.why(step) == (
        "dist/users-get.zip was made of another executable, or by another lambdabuild"
    )


def test_what_was_not_asked_for_before_is_a_reason(project: Project) -> None:
    project.publish(executable())
    assert project.why(project.wanting()) == "dist/users-get.zip was not made before"
    assert project.why(project.wanting(zip=False, sbom=True)) == (
        "dist/users-get.sbom.json was not made before"
    )
    elsewhere = published(project)._replace(zip=f"{project.out}/elsewhere.zip")
    assert project.why(elsewhere) == "dist/elsewhere.zip was not made before"
