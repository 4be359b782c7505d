import errno
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lambdabuild import publish
from lambdabuild.errors import LambdabuildError
from lambdabuild.goparse import BuildID
from lambdabuild.model import (
    Artifact,
    Diagnostic,
    Flags,
    Function,
    Identity,
    Linked,
    Runtime,
    Status,
    Step,
    StepResult,
)
from lambdabuild.publish import Publisher, Removal
from lambdabuild.state import State
from tests.unit.values import X86_64

PACKAGE = "example.com/shop/api/users/get"
FINAL = "link/main/main/content"
HALF_WAY = "link/main/main/link"


def executable(text: str = "one", build_id: str = "") -> bytes:
    """Return an executable, as far as lambdabuild looks at it."""
    note = b""
    if build_id:
        length = len(build_id).to_bytes(4, "little")
        note = b"\4\0\0\0" + length + b"\4\0\0\0Go\0\0" + build_id.encode()
    return b"\x7fELF" + note + text.encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Project:
    """A project directory, with what lambdabuild remembers of it."""

    path: Path
    state: State

    @property
    def step(self) -> Step:
        directory = str(self.path / "api/users/get")
        function = Function("users-get", PACKAGE, directory, str(self.path))
        return Step(function, X86_64, Runtime.AL2023, Flags(), str(self.artifact))

    @property
    def artifact(self) -> Path:
        return self.path / "dist/users-get/bootstrap"

    @property
    def remembered(self) -> Artifact:
        return self.state.artifacts["dist/users-get/bootstrap"]

    @property
    def out(self) -> str:
        return str(self.path / "dist")

    def linked(self, content: bytes) -> Linked:
        """Stage an executable."""
        staged = self.path / "staging/exe"
        staged.parent.mkdir(exist_ok=True)
        staged.write_bytes(content)
        return Linked(self.step, str(staged), compile_seconds=0.5, link_seconds=0.25)

    def publish(self, content: bytes) -> StepResult:
        """Publish an executable as a run of its own does."""
        publisher = Publisher(str(self.path), "dist", self.state)
        linked = self.linked(content)
        return publisher.publish(linked, publisher.measure(linked), "not built before")

    def remove(self) -> Removal:
        return publish.remove(self.remembered, self.state, str(self.path), self.out)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, State())


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def tamper(path: Path, content: bytes) -> None:
    """Write to a file as somebody else does, some time after lambdabuild."""
    modified = path.stat().st_mtime_ns + 10**9
    path.write_bytes(content)
    os.utime(path, ns=(modified, modified))


def identity(path: Path) -> Identity:
    found = path.lstat()
    return Identity(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def test_an_executable_is_moved_to_its_place_and_remembered(project: Project) -> None:
    content = executable(build_id=FINAL)
    result = project.publish(content)
    assert project.artifact.read_bytes() == content
    assert os.listdir(project.path / "staging") == []
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
    assert again == replace(
        first, status=Status.UNCHANGED, previous_size=project.artifact.stat().st_size
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
    assert (result.status, result.previous_size, result.size) == (Status.BUILT, 7, 9)


def test_bytes_that_somebody_changed_at_the_same_size_are_put_right(project: Project) -> None:
    project.publish(executable("one"))
    tamper(project.artifact, executable("two"))
    assert project.publish(executable("one")).status is Status.BUILT
    assert project.artifact.read_bytes() == executable("one")


def test_a_link_in_the_place_is_replaced_and_not_followed(project: Project) -> None:
    target = project.path / "precious"
    target.write_bytes(executable())
    project.artifact.parent.mkdir(parents=True)
    project.artifact.symlink_to(target)
    assert project.publish(executable()).status is Status.BUILT
    assert not project.artifact.is_symlink()
    assert target.exists()


def test_an_executable_that_go_did_not_finish_is_not_published(project: Project) -> None:
    project.publish(executable("old", FINAL))
    result = project.publish(executable("new", HALF_WAY))
    assert project.artifact.read_bytes() == executable("old", FINAL)
    assert result == StepResult(
        step=project.step,
        status=Status.FAILED,
        artifact=str(project.artifact),
        size=project.remembered.identity.size,
        previous_size=project.remembered.identity.size,
        sha256=sha256(executable("old", FINAL)),
        errors=(Diagnostic(PACKAGE, "`go build` ended before the executable was finished"),),
    )


def test_an_executable_that_went_away_is_an_error_of_its_function(project: Project) -> None:
    linked = project.linked(executable())
    os.unlink(str(linked.executable))
    measured = Publisher(str(project.path), "dist", project.state).measure(linked)
    assert measured == Diagnostic(
        PACKAGE,
        f"cannot write `{linked.executable}`: No such file or directory\n"
        "  hint: `lambdabuild doctor` checks where it writes",
    )


def test_a_directory_in_the_place_is_an_error_of_its_function(project: Project) -> None:
    (project.artifact / "inside").mkdir(parents=True)
    result = project.publish(executable())
    assert (result.status, result.artifact) == (Status.FAILED, None)
    assert result.errors == (
        Diagnostic(
            PACKAGE,
            f"cannot write `{project.artifact}`: Is a directory\n"
            "  hint: something else is in its place; move it away",
        ),
    )
    assert project.state == State()


def test_the_digest_of_a_known_build_id_is_not_taken_again(project: Project) -> None:
    content = executable(build_id=FINAL)
    project.publish(content)
    project.state.artifacts["dist/users-get/bootstrap"] = replace(
        project.remembered, sha256="known"
    )
    publisher = Publisher(str(project.path), "dist", project.state)
    assert publisher.measure(project.linked(content)) == ("known", BuildID(FINAL))
    # One byte more, and it is not the same executable, whatever its ID says.
    longer = content + b"!"
    assert publisher.measure(project.linked(longer)) == (sha256(longer), BuildID(FINAL))


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put `staging` on another file system than all the rest."""
    replace_ = os.replace

    def replace_on_one_device(source: str, target: str) -> None:
        if "/staging/" in source:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), source, None, target)
        replace_(source, target)

    monkeypatch.setattr(os, "replace", replace_on_one_device)


@pytest.mark.usefixtures("devices", "umask")
def test_across_file_systems_the_executable_is_copied_whole(project: Project) -> None:
    assert project.publish(executable()).status is Status.BUILT
    assert project.artifact.read_bytes() == executable()
    assert project.artifact.stat().st_mode & 0o7777 == 0o755
    assert os.listdir(project.artifact.parent) == ["bootstrap"]


@pytest.mark.usefixtures("devices")
def test_a_copy_that_fails_leaves_nothing_behind(project: Project) -> None:
    (project.artifact / "inside").mkdir(parents=True)
    assert project.publish(executable()).status is Status.FAILED
    assert os.listdir(project.artifact.parent) == ["bootstrap"]


def test_what_go_would_link_again_as_it_is_is_up_to_date(project: Project) -> None:
    project.publish(executable(build_id=FINAL))
    before = project.remembered
    step = replace(project.step, runtime=Runtime.AL2)
    publisher = Publisher(str(project.path), "dist", project.state)
    result = publisher.up_to_date(Linked(step, current=True, compile_seconds=0.5))
    assert result == StepResult(
        step=step,
        status=Status.UP_TO_DATE,
        artifact=str(project.artifact),
        size=before.identity.size,
        previous_size=before.identity.size,
        sha256=before.sha256,
        compile_seconds=0.5,
        seconds=0.5,
    )
    assert project.remembered == replace(before, runtime=Runtime.AL2)


def test_a_step_that_failed_names_the_artifact_of_an_earlier_run(project: Project) -> None:
    project.publish(executable())
    error = Diagnostic(PACKAGE, "declared and not used: x")
    failed = publish.failed(project.step, (error,), project.state, str(project.path))
    cancelled = publish.cancelled(project.step, project.state, str(project.path))
    assert failed == StepResult(
        step=project.step,
        status=Status.FAILED,
        artifact=str(project.artifact),
        size=7,
        previous_size=7,
        sha256=sha256(executable()),
        errors=(error,),
    )
    assert cancelled == replace(failed, status=Status.CANCELLED, errors=())


def test_a_step_that_failed_names_no_artifact_that_somebody_changed(project: Project) -> None:
    project.publish(executable("one"))
    tamper(project.artifact, executable("two"))
    assert publish.cancelled(project.step, project.state, str(project.path)) == StepResult(
        project.step, Status.CANCELLED
    )


def test_a_step_that_failed_names_no_artifact_of_another_target(project: Project) -> None:
    project.publish(executable())
    step = replace(project.step, target=replace(X86_64, goarch="arm64"))
    result = publish.cancelled(step, project.state, str(project.path))
    assert result == StepResult(step, Status.CANCELLED)


def test_an_artifact_holds_while_its_bytes_are_the_same(project: Project) -> None:
    project.publish(executable("one"))
    root = str(project.path)
    assert publish.holds(project.remembered, root)
    os.utime(project.artifact, ns=(1, 1))
    assert publish.holds(project.remembered, root)
    tamper(project.artifact, executable("two"))
    assert not publish.holds(project.remembered, root)
    project.artifact.unlink()
    assert not publish.holds(project.remembered, root)
    project.artifact.symlink_to(project.path / "staging")
    assert not publish.holds(project.remembered, root)


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


def test_in_place_no_directory_of_the_sources_is_removed(project: Project) -> None:
    project.publish(executable())
    boundary = str(project.artifact.parent)
    removal = publish.remove(project.remembered, project.state, str(project.path), boundary)
    assert removal is Removal.REMOVED
    assert project.artifact.parent.is_dir()


MANIFEST = "dist/manifest.json"


def test_the_manifest_tells_the_artifacts_of_its_layout(project: Project) -> None:
    project.publish(executable())
    project.state.artifacts["elsewhere"] = replace(
        project.remembered, path="elsewhere", layout="elsewhere"
    )
    publish.write_manifest(project.state, str(project.path), "dist")
    text = (project.path / MANIFEST).read_text()
    assert [f["artifact"] for f in json.loads(text)["functions"]] == ["dist/users-get/bootstrap"]
    assert project.state.manifests == {MANIFEST: sha256(text.encode())}


def test_a_manifest_that_says_the_same_is_left_alone(project: Project) -> None:
    project.publish(executable())
    publish.write_manifest(project.state, str(project.path), "dist")
    before = identity(project.path / MANIFEST)
    publish.write_manifest(project.state, str(project.path), "dist")
    assert identity(project.path / MANIFEST) == before


def test_a_manifest_is_removed_while_it_says_what_lambdabuild_wrote(project: Project) -> None:
    project.publish(executable())
    root = str(project.path)
    publish.write_manifest(project.state, root, "dist")
    assert publish.remove_manifest(MANIFEST, project.state, root)
    assert not (project.path / MANIFEST).exists()
    assert project.state.manifests == {}

    publish.write_manifest(project.state, root, "dist")
    (project.path / MANIFEST).write_text("{}")
    assert not publish.remove_manifest(MANIFEST, project.state, root)
    assert (project.path / MANIFEST).read_text() == "{}"

    (project.path / MANIFEST).unlink()
    project.state.manifests[MANIFEST] = "whatever"
    assert not publish.remove_manifest(MANIFEST, project.state, root)


def test_looking_whether_a_directory_can_be_written_leaves_it_as_it_is(tmp_path: Path) -> None:
    publish.check_writable([str(tmp_path), str(tmp_path / "dist/deep")])
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "dist").write_text("a file")
    with pytest.raises(LambdabuildError) as caught:
        publish.check_writable([str(tmp_path / "dist/deep")])
    assert str(caught.value) == (
        f"cannot write `{tmp_path}/dist/deep`: Not a directory\n"
        "  hint: something else is in its place; move it away"
    )
