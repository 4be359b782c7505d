"""Check what is in the place of an output, and whether it may be replaced."""

import errno
import io
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lambdabuild.core.artifact import (
    MOST_UNZIPPED,
    Artifact,
    Identity,
    Kind,
    Sidecar,
    sbom_made_from,
)
from lambdabuild.core.build import Step
from lambdabuild.core.paths import name_of
from lambdabuild.core.result import SCHEMA
from lambdabuild.core.text import to_json
from lambdabuild.golang.tree import upwards
from lambdabuild.packaging import archive
from lambdabuild.packaging.archive import Member
from lambdabuild.packaging.packer import Packed
from lambdabuild.state.artifacts import digest, is_object, verified_sidecar
from lambdabuild.state.store import cannot_write
from lambdabuild.system import directories
from lambdabuild.system.links import leads_out


class ObstacleError(Exception):
    """A file may not be replaced; the text says which, why, and the remedy."""


class Replacing(NamedTuple):
    """Which files of others may be replaced."""

    forced: bool = False
    """`--force` was given."""
    among_sources: bool = False
    """Outputs are beside sources, where even `--force` replaces no file."""

    @property
    def all(self) -> bool:
        """Whether any file may be replaced."""
        return self.forced and not self.among_sources

    @property
    def remedy(self) -> str:
        """The hint about a file that is not replaced."""
        if self.among_sources:
            return "move it away; among sources, no file is replaced that lambdabuild did not write"
        return "move it away, or let `--force` replace it"


def replacing_in(out: str | None, sources: Iterable[str], *, forced: bool) -> Replacing:
    """Return what may be replaced below the directory `out`; None for in place.

    `sources` are the directories of functions. All paths are absolute.
    """
    inside = out is None or any(f"{path}/".startswith(f"{out}/") for path in sources)
    return Replacing(forced, among_sources=inside)


class Coming(NamedTuple):
    """A file that is to be published."""

    place: str
    """The absolute path."""
    sha256: str
    kind: Kind | None
    """None for the executable."""


class Seen(NamedTuple):
    """What was in a place when it was looked at."""

    mode: int
    identity: Identity


class Obstacles:
    """Check what is in the places of one run's outputs."""

    def __init__(
        self, project: str, boundary: str, remembered: Iterable[Artifact], replacing: Replacing
    ) -> None:
        """`remembered` is what earlier runs wrote below `boundary` (absolute)."""
        self._project = project
        self._boundary = boundary
        self._replacing = replacing
        self._cleared: dict[str, Seen | None] = {}
        # By case-folded path: some file systems take `readme` for README.
        self._remembered: dict[str, list[Sidecar]] = {}
        for artifact in remembered:
            own = Sidecar(
                Kind.ASSET, artifact.path, artifact.sha256, artifact.identity, "", executable=True
            )
            for written in (own, *artifact.sidecars):
                self._remembered.setdefault(written.path.casefold(), []).append(written)

    def check(self, step: Step, packed: Packed, leaving: Sequence[Sidecar]) -> None:
        """Check that all files of a step may be published, before any of them is.

        `leaving` are files of an earlier run that are removed first.
        """
        executable = Coming(step.artifact, packed.sha256, None)
        files = [Coming(file.target, file.sha256, file.kind) for file in packed.files]
        for file in (executable, *files):
            self._check(file, step, lambda: self._paths(leaving))

    def check_again(self, step: Step, file: Coming) -> None:
        """Check a place again if something changed there since; raises as `check`."""
        if _look(file.place) != self._cleared.get(file.place):
            self._check(file, step, set)

    def _check(self, file: Coming, step: Step, leaving: Callable[[], set[str]]) -> None:
        if left := leads_out(file.place, self._boundary, self._project):
            raise ObstacleError(
                f"`{os.path.dirname(file.place)}` is in the way: it leads to `{left}`, where no "
                f"output of this directory belongs\n  hint: take the link away"
            )
        seen = _look(file.place)
        if seen is None:
            above = self._above(file.place)
            if above is not None and above not in leaving():
                raise _cannot_be(above, errno.ENOTDIR)
        elif stat.S_ISDIR(seen.mode):
            there = set(_files(file.place))
            if not there or not there <= leaving():
                raise _cannot_be(file.place, errno.EISDIR)
        elif not self._replacing.all and (what := self._foreign(file, step, seen)):
            raise ObstacleError(
                f"`{file.place}` is in the way: it is {what}\n  hint: {self._replacing.remedy}"
            )
        self._cleared[file.place] = seen

    def _foreign(self, file: Coming, step: Step, seen: Seen) -> str | None:
        """Return what is in a place, if it is neither lambdabuild's nor has the same bytes."""
        if not stat.S_ISREG(seen.mode):
            link = "a symbolic link" if stat.S_ISLNK(seen.mode) else "no regular file"
            return f"{link}, which lambdabuild did not write"
        path = name_of(file.place, self._project)
        known = self._remembered.get(path.casefold(), [])
        try:
            if self._is_ours(file, step, seen, known):
                return None
        except OSError as error:
            return f"a file that cannot be read ({error.strerror})"
        changed = "somebody else has changed since lambdabuild wrote it"
        return f"a file that {changed if known else 'lambdabuild did not write'}"

    def _is_ours(self, file: Coming, step: Step, seen: Seen, known: Sequence[Sidecar]) -> bool:
        if not seen.identity.size or any(c.identity == seen.identity for c in known):
            return True
        if file.kind is None and is_object(file.place):
            return True
        there = digest(file.place)
        if there == file.sha256 or any(sidecar.sha256 == there for sidecar in known):
            return True
        return seen.identity.size <= MOST_UNZIPPED and self._has_our_form(file, step, known)

    def _has_our_form(self, file: Coming, step: Step, known: Sequence[Sidecar]) -> bool:
        """Return whether only lambdabuild makes such a file, though it is not remembered."""
        if file.kind is Kind.ZIP:
            return bool(unpacked(Path(file.place).read_bytes()))
        if file.kind is Kind.SBOM:
            made_from = bill_made_from(Path(file.place).read_bytes(), step.function.name)
            # Made from the same, it would have the same bytes: so it was edited.
            return made_from is not None and all(c.made_from != made_from for c in known)
        if file.kind is Kind.ASSET and step.zip is not None:
            return self._is_copy(file.place, step, step.zip)
        return False

    def _is_copy(self, place: str, step: Step, zip_: str) -> bool:
        """Return whether an asset has the content that is in the zip lambdabuild packed."""
        seen = _look(zip_)
        if seen is None or not stat.S_ISREG(seen.mode) or seen.identity.size > MOST_UNZIPPED:
            return False
        name = name_of(place, os.path.dirname(step.artifact)).replace(os.sep, "/")
        content = Path(place).read_bytes()
        packed = unpacked(Path(zip_).read_bytes())
        return any((member.name, member.content) == (name, content) for member in packed)

    def _above(self, place: str) -> str | None:
        """Return what is in the place of a directory above; None if nothing is in the way."""
        for directory in upwards(os.path.dirname(place)):
            if not directory.startswith(self._boundary) or os.path.isdir(directory):
                break
            if os.path.lexists(directory):
                return directory
        return None

    def _paths(self, sidecars: Iterable[Sidecar]) -> set[str]:
        """Return the absolute paths of the sidecars that are unchanged, and will be removed."""
        return {
            os.path.normpath(os.path.join(self._project, sidecar.path))
            for sidecar in sidecars
            if verified_sidecar(sidecar, self._project) is not None
        }


def _cannot_be(path: str, number: int) -> ObstacleError:
    return ObstacleError(str(cannot_write(OSError(number, os.strerror(number)), path)))


def _look(path: str) -> Seen | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    identity = Identity(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return Seen(stat.S_IFMT(found.st_mode), identity)


def _files(directory: str) -> Iterator[str]:
    """Yield the paths of all files and links below a directory."""
    for parent, inner, names in directories.walk(directory):
        paths = [os.path.join(parent, name) for name in inner]
        yield from filter(os.path.islink, paths)
        yield from [os.path.join(parent, name) for name in names]


_FIELDS = frozenset({
    "name", "package", "directory", "target", "architecture", "runtime",
    "artifact", "size", "sha256", "zip", "zip_size", "code_sha256",
})  # fmt: skip


def is_manifest_text(text: str) -> bool:
    """Return whether lambdabuild could have written exactly this text as a manifest."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    from lambdabuild.output.merge import is_manifest

    return (
        is_manifest(value)
        and value["schema"] == SCHEMA
        and all(isinstance(item, dict) and item.keys() == _FIELDS for item in value["functions"])
        and to_json(value) == text
    )


def unpacked(content: bytes) -> list[Member]:
    """Return what is in a zip that lambdabuild packed: packing it again gives the same bytes."""
    import calendar
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            infos = file.infolist()
            if sum(info.file_size for info in infos) > MOST_UNZIPPED:
                return []
            members = [
                Member(info.filename, file.read(info), info.external_attr >> 16 & 0o7777)
                for info in infos
            ]
        packed = archive.pack(members, calendar.timegm((*infos[0].date_time, 0, 0, 0)))
    except Exception:  # noqa: BLE001 - zipfile stumbles over damage in many ways
        return []
    return members if packed == content else []


def bill_made_from(content: bytes, function: str) -> str | None:
    """Return what a bill of materials of a function was made from, if lambdabuild wrote it.

    Its serial number is a digest of that.
    """
    import datetime as dt

    from lambdabuild.packaging.sbom import serial_number

    try:
        text = content.decode()
        value = json.loads(text)
        metadata = value["metadata"]
        (tool,) = metadata["tools"]["components"]
        (digest,) = metadata["component"]["hashes"]
        moment = metadata.get("timestamp")
        epoch = int(dt.datetime.fromisoformat(moment).timestamp()) if moment is not None else None
        serial = serial_number(function, digest["content"], epoch, version=tool["version"])
        stated = (metadata["component"]["name"], tool["name"], value["serialNumber"])
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    if stated != (function, "lambdabuild", serial.urn):
        return None
    if json.dumps(value, indent=2) + "\n" != text:
        return None
    return sbom_made_from(digest["content"], epoch, tool["version"])
