"""`manifest.json` of an output directory: what is there."""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lambdabuild.core.artifact import Artifact
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.paths import path_of
from lambdabuild.output.report import manifest_text
from lambdabuild.state.artifacts import digest, identify
from lambdabuild.state.state import State
from lambdabuild.state.store import write_atomically
from lambdabuild.system.links import leads_out, temporary

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdabuild.build.obstacles import Replacing


def _place(layout: str) -> str:
    return os.path.normpath(os.path.join(layout, "manifest.json"))


def is_current(state: State, project: str, layout: str) -> bool:
    """Return whether the manifest is as it was written for the artifacts of `state`."""
    path = _place(layout)
    full = os.path.join(project, path)
    try:
        return identify(full) is not None and digest(full) == state.manifests.get(path)
    except OSError:
        return False


def _listed(state: State, project: str, layout: str) -> list[Artifact]:
    # What others removed is built again when it is requested; until then it is not there.
    return [
        artifact
        for artifact in state.artifacts.values()
        if artifact.layout == layout and os.path.lexists(path_of(artifact.path, project))
    ]


def write_manifest(
    state: State, project: str, layout: str, asked: "Callable[[], Replacing]"
) -> None:
    """Write `manifest.json` of an output directory, unless it already says the same.

    `asked` tells what of others may be replaced; that is seldom needed.

    Raises:
        LambdabuildError: another file is in its place, or it cannot be written.

    """
    path = _place(layout)
    artifacts = _listed(state, project, layout)
    full = Path(project, path)
    there = os.path.lexists(full)
    if not artifacts and not there:
        return
    text = manifest_text(artifacts)
    with contextlib.suppress(OSError):
        os.unlink(temporary(str(full)))
    if there and not full.is_dir():
        known = _text(full)
        if known == text:
            state.put_manifest(path, _sha256(text))
            return
        replacing = asked()
        if not (replacing.all or _is_ours(known, state.manifests.get(path))):
            if not artifacts:
                return
            changed = "somebody else has changed" if path in state.manifests else "it did not write"
            raise LambdabuildError(
                f"`{os.path.normpath(full)}` is in the way: lambdabuild replaces no file that "
                f"{changed}",
                hint=f"the functions are built; {replacing.remedy}",
            )
    write_atomically(full, text)
    state.put_manifest(path, _sha256(text))


def _text(path: Path) -> str | None:
    """Return what is in a manifest; None where it is no text that can be read, or no file."""
    try:
        return path.read_text("utf-8") if identify(str(path)) is not None else None
    except (OSError, ValueError):
        return None


def _is_ours(text: str | None, written: str | None) -> bool:
    """Return whether lambdabuild wrote a manifest, be it for another checkout; or it is empty."""
    from lambdabuild.build.obstacles import is_manifest_text

    return text is not None and (not text or _sha256(text) == written or is_manifest_text(text))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def recover_manifest(state: State, project: str, layout: str) -> None:
    """Take over the manifest of a run that was killed before it had noted it."""
    path = _place(layout)
    full = Path(project, path)
    with contextlib.suppress(OSError):
        os.unlink(temporary(str(full)))
    text = _text(full)
    if text and _is_ours(text, None):
        state.put_manifest(path, _sha256(text))


def remove_manifest(path: str, state: State, project: str) -> bool | None:
    """Remove a manifest that is still as lambdabuild wrote it; return whether it was.

    None if there was none.
    """
    full = os.path.join(project, path)
    written = state.manifests[path]
    state.put_manifest(path, None)
    if leads_out(full, os.path.dirname(full), project):
        return False if os.path.lexists(full) else None
    with contextlib.suppress(OSError):
        os.unlink(temporary(full))
    if not os.path.lexists(full):
        return None
    try:
        if identify(full) is None or digest(full) != written:
            return False
    except OSError:
        # What cannot be read is not known to be lambdabuild's.
        return False
    try:
        os.unlink(full)
    except OSError as error:
        state.put_manifest(path, written)
        raise LambdabuildError(f"cannot remove `{full}`: {error.strerror}") from error
    return True
