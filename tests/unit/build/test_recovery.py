"""What a killed run had put in place is lambdabuild's, and nothing half done of it is left."""

import os
from pathlib import Path

import pytest

from lambdabuild.build.clean import recall
from lambdabuild.build.manifest import write_manifest
from lambdabuild.build.recovery import recover
from lambdabuild.core.artifact import Artifact, Kind
from lambdabuild.state import artifacts
from lambdabuild.state.state import State
from lambdabuild.system.links import temporary
from tests.unit.published import GO, LEAVING, Project, executable, identity, opened, sha256

MANIFEST = "dist/manifest.json"


def announced_by_a_killed_run(project: Project) -> Artifact:
    """Publish as a run does that is killed before it can save; return what it announced."""
    publisher = project.publisher(GO)
    linked = project.linked(executable("two"))
    packed = project.packed(linked)
    artifact = publisher.announcement(linked, packed)
    before = dict(project.state.artifacts)
    publisher.publish(linked, packed, "not built before")
    project.state.artifacts = before
    return artifact


def test_what_a_killed_run_put_in_place_is_taken_over(project: Project) -> None:
    project.publish(executable("one"))
    artifact = announced_by_a_killed_run(project)
    recover([artifact], project.state, str(project.path))
    assert project.state == State({artifact.path: artifact})
    # Its content is what says so; its times are looked up the next time.
    assert artifacts.verified(artifact, str(project.path)) == artifact._replace(
        identity=identity(project.artifact)
    )


@pytest.mark.parametrize("place", ["another's", "missing", "a link", "a directory"])
def test_what_a_killed_run_only_announced_is_not_taken_over(project: Project, place: str) -> None:
    artifact = announced_by_a_killed_run(project)
    aside = project.artifact.rename(project.path / "aside")
    if place == "another's":
        project.artifact.write_bytes(executable("one"))
    elif place == "a link":
        project.artifact.symlink_to(aside)
    elif place == "a directory":
        project.artifact.mkdir()
    recover([artifact], project.state, str(project.path))
    assert project.state == State()


def test_what_a_killed_run_had_half_copied_is_removed(project: Project) -> None:
    artifact = announced_by_a_killed_run(project)
    half = Path(temporary(str(project.artifact)))
    half.write_bytes(b"half")
    recover([artifact], project.state, str(project.path))
    assert os.listdir(project.artifact.parent) == ["bootstrap"]


@pytest.mark.parametrize("place", ["executable", "zip", "manifest"])
def test_what_a_killed_run_had_half_written_is_removed(project: Project, place: str) -> None:
    project.publish(executable("one"), step=project.wanting())
    artifact = project.remembered
    half = {"executable": project.artifact, "zip": project.zip, "manifest": project.path / MANIFEST}
    path = Path(temporary(str(half[place])))
    path.write_bytes(b"half")
    recover([artifact], project.state, str(project.path))
    assert project.there == {"users-get/bootstrap", "users-get.zip"}


def test_directories_that_a_killed_run_made_for_nothing_are_removed(project: Project) -> None:
    artifact = announced_by_a_killed_run(project)
    project.artifact.unlink()
    recover([artifact], project.state, str(project.path))
    assert os.listdir(project.out) == []
    # Beside sources, a directory is not lambdabuild's.
    project.directory.mkdir(parents=True)
    inside = artifact._replace(path="api/users/get/bootstrap", layout="")
    recover([inside], project.state, str(project.path))
    assert project.directory.is_dir()


def test_a_zip_of_before_is_still_known_after_a_run_that_was_killed_before_it(
    project: Project,
) -> None:
    project.publish(executable("one"), step=project.wanting())
    before = project.remembered.sidecar(Kind.ZIP)
    step = project.wanting()
    linked = project.linked(executable("two"), step)
    announced = project.publisher(GO).announcement(linked, project.packed(linked))
    project.artifact.write_bytes(executable("two"))
    recover([announced], project.state, str(project.path))
    assert project.remembered.sha256 == sha256(executable("two"))
    assert project.remembered.sidecars == (before,)


@pytest.mark.parametrize("theirs", [False, True])
def test_the_manifest_of_a_killed_run_is_taken_over_unless_it_is_of_others(
    project: Project, *, theirs: bool
) -> None:
    artifact = announced_by_a_killed_run(project)
    written = State({artifact.path: artifact})
    write_manifest(written, str(project.path), "dist", lambda: LEAVING)
    if theirs:
        (project.path / MANIFEST).write_text("{}")
    recover([artifact], project.state, str(project.path))
    assert project.state.manifests == ({} if theirs else written.manifests)


def test_state_and_announcement_are_read_together(project: Project) -> None:
    session, home = opened(project.path)
    assert recall(session, home) == (State(), [])
    artifact = announced_by_a_killed_run(project)
    home.announce([artifact])
    state, announced = recall(session, home)
    assert (state.artifacts, announced) == ({artifact.path: artifact}, [artifact])
