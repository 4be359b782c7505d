"""Put finished executables in their places, whole or not at all, and take old ones away."""

import contextlib
import errno
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from lambdabuild.errors import LambdabuildError
from lambdabuild.goparse import BuildID, parse_build_id
from lambdabuild.model import Artifact, Diagnostic, Identity, Linked, Status, Step, StepResult
from lambdabuild.report import manifest_text
from lambdabuild.state import State, cannot_write, write_atomically

log = logging.getLogger(__name__)

MODE = 0o755
"""Lambda runs the executable as another user than the one who built it."""
_HEAD = 32 * 1024
"""Bytes at the beginning of an executable where Go looks for its build ID."""


def identify(path: str) -> Identity | None:
    """Return what tells this file from a changed one; None where there is no regular file."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    if not os.path.isfile(path) or os.path.islink(path):
        return None
    return Identity(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def digest(path: str) -> str:
    """Return the SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_build_id(path: str) -> BuildID | None:
    """Return Go's build ID of an executable."""
    with open(path, "rb") as file:
        return parse_build_id(file.read(_HEAD))


def holds(artifact: Artifact, project: str) -> bool:
    """Tell whether the artifact's file still is what lambdabuild wrote."""
    path = os.path.join(project, artifact.path)
    now = identify(path)
    if now is None or now.size != artifact.identity.size:
        return False
    return now == artifact.identity or digest(path) == artifact.sha256


def check_writable(directories: Iterable[str]) -> None:
    """See that files can be made in each directory, or where it would be made.

    Raises:
        LambdabuildError: one of them cannot be written.

    """
    for directory in directories:
        existing = directory
        while not os.path.lexists(existing):
            existing = os.path.dirname(existing)
        try:
            with tempfile.TemporaryFile(dir=existing):
                pass
        except OSError as error:
            raise cannot_write(error, directory) from error


class Publisher:
    """Publish the results of one run; `state` is changed along with the files."""

    def __init__(self, project: str, layout: str, state: State) -> None:
        self._project = project
        self._layout = layout
        self._state = state
        # Equal build IDs mean equal bytes, so a digest taken once need not be taken again.
        self._known = {
            artifact.build_id: artifact
            for artifact in state.artifacts.values()
            if artifact.build_id
        }

    def measure(self, linked: Linked) -> tuple[str, BuildID | None] | Diagnostic:
        """Return the digest and the build ID of a staged executable, or why it is no good."""
        executable = str(linked.executable)
        try:
            build_id = read_build_id(executable)
            if build_id is not None and not build_id.final:
                return Diagnostic(
                    linked.step.function.package,
                    "`go build` ended before the executable was finished",
                )
            known = self._known.get(build_id.text) if build_id else None
            if known is not None and known.identity.size == os.path.getsize(executable):
                return known.sha256, build_id
            return digest(executable), build_id
        except OSError as error:
            return Diagnostic(linked.step.function.package, str(cannot_write(error, executable)))

    def publish(
        self, linked: Linked, measured: tuple[str, BuildID | None] | Diagnostic, reason: str
    ) -> StepResult:
        """Put one executable in its place, unless the same bytes are there already."""
        step = linked.step
        if isinstance(measured, Diagnostic):
            return failed(step, (*linked.errors, measured), self._state, self._project)
        sha256, build_id = measured
        relative = os.path.relpath(step.artifact, self._project)
        previous = self._state.artifacts.get(relative)
        try:
            same = self._has_already(step.artifact, sha256, previous)
            if same:
                _make_executable(step.artifact)
            else:
                _move(str(linked.executable), step.artifact)
        except OSError as error:
            problem = Diagnostic(step.function.package, str(cannot_write(error, step.artifact)))
            return failed(step, (problem,), self._state, self._project)
        identity = identify(step.artifact)
        if identity is None:
            problem = Diagnostic(step.function.package, f"`{step.artifact}` went away at once")
            return failed(step, (problem,), self._state, self._project)
        self._state.artifacts[relative] = Artifact(
            path=relative,
            layout=self._layout,
            function=step.function.name,
            package=step.function.package,
            directory=os.path.relpath(step.function.directory, self._project),
            target=step.target,
            runtime=step.runtime,
            sha256=sha256,
            identity=identity,
            build_id=build_id.text if build_id else None,
            link_id=build_id.link if build_id else None,
        )
        return StepResult(
            step=step,
            status=Status.UNCHANGED if same else Status.BUILT,
            reason=reason,
            artifact=step.artifact,
            size=identity.size,
            previous_size=previous.identity.size if previous else None,
            sha256=sha256,
            compile_seconds=linked.compile_seconds,
            link_seconds=linked.link_seconds,
            seconds=(linked.compile_seconds or 0) + (linked.link_seconds or 0),
        )

    def up_to_date(self, linked: Linked) -> StepResult:
        """Report an artifact that Go would link again as it is."""
        step = linked.step
        relative = os.path.relpath(step.artifact, self._project)
        artifact = self._state.artifacts[relative]
        try:
            # Looked at again: `go` was at work for a while since it was found to be in place.
            if not holds(artifact, self._project):
                message = f"`{step.artifact}` was changed meanwhile; run lambdabuild again"
                problem = Diagnostic(step.function.package, message)
                return failed(step, (problem,), self._state, self._project)
            _make_executable(step.artifact)
        except OSError as error:
            problem = Diagnostic(step.function.package, str(cannot_write(error, step.artifact)))
            return failed(step, (problem,), self._state, self._project)
        # Package, directory and runtime are no part of the bytes, but of the manifest. A file that
        # was only touched has a new identity: taken over, it is not hashed again every time.
        self._state.artifacts[relative] = replace(
            artifact,
            package=step.function.package,
            directory=os.path.relpath(step.function.directory, self._project),
            runtime=step.runtime,
            identity=identify(step.artifact) or artifact.identity,
        )
        return StepResult(
            step=step,
            status=Status.UP_TO_DATE,
            artifact=step.artifact,
            size=artifact.identity.size,
            previous_size=artifact.identity.size,
            sha256=artifact.sha256,
            compile_seconds=linked.compile_seconds,
            seconds=linked.compile_seconds,
        )

    def _has_already(self, path: str, sha256: str, previous: Artifact | None) -> bool:
        now = identify(path)
        if now is None:
            return False
        if previous is not None and now == previous.identity:
            return previous.sha256 == sha256
        return digest(path) == sha256


def failed(step: Step, errors: tuple[Diagnostic, ...], state: State, project: str) -> StepResult:
    """Report a step that did not build; the artifact of an earlier run stays, and is named."""
    return _without_new(step, Status.FAILED, errors, state, project)


def cancelled(step: Step, state: State, project: str) -> StepResult:
    """Report a step that was not finished because the run ended before."""
    return _without_new(step, Status.CANCELLED, (), state, project)


def _without_new(
    step: Step, status: Status, errors: tuple[Diagnostic, ...], state: State, project: str
) -> StepResult:
    old = state.artifacts.get(os.path.relpath(step.artifact, project))
    if old is not None and (old.key != step.key or not holds(old, project)):
        old = None
    return StepResult(
        step=step,
        status=status,
        artifact=step.artifact if old else None,
        size=old.identity.size if old else None,
        previous_size=old.identity.size if old else None,
        sha256=old.sha256 if old else None,
        errors=errors,
    )


def _make_executable(path: str) -> None:
    if os.stat(path).st_mode & 0o777 != MODE:
        os.chmod(path, MODE)


def _move(source: str, target: str) -> None:
    """Replace `target` with `source` in one step, also across file systems."""
    os.chmod(source, MODE)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        temporary = _temporary(target)
        try:
            shutil.copyfile(source, temporary)
            os.chmod(temporary, MODE)
            os.replace(temporary, target)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def _temporary(target: str) -> str:
    directory, name = os.path.split(target)
    return os.path.join(directory, f".{name}.lambdabuild-tmp")


class Removal(StrEnum):
    """What became of an artifact that was to be removed."""

    REMOVED = "removed"
    LEFT = "left"
    """Somebody else has changed it."""
    REFUSED = "refused"
    """The system does not let go of it; it stays lambdabuild's."""
    GONE = "gone"
    """It was not there any more."""


def remove(artifact: Artifact, state: State, project: str, boundary: str) -> Removal:
    """Remove an artifact that is still as lambdabuild wrote it, and directories left empty.

    Unless the system refuses, it is lambdabuild's no longer. Directories are removed up to
    `boundary` (absolute), which stays.
    """
    path = os.path.normpath(os.path.join(project, artifact.path))
    with contextlib.suppress(OSError):
        os.unlink(_temporary(path))
    removal = Removal.GONE
    if holds(artifact, project):
        try:
            os.unlink(path)
        except OSError as error:
            log.info("%s: %s", artifact.path, error)
            return Removal.REFUSED
        removal = Removal.REMOVED
    elif os.path.lexists(path):
        removal = Removal.LEFT
    log.info("%s: %s", artifact.path, removal)
    del state.artifacts[artifact.path]
    parent = os.path.dirname(path)
    while parent.startswith(boundary + os.sep):
        try:
            os.rmdir(parent)
        except OSError:
            break
        parent = os.path.dirname(parent)
    return removal


def write_manifest(state: State, project: str, layout: str) -> None:
    """Write `manifest.json` of an output directory, unless it already says the same.

    Raises:
        LambdabuildError: it cannot be written.

    """
    path = os.path.normpath(os.path.join(layout, "manifest.json"))
    artifacts = [a for a in state.artifacts.values() if a.layout == layout]
    full = Path(project, path)
    if not artifacts and not full.exists():
        return
    text = manifest_text(artifacts)
    state.manifests[path] = hashlib.sha256(text.encode()).hexdigest()
    try:
        if full.read_text("utf-8") == text:
            return
    except (OSError, ValueError):
        pass
    write_atomically(full, text)


def remove_manifest(path: str, state: State, project: str) -> bool:
    """Remove a manifest that is still as lambdabuild wrote it; return whether it was."""
    full = os.path.join(project, path)
    written = state.manifests.pop(path)
    try:
        if digest(full) == written:
            os.unlink(full)
            return True
    except FileNotFoundError:
        pass
    except OSError as error:
        raise LambdabuildError(f"cannot remove `{full}`: {error.strerror}") from error
    return False
