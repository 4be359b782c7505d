"""A run that is killed while it publishes, and the one after it."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from lambdabuild.build import recovery
from lambdabuild.core.artifact import Artifact, Kind
from lambdabuild.core.build import Step
from lambdabuild.core.result import Linked, Status
from lambdabuild.packaging.packer import Packed
from lambdabuild.state import artifacts
from lambdabuild.state.state import State
from tests.unit.published import Project, executable


class Killed(BaseException):
    """The process ends here."""


@contextlib.contextmanager
def killed_before(call: int) -> Iterator[None]:
    """End before the given one of all the calls that change which files there are."""
    left = call

    def counted(change: Callable[..., None]) -> Callable[..., None]:
        def changing(*arguments: object) -> None:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            change(*arguments)

        return changing

    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "unlink", "rmdir"):
            patch.setattr(os, name, counted(getattr(os, name)))
        yield


class Version(NamedTuple):
    """What a run publishes."""

    text: str = "one"
    files: Mapping[str, str] = MappingProxyType({})
    zip: bool = True
    sbom: bool = False


def prepared(project: Project, version: Version) -> tuple[Linked, Packed]:
    """Write the sources of a version, link and pack it."""
    shutil.rmtree(project.directory, ignore_errors=True)
    for name, text in version.files.items():
        project.write(name, text)
    step = project.wanting(*version.files, zip=version.zip, sbom=version.sbom)
    linked = project.linked(executable(version.text), step)
    packed = project.packed(linked)
    return linked, project.with_bill(packed, version.text) if version.sbom else packed


def run(project: Project, version: Version) -> Artifact:
    """Publish a version as a run does; return what it announced."""
    linked, packed = prepared(project, version)
    publisher = project.publisher((version.text, "built"))
    announced = publisher.announcement(linked, packed)
    publisher.publish(linked, packed, "changed")
    return announced


def expected(version: Version) -> dict[str, bytes]:
    files = {name: text.encode() for name, text in version.files.items()}
    files["bootstrap"] = executable(version.text)
    return (
        {f"users-get/{name}": content for name, content in files.items()}
        | ({f"users-get.zip/{n}": content for n, content in files.items()} if version.zip else {})
        | ({"users-get.sbom.json": version.text.encode()} if version.sbom else {})
    )


KILLED = {
    "all new": (None, Version("two", {"a": "a", "data/b": "b"}, sbom=True)),
    "another executable": (Version(sbom=True), Version("two", sbom=True)),
    "no zip": (Version(files={"a": "a"}), Version("two", {"a": "a"}, zip=False)),
    "no bill": (Version(sbom=True), Version("two")),
    "another asset": (Version(files={"a": "a"}), Version(files={"a": "b"})),
    "fewer assets": (Version(files={"a": "a", "d/b": "b"}), Version("two", {"a": "a"})),
    "no assets": (Version(files={"a": "a", "d/b": "b"}, zip=False), Version("two", zip=False)),
    "no assets nor zip": (Version(files={"a": "a"}), Version("two", zip=False)),
    "only no assets": (Version(files={"a": "a"}), Version()),
    "only no assets nor zip": (Version(files={"a": "a"}), Version(zip=False)),
    "a directory": (Version(files={"a": "a"}), Version("two", {"a/b": "b"}, sbom=True)),
}


def killed(project: Project, version: Version, call: int, *, linked_again: bool) -> bool:
    """Publish, but for the calls from one on, and remember what the next run would know of it.

    Return whether there was such a call.
    """
    known = dict(project.state.artifacts)
    linked, packed = prepared(project, version)
    publisher = project.publisher((version.text, "built"))
    if not linked_again:
        linked = Linked(linked.step, current=True)
    put = publisher.publish if linked_again else publisher.confirm
    announced = publisher.announcement(linked, packed)
    try:
        with killed_before(call):
            put(linked, packed, "changed")
        ended = False
    except Killed:
        ended = True
    project.state.artifacts = known
    recovery.recover([announced], project.state, str(project.path))
    return ended


@pytest.mark.parametrize(
    ("case", "linked_again"),
    [
        (case, linked_again)
        for case, (before, after) in KILLED.items()
        for linked_again in (True, False)
        if linked_again or (before is not None and before.text == after.text)
    ],
)
def test_wherever_a_run_is_killed_the_next_one_puts_all_right(
    tmp_path: Path, case: str, *, linked_again: bool
) -> None:
    before, after = KILLED[case]
    for call in range(20):
        project = Project(tmp_path / str(call), State())
        project.path.mkdir()
        if before is not None:
            run(project, before)
        ended = killed(project, after, call, linked_again=linked_again)
        step = start_again(project, after)
        assert project.standing == expected(after)
        assert project.why(step) is None
        # Whatever it was that was put there, it is lambdabuild's to remove.
        project.remove()
        assert project.there == set()
        if not ended:
            break
    else:
        pytest.fail("a run has no end")
    assert call > 0


def start_again(project: Project, version: Version) -> Step:
    """Do what a run does: nothing, pack again, or build again; return the step."""
    step = project.wanting(*version.files, zip=version.zip, sbom=version.sbom)
    artifact = project.state.artifacts.get("dist/users-get/bootstrap")
    held = artifact is not None and artifacts.verified(artifact, str(project.path))
    if not held or project.remembered.inputs != ((version.text, "built"),):
        run(project, version)
    elif project.why(step) is not None:
        linked = Linked(step, current=True)
        packed = project.packed(linked)
        bill = project.remembered.sidecar(Kind.SBOM)
        if version.sbom and (
            bill is None or not artifacts.verified_sidecar(bill, str(project.path))
        ):
            packed = project.with_bill(packed, version.text)
        project.publisher((version.text, "built")).confirm(linked, packed, "changed")
    else:
        told = artifacts.up_to_date(step, project.state, str(project.path))
        assert told.status is Status.UP_TO_DATE
    return step
