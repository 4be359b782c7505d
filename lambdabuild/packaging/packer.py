"""Make deployment packages, once all is linked."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lambdabuild.core.artifact import (
    MOST_UNZIPPED,
    Artifact,
    Asset,
    Identity,
    Input,
    Kind,
    packed_text,
    zip_made_from,
)
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.paths import name_of
from lambdabuild.core.result import Activity, Linked
from lambdabuild.core.target import Target
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
from lambdabuild.state.artifacts import MODE, PLAIN_MODE, digest, identify, still_made
from lambdabuild.state.store import cannot_write
from lambdabuild.system import files, machine
from lambdabuild.system.files import content_digest
from lambdabuild.system.process import Run, in_parallel
from lambdabuild.system.timeline import Timeline


class Staged(NamedTuple):
    """A staged file."""

    kind: Kind
    staged: str
    target: str
    """Both are absolute paths."""
    sha256: str
    size: int
    made_from: str
    executable: bool = False


class Packed(NamedTuple):
    """A staged deployment package."""

    sha256: str
    """Of the executable."""
    build_id: BuildID | None
    identity: Identity
    """Of the executable's file when it was packed."""
    files: tuple[Staged, ...]
    """All sidecars of the executable that are not in place already."""
    packed: tuple[Input, ...]
    """Its content beyond the executable, for `Artifact.packed`."""
    keeps_methods: bool | None = None
    """Of the executable, for `Artifact.keeps_methods`."""


Ready = dict[tuple[str, Target], Packed | Diagnostic]
"""By a step's key: its deployment package, or why it has none."""


class Packer:
    """Pack executables; it is immutable, so threads may share it."""

    def __init__(
        self,
        project: str,
        directory: str,
        artifacts: Mapping[str, Artifact],
        *,
        epoch: int | None,
        in_place: bool,
        timeline: Timeline,
    ) -> None:
        """Stage below `directory`; `epoch` is the time of zip members.

        `artifacts` are those of earlier runs, by path.
        """
        self._project = project
        self._directory = directory
        self._artifacts = artifacts
        self._epoch = epoch
        self._in_place = in_place
        self._timeline = timeline
        # Equal build IDs mean equal bytes, so a digest taken once need not be taken again.
        self._known = {a.build_id: a for a in artifacts.values() if a.build_id}

    def pack_all(self, run: Run, linked: Sequence[Linked]) -> Ready:
        """Return the packages of all that was linked or is in place, with a thread per processor.

        Each thread holds one package in memory.
        """
        made = [item for item in linked if item.executable is not None or item.current]
        packed = in_parallel(run, self._packed_or_not, made, machine.processors())
        return {item.step.key: done for item, done in zip(made, packed, strict=True)}

    def _packed_or_not(self, linked: Linked) -> Packed | Diagnostic:
        step = linked.step
        try:
            return self.pack(linked)
        except OSError as error:
            path = str(error.filename or linked.executable or step.artifact)
            return Diagnostic(step.function.package, str(cannot_write(error, path)))
        except RefusedError as error:
            return Diagnostic(step.function.package, str(error))

    def pack(self, linked: Linked) -> Packed:
        """Return the package of an executable that is staged, or in place already."""
        step = linked.step
        if linked.executable is not None:
            executable, known = linked.executable, linked.restored
            build_id = read_build_id(executable)
            if build_id is not None and not build_id.final:
                raise RefusedError("`go build` ended before the executable was finished")
            # Loaded while `go` was at work, as pyelftools is.
            from lambdabuild.sizes.methods import keeps_all_methods

            keeps_methods = keeps_all_methods(executable)
        else:
            artifact = self._artifacts[name_of(step.artifact, self._project)]
            executable, known = step.artifact, artifact.sha256
            build_id = BuildID(artifact.build_id) if artifact.build_id else None
            keeps_methods = artifact.keeps_methods
        identity = identify(executable)
        if identity is None:
            raise RefusedError(f"`{executable}` went away")
        # Restoring one from a cache has checked that it would start.
        (refuse_size if linked.restored else refuse)(step, executable)
        content = _read(executable) if step.zip is not None else None
        sha256 = known or self._digest(executable, content, build_id, identity)
        if known and content is not None and _sha256(content) != known:
            raise RefusedError(f"`{executable}` was changed meanwhile; run lambdabuild again")
        directory = os.path.join(self._directory, content_digest(os.fsencode(step.artifact)))
        packed: list[Input] = []
        members: list[Member] = []
        files: list[Staged] = []
        for number, asset in enumerate(step.assets):
            member = _member(asset)
            text = packed_text(content_digest(member.content), asset)
            packed.append((f"file {name_of(asset.source, self._project)}", text))
            members.append(member)
            target = os.path.join(os.path.dirname(step.artifact), *asset.name.split("/"))
            # Where `out` is among the sources, this may be the asset itself.
            if not self._in_place and not _is_one(asset.source, target):
                place = os.path.join(directory, str(number))
                sha, size = write(place, member.content, member.mode), len(member.content)
                files.append(Staged(Kind.ASSET, place, target, sha, size, text, asset.executable))
        if step.zip is not None and content is not None:
            made_from = zip_made_from(sha256, self._epoch)
            old = self._artifacts.get(name_of(step.artifact, self._project))
            if (
                old is None
                or old.packed != tuple(packed)
                or not still_made(old, Kind.ZIP, step.zip, made_from, self._project)
            ):
                members.append(Member(os.path.basename(step.artifact), content, MODE))
                place = os.path.join(directory, "zip")
                with self._timeline.span(Activity.PACK, step.function.name):
                    try:
                        made = archive.pack(members, self._epoch)
                    except ValueError as error:
                        raise RefusedError(f"the zip cannot be made: {error}") from error
                sha = write(place, made, PLAIN_MODE)
                files.append(Staged(Kind.ZIP, place, step.zip, sha, len(made), made_from))
        return Packed(sha256, build_id, identity, tuple(files), tuple(packed), keeps_methods)

    def _digest(
        self, executable: str, content: bytes | None, build_id: BuildID | None, identity: Identity
    ) -> str:
        known = self._known.get(build_id.text) if build_id is not None else None
        if known is not None and known.identity.size == identity.size:
            return known.sha256
        return digest(executable) if content is None else _sha256(content)


def _is_one(one: str, other: str) -> bool:
    """Tell whether two paths lead to one file."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _member(asset: Asset) -> Member:
    try:
        return Member(asset.name, _read(asset.source), MODE if asset.executable else PLAIN_MODE)
    except OSError as error:
        raise unreadable(asset, error) from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: str) -> bytes:
    return files.whole(path, MOST_UNZIPPED)


def write(path: str, content: bytes, mode: int) -> str:
    """Write a staged file and return its SHA-256."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_bytes(content)
        os.chmod(path, mode)
    except OSError as error:
        raise RefusedError(str(cannot_write(error, path))) from error
    return _sha256(content)
