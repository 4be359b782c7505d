import os
from pathlib import Path

import pytest

from lambdabuild.core.artifact import UNKNOWN_CONTENTS, Artifact, Identity
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Status, StepResult
from lambdabuild.core.target import Runtime
from lambdabuild.state import store
from lambdabuild.state.state import State
from lambdabuild.system.links import temporary
from tests.unit.published import (
    FINAL,
    GO,
    PACKAGE,
    Project,
    executable,
    identity,
    sha256,
    tamper,
)
from tests.unit.values import X86_64


def test_an_executable_is_moved_to_its_place_and_remembered(project: Project) -> None:
    content = executable(build_id=FINAL)
    result = project.publish(content)
    assert project.artifact.read_bytes() == content
    assert not (project.path / "staging/exe").exists()
    assert result == StepResult(
        step=project.step,
        status=Status.BUILT,
        reason="not built before",
        artifact=str(project.artifact),
        size=len(content),
        previous_size=None,
        sha256=sha256(content),
        compile_seconds=0.5,
        link_seconds=0.25,
        seconds=0.75,
    )
    assert project.state == State(
        {
            "dist/users-get/bootstrap": Artifact(
                path="dist/users-get/bootstrap",
                layout="dist",
                function="users-get",
                package=PACKAGE,
                directory="api/users/get",
                target=X86_64,
                runtime=Runtime.AL2023,
                sha256=sha256(content),
                identity=identity(project.artifact),
                build_id=FINAL,
                link_id="link",
            )
        }
    )


@pytest.mark.usefixtures("umask")
def test_an_artifact_can_be_run_by_everybody_whatever_the_umask(project: Project) -> None:
    project.publish(executable())
    assert project.artifact.stat().st_mode & 0o7777 == 0o755


def test_the_same_bytes_leave_the_file_alone(project: Project) -> None:
    first = project.publish(executable())
    before = identity(project.artifact)
    again = project.publish(executable())
    assert identity(project.artifact) == before
    assert again == first._replace(
        status=Status.UNCHANGED, previous_size=project.artifact.stat().st_size
    )


def test_the_same_bytes_that_somebody_touched_are_left_alone(project: Project) -> None:
    project.publish(executable())
    os.utime(project.artifact, ns=(1, 1))
    before = identity(project.artifact)
    assert project.publish(executable()).status is Status.UNCHANGED
    assert identity(project.artifact) == before == project.remembered.identity


def test_the_same_bytes_get_their_mode_back(project: Project) -> None:
    project.publish(executable())
    project.artifact.chmod(0o600)
    assert project.publish(executable()).status is Status.UNCHANGED
    assert project.artifact.stat().st_mode & 0o7777 == 0o755


def test_the_same_bytes_of_an_unknown_hand_are_left_alone_and_remembered(
    project: Project,
) -> None:
    project.artifact.parent.mkdir(parents=True)
    project.artifact.write_bytes(executable())
    inode = identity(project.artifact).inode
    assert project.publish(executable()).status is Status.UNCHANGED
    assert identity(project.artifact).inode == inode
    assert project.remembered.identity == identity(project.artifact)


def test_new_bytes_replace_the_file_and_tell_the_size_before(project: Project) -> None:
    project.publish(executable("one"))
    old = project.artifact.open("rb")
    result = project.publish(executable("three"))
    with old:
        # Whoever has the old file open still has the old file.
        assert old.read() == executable("one")
    assert project.artifact.read_bytes() == executable("three")
    sizes = (len(executable("one")), len(executable("three")))
    assert (result.status, result.previous_size, result.size) == (Status.BUILT, *sizes)


def test_bytes_that_somebody_changed_at_the_same_size_are_put_right(project: Project) -> None:
    project.publish(executable("one"))
    tamper(project.artifact, executable("two"))
    assert project.publish(executable("one")).status is Status.BUILT
    assert project.artifact.read_bytes() == executable("one")


@pytest.mark.usefixtures("devices", "umask")
def test_across_file_systems_the_executable_is_copied_whole(project: Project) -> None:
    assert project.publish(executable()).status is Status.BUILT
    assert project.artifact.read_bytes() == executable()
    assert project.artifact.stat().st_mode & 0o7777 == 0o755
    assert os.listdir(project.artifact.parent) == ["bootstrap"]


@pytest.mark.usefixtures("devices")
def test_across_file_systems_nothing_is_written_through_a_link(project: Project) -> None:
    mine = project.path / "mine"
    mine.write_text("mine")
    project.artifact.parent.mkdir(parents=True)
    Path(temporary(str(project.artifact))).symlink_to(mine)
    assert project.publish(executable()).status is Status.BUILT
    assert mine.read_text() == "mine"
    assert os.listdir(project.artifact.parent) == ["bootstrap"]


@pytest.mark.usefixtures("devices")
def test_a_copy_that_fails_leaves_nothing_behind(project: Project) -> None:
    (project.artifact / "inside").mkdir(parents=True)
    assert project.publish(executable()).status is Status.FAILED
    assert os.listdir(project.artifact.parent) == ["bootstrap"]


def test_what_it_was_built_from_is_remembered_with_an_artifact(project: Project) -> None:
    project.publish(executable(), GO)
    assert project.remembered.inputs == (GO,)
    project.publish(executable(), ("go", "go1.27"))
    assert project.remembered.inputs == (("go", "go1.27"),)


def test_what_go_would_link_again_as_it_is_is_unchanged(project: Project) -> None:
    project.publish(executable(build_id=FINAL))
    before = project.remembered
    step = project.step._replace(runtime=Runtime.AL2)
    result = project.confirm(GO, step=step)
    assert result == StepResult(
        step=step,
        status=Status.UNCHANGED,
        reason="go1.26 → go1.27",
        artifact=str(project.artifact),
        size=before.identity.size,
        previous_size=before.identity.size,
        sha256=before.sha256,
        compile_seconds=0.5,
        seconds=0.5,
    )
    assert project.remembered == before._replace(runtime=Runtime.AL2, inputs=(GO,))


def test_what_is_about_to_be_published_is_announced_as_it_will_be_remembered(
    project: Project,
) -> None:
    publisher = project.publisher(GO)
    linked = project.linked(executable(build_id=FINAL))
    packed = project.packed(linked)
    announced = publisher.announcement(linked, packed)
    publisher.publish(linked, packed, "not built before")
    size = len(executable(build_id=FINAL))
    # A run that is killed before the end must not be taken for whole.
    assert announced == project.remembered._replace(
        identity=Identity(-1, size, 0, 0), packed=UNKNOWN_CONTENTS
    )


@pytest.mark.parametrize(
    ("before", "after", "restored", "lost"),
    [
        (False, True, False, True),
        (False, True, True, False),
        (True, True, False, False),
        (None, True, False, False),
        (False, False, False, False),
        (True, False, False, False),
        (False, None, False, False),
    ],
)
def test_that_methods_are_kept_is_told_if_the_last_build_is_known_not_to(
    project: Project, before: bool | None, after: bool | None, restored: bool, lost: bool
) -> None:
    for content, keeps in ((executable("one"), before), (executable("two"), after)):
        linked = project.linked(content)
        packed = project.packed(linked)._replace(keeps_methods=keeps)
        if restored and content == executable("two"):
            linked = linked._replace(restored=packed.sha256)
        result = project.publisher(GO).publish(linked, packed, "GO changed")
        assert (result.keeps_methods, project.remembered.keeps_methods) == (keeps, keeps)
    assert result.lost_methods is lost


def test_a_first_build_is_told_nothing_of_methods(project: Project) -> None:
    linked = project.linked(executable())
    packed = project.packed(linked)._replace(keeps_methods=True)
    assert not project.publisher(GO).publish(linked, packed, "not built before").lost_methods


def test_looking_whether_a_directory_can_be_written_leaves_it_as_it_is(tmp_path: Path) -> None:
    store.check_writable([str(tmp_path), str(tmp_path / "dist/deep")])
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "dist").write_text("a file")
    with pytest.raises(LambdabuildError) as caught:
        store.check_writable([str(tmp_path / "dist/deep")])
    assert str(caught.value) == (
        f"cannot write `{tmp_path}/dist/deep`: Not a directory\n"
        "  hint: something else is in its place; move it away"
    )
