"""Warn of functions that embed outputs of lambdabuild: each build would hold the one before."""

import os
from collections.abc import Collection

from lambdabuild.core.build import Batch, Step
from lambdabuild.golang.source import embeds
from lambdabuild.state.store import DIRECTORY, STATE
from lambdabuild.survey.plan import order_of
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Survey


def warn_of_embedded_outputs(session: Session, found: Survey) -> None:
    """Warn of functions that would embed what lambdabuild wrote, the next time they are built."""
    outputs = {
        path
        for step in found.plan.steps
        for path in (step.artifact, step.zip, step.sbom)
        if path is not None
    }
    outputs.add(os.path.join(session.paths.project, DIRECTORY, STATE))
    if session.paths.layout:
        outputs.add(os.path.join(session.paths.out, "manifest.json"))
    warned = set()
    for batch in found.to_build.batches:
        for step in batch.steps:
            if step.function.name in warned:
                continue
            file = _embedded_output(step, batch, outputs)
            if file is not None:
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
