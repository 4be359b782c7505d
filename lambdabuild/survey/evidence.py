"""What deployment files say of architectures and runtimes, remembered until one of them changes."""

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lambdabuild.core.build import Function
from lambdabuild.core.paths import Paths
from lambdabuild.core.target import TARGETS, Architecture, Runtime
from lambdabuild.core.text import some
from lambdabuild.deployment.declared import COMPUTED, Deployment
from lambdabuild.state.stamps import WHOLE, Level, World, look, take
from lambdabuild.state.state import Evidence, State
from lambdabuild.survey.session import Session

if TYPE_CHECKING:
    from lambdabuild.deployment.differences import Agreement, Difference

_KINDS = {"architecture": "targets", "runtime": "runtime"}
"""What deployment files say, by the field of the settings that it is the default of."""
_DEFAULTS = (Architecture.X86_64, Runtime.AL2023)
"""What holds anyway: not worth a line."""


def with_evidence(session: Session, state: State, clock: int) -> Session:
    """Return the session with the architecture and runtime that all deployment files agree on.

    They are defaults: whatever anybody chose counts more.
    """
    paths = session.paths
    evidence = _looked_at(paths, state.evidence, clock)
    state.note_evidence(evidence)
    if not (evidence.deployment.functions or evidence.deployment.witnesses):
        return session
    from lambdabuild.deployment.differences import agreements

    agreed = agreements(evidence.deployment)
    defaults: dict[str, object] = {}
    if "architecture" in agreed:
        defaults["targets"] = (TARGETS[Architecture(agreed["architecture"].value)],)
    if "runtime" in agreed:
        defaults["runtime"] = Runtime(agreed["runtime"].value)
    chosen = session.settings.chosen_for(None)
    used = [
        item
        for kind, item in agreed.items()
        if _KINDS[kind] not in chosen and item.value not in _DEFAULTS
    ]
    if used:
        places = " and ".join(f"{item.value} ({place_of_agreement(paths, item)})" for item in used)
        session.tools.console.say_once(f"for {places}, as all deployment files say")
    return session.under(session.settings.with_defaults(defaults))


def warn_of_contradictions(
    session: Session, functions: Sequence[Function], deployment: Deployment
) -> None:
    """Warn of functions that are deployed on another architecture or runtime than they are built for."""
    if session.settings.host is not None or not (deployment.functions or deployment.witnesses):
        return
    if _agrees(session, deployment):
        return
    from lambdabuild.deployment.differences import Agreement

    found: dict[str, list[Difference]] = defaultdict(list)
    for difference in compared(session, functions, deployment):
        found[difference.kind].append(difference)
    for kind in _KINDS:
        if items := found[kind]:
            first, names = items[0], [item.function for item in items]
            place = place_of_agreement(session.paths, Agreement("", str(first.file), first.line))
            message = f"{place}: {first.message}"
            if len(names) > 1:
                message += f"; so it is with {some(names[1:])}"
            session.tools.console.warn_once(message, first.hint)
    if not found:
        _warn_of_disagreement(session, functions, deployment)


def _agrees(session: Session, deployment: Deployment) -> bool:
    """Return whether all say what is built anyway, whichever functions they mean."""
    said = {
        (declared.deployed_architecture, declared.runtime) for declared in deployment.functions
    } or {(witness.architecture, None) for witness in deployment.witnesses}
    return all(
        architecture in {None, COMPUTED, *(t.architecture for t in settings.targets)}
        and runtime in {None, COMPUTED, settings.runtime}
        for settings in session.settings.variants()
        for architecture, runtime in said
    )


def _warn_of_disagreement(
    session: Session, functions: Sequence[Function], deployment: Deployment
) -> None:
    """Warn where deployment files differ, and nobody knows which functions they mean."""
    from lambdabuild.deployment.differences import agreed_architecture
    from lambdabuild.deployment.matching import Source, match

    said = agreed_architecture(deployment)
    if not isinstance(said, list) or _KINDS["architecture"] in session.settings.chosen_for(None):
        return
    sources = [Source(function.name, function.directory) for function in functions]
    names = match(deployment.functions, sources, {})
    if names and None not in names:
        return
    places = " and ".join(f"{a.value} ({place_of_agreement(session.paths, a)})" for a in said)
    built = session.settings.variants()[0].targets[0]
    session.tools.console.warn_once(
        f"deployment files name {places}; functions are built for {built}",
        "set `architecture` in lambdabuild.toml, for all or under [functions]",
    )


def compared(
    session: Session, functions: Sequence[Function], deployment: Deployment
) -> "list[Difference]":
    """Return how the deployment differs from what the settings make of the functions."""
    if not (deployment.functions or deployment.of_plugins):
        return []
    from lambdabuild.deployment.differences import Built, differences
    from lambdabuild.deployment.matching import Source

    built = []
    outputs: dict[str, str] = {}
    for function in functions:
        settings = session.settings.of(function.name)
        architectures = [t.architecture for t in settings.targets if t.architecture is not None]
        source = Source(function.name, function.directory)
        made, adapted = tuple(map(str, architectures)), function.adapter is not None
        built.append(Built(source, made, str(settings.runtime), adapted))
        if session.paths.layout:
            for place in (function.name, *(os.path.join(a, function.name) for a in architectures)):
                path = os.path.join(session.paths.out, place)
                outputs |= {path: function.name, f"{path}.zip": function.name}
    return differences(deployment, built, outputs)


def _looked_at(paths: Paths, known: Evidence, clock: int) -> Evidence:
    """Return what the deployment files say now; read them only if one changed, came or went."""
    seen = look(known.stamps, clock, paths.own)
    if known.stamps.directories and not seen.changed:
        return known._replace(stamps=seen.stamps) if seen.renewed else known
    # Slow to import, and seldom needed.
    from lambdabuild.deployment import reader

    found, directories = reader.find(paths.project, paths.own)
    world = World(files=dict.fromkeys(found, WHOLE))
    for directory in directories:
        world.search(directory, Level.EVERYTHING)
    stamps = take(world, seen.stamps.files, clock, paths.own)
    if known.stamps.directories and stamps.files == known.stamps.files:
        return Evidence(stamps, known.deployment)
    return Evidence(stamps, reader.read(found))


def place_of_agreement(paths: Paths, item: "Agreement") -> str:
    """Return where something is said, as people read it: `template.yaml:7`."""
    return f"{paths.relative(item.file)}{f':{item.line}' if item.line else ''}"
