"""Tell whether published artifacts are still what lambdabuild wrote, and remove them."""

import contextlib
import hashlib
import logging
import os
import stat
import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

from lambdabuild.core.artifact import Artifact, Identity, Kind, Sidecar
from lambdabuild.core.build import Step
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.paths import name_of, path_of
from lambdabuild.core.result import Status, StepResult
from lambdabuild.state.state import State
from lambdabuild.state.store import cannot_write
from lambdabuild.system.links import leads_out, temporary

log = logging.getLogger(__name__)

MODE = 0o755
"""Lambda runs the executable as another user."""
PLAIN_MODE = 0o644
"""The mode of every other published file, whatever the umask."""
NOT_LOOKED_AT = Identity(-1, 0, 0, 0)
"""The identity of no file: the content has to be read."""
# What Go takes for its own in the place of an executable: cmd/go/internal/work/exec.go.
_OBJECTS = (
    b"!<arch>\n", b"<bigaf>\n", b"\x7fELF",
    b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe",
    b"MZ\x90\0\3\0", b"MZ\x78\0\1\0",
    b"\0\0\1\xeb", b"\0\0\x8a\x97", b"\0\0\6\x47",
    b"\0asm", b"\1\xdf", b"\1\xf7",
)  # fmt: skip
_PATIENCE = 0.05
"""Seconds to wait for the file system's clock to move on."""


def identify(path: str) -> Identity | None:
    """Return the identity of a regular file; None where there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return Identity(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def digest(path: str) -> str:
    """Return the SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_object(path: str) -> bool:
    """Tell whether Go would replace a file with an executable: it is empty, or an object file."""
    with open(path, "rb") as file:
        start = file.read(8)
    return not start or start.startswith(_OBJECTS)


def verified_sidecar(sidecar: Sidecar, project: str) -> Sidecar | None:
    """Return a sidecar, with its file's times, if the file is what lambdabuild wrote."""
    path = path_of(sidecar.path, project)
    now = _unchanged(path, sidecar.identity, sidecar.sha256, mode_of(sidecar))
    return sidecar._replace(identity=now) if now is not None else None


def _unchanged(
    path: str, identity: Identity, sha256: str, mode: int | None = None
) -> Identity | None:
    """Return the identity of a file if its content is, and its mode; of other times, by reading."""
    now = identify(path)
    if now is None or now == identity:
        return now
    try:
        same = now.size == identity.size and digest(path) == sha256
        return now if same and mode in {None, stat.S_IMODE(os.stat(path).st_mode)} else None
    except OSError as error:
        # It may have become unreadable: then it is made again.
        log.info("%s: %s", path, error)
        return None


def still_made(
    artifact: Artifact | None, kind: Kind, path: str, made_from: str, project: str
) -> bool:
    """Tell whether the zip or SBOM of an earlier run is in place, and would be made the same."""
    before = artifact.sidecar(kind) if artifact is not None else None
    return (
        before is not None
        and before.made_from == made_from
        and before.path == name_of(path, project)
        and verified_sidecar(before, project) is not None
    )


def mode_of(sidecar: Sidecar) -> int:
    """Return the permissions of a sidecar's file."""
    return MODE if sidecar.executable else PLAIN_MODE


def is_verified(artifact: Artifact, project: str) -> bool:
    """Tell whether the artifact's file is still what lambdabuild wrote."""
    return verified(artifact, project) is not None


def verified(artifact: Artifact, project: str) -> Artifact | None:
    """Return the artifact, with its file's times, if the file is what lambdabuild wrote."""
    now = _unchanged(path_of(artifact.path, project), artifact.identity, artifact.sha256)
    if now == artifact.identity:
        return artifact
    return artifact._replace(identity=now) if now is not None else None


def up_to_date(step: Step, state: State, project: str, *, again: bool = True) -> StepResult:
    """Report an artifact that was found to be up to date.

    `again`: look whether it still is, for other functions were built meanwhile.
    """
    try:
        artifact = in_place(step, state, project, again=again)
    except OSError as error:
        problem = Diagnostic(step.function.package, str(cannot_write(error, step.artifact)))
        return failed(step, (problem,), state, project)
    if artifact is None:
        return modified_meanwhile(step, state, project)
    return result_in_place(step, artifact, Status.UP_TO_DATE)


def modified_meanwhile(step: Step, state: State, project: str) -> StepResult:
    """Report an artifact that was changed since it was found to be up to date."""
    message = f"`{step.artifact}` was changed meanwhile; run lambdabuild again"
    return failed(step, (Diagnostic(step.function.package, message),), state, project)


def in_place(step: Step, state: State, project: str, *, again: bool = True) -> Artifact | None:
    """Return the artifact of a step if it is in place, with what the manifest has of the step.

    Without `again`, the executable was verified a moment ago.
    """
    known = state.artifacts[name_of(step.artifact, project)]
    artifact = verified(known, project) if again else known
    if artifact is None:
        return None
    if make_executable(step.artifact):
        artifact = artifact._replace(identity=identify(step.artifact) or artifact.identity)
    # One that is not verified was not requested, or it would have been missed before.
    kept = tuple([h for c in artifact.sidecars if (h := verified_sidecar(c, project)) is not None])
    # These are no part of the bytes, but of the manifest.
    package, directory = step.function.package, name_of(step.function.directory, project)
    described = (artifact.package, artifact.directory, artifact.runtime)
    if described != (package, directory, step.runtime):
        artifact = artifact._replace(package=package, directory=directory, runtime=step.runtime)
    if artifact.sidecars != kept:
        artifact = artifact._replace(sidecars=kept)
    if artifact is not known:
        state.put(artifact)
    return artifact


def result_in_place(
    step: Step,
    artifact: Artifact,
    status: Status,
    *,
    reason: str | None = None,
    compile_seconds: float | None = None,
    seconds: float | None = None,
) -> StepResult:
    """Report an artifact that stays as it is."""
    return StepResult(
        step=step,
        status=status,
        reason=reason,
        artifact=step.artifact,
        size=artifact.identity.size,
        previous_size=artifact.identity.size,
        sha256=artifact.sha256,
        compile_seconds=compile_seconds,
        seconds=seconds,
        zip=artifact.sidecar(Kind.ZIP) if step.zip else None,
        keeps_methods=artifact.keeps_methods,
    )


def settle(state: State, paths: Iterable[str], clock: Callable[[], int]) -> None:
    """Wait until a later write of these artifacts is sure to change their times.

    `clock` gives the time by the file system in nanoseconds. Where that does not move on within
    a few hundredths of a second, the next run reads the files instead.
    """
    published = [state.artifacts[path] for path in paths if path in state.artifacts]
    identities = [artifact.identity for artifact in published]
    identities += [c.identity for artifact in published for c in artifact.sidecars]
    latest = max((identity.changed for identity in identities), default=0)
    deadline = time.monotonic() + _PATIENCE
    with contextlib.suppress(OSError):
        while (now := clock()) <= latest and time.monotonic() <= deadline:
            time.sleep(0.001)
        if now > latest:
            return
    for artifact in published:
        state.put(
            artifact._replace(
                identity=_doubted(artifact.identity),
                sidecars=tuple(
                    c._replace(identity=_doubted(c.identity)) for c in artifact.sidecars
                ),
            )
        )


def _doubted(identity: Identity) -> Identity:
    return identity._replace(inode=NOT_LOOKED_AT.inode)


def failed(
    step: Step,
    errors: tuple[Diagnostic, ...],
    state: State,
    project: str,
    status: Status = Status.FAILED,
) -> StepResult:
    """Report a step without a new executable; the artifact of an earlier run stays, and is named."""
    old = state.artifacts.get(name_of(step.artifact, project))
    if old is not None and (old.key != step.key or not is_verified(old, project)):
        old = None
    # The zip of an earlier run counts as long as it holds the executable that is in place.
    packed = old.sidecar(Kind.ZIP) if old and step.zip else None
    return StepResult(
        step=step,
        status=status,
        artifact=step.artifact if old else None,
        size=old.identity.size if old else None,
        previous_size=old.identity.size if old else None,
        sha256=old.sha256 if old else None,
        errors=errors,
        zip=verified_sidecar(packed, project) if packed else None,
        keeps_methods=old.keeps_methods if old else None,
    )


def cancelled(step: Step, state: State, project: str) -> StepResult:
    """Report a step that was not finished because the run ended before."""
    return failed(step, (), state, project, Status.CANCELLED)


def make_executable(path: str) -> bool:
    """Give a file its mode; return whether it had another."""
    if os.stat(path).st_mode & 0o777 == MODE:
        return False
    os.chmod(path, MODE)
    return True


class Removal(StrEnum):
    """The outcome of removing an artifact's file."""

    REMOVED = "removed"
    LEFT = "left"
    """It was changed since."""
    REFUSED = "refused"
    """The system refuses; it stays lambdabuild's."""
    GONE = "gone"
    """There was none."""


class Removed(NamedTuple):
    """The outcome of removing an artifact, with its sidecars."""

    removal: Removal
    """Of the executable."""
    files: tuple[str, ...]
    """The absolute paths of the removed files."""
    left: tuple[str, ...] = ()
    """Those that were changed since."""
    refused: tuple[str, ...] = ()
    """Those that the system refuses to remove."""


def remove(artifact: Artifact, state: State, project: str, boundary: str) -> Removed:
    """Remove an artifact with its sidecars, as far as unchanged, and directories left empty.

    Unless the system refuses, they are lambdabuild's no longer. Directories are removed up to
    `boundary` (absolute), which stays.
    """
    became: dict[str, Removal] = {}
    staying = []
    for sidecar in artifact.sidecars:
        path, removal = _unlink_sidecar(sidecar, project, boundary)
        became[path] = removal
        if removal is Removal.REFUSED:
            staying.append(sidecar)
    path = path_of(artifact.path, project)
    removal = became[path] = _unlink(
        path, project, boundary, verified=is_verified(artifact, project)
    )
    log.info("%s: %s", artifact.path, removal)
    if removal is Removal.REFUSED or staying:
        state.put(artifact._replace(sidecars=tuple(staying)))
    else:
        state.drop(artifact.path)
    files, left, refused = (
        tuple(file for file, what in became.items() if what is one)
        for one in (Removal.REMOVED, Removal.LEFT, Removal.REFUSED)
    )
    for file in (path, *files):
        remove_empty(os.path.dirname(file), boundary)
    return Removed(removal, files, left, refused)


def remove_sidecar(sidecar: Sidecar, project: str, boundary: str) -> Removal:
    """Remove a sidecar of an executable, if it is as lambdabuild wrote it."""
    path, removal = _unlink_sidecar(sidecar, project, boundary)
    remove_empty(os.path.dirname(path), boundary)
    return removal


def _unlink_sidecar(sidecar: Sidecar, project: str, boundary: str) -> tuple[str, Removal]:
    path = path_of(sidecar.path, project)
    verified = verified_sidecar(sidecar, project) is not None
    return path, _unlink(path, project, boundary, verified=verified)


def _unlink(path: str, project: str, boundary: str, *, verified: bool) -> Removal:
    if leads_out(path, boundary, project):
        # The link was not there when lambdabuild wrote the file.
        return Removal.LEFT if os.path.lexists(path) else Removal.GONE
    with contextlib.suppress(OSError):
        os.unlink(temporary(path))
    try:
        os.lstat(path)
        if not verified:
            return Removal.LEFT
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return Removal.GONE
    except OSError as error:
        log.info("%s: %s", path, error)
        return Removal.REFUSED
    return Removal.REMOVED


def remove_empty(directory: str, boundary: str) -> None:
    """Remove a directory and those above it, below `boundary`, as long as they are empty."""
    while directory.startswith(boundary + os.sep):
        try:
            os.rmdir(directory)
        except OSError:
            break
        directory = os.path.dirname(directory)
