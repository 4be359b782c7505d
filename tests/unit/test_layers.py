"""Knowledge flows one way: a folder imports only from floors below its own."""

import ast
import graphlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import lambdabuild

PACKAGE = Path(lambdabuild.__file__).parent
FLOORS = (
    {"core"},
    {"system"},
    {"golang", "deployment", "sizes"},
    {"config", "state", "output"},
    {"survey", "packaging", "cache"},
    {"selection", "build", "filewatch", "local"},
    {"cli"},
)
"""The lowest first. Folders of one floor do not import each other."""
FOLDERS = sorted(set.union(*FLOORS))
STORIES = ("pipeline", "watch", "invoke", "serve")
"""Below `cli`, in that order: what composes all the rest."""
MOST_FILES = 12
"""In one folder."""
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for folder in FOLDERS
    for path in (PACKAGE / folder).rglob("*.py")
    if path.name != "__init__.py"
)
PURE_IN = {
    "cache": "entry",
    "config": "file globs limits options parsing positions settings starter untrusted",
    "deployment": "cloudformation declared differences documents literals matching serverless terraform",
    "deployment.routes": "apis openapi reading resources sam serverless terraform written",
    "golang": "action_graph c_files commands constraints modfiles output remedies source tool_flags",
    "local.events": "batches filling",
    "local.events.handlers": "declarations expressions handlers skeleton tokens types",
    "output": "causes code_quality events github merge report sizes trace",
    "output.page": "bounds html",
    "packaging": "buildinfo",
    "selection": "shards",
    "sizes": "composition dependencies imports symbols",
    "state": "trends",
    "survey": "inputs plan",
}
"""Beside all of `core`: what knows no disk, clock, process or terminal."""
PURE = [
    module
    for module in MODULES
    for folder, _, name in [module.rpartition(".")]
    if folder == "core" or name in PURE_IN.get(folder, "").split()
]


EFFECTS = {
    *("asyncio", "concurrent", "fcntl", "fileinput", "glob", "http", "io", "locale", "logging"),
    *("multiprocessing", "platform", "random", "select", "shutil", "signal", "socket", "stat"),
    *("subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid"),
}
"""Of the standard library, what reaches disk, clock, process, network or terminal."""


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text("utf-8"))


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


def own_imports(module: str) -> set[str]:
    """Return the folders, and the modules that are in none, that a module imports from."""
    return {
        (source if source != "lambdabuild" else f"lambdabuild.{name}").split(".")[1]
        for source, name in everywhere(module)
        if source.partition(".")[0] == "lambdabuild" and name != "__version__"
    }


def floor(folder: str) -> int:
    return next(number for number, folders in enumerate(FLOORS) if folder in folders)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_floors_below_its_own(module: str) -> None:
    folder = module.partition(".")[0]
    allowed = {folder, *(name for name in FOLDERS if floor(name) < floor(folder))}
    assert own_imports(module) <= {*allowed, *(STORIES if folder == "cli" else ())}


@pytest.mark.parametrize("story", STORIES)
def test_a_story_imports_all_but_the_command_line(story: str) -> None:
    before = STORIES[: STORIES.index(story)]
    assert own_imports(story) <= {*before, *FOLDERS} - {"cli"}


def test_no_modules_import_each_other_in_a_circle() -> None:
    every = {f"lambdabuild.{module}" for module in [*MODULES, *STORIES]}
    graph = {
        f"lambdabuild.{module}": {
            named
            for source, name in everywhere(module)
            for named in (source, f"{source}.{name}")
            if named in every
        }
        for module in [*MODULES, *STORIES]
    }
    assert set(graphlib.TopologicalSorter(graph).static_order()) == every


def test_every_file_is_in_a_folder_and_no_folder_has_too_many() -> None:
    outside = {path.stem for path in PACKAGE.glob("*.py")}
    assert outside == {"__init__", "__main__", *STORIES}
    for folder in FOLDERS:
        for place in {path.parent for path in (PACKAGE / folder).rglob("*.py")}:
            assert len(list(place.glob("*.py"))) <= MOST_FILES, place


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_says_what_it_holds_and_what_it_may_import(folder: str) -> None:
    (node,) = ast.parse((PACKAGE / folder / "__init__.py").read_text("utf-8")).body
    text = ast.unparse(node)
    assert "It may import" in text
    assert "It must" in text


@pytest.mark.parametrize("module", PURE)
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


@pytest.mark.parametrize("module", PURE)
def test_of_paths_the_pure_core_asks_nothing_that_the_disk_has_to_answer(module: str) -> None:
    asked = {
        node.attr
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os.path"
    }
    assert asked <= {
        "basename",
        "commonpath",
        "dirname",
        "isabs",
        "join",
        "normpath",
        "split",
        "splitext",
    }


@pytest.mark.parametrize("module", [*MODULES, *STORIES])
def test_click_is_left_to_typer_which_brings_its_own(module: str) -> None:
    assert "click" not in {source.partition(".")[0] for source, _ in everywhere(module)}
