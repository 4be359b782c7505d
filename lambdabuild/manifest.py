"""`manifest.json` of an output directory: what is there."""

import contextlib
import hashlib
import os
from pathlib import Path

from lambdabuild.artifacts import digest
from lambdabuild.errors import LambdabuildError
from lambdabuild.report import manifest_text
from lambdabuild.saved import State
from lambdabuild.state import temporary, write_atomically


def _place(layout: str) -> str:
    return os.path.normpath(os.path.join(layout, "manifest.json"))


def is_current(state: State, project: str, layout: str) -> bool:
    """Tell whether the manifest is as it was written for the artifacts of `state`."""
    path = _place(layout)
    try:
        return digest(os.path.join(project, path)) == state.manifests.get(path)
    except OSError:
        return False


def write_manifest(state: State, project: str, layout: str) -> None:
    """Write `manifest.json` of an output directory, unless it already says the same.

    Raises:
        LambdabuildError: it cannot be written.

    """
    path = _place(layout)
    # What others removed is built again when it is asked for; until then it is not there.
    artifacts = [
        artifact
        for artifact in state.artifacts.values()
        if artifact.layout == layout and os.path.lexists(os.path.join(project, artifact.path))
    ]
    full = Path(project, path)
    if not artifacts and not full.exists():
        return
    text = manifest_text(artifacts)
    state.manifests[path] = hashlib.sha256(text.encode()).hexdigest()
    with contextlib.suppress(OSError):
        os.unlink(temporary(str(full)))
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
