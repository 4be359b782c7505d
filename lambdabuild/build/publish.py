"""Publish finished executables with their sidecars, whole or not at all."""

import contextlib
import errno
import os
from collections.abc import Mapping

from lambdabuild.build.obstacles import Coming, ObstacleError, Obstacles, Replacing
from lambdabuild.core.artifact import UNKNOWN_CONTENTS, Artifact, Input, Kind, Sidecar
from lambdabuild.core.build import Step
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.paths import name_of
from lambdabuild.core.result import Linked, Status, StepResult
from lambdabuild.core.target import Target
from lambdabuild.packaging.packer import Packed, Staged
from lambdabuild.state.artifacts import (
    MODE,
    NOT_LOOKED_AT,
    Removal,
    digest,
    failed,
    identify,
    in_place,
    make_executable,
    mode_of,
    modified_meanwhile,
    remove_sidecar,
    result_in_place,
    verified_sidecar,
)
from lambdabuild.state.state import State
from lambdabuild.state.store import cannot_write
from lambdabuild.system.links import temporary


class Publisher:
    """Publish the results of one run; `state` is changed along with the files."""

    def __init__(
        self,
        project: str,
        layout: str,
        state: State,
        inputs: Mapping[tuple[str, Target], tuple[Input, ...]],
        replacing: Replacing,
    ) -> None:
        """Publish what was built from `inputs`; `replacing` is about files of others."""
        self._inputs = inputs
        self._project = project
        self._layout = layout
        self._boundary = os.path.normpath(os.path.join(project, layout))
        self._state = state
        self._obstacles = Obstacles(
            project, self._boundary, list(state.artifacts.values()), replacing
        )

    def announcement(self, linked: Linked, packed: Packed) -> Artifact:
        """Return what is about to be published."""
        step = linked.step
        path = name_of(step.artifact, self._project)
        before = self._state.artifacts.get(path)
        # With what may go or stay: after a killed run it still counts as lambdabuild's.
        known = {sidecar.path: sidecar for sidecar in before.sidecars} if before else {}
        known |= {c.path: c for c in map(self._sidecar, packed.files)}
        sidecars = tuple(known.values())
        if linked.current and before is not None:
            return before._replace(sidecars=sidecars, packed=UNKNOWN_CONTENTS)
        build_id = packed.build_id
        return Artifact(
            path=path,
            layout=self._layout,
            function=step.function.name,
            package=step.function.package,
            directory=name_of(step.function.directory, self._project),
            target=step.target,
            runtime=step.runtime,
            sha256=packed.sha256,
            identity=NOT_LOOKED_AT._replace(size=packed.identity.size),
            build_id=build_id.text if build_id else None,
            link_id=build_id.link if build_id else None,
            inputs=self._inputs.get(step.key, ()),
            packed=UNKNOWN_CONTENTS,
            sidecars=sidecars,
            keeps_methods=packed.keeps_methods,
        )

    def _sidecar(self, file: Staged) -> Sidecar:
        return Sidecar(
            kind=file.kind,
            path=name_of(file.target, self._project),
            sha256=file.sha256,
            identity=NOT_LOOKED_AT._replace(size=file.size),
            made_from=file.made_from,
            executable=file.executable,
        )

    def publish(self, linked: Linked, packed: Packed, reason: str) -> StepResult:
        """Put one executable in its place, unless the same bytes are there already."""
        step = linked.step
        artifact = self.announcement(linked, packed)
        previous = self._state.artifacts.get(artifact.path)
        try:
            self._obstacles.check(step, packed, self._leaving(previous, packed))
            if previous is not None:
                # Before the executable changes, so that no zip of the old one is left.
                previous = self._without_stale(previous, packed)
            now = identify(step.artifact)
            if previous is not None and now == previous.identity:
                same = previous.sha256 == artifact.sha256
            else:
                same = now is not None and digest(step.artifact) == artifact.sha256
            if same:
                make_executable(step.artifact)
            else:
                self._obstacles.check_again(step, Coming(step.artifact, packed.sha256, None))
                _move(str(linked.executable), step.artifact, MODE)
        except (OSError, ObstacleError) as error:
            return self._failed(step, _why(error, step.artifact))
        identity = identify(step.artifact)
        if identity is None:
            return self._failed(step, f"`{step.artifact}` went away at once")
        artifact = artifact._replace(
            identity=identity,
            packed=previous.packed if previous else (),
            sidecars=previous.sidecars if previous else (),
        )
        self._state.put(artifact)
        seconds = (linked.compile_seconds or 0) + (linked.link_seconds or 0)
        status = Status.RESTORED if linked.restored else Status.BUILT
        result = result_in_place(
            step, artifact, Status.UNCHANGED if same else status, reason=reason,
            compile_seconds=linked.compile_seconds, seconds=None if linked.restored else seconds,
        )._replace(
            previous_size=previous.identity.size if previous else None,
            link_seconds=linked.link_seconds,
            # What a cache has was built, and told of, elsewhere or before.
            lost_methods=not linked.restored
            and previous is not None
            and previous.key == step.key
            and (previous.keeps_methods, artifact.keeps_methods) == (False, True),
        )  # fmt: skip
        return self._complete(result, packed)

    def confirm(self, linked: Linked, packed: Packed, reason: str) -> StepResult:
        """Report an executable that a build would not change, and publish its sidecars."""
        step = linked.step
        before = self._state.artifacts[name_of(step.artifact, self._project)]
        try:
            # Looked at again: `go` was at work for a while since it was found to be in place.
            artifact = in_place(step, self._state, self._project)
            if artifact is None:
                return modified_meanwhile(step, self._state, self._project)
            self._obstacles.check(step, packed, self._leaving(artifact, packed))
        except (OSError, ObstacleError) as error:
            # With the sidecars that were changed, which `in_place` leaves out.
            self._state.put(before)
            return self._failed(step, _why(error, step.artifact))
        artifact = self._without_stale(artifact, packed)
        inputs = self._inputs.get(step.key, ())
        self._state.put(artifact._replace(inputs=inputs))
        result = result_in_place(
            step, artifact, Status.UNCHANGED, reason=reason,
            compile_seconds=linked.compile_seconds, seconds=linked.compile_seconds,
        )  # fmt: skip
        return self._complete(result, packed)

    def _leaving(self, artifact: Artifact | None, packed: Packed) -> list[Sidecar]:
        """Return the assets that are not in the new package, and are to be removed."""
        coming = {name_of(file.target, self._project) for file in packed.files}
        known = artifact.sidecars if artifact is not None else ()
        return [c for c in known if c.kind is Kind.ASSET and c.path not in coming]

    def _without_stale(self, artifact: Artifact, packed: Packed) -> Artifact:
        """Remove the zip and the SBOM that are out of date and are not made again."""
        coming = {name_of(file.target, self._project) for file in packed.files}
        staying = []
        for sidecar in artifact.sidecars:
            current = sidecar.made_from.startswith(packed.sha256)
            if sidecar.kind is Kind.ZIP:
                current = current and artifact.packed == packed.packed
            if sidecar.kind is Kind.ASSET or sidecar.path in coming or current:
                staying.append(sidecar)
            else:
                remove_sidecar(sidecar, self._project, self._boundary)
        artifact = artifact._replace(sidecars=tuple(staying))
        self._state.put(artifact)
        return artifact

    def _complete(self, result: StepResult, packed: Packed) -> StepResult:
        """Put the sidecars of an executable in their places; remove those that it no longer has."""
        step = result.step
        path = name_of(step.artifact, self._project)
        artifact = self._state.artifacts[path]
        sidecars = {sidecar.path: sidecar for sidecar in artifact.sidecars}
        new = False
        # First: a file may become a directory, or a name differ in case alone.
        for sidecar in self._leaving(artifact, packed):
            removal = remove_sidecar(sidecar, self._project, self._boundary)
            new = new or removal is Removal.REMOVED
            del sidecars[sidecar.path]
        for file in packed.files:
            name = name_of(file.target, self._project)
            try:
                fresh, sidecar = self._put(step, file, sidecars.get(name))
            except (OSError, ObstacleError) as error:
                # A zip that is in place may be of another executable.
                zips = [c for c in sidecars.values() if c.kind is Kind.ZIP]
                for stale in zips:
                    remove_sidecar(stale, self._project, self._boundary)
                    del sidecars[stale.path]
                left = artifact._replace(sidecars=tuple(sidecars.values()))
                self._state.put(left._replace(packed=UNKNOWN_CONTENTS))
                return self._failed(step, _why(error, file.target))
            # A bill of materials is not deployed.
            new = new or (fresh and file.kind is not Kind.SBOM)
            sidecars[name] = sidecar
        artifact = artifact._replace(sidecars=tuple(sidecars.values()), packed=packed.packed)
        self._state.put(artifact)
        return result._replace(
            status=Status.BUILT if new and result.status is Status.UNCHANGED else result.status,
            zip=artifact.sidecar(Kind.ZIP) if step.zip is not None else None,
        )

    def _put(self, step: Step, file: Staged, before: Sidecar | None) -> tuple[bool, Sidecar]:
        """Put one file in its place; return whether its bytes or its mode are new there."""
        sidecar = self._sidecar(file)
        if before is None or (before.sha256, before.executable) != (
            sidecar.sha256, sidecar.executable,
        ):  # fmt: skip
            # A file that is not remembered may have these bytes all the same.
            before = sidecar
        now = verified_sidecar(before, self._project)
        if now is not None:
            return False, now._replace(made_from=sidecar.made_from)
        self._obstacles.check_again(step, Coming(file.target, file.sha256, file.kind))
        _move(file.staged, file.target, mode_of(sidecar))
        return True, sidecar._replace(identity=identify(file.target) or sidecar.identity)

    def _failed(self, step: Step, message: str) -> StepResult:
        problem = Diagnostic(step.function.package, message)
        return failed(step, (problem,), self._state, self._project)


def _why(error: OSError | ObstacleError, path: str) -> str:
    """Return why a file was not put in its place, with the remedy."""
    return str(cannot_write(error, path) if isinstance(error, OSError) else error)


def _move(source: str, target: str, mode: int) -> None:
    """Replace `target` with `source` in one step, also across file systems."""
    os.chmod(source, mode)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = temporary(target)
        try:
            # Nothing is written through a link that may be there.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside)
            import shutil

            shutil.copyfile(source, beside)
            os.chmod(beside, mode)
            os.replace(beside, target)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
