"""Name the commands that are measured.

All start from the same plain environment (`environment.py`). Those that are not lambdabuild get the
target that is lambdabuild's default, and the flags the reference has.
"""

from collections.abc import Sequence
from dataclasses import replace

from tests.bench import account, measure
from tests.bench.model import Command, Contestant, Workspace
from tests.monorepo import Monorepo

_FOR_LAMBDA = {"GOOS": "linux", "GOARCH": "amd64", "CGO_ENABLED": "0"}
_FLAGS = ("-trimpath", "-buildvcs=false", "-ldflags=-s -w")
_TYPED_FLAGS = "-trimpath -buildvcs=false -ldflags='-s -w'"


def _under_dist(monorepo: Monorepo) -> Sequence[str]:
    return [f"dist/{function.name}" for function in monorepo.functions]


def _bootstrap_under_dist(monorepo: Monorepo) -> Sequence[str]:
    return [f"dist/{function.name}/bootstrap" for function in monorepo.functions]


def _bootstrap_in_place(monorepo: Monorepo) -> Sequence[str]:
    return [f"{function.directory}/bootstrap" for function in monorepo.functions]


def _lambdabuild_all(workspace: Workspace) -> Command:
    return [workspace.settings.lambdabuild, "all"]


def _xargs(workspace: Workspace) -> Command:
    build = f"go build {_TYPED_FLAGS} -o '{{}}/bootstrap' '{{}}'"
    directories = "find ./api -name main.go | xargs -n 1 dirname"
    return ["sh", "-c", f"{directories} | xargs -P {workspace.settings.cores} -I '{{}}' {build}"]


# The article's line: awk writes one command a function, and sh runs them one after the other.
_SCRIPT = (
    "find ./api -name main.go | xargs -L1 dirname | "
    "awk '{ print \"GOOS=linux GOARCH=amd64 CGO_ENABLED=0 "
    r"go build -trimpath -buildvcs=false -ldflags=\"-s -w\" -o "
    '" $1 "/bootstrap " $1 }\' | sh -e'
)

LAMBDABUILD = Contestant(
    name="lambdabuild",
    what="`lambdabuild all`",
    command=_lambdabuild_all,
    outputs=_bootstrap_under_dist,
    measure=measure.run,
)

LAMBDABUILD_HANDLER = replace(
    LAMBDABUILD,
    name="lambdabuild-handler",
    what="`lambdabuild all` where every main is in a directory named `handler`",
    layout="handler",
)

LAMBDABUILD_ACCOUNTED = replace(
    LAMBDABUILD,
    name="lambdabuild-accounted",
    what="`lambdabuild all` with a `go` first on PATH that records what the real one uses; "
    "the shell that -toolexec runs around each tool counts as `go`'s",
    session=account.accounting,
    measure=measure.run_accounting_for_go,
)

LAMBDABUILD_SAMPLED = replace(
    LAMBDABUILD,
    name="lambdabuild-sampled",
    what="`lambdabuild all -j 2`, the proportional set sizes of its process tree summed "
    "every 20 ms",
    command=lambda workspace: [*_lambdabuild_all(workspace), "-j", "2"],
    measure=measure.run_sampling_memory,
)

REFERENCE = Contestant(
    name="R",
    what=f"`go build {_TYPED_FLAGS} -o dist/ ./api/...`",
    command=lambda _: ["go", "build", *_FLAGS, "-o", "dist/", "./api/..."],
    outputs=_under_dist,
    environment=_FOR_LAMBDA,
    measure=measure.run,
)

SCRIPT = Contestant(
    name="script",
    what=f"the shell script: `{_SCRIPT}`",
    command=lambda _: ["sh", "-c", _SCRIPT],
    outputs=_bootstrap_in_place,
    measure=measure.run,
)

XARGS = Contestant(
    name="xargs",
    what="the shell script's parallel form: one `go build` a function, "
    "as many at a time as there are cores, by `xargs -P`",
    command=_xargs,
    outputs=_bootstrap_in_place,
    environment=_FOR_LAMBDA,
    measure=measure.run,
)
