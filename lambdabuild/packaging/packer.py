"""Put deployment packages together, the first of them while others are still linked."""

import contextlib
import hashlib
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import NamedTuple

from lambdabuild.core.model import MOST_UNZIPPED, Artifact, Asset, Identity, Input, Kind, Step
from lambdabuild.core.origins import packed_text, zip_made_from
from lambdabuild.core.paths import name_of
from lambdabuild.core.spans import Activity
from lambdabuild.golang.output import BuildID
from lambdabuild.packaging import archive
from lambdabuild.packaging.archive import Member
from lambdabuild.packaging.verify import (
    RefusedError,
    read_build_id,
    refuse,
    refuse_size,
    unreadable,
)
from lambdabuild.state.artifacts import MODE, PLAIN_MODE, digest, held_companion, identify
from lambdabuild.state.store import cannot_write
from lambdabuild.system import files
from lambdabuild.system.files import content_digest
from lambdabuild.system.timeline import Timeline

_PAUSE = 0.005
"""Seconds between two looks at an executable that Go has not finished."""


class Staged(NamedTuple):
    """A file that is made and not yet in its place."""

    kind: Kind
    staged: str
    target: str
    """Both are absolute paths."""
    sha256: str
    size: int
    made_from: str
    executable: bool = False


class Packed(NamedTuple):
    """A deployment package, made and not yet in its place."""

    sha256: str
    """Of the executable."""
    build_id: BuildID | None
    identity: Identity
    """Of the executable's file when it was packed."""
    files: tuple[Staged, ...]
    """All that stands with the executable and is not in its place already."""
    packed: tuple[Input, ...]
    """What is in it beyond the executable, for `Artifact.packed`."""


class Packer:
    """Pack executables on threads of its own."""

    def __init__(
        self,
        project: str,
        directory: str,
        artifacts: Mapping[str, Artifact],
        *,
        epoch: int | None,
        in_place: bool,
        workers: int,
        timeline: Timeline,
        told: Callable[[Step, str, Packed], None] | None = None,
    ) -> None:
        """Stage below `directory`; `epoch` is the time that members of zips bear.

        `artifacts` are those of earlier runs, by path. They are only read. `told` is called, in
        a thread, with each executable as soon as it is whole, with its path and its package.
        """
        self._timeline = timeline
        self._told = told
        self._project = project
        self._directory = directory
        self._artifacts = artifacts
        self._epoch = epoch
        self._in_place = in_place
        self._pool = ThreadPoolExecutor(workers, initializer=_step_back)
        self._early: dict[str, Future[Packed | None]] = {}
        self._ended = Event()
        # Equal build IDs mean equal bytes, so a digest taken once need not be taken again.
        self._known = {a.build_id: a for a in artifacts.values() if a.build_id}

    def begin(self, step: Step, executable: str, sha256: str | None = None) -> None:
        """Pack what is linked as soon as Go has written the final build ID into it.

        For macOS, Go signs an executable after that; those wait. With its `sha256`, it is whole
        already.
        """
        if sha256 is not None:
            self._early[executable] = self._pool.submit(self._when_known, step, executable, sha256)
        elif step.target.goos == "linux":
            self._early[executable] = self._pool.submit(self._when_finished, step, executable)

    def end(self) -> None:
        """Take note that no `go` is at work any more."""
        self._ended.set()

    def close(self) -> None:
        """Stop, whatever is not packed yet."""
        self._ended.set()
        self._pool.shutdown(cancel_futures=True)

    def staged(self, step: Step, executable: str) -> Packed:
        """Return the package of an executable that `go build` made.

        Raises:
            RefusedError: Lambda would not take it, or Go has not finished it.
            OSError: something cannot be read or written.

        """
        early = self._early.get(executable)
        packed = early.result() if early is not None else None
        if packed is not None and _is_same(packed.identity, identify(executable)):
            return packed
        build_id = read_build_id(executable)
        if build_id is not None and not build_id.final:
            raise RefusedError("`go build` ended before the executable was finished")
        return self._pack(step, executable, build_id)

    def published(self, step: Step, artifact: Artifact) -> Packed:
        """Return the package of an executable that is in its place already; errors as above."""
        build_id = BuildID(artifact.build_id) if artifact.build_id else None
        return self._pack(step, step.artifact, build_id, artifact.sha256)

    def _when_finished(self, step: Step, executable: str) -> Packed | None:
        """Pack what Go is finishing; None where that is better done once `go` has ended."""
        try:
            while True:
                last = self._ended.is_set()
                build_id = read_build_id(executable)
                if build_id is not None and build_id.final:
                    packed = self._pack(step, executable, build_id, early=True)
                    if self._told is not None:
                        self._told(step, executable, packed)
                    return packed
                if last or build_id is None:
                    return None
                self._ended.wait(_PAUSE)
        except (OSError, RefusedError):
            # It will be said when the package is asked for.
            return None

    def _when_known(self, step: Step, executable: str, sha256: str) -> Packed | None:
        """Pack what came out of a cache; None where it will be said what is wrong with it."""
        try:
            return self._pack(step, executable, read_build_id(executable), sha256, sure=True)
        except (OSError, RefusedError):
            return None

    def _pack(
        self,
        step: Step,
        executable: str,
        build_id: BuildID | None,
        known: str | None = None,
        *,
        sure: bool = False,
        early: bool = False,
    ) -> Packed:
        identity = identify(executable)
        if identity is None:
            raise RefusedError(f"`{executable}` went away")
        # What came out of a cache was looked at when it did.
        (refuse_size if sure else refuse)(step, executable)
        content = _read(executable) if step.zip is not None or early else None
        if early and (content is None or build_id is None or not _is_whole(content, build_id)):
            raise RefusedError("Go has not finished it")
        sha256 = known or self._digest(executable, content, build_id, identity)
        if known and not sure and content is not None and _sha256(content) != known:
            raise RefusedError(f"`{executable}` was changed meanwhile; run lambdabuild again")
        directory = os.path.join(self._directory, content_digest(os.fsencode(step.artifact)))
        os.makedirs(directory, exist_ok=True)
        packed: list[Input] = []
        members: list[Member] = []
        files: list[Staged] = []
        for number, asset in enumerate(step.assets):
            member = _member(asset)
            text = packed_text(content_digest(member.content), asset)
            packed.append((f"file {name_of(asset.source, self._project)}", text))
            members.append(member)
            target = os.path.join(os.path.dirname(step.artifact), *asset.name.split("/"))
            # Where `out` is among the sources, it may be there itself: no copy, to be removed.
            if not self._in_place and not _is_one(asset.source, target):
                place = os.path.join(directory, str(number))
                sha = _write(place, member.content, member.mode)
                size_of = len(member.content)
                files.append(
                    Staged(Kind.ASSET, place, target, sha, size_of, text, asset.executable)
                )
        if step.zip is not None and content is not None:
            made_from = zip_made_from(sha256, self._epoch)
            if not self._zip_stays(step, made_from, tuple(packed)):
                members.append(Member(os.path.basename(step.artifact), content, MODE))
                place = os.path.join(directory, "zip")
                with self._timeline.span(Activity.PACK, step.function.name):
                    made = self._zip(members)
                sha = _write(place, made, PLAIN_MODE)
                files.append(Staged(Kind.ZIP, place, step.zip, sha, len(made), made_from))
        return Packed(sha256, build_id, identity, tuple(files), tuple(packed))

    def _digest(
        self, executable: str, content: bytes | None, build_id: BuildID | None, identity: Identity
    ) -> str:
        known = self._known.get(build_id.text) if build_id is not None else None
        if known is not None and known.identity.size == identity.size:
            return known.sha256
        return digest(executable) if content is None else _sha256(content)

    def _zip(self, members: Sequence[Member]) -> bytes:
        try:
            return archive.pack(members, self._epoch)
        except ValueError as error:
            raise RefusedError(f"the zip cannot be made: {error}") from error

    def _zip_stays(self, step: Step, made_from: str, packed: tuple[Input, ...]) -> bool:
        """Tell whether the zip of an earlier run is what would be packed again."""
        artifact = self._artifacts.get(name_of(step.artifact, self._project))
        before = artifact.companion(Kind.ZIP) if artifact is not None else None
        return (
            artifact is not None
            and before is not None
            and before.made_from == made_from
            and before.path == name_of(str(step.zip), self._project)
            and artifact.packed == packed
            and held_companion(before, self._project) is not None
        )


def _step_back() -> None:
    """Let Go's linkers go first: what is left of packing fills the processors once few are left.

    Linux has a niceness for each thread (setpriority(2), "C library/kernel differences").
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def _is_same(before: Identity, now: Identity | None) -> bool:
    """Tell whether nobody wrote into a file; that Go takes its own name of it away is no write."""
    return now is not None and before._replace(changed=now.changed) == now


def _is_one(one: str, other: str) -> bool:
    """Tell whether two paths lead to one file."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _is_whole(content: bytes, build_id: BuildID) -> bool:
    """Tell whether Go has written the final build ID everywhere it belongs.

    It replaces the linker's placeholder in one place after the other
    (cmd/internal/buildid/rewrite.go); all but the last part of the two are the same.
    """
    text = build_id.text.encode()
    same = text[: text.rfind(b"/") + 1]
    return bool(same) and content.count(text) == content.count(same)


def _member(asset: Asset) -> Member:
    try:
        return Member(asset.name, _read(asset.source), MODE if asset.executable else PLAIN_MODE)
    except OSError as error:
        raise unreadable(asset, error) from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: str) -> bytes:
    return files.whole(path, MOST_UNZIPPED)


def _write(path: str, content: bytes, mode: int) -> str:
    """Write a staged file; return its SHA-256."""
    try:
        Path(path).write_bytes(content)
        os.chmod(path, mode)
    except OSError as error:
        raise RefusedError(str(cannot_write(error, path))) from error
    return _sha256(content)
