"""Find the assets of functions, and whether they make a deployment package out of date."""

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from lambdabuild.config.globs import is_literal, is_reserved, matches, parts_of
from lambdabuild.config.settings import Settings
from lambdabuild.core.artifact import (
    EPOCH,
    Artifact,
    Asset,
    Input,
    Kind,
    Sidecar,
    epoch_of,
    packed_text,
    sbom_made_from,
    zip_made_from,
)
from lambdabuild.core.build import Function, Step
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.paths import Paths, name_of
from lambdabuild.state.artifacts import verified_sidecar
from lambdabuild.state.stamps import PACKED, Level, Stamps, World, take
from lambdabuild.survey.inputs import first_change
from lambdabuild.survey.plan import AssetsOf, places
from lambdabuild.survey.session import Session


class Selection(NamedTuple):
    """What a function's globs mean."""

    assets: tuple[Asset, ...]
    """By name."""
    directories: tuple[str, ...]
    """Where a file that comes or goes may change that; absolute."""
    problems: tuple[str, ...]


def select(directory: str, patterns: Sequence[str], own: Collection[str]) -> Selection:
    """Return the files below `directory` that any of the globs means.

    `**` stands for any number of directories, and a directory's name for all in it. What begins
    with a dot is meant only by what begins with one. Symbolic links are followed to files, and to
    directories that are named without a wildcard, as long as they stay inside `directory`. `own`
    are absolute paths that lambdabuild writes, which no wildcard means.
    """
    walk = _Walk(directory, own)
    for pattern in patterns:
        before = len(walk.problems)
        found = walk.matching(parts_of(pattern))
        if not found and len(walk.problems) == before:
            walk.problems[f"no file matches the asset `{pattern}`"] = None
        for name in found:
            walk.take(name)
    walk.refuse_equal_names()
    assets = tuple(walk.assets[name] for name in sorted(walk.assets))
    return Selection(assets, tuple(walk.directories), tuple(walk.problems))


class _Walk:
    """Walk below one function's directory; names are relative to it, with slashes."""

    def __init__(self, top: str, own: Collection[str]) -> None:
        self._top = top
        self._inside = os.path.realpath(top) + os.sep
        self._own = own
        self._listed: dict[str, list[str]] = {}
        self.assets: dict[str, Asset] = {}
        self.directories: dict[str, None] = {}
        self.problems: dict[str, None] = {}

    def matching(self, parts: tuple[str, ...]) -> list[str]:
        """Return the files that the components of a glob mean.

        Each directory is looked into once for each component, however many ways `**` leads there.
        """
        found = []
        seen = set()
        left = [("", parts)]
        while left:
            state = left.pop()
            if state in seen:
                continue
            seen.add(state)
            name, rest = state
            if not os.path.isdir(self._path(name)):
                if name and not rest:
                    found.append(name)
            elif self._stays_inside(name):
                left += reversed(list(self._below(name, rest)))
        return found

    def _below(self, name: str, parts: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield where the components of a glob lead from a directory, and which are left there."""
        if not parts:
            yield name, ("**",)
        elif parts[0] == "**":
            yield name, parts[1:] or ("*",)
            for below in self._wildcard(name, "*"):
                if os.path.isdir(self._path(below)):
                    yield below, parts
        else:
            found = self._literal if is_literal(parts[0]) else self._wildcard
            for below in found(name, parts[0]):
                # What only a wildcard means is a file: a directory has to be named, or `**`.
                if parts[1:] or is_literal(parts[0]) or not os.path.isdir(self._path(below)):
                    yield below, parts[1:]

    def _literal(self, name: str, part: str) -> Iterator[str]:
        # Compared here, not by the file system: some fold case.
        if part in self._entries(name):
            yield _join(name, part)

    def _wildcard(self, name: str, part: str) -> Iterator[str]:
        for entry in self._entries(name):
            path = self._path(below := _join(name, entry))
            linked_directory = os.path.islink(path) and os.path.isdir(path)
            if matches(entry, part) and path not in self._own and not linked_directory:
                yield below

    def take(self, name: str) -> None:
        """Add a file, unless something is wrong with it."""
        path = self._path(name)
        if name in self.assets or not self._stays_inside(name):
            return
        try:
            found = os.stat(path)
        except OSError as error:
            self.problems[f"the asset `{name}` cannot be read: {error.strerror}"] = None
            return
        if is_reserved(name):
            self.problems[
                f"the asset `{name}` would take the place of the executable; give it another name, "
                "or a glob that leaves it out"
            ] = None
        elif not stat.S_ISREG(found.st_mode):
            self.problems[f"the asset `{name}` is no regular file"] = None
        else:
            self.assets[name] = Asset(name, path, bool(found.st_mode & stat.S_IXUSR))

    def refuse_equal_names(self) -> None:
        """Refuse names that differ only in case: on macOS they would be one file."""
        seen: dict[str, str] = {}
        for name in sorted(self.assets):
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                self.problems[f"the assets `{other}` and `{name}` differ only in case"] = None

    def _path(self, name: str) -> str:
        return os.path.join(self._top, name) if name else self._top

    def _entries(self, name: str) -> list[str]:
        if name not in self._listed:
            path = self._path(name)
            self.directories[path] = None
            self._listed[name] = []
            try:
                self._listed[name] = sorted(os.listdir(path))
            except OSError as error:
                self.problems[f"`{name or '.'}` cannot be listed: {error.strerror}"] = None
        return self._listed[name]

    def _stays_inside(self, name: str) -> bool:
        """Return whether a path, with all its links followed, is below the function's directory."""
        if not name or os.path.realpath(self._path(name)).startswith(self._inside):
            return True
        self.problems[
            f"the asset `{name}` is a link out of the function's directory; copy what it leads to"
        ] = None
        return False


def _join(name: str, entry: str) -> str:
    return f"{name}/{entry}" if name else entry


class Contents(NamedTuple):
    """What the functions' globs of assets mean, and the stamps of all that they rest on."""

    assets: AssetsOf
    stamps: Stamps | None
    """None where no function has assets."""


def contents_of(
    settings: Settings, functions: Sequence[Function], known: Stamps, clock: int, own: set[str]
) -> Contents:
    """Find the assets of every function, and look at them."""
    own = own | _outputs(settings, functions)
    found: dict[str, tuple[tuple[Asset, ...], tuple[Diagnostic, ...]]] = {}
    world = World()
    for function in functions:
        patterns = settings.of(function.name).assets
        if not patterns:
            continue
        selection = select(function.directory, patterns, own)
        problems = tuple(Diagnostic(function.package, text) for text in selection.problems)
        found[function.name] = (selection.assets, problems)
        for directory in selection.directories:
            world.enter(directory, Level.EVERYTHING)
        world.files |= dict.fromkeys((asset.source for asset in selection.assets), PACKED)
    return Contents(found, take(world, known.files, clock, own) if world.directories else None)


def _outputs(settings: Settings, functions: Sequence[Function]) -> set[str]:
    """Return what lambdabuild writes beside the functions' own files, whether it is known or not."""
    if not settings.in_place:
        return set()
    found = set()
    for function in functions:
        chosen = settings.of(function.name)
        for target in chosen.targets:
            artifact, beside = places(function, target, chosen, out=None)
            found |= {artifact, f"{beside}.zip", f"{beside}.sbom.json"}
    return found


def packed_inputs(step: Step, stamps: Stamps, project: str) -> tuple[Input, ...]:
    """Return what the step's deployment package holds beyond the executable."""
    return tuple(
        (f"file {name_of(asset.source, project)}", packed_text(stamps.digest(asset.source), asset))
        for asset in step.assets
    )


def reason_to_pack(
    session: Session, step: Step, artifact: Artifact, packed: tuple[Input, ...]
) -> str | None:
    """Return why an executable has to be repackaged; None if it need not."""
    paths = session.paths
    for sidecar in artifact.sidecars:
        # Of a run that was killed: it goes, whether it is asked for or not.
        if sidecar.kind is not Kind.ASSET and artifact.sidecar(sidecar.kind) is None:
            shown = paths.relative(os.path.join(paths.project, sidecar.path))
            return f"{shown} is of another executable"
    copied = not session.settings.in_place
    if copied or step.zip:
        reason = first_change(artifact.packed, packed, paths)
        if reason is not None:
            return reason
    reasons = (
        _reason(paths, sidecar, path, made_from)
        for sidecar, path, made_from in _sidecars(session, step, artifact)
        if sidecar is None or sidecar.kind is not Kind.ASSET or copied
    )
    return next((reason for reason in reasons if reason is not None), None)


def _sidecars(
    session: Session, step: Step, artifact: Artifact
) -> Iterator[tuple[Sidecar | None, str, str]]:
    """Yield each sidecar that is due: what there is, its absolute path, what it is made from."""
    epoch = epoch_of(session.tools.environment) if step.zip or step.sbom else None
    if step.zip:
        yield artifact.sidecar(Kind.ZIP), step.zip, zip_made_from(artifact.sha256, epoch)
    if step.sbom:
        yield artifact.sidecar(Kind.SBOM), step.sbom, sbom_made_from(artifact.sha256, epoch)
    for sidecar in artifact.sidecars:
        if sidecar.kind is Kind.ASSET:
            path = os.path.normpath(os.path.join(session.paths.project, sidecar.path))
            yield sidecar, path, sidecar.made_from


def _reason(paths: Paths, sidecar: Sidecar | None, path: str, made_from: str) -> str | None:
    shown = paths.relative(path)
    if sidecar is None or sidecar.path != name_of(path, paths.project):
        return f"{shown} was not made before"
    if sidecar.made_from != made_from:
        (old, old_epoch, *_), (new, epoch, *_) = (
            sidecar.made_from.split(" "),
            made_from.split(" "),
        )
        if old == new and old_epoch != epoch:
            return f"{EPOCH} changed"
        return f"{shown} was made of another executable, or by another lambdabuild"
    if verified_sidecar(sidecar, paths.project) is None:
        return f"{shown} {'was changed' if os.path.lexists(path) else 'is missing'}"
    return None
