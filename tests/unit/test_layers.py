"""Knowledge flows one way: a module imports only from layers below its own, or from its own."""

import ast
import graphlib
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import lambdabuild

PACKAGE = Path(lambdabuild.__file__).parent
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))
LAYERS = (
    {"__init__", "errors", "model", "paths", "redacted", "spans", "text"},
    {
        *("config", "configfile", "gotool", "goparse", "naming", "plan", "report", "starter"),
        *("gosource", "fingerprint", "events", "globs", "origins", "buildinfo"),
        *("entry", "frames", "shards", "merging", "limits", "trends", "github", "trace", "page"),
        *(
            "narrowing",
            "keys",
            "actions",
            "lanes",
            "markup",
            "chart",
            "sums",
            "cfiles",
            "cgoflags",
            "constraints",
        ),
        *("positions", "remedies", "shown", "credentials", "toolflags", "untrusted"),
    },
    {
        *("process", "pipes", "findings", "machine", "tree", "toolchain", "interrupts", "logfile"),
        *("reading", "digests", "stamps", "asking", "ahead", "saved", "state"),
        *("own", "sealing", "places", "tracked"),
        *("sources", "loading", "oversights", "assembly", "discover"),
        *("guard", "gocache", "build", "artifacts", "publish", "manifest"),
        *("obstacles", "forms", "recovery", "refusing"),
        *("assets", "zips", "elf", "binary", "compiler", "packing", "sbom", "bills"),
        *("watcher", "keyboard", "signals", "follow_up", "console", "board", "doctor"),
        *("progress", "directories", "addresses"),
        *("timeline", "history", "localcache", "remote", "caches", "crew", "git", "checkout"),
        *("aliases", "links", "wanted", "streams", "annotating", "headers", "foreign", "withoutc"),
    },
    {
        *("session", "contents", "survey", "embedding", "depending", "doubts", "explanations"),
        *("request", "keeping", "batches", "removal", "pipeline", "before", "since", "shadow"),
        *("earlier",),
        *("mentioned", "selecting", "outlets", "sizes", "joining"),
        *(
            "surroundings",
            "ground",
            "watching",
            "flags",
            "opening",
            "usage",
            "refusals",
            "boundary",
        ),
    },
    {"cli", "chores", "__main__"},
)
"""The lowest first."""
PURE = LAYERS[0] | LAYERS[1]

EFFECTS = {
    *("asyncio", "concurrent", "fcntl", "fileinput", "glob", "http", "io", "locale", "logging"),
    *("multiprocessing", "platform", "random", "select", "shutil", "signal", "socket", "stat"),
    *("subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid"),
}
"""Of the standard library, what reaches disk, clock, process, network or terminal."""
SLOW = {
    *("rich", "watchfiles", "concurrent_log_handler", "portalocker"),
    *("cyclonedx", "packageurl", "elftools", "obstore", "blake3"),
}
"""What takes longer to import than most runs take."""


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))


def imported(nodes: Iterator[ast.AST]) -> Iterator[tuple[str, str | None]]:
    """Yield what is imported: a module, and a name in it."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            for alias in node.names:
                yield str(node.module), alias.name


def everywhere(module: str) -> set[tuple[str, str | None]]:
    return set(imported(ast.walk(tree(module))))


def at_the_top(nodes: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the statements that run when the module is imported."""
    for node in nodes:
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from at_the_top(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            yield from at_the_top(inner)


def own_imports(module: str) -> set[str]:
    """Return the modules of lambdabuild that one of them imports, wherever in it."""
    own = set()
    for source, name in everywhere(module):
        if source == "lambdabuild":
            own.add(name if name in MODULES else "__init__")
        elif source.startswith("lambdabuild."):
            own.add(source.removeprefix("lambdabuild."))
    return {str(name) for name in own}


def layer(module: str) -> int:
    return next(number for number, modules in enumerate(LAYERS) if module in modules)


def test_every_module_has_a_layer() -> None:
    assert set(MODULES) == set.union(*map(set, LAYERS))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_nothing_from_above(module: str) -> None:
    above = {name for name in own_imports(module) if layer(name) > layer(module)}
    assert above == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: own_imports(module) for module in MODULES}
    assert set(graphlib.TopologicalSorter(graph).static_order()) == set(MODULES)


@pytest.mark.parametrize("module", sorted(PURE))
def test_the_pure_core_has_no_disk_clock_process_or_terminal(module: str) -> None:
    sources = everywhere(module)
    assert {source.partition(".")[0] for source, _ in sources} & EFFECTS == set()
    assert {name for source, name in sources if source == "os"} <= {None}
    assert {name for source, name in sources if source == "pathlib"} <= {
        *("PurePath", "PurePosixPath"),
    }
    assert ("pathlib", None) not in sources
    used = {
        node.attr
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id == "os"
    }
    assert used <= {"path", "sep"}
    called = {
        node.func.id
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called & {"open", "print", "input", "exec", "eval", "__import__"} == set()


@pytest.mark.parametrize("module", sorted(PURE))
def test_of_paths_the_pure_core_asks_nothing_that_the_disk_has_to_answer(module: str) -> None:
    asked = {
        node.attr
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os.path"
    }
    assert asked <= {"basename", "dirname", "isabs", "join", "normpath", "split", "splitext"}


@pytest.mark.parametrize("module", MODULES)
def test_nothing_slow_is_imported_before_it_is_needed(module: str) -> None:
    top = {source.partition(".")[0] for source, _ in imported(at_the_top(tree(module).body))}
    assert top & SLOW == set()


@pytest.mark.parametrize("module", MODULES)
def test_click_is_left_to_typer_which_brings_its_own(module: str) -> None:
    assert "click" not in {source.partition(".")[0] for source, _ in everywhere(module)}


def test_the_command_line_starts_without_anything_slow() -> None:
    code = "import json, sys, lambdabuild.cli; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(json.loads(done.stdout))
    assert "lambdabuild.cli" in loaded
    assert (
        loaded & {*SLOW, "click", "pydantic", "lambdabuild.pipeline", "lambdabuild.session"}
        == set()
    )
