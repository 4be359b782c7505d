"""Put finished executables in their places, whole or not at all."""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping

from lambdabuild.artifacts import (
    MODE,
    NOT_LOOKED_AT,
    changed_meanwhile,
    digest,
    failed,
    identify,
    in_place,
    make_executable,
    result_in_place,
)
from lambdabuild.fingerprint import name_of
from lambdabuild.goparse import BuildID, parse_build_id
from lambdabuild.model import (
    Artifact,
    Diagnostic,
    Input,
    Linked,
    Status,
    StepResult,
    Target,
)
from lambdabuild.saved import State
from lambdabuild.state import cannot_write, temporary

Measured = tuple[str, BuildID | None] | Diagnostic
"""The digest and the build ID of a staged executable, or why it is no good."""
_HEAD = 32 * 1024
"""Bytes at the beginning of an executable where Go looks for its build ID."""


def read_build_id(path: str) -> BuildID | None:
    """Return Go's build ID of an executable."""
    with open(path, "rb") as file:
        return parse_build_id(file.read(_HEAD))


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

    def __init__(
        self,
        project: str,
        layout: str,
        state: State,
        inputs: Mapping[tuple[str, Target], tuple[Input, ...]],
    ) -> None:
        self._inputs = inputs
        self._project = project
        self._layout = layout
        self._state = state
        # Equal build IDs mean equal bytes, so a digest taken once need not be taken again.
        self._known = {
            artifact.build_id: artifact
            for artifact in state.artifacts.values()
            if artifact.build_id
        }

    def measure(self, linked: Linked) -> Measured:
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

    def announcement(self, linked: Linked, measured: Measured) -> Artifact | None:
        """Return what is about to be published; None if that is no good."""
        if isinstance(measured, Diagnostic):
            return None
        sha256, build_id = measured
        step = linked.step
        return Artifact(
            path=name_of(step.artifact, self._project),
            layout=self._layout,
            function=step.function.name,
            package=step.function.package,
            directory=name_of(step.function.directory, self._project),
            target=step.target,
            runtime=step.runtime,
            sha256=sha256,
            identity=NOT_LOOKED_AT._replace(size=os.path.getsize(str(linked.executable))),
            build_id=build_id.text if build_id else None,
            link_id=build_id.link if build_id else None,
            inputs=self._inputs.get(step.key, ()),
        )

    def publish(self, linked: Linked, measured: Measured, reason: str) -> StepResult:
        """Put one executable in its place, unless the same bytes are there already."""
        step = linked.step
        artifact = self.announcement(linked, measured)
        if artifact is None:
            errors = (*linked.errors, measured) if isinstance(measured, Diagnostic) else ()
            return failed(step, errors, self._state, self._project)
        previous = self._state.artifacts.get(artifact.path)
        try:
            same = self._has_already(step.artifact, artifact.sha256, previous)
            if same:
                make_executable(step.artifact)
            else:
                _move(str(linked.executable), step.artifact)
        except OSError as error:
            problem = Diagnostic(step.function.package, str(cannot_write(error, step.artifact)))
            return failed(step, (problem,), self._state, self._project)
        identity = identify(step.artifact)
        if identity is None:
            problem = Diagnostic(step.function.package, f"`{step.artifact}` went away at once")
            return failed(step, (problem,), self._state, self._project)
        self._state.artifacts[artifact.path] = artifact._replace(identity=identity)
        return StepResult(
            step=step,
            status=Status.UNCHANGED if same else Status.BUILT,
            reason=reason,
            artifact=step.artifact,
            size=identity.size,
            previous_size=previous.identity.size if previous else None,
            sha256=artifact.sha256,
            compile_seconds=linked.compile_seconds,
            link_seconds=linked.link_seconds,
            seconds=(linked.compile_seconds or 0) + (linked.link_seconds or 0),
        )

    def confirm(self, linked: Linked, reason: str) -> StepResult:
        """Report an artifact of which Go says that it would be linked again as it is."""
        step = linked.step
        try:
            # Looked at again: `go` was at work for a while since it was found to be in place.
            artifact = in_place(step, self._state, self._project)
        except OSError as error:
            problem = Diagnostic(step.function.package, str(cannot_write(error, step.artifact)))
            return failed(step, (problem,), self._state, self._project)
        if artifact is None:
            return changed_meanwhile(step, self._state, self._project)
        inputs = self._inputs.get(step.key, ())
        self._state.artifacts[artifact.path] = artifact._replace(inputs=inputs)
        return result_in_place(
            step, artifact, Status.UNCHANGED, reason=reason,
            compile_seconds=linked.compile_seconds, seconds=linked.compile_seconds,
        )  # fmt: skip

    def _has_already(self, path: str, sha256: str, previous: Artifact | None) -> bool:
        now = identify(path)
        if now is None:
            return False
        if previous is not None and now == previous.identity:
            return previous.sha256 == sha256
        return digest(path) == sha256


def _move(source: str, target: str) -> None:
    """Replace `target` with `source` in one step, also across file systems."""
    os.chmod(source, MODE)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = temporary(target)
        try:
            shutil.copyfile(source, beside)
            os.chmod(beside, MODE)
            os.replace(beside, target)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
