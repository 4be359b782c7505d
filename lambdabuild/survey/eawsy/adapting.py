"""Decide which batches get an overlay; whatever has nothing to do with eawsy pays for no more than that."""

import contextlib
from collections.abc import Iterator, Mapping

from lambdabuild.core.build import Batch
from lambdabuild.core.gopackage import GoEnvironment
from lambdabuild.core.text import counted
from lambdabuild.golang.commands import Overlay, Staging
from lambdabuild.output.terminal.console import Console
from lambdabuild.state.state import Findings
from lambdabuild.survey.eawsy.libraries import MENDED


def is_overlaid(batch: Batch, findings: Findings) -> bool:
    """Return whether a batch is built with an overlay of lambdabuild's own."""
    return (
        any(step.function.adapter is not None for step in batch.steps)
        or batch.directory in (findings.made or {})
        or not MENDED.isdisjoint(batch.graph)
    )


def overlay_for(
    batch: Batch, environment: GoEnvironment, findings: Findings, staging: Staging, console: Console
) -> Overlay | None:
    """Write the overlay of a batch into where its `go build` works; None where it needs none."""
    if not is_overlaid(batch, findings):
        return None
    from lambdabuild.survey.eawsy.overlay import write_overlay

    written = write_overlay(batch, environment, findings.made, staging.temporary)
    if written.mended:
        packages = counted(len(written.mended), "package")
        console.say_once(
            f"mended {packages} of eawsy/aws-lambda-go-event: without that, no Go since 1.10 decodes events"
        )
    return written.overlay


@contextlib.contextmanager
def module_overlay(
    made: Mapping[str, str], goflags: str, directory: str
) -> Iterator[Overlay | None]:
    """Write a module that has no go.mod, as `gopath.module_for` makes it, for a `go list` in a directory."""
    import tempfile

    from lambdabuild.survey.eawsy.overlay import written

    with tempfile.TemporaryDirectory(prefix="lambdabuild-") as place:
        yield written(made, place, goflags, directory, whole=True)


def planned_overlay(batch: Batch, findings: Findings, staging: Staging) -> Overlay | None:
    """Return where the overlay of a batch would be, without writing it."""
    if not is_overlaid(batch, findings):
        return None
    from lambdabuild.survey.eawsy.overlay import overlay_of

    return overlay_of(staging.temporary, whole=batch.directory in (findings.made or {}))
