"""Share compiled packages through a server on loopback, as fresh runners do, and count what is left.

The server is on the same processors as what is measured, as no server is.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench import edits, measure
from bench.contestants import LAMBDABUILD
from bench.model import (
    BenchError,
    CannotMeasureError,
    Command,
    Figure,
    Metric,
    Sample,
    Term,
    Workspace,
    ratio,
)
from bench.scenarios import FRESH_CLONE
from bench.sources import MODULE
from tests.store import compiling


@contextmanager
def served(workspace: Workspace) -> Iterator[None]:
    """Have the server run, with all that is compiled for all functions in it."""
    if not (compiling.GOCACHED.exists() and compiling.CIGOCACHER.exists()):
        raise CannotMeasureError(
            "there is no server of compiled packages\n  hint: `make test-extended` installs one"
        )
    with compiling.gocached(workspace.directory / "compiled") as address:
        _address(workspace).write_text(address, encoding="utf-8")
        measure.run(workspace, command(workspace))
        yield


def command(workspace: Workspace) -> Command:
    """Say what builds with that server; what it takes from there lies beside GOCACHE's."""
    address = _address(workspace).read_text("utf-8") if _address(workspace).exists() else ""
    kept = workspace.go_cache / "shared"
    program = f"{compiling.CIGOCACHER} --cache-dir={kept} --cigocached-url={address}"
    return ["env", f"GOCACHEPROG={program}", workspace.settings.lambdabuild, "all"]


def taken(
    measured: Callable[[Workspace, Command], Sample],
) -> Callable[[Workspace, Command], Sample]:
    """Hold a run of lambdabuild to have compiled what was edited, what imports it, and no more."""

    def checked(workspace: Workspace, command: Command) -> Sample:
        trace = workspace.directory / "trace.json"
        sample = measured(workspace, [*command, "--trace", trace])
        functions = edits.SHARED.functions(workspace.monorepo)
        importing = {f"{MODULE}/{function.directory}" for function in functions}
        others = _compiled(trace) - importing
        if not others or not all(package.startswith(f"{MODULE}/internal/") for package in others):
            raise BenchError(f"compiled as well: {', '.join(sorted(others)) or 'nothing edited'}")
        return sample

    return checked


def _compiled(trace: Path) -> set[str]:
    events = json.loads(trace.read_text("utf-8"))["traceEvents"]
    return {event["name"] for event in events if event.get("args", {}).get("activity") == "compile"}


def _address(workspace: Workspace) -> Path:
    return workspace.directory / "server-address"


LAMBDABUILD_SHARING = replace(
    LAMBDABUILD,
    name="lambdabuild-sharing",
    what="`lambdabuild all` after a save of a shared package's file (`billing`), which is not "
    "timed; GOCACHEPROG names cigocacher, and a gocached on loopback has what was compiled before",
    command=command,
    session=served,
    measure=edits.SHARED.before(taken(measure.run)),
)

COMPILE_CACHE_FIGURE = Figure(
    name="compile-cache-wall",
    what="fresh runner, shared package edited, compiled packages from a server, wall, against "
    "compiling them",
    scenario=FRESH_CLONE,
    this=Term(LAMBDABUILD_SHARING, Metric.WALL),
    # Whether a package was edited makes no difference where all are compiled.
    against=Term(LAMBDABUILD, Metric.WALL),
    target=ratio(at_most=0.40),
)
