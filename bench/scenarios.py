"""Name the states that runs start from."""

import shutil
from dataclasses import replace

from bench.model import Scenario, Workspace


def delete_outputs(workspace: Workspace) -> None:
    """Take away what a contestant owes."""
    for output in workspace.outputs:
        output.unlink(missing_ok=True)
    shutil.rmtree(workspace.monorepo.directory / "dist", ignore_errors=True)


def _delete_state(workspace: Workspace) -> None:
    delete_outputs(workspace)
    shutil.rmtree(workspace.monorepo.directory / ".lambdabuild", ignore_errors=True)


def _fresh_checkout(workspace: Workspace) -> None:
    _delete_state(workspace)
    shutil.rmtree(workspace.go_cache)
    workspace.go_cache.mkdir()


def _fresh_clone(workspace: Workspace) -> None:
    """Have all files written anew, as git does: times of earlier runs say nothing of them."""
    _fresh_checkout(workspace)
    shutil.rmtree(workspace.cache)
    workspace.cache.mkdir()
    for file in workspace.monorepo.directory.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            file.unlink()
            file.write_bytes(content)


def _leave_alone(_: Workspace) -> None:
    pass


COLD = Scenario(
    name="cold cache",
    what="a fresh checkout and an empty GOCACHE; modules are downloaded",
    prepare=_fresh_checkout,
    repeat=2,
)

RELINK = Scenario(
    name="relink all",
    what="outputs deleted, the Go build cache warm, lambdabuild's state kept",
    prepare=delete_outputs,
    warm_ups=1,
    repeat=3,
)

# Twice: a first run may find files too young to trust their times.
UNCHANGED = Scenario(
    name="nothing changed",
    what="right after the same command",
    prepare=_leave_alone,
    warm_ups=2,
    repeat=9,
)

UNCHANGED_500 = replace(
    UNCHANGED,
    name="nothing changed, N = 500",
    what="the same with 500 functions, whatever `--functions` says",
    functions=500,
    repeat=5,
)

UNCHANGED_40 = replace(
    UNCHANGED,
    name="nothing changed, N = 40",
    what="the same with 40 functions, whatever `--functions` says",
    functions=40,
)

RELINK_HTTP = replace(
    RELINK,
    name="relink all, N = 24, net/http",
    what="the same with 24 functions that import net/http alone: neither aws-lambda-go nor a "
    "package that they share",
    functions=24,
    kind="http",
    repeat=5,
)

STARTED = Scenario(
    name="start",
    what="a monorepo of one function, of which nothing is built",
    prepare=_leave_alone,
    warm_ups=1,
    functions=1,
    kind="small",
    repeat=15,
)

CHECKED_200 = replace(
    COLD,
    name="cold cache, N = 200",
    what="the same with 200 functions",
    functions=200,
    repeat=1,
)

RESTORED_500 = replace(
    RELINK,
    name="restore all, N = 500",
    what="the outputs of 500 functions of 12 MB each deleted; the cache of this machine has all of "
    "them, and lambdabuild's state is kept",
    functions=500,
    kind="large",
    warm_ups=0,
    repeat=3,
)

# Who edits does so itself, for a watcher's time begins with the save.
EDITED = Scenario(
    name="one function edited",
    what="everything built; then one function's main.go is saved",
    prepare=_leave_alone,
    warm_ups=1,
    repeat=9,
)

WATCHED = Scenario(
    name="watched",
    what="everything built, a watcher waiting; then one file is saved",
    prepare=_leave_alone,
    warm_ups=1,
    repeat=5,
)

WATCHED_SHARED = replace(WATCHED, name="watched, shared package")

IDLE_500 = Scenario(
    name="idle, N = 500",
    what="all of 500 functions just built by the watcher itself, and nothing to do",
    prepare=_leave_alone,
    functions=500,
    repeat=1,
)

CALLED = Scenario(
    name="called",
    what="a server waits; the function has been called before",
    prepare=_leave_alone,
    warm_ups=1,
    repeat=3,
)

CALLED_AT_ONCE = replace(CALLED, name="called by 8 clients", warm_ups=0, repeat=1)

CALLED_FIRST = replace(
    CALLED,
    name="called first",
    what="a server waits that has built all functions; each is called once",
    warm_ups=0,
    repeat=3,
)

CALLED_OFTEN = replace(CALLED, name="called 10,000 times", warm_ups=0, repeat=1)

SERVED_500 = Scenario(
    name="served, N = 500",
    what="a server waits that knows 500 functions; none is built, none called",
    prepare=_leave_alone,
    functions=500,
    kind="small",
    repeat=1,
)

FRESH_CLONE = Scenario(
    name="fresh clone",
    what="all files new, an empty GOCACHE, nothing of lambdabuild's; modules are downloaded",
    prepare=_fresh_clone,
    repeat=2,
)

# Who switches or commits does so itself: what is not git's has to be left out there.
BRANCHED = Scenario(
    name="branches",
    what="both branches built once; one that differs in a package of all functions is checked out",
    prepare=_leave_alone,
    warm_ups=1,
    repeat=3,
)

EDITED_500 = Scenario(
    name="one leaf edited, N = 500",
    what="the main branch was built once; one function of 500 is edited on another one",
    prepare=_leave_alone,
    warm_ups=1,
    functions=500,
)

BRANCHED_500 = Scenario(
    name="fresh checkout, N = 500",
    what="a fresh checkout without anything of lambdabuild's, of a branch on which one function of "
    "500 was edited; Go has read all packages before",
    prepare=_delete_state,
    warm_ups=1,
    functions=500,
)

PULL_REQUEST = replace(
    BRANCHED_500,
    name="pull request, N = 500",
    what="the same, with five functions of 500 edited, and all that they import compiled before",
    repeat=3,
)

RELINK_2000 = replace(
    RELINK,
    name="relink all, N = 2,000",
    what="the same with 2,000 functions that import fmt, os and the internal packages alone, "
    "some 1.5 MB an executable",
    functions=2000,
    kind="small",
    repeat=1,
)

UNCHANGED_2000 = replace(
    UNCHANGED,
    name="nothing changed, N = 2,000",
    what="those 2,000 functions, right after the same command",
    functions=2000,
    kind="small",
)

EDITED_2000 = replace(
    EDITED,
    name="one function edited, N = 2,000",
    what="everything of those 2,000 functions built; then one function's main.go is saved",
    functions=2000,
    kind="small",
)

SHARDED_500 = Scenario(
    name="shards, N = 500",
    what="Go's build cache warm, a history of one earlier build, nothing else of lambdabuild's",
    prepare=_leave_alone,
    functions=500,
    repeat=1,
)


def _only_compiled(workspace: Workspace) -> None:
    """Take away what lambdabuild has, and leave what Go has compiled."""
    _delete_state(workspace)
    shutil.rmtree(workspace.cache)
    workspace.cache.mkdir()


RUBBISH = Scenario(
    name="a store of rubbish, N = 16",
    what="16 functions that import fmt, os and the internal packages alone, Go's build cache warm, "
    "nothing of lambdabuild's",
    prepare=_only_compiled,
    warm_ups=1,
    functions=16,
    kind="small",
    repeat=2,
)

PACKAGE = Scenario(
    name="one package",
    what="one function built; then its executable is packed",
    prepare=_leave_alone,
    warm_ups=1,
)
