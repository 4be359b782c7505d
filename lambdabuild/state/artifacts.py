"""The published artifacts, and whether each still is what lambdabuild wrote."""

import contextlib
import hashlib
import logging
import os
import stat
import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

from lambdabuild.core.artifact import Artifact, Companion, Identity, Kind
from lambdabuild.core.build import Step
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.paths import name_of
from lambdabuild.core.result import Status, StepResult
from lambdabuild.state.state import State
from lambdabuild.state.store import cannot_write
from lambdabuild.system.own import temporary
from lambdabuild.system.places import leads_out

log = logging.getLogger(__name__)

MODE = 0o755
"""Lambda runs the executable as another user than the one who built it."""
PLAIN_MODE = 0o644
"""What every other file is published with, whatever the umask."""
NOT_LOOKED_AT = Identity(-1, 0, 0, 0)
"""The identity of no file: it says that the content has to be read."""
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
    """Return what tells this file from a changed one; None where there is no regular file."""
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


def held_companion(companion: Companion, project: str) -> Companion | None:
    """Return a companion, with its file's times, if the file is what lambdabuild wrote."""
    path = os.path.join(project, companion.path)
    now = identify(path)
    if now == companion.identity:
        return companion
    if now is None or now.size != companion.identity.size:
        return None
    try:
        if digest(path) != companion.sha256:
            return None
        if has_other_mode(path, mode_of(companion)):
            return None
    except OSError as error:
        # Somebody took the right to read it away: then it is made again.
        log.info("%s: %s", path, error)
        return None
    return companion._replace(identity=now)


def still_made(
    artifact: Artifact | None, kind: Kind, path: str, made_from: str, project: str
) -> bool:
    """Tell whether the zip or bill of an earlier run is in its place, and would be made again."""
    before = artifact.companion(kind) if artifact is not None else None
    return (
        before is not None
        and before.made_from == made_from
        and before.path == name_of(path, project)
        and held_companion(before, project) is not None
    )


def mode_of(companion: Companion) -> int:
    """Return the permissions of a companion's file."""
    return MODE if companion.executable else PLAIN_MODE


def has_other_mode(path: str, mode: int) -> bool:
    """Tell whether a file has other permissions than `mode`."""
    return stat.S_IMODE(os.stat(path).st_mode) != mode


def holds(artifact: Artifact, project: str) -> bool:
    """Tell whether the artifact's file still is what lambdabuild wrote."""
    return held(artifact, project) is not None


def held(artifact: Artifact, project: str) -> Artifact | None:
    """Return the artifact, with its file's times, if the file is what lambdabuild wrote."""
    path = os.path.join(project, artifact.path)
    now = identify(path)
    if now == artifact.identity:
        return artifact
    if now is None or now.size != artifact.identity.size:
        return None
    try:
        if digest(path) != artifact.sha256:
            return None
    except OSError as error:
        log.info("%s: %s", path, error)
        return None
    return artifact._replace(identity=now)


def up_to_date(step: Step, state: State, project: str) -> StepResult:
    """Report an artifact of which nothing changed, as was just found."""
    try:
        artifact = in_place(step, state, project)
    except OSError as error:
        problem = Diagnostic(step.function.package, str(cannot_write(error, step.artifact)))
        return failed(step, (problem,), state, project)
    if artifact is None:
        return modified_meanwhile(step, state, project)
    return result_in_place(step, artifact, Status.UP_TO_DATE)


def modified_meanwhile(step: Step, state: State, project: str) -> StepResult:
    """Report an artifact that somebody changed since it was found to be in place."""
    message = f"`{step.artifact}` was changed meanwhile; run lambdabuild again"
    return failed(step, (Diagnostic(step.function.package, message),), state, project)


def in_place(step: Step, state: State, project: str) -> Artifact | None:
    """Return the artifact of a step if it is in place, as the step would have it told of."""
    path = name_of(step.artifact, project)
    artifact = held(state.artifacts[path], project)
    if artifact is None:
        return None
    if make_executable(step.artifact):
        artifact = artifact._replace(identity=identify(step.artifact) or artifact.identity)
    # One that is not held was not asked for, or it would have been missed before. It is no longer
    # told of; of those that were only touched, the new times are noted.
    kept = tuple(h for c in artifact.companions if (h := held_companion(c, project)) is not None)
    if kept != artifact.companions:
        artifact = artifact._replace(companions=kept)
    # Package, directory and runtime are no part of the bytes, but of the manifest.
    directory = name_of(step.function.directory, project)
    told = (step.function.package, directory, step.runtime)
    if told != (artifact.package, artifact.directory, artifact.runtime):
        artifact = artifact._replace(package=told[0], directory=told[1], runtime=told[2])
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
        zip=artifact.companion(Kind.ZIP) if step.zip else None,
    )


def settle(state: State, paths: Iterable[str], clock: Callable[[], int]) -> None:
    """Wait until a later write of these artifacts is sure to show in their times.

    `clock` gives the time by the file system in nanoseconds. Where that does not move on within
    a few hundredths of a second, the next run reads the files instead.
    """
    published = [state.artifacts[path] for path in paths if path in state.artifacts]
    latest = max((i.changed for artifact in published for i in _identities(artifact)), default=0)
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
                companions=tuple(
                    c._replace(identity=_doubted(c.identity)) for c in artifact.companions
                ),
            )
        )


def _identities(artifact: Artifact) -> list[Identity]:
    return [artifact.identity, *(companion.identity for companion in artifact.companions)]


def _doubted(identity: Identity) -> Identity:
    return identity._replace(inode=NOT_LOOKED_AT.inode)


def failed(step: Step, errors: tuple[Diagnostic, ...], state: State, project: str) -> StepResult:
    """Report a step that did not build; the artifact of an earlier run stays, and is named."""
    return _without_new(step, Status.FAILED, errors, state, project)


def cancelled(step: Step, state: State, project: str) -> StepResult:
    """Report a step that was not finished because the run ended before."""
    return _without_new(step, Status.CANCELLED, (), state, project)


def _without_new(
    step: Step, status: Status, errors: tuple[Diagnostic, ...], state: State, project: str
) -> StepResult:
    old = state.artifacts.get(name_of(step.artifact, project))
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
        zip=_old_zip(old, project) if old and step.zip else None,
    )


def _old_zip(artifact: Artifact, project: str) -> Companion | None:
    """Return the zip of an earlier run, as long as it holds the executable that is in place."""
    companion = artifact.companion(Kind.ZIP)
    return held_companion(companion, project) if companion is not None else None


def make_executable(path: str) -> bool:
    """Give a file its mode; return whether it had another."""
    if os.stat(path).st_mode & 0o777 == MODE:
        return False
    os.chmod(path, MODE)
    return True


class Removal(StrEnum):
    """What became of an artifact that was to be removed."""

    REMOVED = "removed"
    LEFT = "left"
    """Somebody else has changed it."""
    REFUSED = "refused"
    """The system does not let go of it; it stays lambdabuild's."""
    GONE = "gone"
    """It was not there any more."""


class Removed(NamedTuple):
    """What became of an artifact that was to be removed, with all that stood with it."""

    removal: Removal
    """Of the executable."""
    files: tuple[str, ...]
    """The absolute paths of what was removed."""
    left: tuple[str, ...] = ()
    """Those of what somebody else has changed."""
    refused: tuple[str, ...] = ()
    """Those of what the system does not let go of."""


def remove(artifact: Artifact, state: State, project: str, boundary: str) -> Removed:
    """Remove an artifact that is still as lambdabuild wrote it, and directories left empty.

    What stands with it goes as well. Unless the system refuses, it is lambdabuild's no longer.
    Directories are removed up to `boundary` (absolute), which stays.
    """
    became: dict[str, Removal] = {}
    staying = []
    for companion in artifact.companions:
        path = os.path.normpath(os.path.join(project, companion.path))
        mine = held_companion(companion, project) is not None
        became[path] = _unlink(path, project, boundary, held=mine)
        if became[path] is Removal.REFUSED:
            staying.append(companion)
    path = os.path.normpath(os.path.join(project, artifact.path))
    mine = holds(artifact, project)
    removal = became[path] = _unlink(path, project, boundary, held=mine)
    log.info("%s: %s", artifact.path, removal)
    if removal is Removal.REFUSED or staying:
        state.put(artifact._replace(companions=tuple(staying)))
    else:
        state.drop(artifact.path)
    files, left, refused = (
        tuple(file for file, what in became.items() if what is wanted)
        for wanted in (Removal.REMOVED, Removal.LEFT, Removal.REFUSED)
    )
    for file in (path, *files):
        remove_empty(os.path.dirname(file), boundary)
    return Removed(removal, files, left, refused)


def remove_companion(companion: Companion, project: str, boundary: str) -> Removal:
    """Remove a file that stood with an executable, if it is as lambdabuild wrote it."""
    path = os.path.normpath(os.path.join(project, companion.path))
    mine = held_companion(companion, project) is not None
    removal = _unlink(path, project, boundary, held=mine)
    remove_empty(os.path.dirname(path), boundary)
    return removal


def _unlink(path: str, project: str, boundary: str, *, held: bool) -> Removal:
    if leads_out(path, boundary, project):
        # A link leads there that was none when lambdabuild wrote it.
        return Removal.LEFT if os.path.lexists(path) else Removal.GONE
    with contextlib.suppress(OSError):
        os.unlink(temporary(path))
    try:
        os.lstat(path)
        if not held:
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
