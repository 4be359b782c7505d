"""Real functions for the tests to call: `fixtures/runtime`, built once for this machine."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.environment import CLEAN

FIXTURE = Path(__file__).parents[2] / "fixtures" / "runtime"
FLAGS = (
    "-trimpath",
    "-buildvcs=false",
    "-tags=lambda.norpc",
    "-ldflags=-s -w",
    "-gcflags=all=-dwarf=false",
)
"""What lambdabuild has Go build with: the standard library may be compiled already."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a module on one worker: its tests share a server."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            if item.path.parent == Path(__file__).parent:
                item.add_marker(pytest.mark.xdist_group(f"local-{item.path.stem}"))


@pytest.fixture(scope="session")
def executables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The executables of fixtures/runtime by the names of their functions, each in its own directory.

    `op` and `sigterm` do what an event names, `caller` invokes what one names, `url` and `stream` answer
    a function URL: their sources say how.
    """
    place = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        place = place.parent  # which all workers share
    built = place / "runtime"
    with (place / "runtime.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            shutil.rmtree(place / "building", ignore_errors=True)
            _build(place / "building")
            (place / "building").rename(built)
    return {function.name: str(function / "bootstrap") for function in sorted(built.iterdir())}


def _build(directory: Path) -> None:
    """Build every function into a directory of its own, as a task root."""
    from lambdabuild.golang.toolchain import find_go  # noqa: PLC0415

    linked = directory / "linked"
    linked.mkdir(parents=True)
    subprocess.run(
        [find_go(os.environ), "build", *FLAGS, f"-o={linked}/", "./api/..."],
        cwd=FIXTURE,
        env=CLEAN | {"CGO_ENABLED": "0"},
        check=True,
        timeout=280,
    )
    for executable in sorted(linked.iterdir()):
        (directory / executable.name).mkdir()
        executable.rename(directory / executable.name / "bootstrap")
    linked.rmdir()
