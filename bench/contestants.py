"""Name the commands that are measured.

All start from the same plain environment (`environment.py`). Those that are not lambdabuild get the
target that is lambdabuild's default, and the flags the reference has.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench import account, edits, measure, packing, watch
from bench.model import Command, Contestant, Workspace
from bench.monorepo import GeneratedFunction, Monorepo

_FOR_LAMBDA = {"GOOS": "linux", "GOARCH": "amd64", "CGO_ENABLED": "0"}
_FLAGS = ("-trimpath", "-buildvcs=false", "-ldflags=-s -w")
TYPED_FLAGS = "-trimpath -buildvcs=false -ldflags='-s -w'"


def under_dist(functions: Sequence[GeneratedFunction]) -> Sequence[str]:
    return [f"dist/{function.name}" for function in functions]


def _bootstrap_under_dist(monorepo: Monorepo) -> Sequence[str]:
    return [f"dist/{function.name}/bootstrap" for function in monorepo.functions]


def _bootstrap_and_zip(monorepo: Monorepo) -> Sequence[str]:
    zips = [f"dist/{function.name}.zip" for function in monorepo.functions]
    return [*_bootstrap_under_dist(monorepo), *zips]


def _bootstrap_in_place(monorepo: Monorepo) -> Sequence[str]:
    return [f"{function.directory}/bootstrap" for function in monorepo.functions]


def _lambdabuild_all(workspace: Workspace) -> Command:
    return [workspace.settings.lambdabuild, "all"]


def go_build(output: str, packages: Sequence[str]) -> Command:
    return ["go", "build", *_FLAGS, "-o", output, *packages]


def _go_build_of_function(workspace: Workspace) -> Command:
    (function,) = edits.FUNCTION.functions(workspace.monorepo)
    return go_build(f"dist/{function.name}", [f"./{function.directory}"])


def _go_build_of_dependants(workspace: Workspace) -> Command:
    functions = edits.SHARED.functions(workspace.monorepo)
    return go_build("dist/", [f"./{function.directory}" for function in functions])


def interpreter(workspace: Workspace) -> Path:
    """Locate the Python that runs lambdabuild."""
    # A console script may be a link, as pipx makes; the environment it belongs to is at its end.
    return workspace.settings.lambdabuild.resolve().with_name("python")


def _import_typer(workspace: Workspace) -> Command:
    return [interpreter(workspace), "-c", "import typer"]


def _xargs(workspace: Workspace) -> Command:
    build = f"go build {TYPED_FLAGS} -o '{{}}/bootstrap' '{{}}'"
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
    compiles_as="lambdabuild",
)


@contextmanager
def _after_a_build(workspace: Workspace) -> Iterator[None]:
    measure.run(workspace, _lambdabuild_all(workspace))
    yield


def _tab(workspace: Workspace) -> Command:
    words = "COMP_WORDS=lambdabuild\nbuild\nf"
    asked = [words, "COMP_CWORD=2", "_LAMBDABUILD_COMPLETE=complete_bash"]
    return ["env", *asked, workspace.settings.lambdabuild]


LAMBDABUILD_COMPLETING = replace(
    LAMBDABUILD,
    name="lambdabuild-completing",
    what="what a shell runs for Tab after `lambdabuild build f`, everything built",
    command=_tab,
    outputs=lambda _: (),
    session=_after_a_build,
    workspace=LAMBDABUILD.name,
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
    what=f"`go build {TYPED_FLAGS} -o dist/ ./api/...`",
    command=lambda _: go_build("dist/", ["./api/..."]),
    outputs=lambda monorepo: under_dist(monorepo.functions),
    environment=_FOR_LAMBDA,
    measure=measure.run,
    compiles_as="R",
)

SCRIPT = Contestant(
    name="script",
    what=f"the shell script: `{_SCRIPT}`",
    command=lambda _: ["sh", "-c", _SCRIPT],
    outputs=_bootstrap_in_place,
    measure=measure.run,
    compiles_as=REFERENCE.name,
)

XARGS = Contestant(
    name="xargs",
    what="the shell script's parallel form: one `go build` a function, "
    "as many at a time as there are cores, by `xargs -P`",
    command=_xargs,
    outputs=_bootstrap_in_place,
    environment=_FOR_LAMBDA,
    measure=measure.run,
    compiles_as="R",
)

LAMBDABUILD_EDITED = replace(
    LAMBDABUILD,
    name="lambdabuild-edited",
    what="`lambdabuild all` after a save of one function's main.go",
    measure=edits.FUNCTION.before(measure.run),
    workspace=LAMBDABUILD.name,
)

WATCH_FUNCTION = replace(
    LAMBDABUILD,
    name="watch-function",
    what="a running `lambdabuild watch`, from just before one function's main.go is saved until "
    "the new bootstrap is in place, looked for every millisecond",
    command=watch.command,
    session=watch.watching,
    measure=watch.saving(edits.FUNCTION),
    workspace=LAMBDABUILD.name,
)

WATCH_SHARED = replace(
    WATCH_FUNCTION,
    name="watch-shared",
    what="the same for a file of a shared package (`billing`; ten of 50 functions depend on it), "
    "until all the bootstraps it is part of are new",
    measure=watch.saving(edits.SHARED),
)

WATCH_IDLE = replace(
    WATCH_FUNCTION,
    name="watch-idle",
    what="`lambdabuild watch` that has built every function, in a minute in which nothing happens: "
    "its whole process tree",
    session=watch.watching_since_first_build,
    measure=watch.resting,
)

GO_FUNCTION = replace(
    REFERENCE,
    name="go-function",
    what=f"`go build {TYPED_FLAGS} -o dist/FN ./api/FN` after a save of that one function's "
    "main.go, which is not timed",
    command=_go_build_of_function,
    outputs=lambda monorepo: under_dist(edits.FUNCTION.functions(monorepo)),
    measure=edits.FUNCTION.before(measure.run),
    workspace=REFERENCE.name,
)

GO_SHARED = replace(
    GO_FUNCTION,
    name="go-shared",
    what=f"`go build {TYPED_FLAGS} -o dist/` of the functions that depend on the shared package, "
    "after a save of its file, which is not timed",
    command=_go_build_of_dependants,
    outputs=lambda monorepo: under_dist(edits.SHARED.functions(monorepo)),
    measure=edits.SHARED.before(measure.run),
)

TYPER = Contestant(
    name="typer",
    what='`python -c "import typer"` in the interpreter that runs lambdabuild',
    command=_import_typer,
    outputs=lambda _: [],
    measure=measure.run,
    workspace=LAMBDABUILD.name,
)

LAMBDABUILD_ZIP = replace(
    LAMBDABUILD,
    name="lambdabuild-zip",
    what="`lambdabuild all --zip`",
    command=lambda workspace: [*_lambdabuild_all(workspace), "--zip"],
    outputs=_bootstrap_and_zip,
)

PACKED = Contestant(
    name="packed",
    what="one function's zip in `dist`, as `lambdabuild build NAME --zip` wrote it",
    command=packing.with_lambdabuild,
    outputs=lambda _: [],
    measure=packing.size_from_lambdabuild,
    session=packing.built,
    workspace=LAMBDABUILD_ZIP.name,
)

INFO_ZIP = replace(
    PACKED,
    name="info-zip",
    what="Info-ZIP's `zip -9` of the same executable",
    command=packing.with_info_zip,
    measure=packing.size_from_info_zip,
    session=packing.built_for_info_zip,
)

PACK = replace(
    PACKED,
    name="pack",
    what="lambdabuild's `zips.pack` of that executable, from memory to memory, timed within a "
    "Python that has imported it",
    command=packing.timed_lambdabuild,
    measure=packing.time_in_process,
)

ZIPFILE = replace(
    PACK,
    name="zipfile",
    what="Python's `zipfile`, level 6, timed likewise",
    command=packing.timed_zipfile,
)
