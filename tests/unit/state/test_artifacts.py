import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdabuild.core.artifact import Artifact, Kind
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Linked, Status, StepResult
from lambdabuild.core.target import Runtime
from lambdabuild.packaging.packer import Packed
from lambdabuild.state import artifacts
from lambdabuild.state.artifacts import Removal, Removed
from lambdabuild.state.state import State
from tests.unit.published import (
    GO,
    PACKAGE,
    Project,
    executable,
    identity,
    sha256,
    tamper,
)
from tests.unit.values import X86_64


def test_what_nothing_changed_of_is_up_to_date(project: Project) -> None:
    project.publish(executable(), GO)
    before = project.remembered
    step = project.step._replace(runtime=Runtime.AL2)
    assert artifacts.up_to_date(step, project.state, str(project.path)) == StepResult(
        step=step,
        status=Status.UP_TO_DATE,
        artifact=str(project.artifact),
        size=before.identity.size,
        previous_size=before.identity.size,
        sha256=before.sha256,
    )
    # What it was built from is known already, from when it was built.
    assert project.remembered == before._replace(runtime=Runtime.AL2)


def confirmed(project: Project) -> StepResult:
    linked = Linked(project.step, current=True)
    sha = project.remembered.sha256
    packed = Packed(sha, None, project.remembered.identity, (), ())
    return project.publisher(GO).confirm(linked, packed, "go1.26 → go1.27")


def found_up_to_date(project: Project) -> StepResult:
    return artifacts.up_to_date(project.step, project.state, str(project.path))


@pytest.fixture(params=[confirmed, found_up_to_date])
def in_place(request: pytest.FixtureRequest) -> Callable[[Project], StepResult]:
    """Report an artifact that is in its place already."""
    report: Callable[[Project], StepResult] = request.param
    return report


def test_an_artifact_that_is_not_built_again_gets_its_mode_back(
    project: Project, in_place: Callable[[Project], StepResult]
) -> None:
    project.publish(executable())
    project.artifact.chmod(0o600)
    assert in_place(project).status in {Status.UNCHANGED, Status.UP_TO_DATE}
    assert project.artifact.stat().st_mode & 0o7777 == 0o755
    assert project.remembered.identity == identity(project.artifact)


def test_an_artifact_that_was_touched_is_known_by_its_new_times(
    project: Project, in_place: Callable[[Project], StepResult]
) -> None:
    project.publish(executable())
    os.utime(project.artifact, ns=(1, 1))
    assert in_place(project).status in {Status.UNCHANGED, Status.UP_TO_DATE}
    assert project.remembered.identity == identity(project.artifact)


def test_an_artifact_that_was_changed_since_it_was_looked_at_is_an_error(
    project: Project, in_place: Callable[[Project], StepResult]
) -> None:
    project.publish(executable("one"))
    before = project.remembered
    tamper(project.artifact, executable("two"))
    assert in_place(project) == StepResult(
        step=project.step,
        status=Status.FAILED,
        errors=(
            Diagnostic(
                PACKAGE, f"`{project.artifact}` was changed meanwhile; run lambdabuild again"
            ),
        ),
    )
    assert project.remembered == before


def test_an_artifact_whose_mode_cannot_be_set_is_an_error_of_its_function(
    project: Project,
    in_place: Callable[[Project], StepResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project.publish(executable())
    project.artifact.chmod(0o600)

    def refuse(path: str, _mode: int) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), path)

    # Another user's file: root, who runs these tests in CI, may set any mode.
    monkeypatch.setattr(os, "chmod", refuse)
    assert in_place(project).errors == (
        Diagnostic(
            PACKAGE,
            f"cannot write `{project.artifact}`: Operation not permitted\n"
            "  hint: the directory has to be writable by the user that runs lambdabuild",
        ),
    )


def test_artifacts_are_settled_once_the_clock_has_moved_on(project: Project) -> None:
    project.publish(executable())
    before = project.remembered
    changed = before.identity.changed
    times = iter([changed - 1, changed, changed + 1])
    artifacts.settle(project.state, [before.path], lambda: next(times))
    assert list(times) == []
    assert project.state == State({before.path: before})


def test_artifacts_are_settled_together(project: Project) -> None:
    project.publish(executable())
    first = project.remembered
    later = first.identity._replace(changed=first.identity.changed + 5)
    second = first._replace(path="dist/orders-get/bootstrap", identity=later)
    project.state.put(second)
    times = iter([later.changed, later.changed + 1])
    artifacts.settle(project.state, [second.path, first.path], lambda: next(times))
    assert list(times) == []
    assert project.state == State({first.path: first, second.path: second})


def test_artifacts_under_a_clock_that_stands_still_are_read_the_next_time(
    project: Project,
) -> None:
    project.publish(executable())
    before = project.remembered
    project.state.put(before._replace(path="elsewhere"))
    artifacts.settle(project.state, [before.path], lambda: before.identity.changed)
    assert project.remembered == before._replace(
        identity=before.identity._replace(inode=artifacts.NOT_LOOKED_AT.inode)
    )
    assert project.state.artifacts["elsewhere"] == before._replace(path="elsewhere")
    assert artifacts.verified(project.remembered, str(project.path)) == before


def test_artifacts_without_a_clock_are_read_the_next_time(project: Project) -> None:
    project.publish(executable())

    def broken() -> int:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "lock")

    artifacts.settle(project.state, [project.remembered.path], broken)
    assert project.remembered.identity.inode == artifacts.NOT_LOOKED_AT.inode


def test_where_nothing_was_published_no_clock_is_waited_for(project: Project) -> None:
    project.publish(executable())
    before = project.remembered._replace()
    artifacts.settle(project.state, [], lambda: 1)
    artifacts.settle(project.state, ["dist/failed/bootstrap"], lambda: 1)
    assert project.remembered == before


def test_a_step_that_failed_names_the_artifact_of_an_earlier_run(project: Project) -> None:
    project.publish(executable())
    error = Diagnostic(PACKAGE, "declared and not used: x")
    failed = artifacts.failed(project.step, (error,), project.state, str(project.path))
    cancelled = artifacts.cancelled(project.step, project.state, str(project.path))
    assert failed == StepResult(
        step=project.step,
        status=Status.FAILED,
        artifact=str(project.artifact),
        size=len(executable()),
        previous_size=len(executable()),
        sha256=sha256(executable()),
        errors=(error,),
    )
    assert cancelled == failed._replace(status=Status.CANCELLED, errors=())


def test_a_step_that_failed_names_no_artifact_that_somebody_changed(project: Project) -> None:
    project.publish(executable("one"))
    tamper(project.artifact, executable("two"))
    assert artifacts.cancelled(project.step, project.state, str(project.path)) == StepResult(
        project.step, Status.CANCELLED
    )


def test_a_step_that_failed_names_no_artifact_of_another_target(project: Project) -> None:
    project.publish(executable())
    step = project.step._replace(target=X86_64._replace(goarch="arm64"))
    result = artifacts.cancelled(step, project.state, str(project.path))
    assert result == StepResult(step, Status.CANCELLED)


def test_an_artifact_holds_while_its_bytes_are_the_same(project: Project) -> None:
    project.publish(executable("one"))
    root = str(project.path)
    before = project.remembered
    assert artifacts.is_verified(before, root)
    assert artifacts.verified(before, root) == before
    os.utime(project.artifact, ns=(1, 1))
    assert artifacts.is_verified(before, root)
    assert artifacts.verified(before, root) == before._replace(identity=identity(project.artifact))
    tamper(project.artifact, executable("two"))
    assert not artifacts.is_verified(before, root)
    tamper(project.artifact, executable("three"))
    assert not artifacts.is_verified(before, root)
    project.artifact.unlink()
    assert not artifacts.is_verified(before, root)
    project.artifact.symlink_to(project.path / "staging")
    assert not artifacts.is_verified(before, root)


def test_an_artifact_is_removed_with_the_directories_it_leaves_empty(project: Project) -> None:
    project.publish(executable())
    assert project.remove() is Removal.REMOVED
    assert project.state == State()
    # The output directory itself stays, empty as it is.
    assert os.listdir(project.out) == []


def test_a_directory_that_holds_something_else_stays(project: Project) -> None:
    project.publish(executable())
    (project.artifact.parent / "notes.txt").touch()
    assert project.remove() is Removal.REMOVED
    assert os.listdir(project.artifact.parent) == ["notes.txt"]


def test_a_file_that_somebody_changed_is_not_removed(project: Project) -> None:
    project.publish(executable("one"))
    tamper(project.artifact, executable("two"))
    assert project.remove() is Removal.LEFT
    assert project.artifact.read_bytes() == executable("two")
    assert project.state == State()


def test_a_file_that_cannot_be_read_is_not_removed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.publish(executable())
    os.utime(project.artifact, ns=(1, 1))

    def refuse(path: str) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    # Root, who runs these tests in CI, may read any.
    monkeypatch.setattr(artifacts, "digest", refuse)
    assert artifacts.verified(project.remembered, str(project.path)) is None
    assert project.remove() is Removal.LEFT
    assert project.artifact.exists()


def test_a_file_that_went_away_is_forgotten_with_its_empty_directories(project: Project) -> None:
    project.publish(executable())
    project.artifact.unlink()
    assert project.remove() is Removal.GONE
    assert os.listdir(project.out) == []
    assert project.state == State()


def test_what_a_killed_run_left_beside_an_artifact_is_removed_with_it(project: Project) -> None:
    project.publish(executable())
    (project.artifact.parent / ".bootstrap.lambdabuild-tmp").touch()
    assert project.remove() is Removal.REMOVED
    assert os.listdir(project.out) == []


def with_all(project: Project) -> Artifact:
    """Publish an executable with two assets and a zip."""
    project.write("data/a", "a")
    project.write("b", "b")
    project.publish(executable(), step=project.wanting("**"))
    return project.remembered


def test_what_stands_with_an_artifact_is_removed_with_it(project: Project) -> None:
    artifact = with_all(project)
    removed = artifacts.remove(artifact, project.state, str(project.path), project.out)
    assert removed.removal is Removal.REMOVED
    assert sorted(removed.files) == [
        f"{project.out}/{name}"
        for name in ("users-get.zip", "users-get/b", "users-get/bootstrap", "users-get/data/a")
    ]
    assert os.listdir(project.out) == []


@pytest.mark.parametrize("name", ["users-get.zip", "users-get/data/a", "users-get/bootstrap"])
def test_of_what_stands_with_an_artifact_what_somebody_changed_is_left(
    project: Project, name: str
) -> None:
    artifact = with_all(project)
    path = Path(project.out, name)
    tamper(path, bytes(path.stat().st_size))
    removed = artifacts.remove(artifact, project.state, str(project.path), project.out)
    mine = name == "users-get/bootstrap"
    assert removed.removal is (Removal.LEFT if mine else Removal.REMOVED)
    assert project.there == {name}
    assert str(path) not in removed.files
    assert (removed.left, removed.refused) == ((str(path),), ())
    assert project.state == State()


def test_what_the_system_does_not_let_go_of_stays_lambdabuild_s(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = with_all(project)
    unlink = os.unlink

    def refuse(path: str) -> None:
        if path.endswith("users-get.zip"):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)
        unlink(path)

    monkeypatch.setattr(os, "unlink", refuse)
    removed = artifacts.remove(artifact, project.state, str(project.path), project.out)
    assert (removed.left, removed.refused) == ((), (str(project.zip),))
    assert list(project.sidecars) == ["users-get.zip"]


def test_one_file_that_stands_with_an_artifact_is_removed_alone(project: Project) -> None:
    with_all(project)
    asset = project.sidecars["users-get/data/a"]
    root = str(project.path)
    assert artifacts.remove_sidecar(asset, root, project.out) is Removal.REMOVED
    assert project.there == {"users-get.zip", "users-get/b", "users-get/bootstrap"}
    assert not (project.artifact.parent / "data").exists()
    assert artifacts.remove_sidecar(asset, root, project.out) is Removal.GONE


def test_what_stands_with_an_artifact_is_told_while_it_is_as_it_was_written(
    project: Project,
) -> None:
    before = with_all(project)
    step = project.wanting("**")
    root = str(project.path)
    os.utime(project.zip, ns=(1, 1))
    told = artifacts.up_to_date(step, project.state, root)
    assert told.zip == project.sidecars["users-get.zip"]
    assert told.zip is not None
    assert told.zip.identity == identity(project.zip)
    assert artifacts.up_to_date(project.step, project.state, root).zip is None
    tamper(project.zip, b"x" * project.zip.stat().st_size)
    assert artifacts.up_to_date(step, project.state, root).zip is None
    assert [c.kind for c in project.remembered.sidecars] == [Kind.ASSET, Kind.ASSET]
    assert project.remembered.packed == before.packed


def test_a_step_that_failed_names_the_zip_of_an_earlier_run(project: Project) -> None:
    with_all(project)
    step = project.wanting("**")
    root = str(project.path)
    known = project.sidecars["users-get.zip"]
    assert artifacts.failed(step, (), project.state, root).zip == known
    assert artifacts.failed(project.step, (), project.state, root).zip is None
    project.zip.unlink()
    assert artifacts.failed(step, (), project.state, root).zip is None


def test_a_step_that_failed_names_no_zip_of_another_executable(project: Project) -> None:
    with_all(project)
    other = project.remembered._replace(
        sidecars=tuple(c._replace(made_from="0") for c in project.remembered.sidecars)
    )
    project.state.put(other)
    failed = artifacts.failed(project.wanting("**"), (), project.state, str(project.path))
    assert (failed.artifact, failed.zip) == (str(project.artifact), None)


def test_an_asset_holds_while_its_bytes_and_its_mode_are_the_same(project: Project) -> None:
    with_all(project)
    asset = project.sidecars["users-get/b"]
    root = str(project.path)
    path = project.artifact.parent / "b"
    assert artifacts.verified_sidecar(asset, root) == asset
    os.utime(path, ns=(1, 1))
    assert artifacts.verified_sidecar(asset, root) == asset._replace(identity=identity(path))
    path.chmod(0o755)
    assert artifacts.verified_sidecar(asset, root) is None
    path.chmod(0o644)
    tamper(path, b"c")
    assert artifacts.verified_sidecar(asset, root) is None
    path.unlink()
    path.symlink_to(project.directory / "b")
    assert artifacts.verified_sidecar(asset, root) is None


def test_what_stands_with_an_artifact_is_settled_with_it(project: Project) -> None:
    with_all(project)
    first = project.remembered
    zipped = project.sidecars["users-get.zip"]
    later = zipped._replace(
        identity=zipped.identity._replace(changed=first.identity.changed + 10**12)
    )
    project.state.put(first._replace(sidecars=(later,)))
    changed = later.identity.changed
    times = iter([changed - 1, changed, changed + 1])
    artifacts.settle(project.state, [first.path], lambda: next(times))
    assert list(times) == []
    artifacts.settle(project.state, [first.path], lambda: changed)
    assert project.remembered.sidecars == (
        later._replace(identity=later.identity._replace(inode=artifacts.NOT_LOOKED_AT.inode)),
    )


def test_in_place_no_directory_of_the_sources_is_removed(project: Project) -> None:
    project.publish(executable())
    boundary = str(project.artifact.parent)
    removal = artifacts.remove(project.remembered, project.state, str(project.path), boundary)
    assert removal == Removed(Removal.REMOVED, (str(project.artifact),))
    assert project.artifact.parent.is_dir()
