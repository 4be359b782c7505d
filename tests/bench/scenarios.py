"""Name the states that runs start from."""

import shutil
from dataclasses import replace

from tests.bench.model import Scenario, Workspace


def _delete_outputs(workspace: Workspace) -> None:
    for output in workspace.outputs:
        output.unlink(missing_ok=True)
    shutil.rmtree(workspace.monorepo.directory / "dist", ignore_errors=True)


def _fresh_checkout(workspace: Workspace) -> None:
    _delete_outputs(workspace)
    shutil.rmtree(workspace.monorepo.directory / ".lambdabuild", ignore_errors=True)
    shutil.rmtree(workspace.go_cache)
    workspace.go_cache.mkdir()


def _leave_alone(_: Workspace) -> None:
    pass


COLD = Scenario(
    name="cold cache",
    what="a fresh checkout and an empty GOCACHE; modules are downloaded",
    prepare=_fresh_checkout,
)

RELINK = Scenario(
    name="relink all",
    what="outputs deleted, the Go build cache warm, lambdabuild's state kept",
    prepare=_delete_outputs,
    warm_ups=1,
)

# Twice: a first run may find files too young to trust their times.
UNCHANGED = Scenario(
    name="nothing changed",
    what="right after the same command",
    prepare=_leave_alone,
    warm_ups=2,
)

UNCHANGED_500 = replace(
    UNCHANGED,
    name="nothing changed, N = 500",
    what="the same with 500 functions, whatever `--functions` says",
    functions=500,
)

# Who edits does so itself, for a watcher's time begins with the save.
EDITED = Scenario(
    name="one function edited",
    what="everything built; then one function's main.go is saved",
    prepare=_leave_alone,
    warm_ups=1,
)

WATCHED = Scenario(
    name="watched",
    what="everything built, a watcher waiting; then one file is saved",
    prepare=_leave_alone,
    warm_ups=1,
)

WATCHED_SHARED = replace(WATCHED, name="watched, shared package")

IDLE_500 = Scenario(
    name="idle, N = 500",
    what="all of 500 functions just built by the watcher itself, and nothing to do",
    prepare=_leave_alone,
    functions=500,
)

PACKAGE = Scenario(
    name="one package",
    what="one function built; then its executable is packed",
    prepare=_leave_alone,
    warm_ups=1,
)
