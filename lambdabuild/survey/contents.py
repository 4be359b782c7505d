"""What a deployment package holds beyond the executable, and what of it changed."""

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lambdabuild.core.model import (
    Artifact,
    Asset,
    Companion,
    Diagnostic,
    Function,
    Input,
    Kind,
    Step,
)
from lambdabuild.core.origins import EPOCH, epoch_of, packed_text, sbom_made_from, zip_made_from
from lambdabuild.core.paths import name_of
from lambdabuild.state.artifacts import held_companion
from lambdabuild.state.serialization import State
from lambdabuild.state.stamps import PACKED, Level, Stamps, World, take
from lambdabuild.survey import assets
from lambdabuild.survey.inputs import first_change
from lambdabuild.survey.plan import AssetsOf, places
from lambdabuild.survey.session import Session


class Contents(NamedTuple):
    """What the functions' globs of assets mean, and the stamps of all that they rest on."""

    assets: AssetsOf
    stamps: Stamps


def contents_of(
    session: Session, functions: Sequence[Function], state: State, clock: int, own: set[str]
) -> Contents:
    """Find the assets of every function, and look at them; `state` gets their stamps."""
    own = own | _outputs(session, functions)
    found: dict[str, tuple[tuple[Asset, ...], tuple[Diagnostic, ...]]] = {}
    world = World()
    for function in functions:
        patterns = session.settings.of(function.name).assets
        if not patterns:
            continue
        selection = assets.select(function.directory, patterns, own)
        problems = tuple(Diagnostic(function.package, text) for text in selection.problems)
        found[function.name] = (selection.assets, problems)
        for directory in selection.directories:
            world.enter(directory, Level.EVERYTHING)
        world.files |= dict.fromkeys((asset.source for asset in selection.assets), PACKED)
    if world.directories:
        state.assets = take(world, state.assets.files, clock, own)
    return Contents(found, state.assets if world.directories else Stamps())


def _outputs(session: Session, functions: Sequence[Function]) -> set[str]:
    """Return what lambdabuild writes beside the functions' own files, whether it is known or not."""
    if not session.settings.in_place:
        return set()
    found = set()
    for function in functions:
        chosen = session.settings.of(function.name)
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
    """Return why what stands with an executable has to be made again; None if it need not."""

    def show(name: str) -> str:
        return session.relative(os.path.join(session.project, name))

    for companion in artifact.companions:
        # Of a run that was killed: it goes, whether it is asked for or not.
        if companion.kind is not Kind.ASSET and artifact.companion(companion.kind) is None:
            return f"{show(companion.path)} is of another executable"
    copied = not session.settings.in_place
    if copied or step.zip:
        reason = first_change(artifact.packed, packed, show)
        if reason is not None:
            return reason
    reasons = (
        _reason(session, companion, path, made_from)
        for companion, path, made_from in _wanted(session, step, artifact)
        if companion is None or companion.kind is not Kind.ASSET or copied
    )
    return next((reason for reason in reasons if reason is not None), None)


def _wanted(
    session: Session, step: Step, artifact: Artifact
) -> Iterator[tuple[Companion | None, str, str]]:
    """Yield what is to stand with an executable: what there is, its absolute path, made of what."""
    epoch = epoch_of(session.environment) if step.zip or step.sbom else None
    if step.zip:
        made_from = zip_made_from(artifact.sha256, epoch)
        yield artifact.companion(Kind.ZIP), step.zip, made_from
    if step.sbom:
        made_from = sbom_made_from(artifact.sha256, epoch)
        yield artifact.companion(Kind.SBOM), step.sbom, made_from
    for companion in artifact.companions:
        if companion.kind is Kind.ASSET:
            path = os.path.normpath(os.path.join(session.project, companion.path))
            yield companion, path, companion.made_from


def _reason(session: Session, companion: Companion | None, path: str, made_from: str) -> str | None:
    shown = session.relative(path)
    if companion is None or companion.path != name_of(path, session.project):
        return f"{shown} was not made before"
    if companion.made_from != made_from:
        epoch = companion.made_from.split(" ")[1] != made_from.split(" ")[1]
        same = companion.made_from.partition(" ")[0] == made_from.partition(" ")[0]
        if same and epoch:
            return f"{EPOCH} changed"
        return f"{shown} was made of another executable, or by another lambdabuild"
    if held_companion(companion, session.project) is None:
        return f"{shown} {'was changed' if os.path.lexists(path) else 'is missing'}"
    return None
