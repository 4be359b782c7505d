"""Name the contestants that do nothing but what has to be done: what is left is lambdabuild's own.

T, the floor of a build, is one `go build` with the flags and the environment that lambdabuild gives
it, which are taken from lambdabuild itself so that they cannot differ. It has no wrapper around the
tools, writes no graph of its actions, and checks and publishes nothing.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bench import measure, stores
from bench.contestants import LAMBDABUILD, interpreter, under_dist
from bench.model import Command, Contestant, Workspace
from lambdabuild.config.options import DEFAULT_TAGS
from lambdabuild.core.target import TARGETS, Architecture, Flags
from lambdabuild.golang.commands import build_flags, target_environment
from lambdabuild.system import machine

_FLAGS = Flags(tags=DEFAULT_TAGS, ldflags="-s -w")
_ENVIRONMENT = target_environment(TARGETS[Architecture.X86_64], _FLAGS)
_CACHING = {"LAMBDABUILD_CACHE_MODE": "read-write", "LAMBDABUILD_CACHE_SIZE": "50GB"}


def _one_go_build(_: Workspace) -> Command:
    jobs = machine.processors()
    limit = machine.heap_limit(machine.available_memory(), machine.memory(), jobs)
    # What lambdabuild sets for each run, as there is memory.
    heap = ["GOGC=off", f"GOMEMLIMIT={limit}"] if limit is not None else []
    flags = build_flags(_FLAGS, "")
    return ["env", *heap, "go", "build", f"-p={jobs}", *flags, "-o", "dist/", "./api/..."]


FLOOR = Contestant(
    name="T",
    what="the floor: `go build -o dist/ ./api/...` with lambdabuild's own flags, tags and "
    "environment (GOGC, GOMEMLIMIT, `-p`), and nothing around it",
    command=_one_go_build,
    outputs=lambda monorepo: under_dist(monorepo.functions),
    measure=measure.run,
    environment={name: value for name, value in _ENVIRONMENT.items() if value is not None},
    compiles_as=LAMBDABUILD.name,
)

PYTHON = Contestant(
    name="python",
    what="`python -c pass` in the interpreter that runs lambdabuild",
    command=lambda workspace: [interpreter(workspace), "-c", "pass"],
    outputs=lambda _: (),
    measure=measure.run,
    workspace=LAMBDABUILD.name,
)

VERSION = replace(
    PYTHON,
    name="version",
    what="`lambdabuild --version`",
    command=lambda workspace: [workspace.settings.lambdabuild, "--version"],
)


def _tab(workspace: Workspace) -> Command:
    asked = ["COMP_WORDS=lambdabuild\nw", "COMP_CWORD=1", "_LAMBDABUILD_COMPLETE=complete_bash"]
    return ["env", *asked, workspace.settings.lambdabuild]


WORD = replace(
    PYTHON, name="word", what="what a shell runs for Tab after `lambdabuild w`", command=_tab
)

CHECKED = replace(
    LAMBDABUILD,
    name="checked",
    what="`lambdabuild check`, which compiles and links nothing",
    command=lambda workspace: [workspace.settings.lambdabuild, "check"],
    outputs=lambda _: (),
    workspace=LAMBDABUILD.name,
)


@contextmanager
def _kept(workspace: Workspace) -> Iterator[None]:
    measure.run(workspace, [workspace.settings.lambdabuild, "all"])
    yield


RESTORED = replace(
    LAMBDABUILD,
    name="restored",
    what="`lambdabuild all`, every executable in the cache of this machine, and taken from there",
    environment=_CACHING,
    session=_kept,
    measure=stores.restored(measure.run),
)


def _copy(workspace: Workspace) -> Command:
    # GNU's cp would share the blocks instead, on a file system that can.
    whole = ["--reflink=never"] if sys.platform == "linux" else []
    return ["cp", "-R", *whole, workspace.cache / "objects", workspace.monorepo.directory / "dist"]


COPIED = replace(
    RESTORED,
    name="copied",
    what="`cp -R` of the same executables to the same file system, all bytes of them",
    command=_copy,
    outputs=lambda _: (),
    session=None,
    measure=measure.run,
    workspace=RESTORED.name,
)
