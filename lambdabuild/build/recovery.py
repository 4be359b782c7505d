"""Take over what a killed run published and could not record."""

import contextlib
import logging
import os
from collections.abc import Sequence

from lambdabuild.build.manifest import recover_manifest
from lambdabuild.core.artifact import Artifact, Sidecar
from lambdabuild.state.artifacts import digest, identify, remove_empty, verified_sidecar
from lambdabuild.state.state import State
from lambdabuild.system.links import temporary

log = logging.getLogger(__name__)


def recover(announced: Sequence[Artifact], state: State, project: str) -> None:
    """Take over what is in place of the artifacts that a killed run announced."""
    for artifact in announced:
        path = os.path.normpath(os.path.join(project, artifact.path))
        for written in (path, *(os.path.join(project, c.path) for c in artifact.sidecars)):
            with contextlib.suppress(OSError):
                os.unlink(temporary(written))
        with contextlib.suppress(OSError):
            if identify(path) is not None and digest(path) == artifact.sha256:
                log.info("%s is from a killed run", artifact.path)
                before = state.artifacts.get(artifact.path)
                state.put(_as_found(artifact, before, project))
            elif artifact.layout:
                boundary = os.path.normpath(os.path.join(project, artifact.layout))
                remove_empty(os.path.dirname(path), boundary)
    for layout in {artifact.layout for artifact in announced} - {""}:
        recover_manifest(state, project, layout)


def _as_found(announced: Artifact, before: Artifact | None, project: str) -> Artifact:
    """Return an artifact with its sidecars: whichever of the new or old files are in place."""
    known = {c.path: c for c in before.sidecars} if before is not None else {}

    def found(sidecar: Sidecar) -> Sidecar:
        candidates = (sidecar, known.get(sidecar.path))
        verified = (c for c in candidates if c and verified_sidecar(c, project) is not None)
        return next(verified, sidecar)

    return announced._replace(sidecars=tuple(map(found, announced.sidecars)))
