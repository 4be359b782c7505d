"""Find which inputs changed since a survey, and which functions are built from a file or an output."""

import os
from collections.abc import Collection
from pathlib import PurePath

from lambdabuild.core.artifact import UNKNOWN, Input
from lambdabuild.core.build import Batch, Step
from lambdabuild.core.paths import name_of
from lambdabuild.golang.source import embeds
from lambdabuild.state.stamps import TOOL, WHOLE, Level, Stamps
from lambdabuild.state.store import DIRECTORY, STATE
from lambdabuild.survey.inputs import path_of_input
from lambdabuild.survey.plan import order_of
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Key, Survey


def mark_changed_inputs(survey: Survey, project: str) -> dict[Key, tuple[Input, ...]]:
    """Return the inputs of the steps, unknown where they may have changed since the survey."""
    after = survey.baseline.look()
    touched, folders = set(after.touched), set(after.stirred)
    if not touched and not folders:
        return dict(survey.inputs)
    # What comes and goes in a directory that is embedded may be the only file there.
    for path in after.stirred:
        if after.stamps.directories[path].level == Level.EVERYTHING:
            folders.update(str(parent) for parent in PurePath(path).parents)
    replaced = {p for p in after.stirred if _is_replaced(p, survey.baseline.stamps, after.stamps)}
    kinds = {path: after.stamps.files[path].kind for path in touched}
    for_all = [
        (f"file {name_of(path, project)}", UNKNOWN)
        for path, kind in kinds.items()
        if kind in {WHOLE, TOOL}
    ]

    def doubted(item: Input) -> Input:
        name, _ = item
        path = path_of_input(name, project)
        if path is None:
            return item
        known = path not in touched and os.path.dirname(path) not in folders
        if known and replaced:
            known = replaced.isdisjoint(map(str, PurePath(path).parents))
        return item if known else (name, UNKNOWN)

    return {
        key: (*(doubted(item) for item in inputs), *for_all)
        for key, inputs in survey.inputs.items()
    }


def _is_replaced(path: str, before: Stamps, after: Stamps) -> bool:
    """Return whether a directory was moved away or replaced by one whose files have old times.

    Then its own ctime changes, and, as nothing came or went in it, its mtime does not.
    """
    old, new = before.directories[path], after.directories[path]
    return old.inode != new.inode or old.modified == new.modified


def dependents_of(found: Survey, project: str, paths: Collection[str]) -> set[Key]:
    """Return the steps that are built from any of these files or directories, absolute paths."""
    if not paths:
        return set()
    known: dict[str, bool] = {}
    lists = (*found.inputs.values(), *found.packed.values())
    for name in {name for inputs in lists for name, _ in inputs}:
        if file := path_of_input(name, project):
            known[name] = file in paths or any(str(p) in paths for p in PurePath(file).parents)
    return {
        key
        for key in found.inputs
        if any(known.get(name, False) for name, _ in found.made_from(key))
    }


def warn_of_embedded_outputs(session: Session, found: Survey) -> None:
    """Warn of functions that embed outputs of lambdabuild: each build would hold the one before."""
    steps = found.plan.steps
    outputs = {p for step in steps for p in (step.artifact, step.zip, step.sbom) if p is not None}
    outputs.add(os.path.join(session.paths.project, DIRECTORY, STATE))
    if session.paths.layout:
        outputs.add(os.path.join(session.paths.out, "manifest.json"))
    warned = set()
    for batch in found.to_build.batches:
        for step in batch.steps:
            if step.function.name in warned:
                continue
            if file := _embedded_output(step, batch, outputs):
                warned.add(step.function.name)
                session.tools.console.warn(
                    f"`{step.function.name}` embeds what lambdabuild writes: "
                    f"`{session.paths.relative(file)}` matches a `//go:embed` pattern",
                    "narrow the pattern, so that it takes in neither outputs nor `.lambdabuild/`",
                )


def _embedded_output(step: Step, batch: Batch, outputs: Collection[str]) -> str | None:
    for path in order_of(batch.graph, step.function.package):
        package = batch.graph.get(path)
        if package is None or not package.local or not package.embed_patterns:
            continue
        top = package.directory + os.sep
        for file in sorted(outputs):
            if file.startswith(top) and embeds(package.embed_patterns, file.removeprefix(top)):
                return file
    return None
