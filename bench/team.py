"""Name the commands that are measured of a monorepo that many work on, and that CI builds."""

import re
from collections.abc import Sequence
from dataclasses import replace

from bench import branches, edits, measure, scenarios, sharding, stores
from bench.contestants import LAMBDABUILD, REFERENCE, TYPED_FLAGS, go_build, under_dist
from bench.model import BenchError, Command, Sample, Workspace
from bench.monorepo import Monorepo
from tests.store import server

_CACHING = {"LAMBDABUILD_CACHE_MODE": "read-write"}
_NAME = re.compile(r"fn-\d{4}")


def _nothing(_: Monorepo) -> Sequence[str]:
    return []


def _five(monorepo: Monorepo) -> Sequence[str]:
    return [f"dist/{function.name}/bootstrap" for function in edits.FIVE.functions(monorepo)]


def _go_build_of_five(workspace: Workspace) -> Command:
    functions = edits.FIVE.functions(workspace.monorepo)
    return go_build("dist/", [f"./{function.directory}" for function in functions])


def _listing_one(workspace: Workspace, command: Command) -> Sample:
    sample = measure.run(workspace, command)
    listed = set(_NAME.findall(workspace.log.read_text(encoding="utf-8")))
    wanted = {function.name for function in edits.FUNCTION.functions(workspace.monorepo)}
    if listed != wanted:
        raise BenchError(f"{len(listed)} functions were listed, not the one that was edited")
    return sample


def _relinking(workspace: Workspace, command: Command) -> Sample:
    scenarios.delete_outputs(workspace)
    return measure.run(workspace, command)


LAMBDABUILD_CLONED = replace(
    LAMBDABUILD,
    name="lambdabuild-cloned",
    what="`lambdabuild all --cache s3://…`, moto's server on loopback holding every executable; "
    "no cache on this machine",
    command=stores.command,
    environment={**server.ENVIRONMENT, **_CACHING},
    session=stores.filled,
    measure=stores.restored(measure.run),
)

LAMBDABUILD_SWITCHED = replace(
    LAMBDABUILD,
    name="lambdabuild-switched",
    what="`lambdabuild all` after `git checkout` of the other branch, which is not timed; every "
    "executable is in the cache of this machine, and taken from there",
    environment=_CACHING,
    session=branches.two_built,
    measure=branches.switching(stores.restored(measure.run)),
)

LAMBDABUILD_RELINKED = replace(
    LAMBDABUILD,
    name="lambdabuild-relinked",
    what="`lambdabuild all` without caches of executables, outputs deleted, Go's build cache warm",
    measure=_relinking,
    workspace=LAMBDABUILD.name,
)

LISTED = replace(
    LAMBDABUILD,
    name="listed",
    what="`lambdabuild list --since main`, after a commit that edits one function's main.go",
    command=lambda workspace: [workspace.settings.lambdabuild, "list", "--since", branches.MAIN],
    outputs=_nothing,
    session=branches.on_topic,
    measure=branches.committing(edits.FUNCTION, _listing_one),
    workspace=LAMBDABUILD.name,
)

LISTED_AGAIN = replace(LISTED, name="listed-again", session=branches.on_topic_of_built)

GO_LIST = replace(
    REFERENCE,
    name="go-list",
    what="`go list -deps ./api/...` after a save of the same file",
    command=lambda _: ["go", "list", "-deps", "./api/..."],
    outputs=_nothing,
    measure=edits.FUNCTION.before(measure.run),
    workspace=REFERENCE.name,
)

PULLED = replace(
    LISTED,
    name="pulled",
    what="`lambdabuild all --since main`, after a commit that edits five functions' main.go",
    command=lambda workspace: [workspace.settings.lambdabuild, "all", "--since", branches.MAIN],
    outputs=_five,
    measure=branches.committing(edits.FIVE, measure.run),
)

GO_FIVE = replace(
    REFERENCE,
    name="go-five",
    what=f"`go build {TYPED_FLAGS} -o dist/` of those five, after a save of the same files",
    command=_go_build_of_five,
    outputs=lambda monorepo: under_dist(edits.FIVE.functions(monorepo)),
    measure=edits.FIVE.before(measure.run),
    workspace=REFERENCE.name,
)

LAMBDABUILD_ITSELF = replace(
    LAMBDABUILD,
    name="lambdabuild-itself",
    what="`lambdabuild all`; its memory is the most that the one process had (VmHWM), without `go`",
    measure=measure.run_with_own_memory,
    workspace=LAMBDABUILD.name,
)

LAMBDABUILD_SHARDED = replace(
    LAMBDABUILD,
    name="lambdabuild-sharded",
    what="`lambdabuild all`, and then `lambdabuild all --shard I/4` for each I, one after the "
    "other on this machine: what each needs to start counts",
    outputs=_nothing,
    session=sharding.recorded,
    measure=sharding.slowest,
    workspace=LAMBDABUILD.name,
)

LAMBDABUILD_POISONED = replace(
    LAMBDABUILD,
    name="lambdabuild-poisoned",
    what="`lambdabuild all --cache s3://…`, where each object is 200 MB of rubbish behind a header "
    "that holds without a key; its memory is the most that the one process had (VmHWM)",
    command=stores.command,
    environment={**server.ENVIRONMENT, **_CACHING},
    session=stores.rubbish,
    measure=stores.refused(measure.run_with_own_memory),
)

LAMBDABUILD_POISONED_KEY = replace(
    LAMBDABUILD_POISONED,
    name="lambdabuild-poisoned-key",
    what="the same with LAMBDABUILD_CACHE_KEY set",
    environment={**server.ENVIRONMENT, **_CACHING, "LAMBDABUILD_CACHE_KEY": "known to few"},
)
