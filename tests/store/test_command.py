"""The whole command with a store: fresh clones restore, and a store that fails costs nothing."""

import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.environment import CLEAN
from tests.projects import main_printing
from tests.store import server
from tests.store.server import ENVIRONMENT, Fault, Proxy

NAMES = ("a", "b", "c", "d")


def clone(tmp_path: Path, number: int) -> Project:
    """Return a fresh clone on a fresh machine, but for what Go compiled already."""
    go = shutil.which("go")
    assert go is not None
    caches = {"LAMBDABUILD_CACHE_MODE": "read-write"}
    caches["LAMBDABUILD_CACHE_DIR"] = str(tmp_path / f"cache-{number}")
    project = Project(tmp_path / f"clone-{number}", CLEAN | ENVIRONMENT | caches, go)
    project.write("go.mod", "module example.com/repo\n\ngo 1.22\n")
    for name in NAMES:
        project.write(f"api/{name}/main.go", main_printing(f"this is {name}"))
    return project


def executables(project: Project) -> dict[str, bytes]:
    return {name: (project / f"dist/{name}/bootstrap").read_bytes() for name in NAMES}


def test_a_fresh_clone_is_restored_and_a_store_that_fails_costs_a_warning(
    tmp_path: Path, store: Proxy
) -> None:
    url = f"--cache={store.url(tmp_path.name)}"
    first = clone(tmp_path, 1)
    filled = first.run("all", "--json", url)
    assert (filled.code, set(filled.statuses.values())) == (0, {"built"}), filled.err
    expected = executables(first)
    second = clone(tmp_path, 2)
    second.environment["PATH"] = f"{second.go.rpartition('/')[0]}:/usr/bin:/bin"
    restored = second.run("all", "--json", url)
    assert set(restored.statuses.values()) == {"restored"}, restored.err
    assert executables(second) == expected
    assert (second / "dist/manifest.json").read_bytes() == (
        first / "dist/manifest.json"
    ).read_bytes()

    faults: list[tuple[Fault, set[str], str]] = [
        (server.after(2, server.gone), {"restored", "built"}, "the connection was lost"),
        (server.altered, {"built"}, "is not used: "),
        (server.status(403), {"built"}, "403"),
    ]
    for number, (fault, statuses, warning) in enumerate(faults, 3):
        store.fault = fault
        faulty = clone(tmp_path, number)
        result = faulty.run("all", "--json", url)
        assert (result.code, set(result.statuses.values())) == (0, statuses), result.err
        assert result.err.count("warning: ") == 1, result.err
        assert warning in result.err
        assert executables(faulty) == expected


@pytest.mark.parametrize("secret", [None, "another"])
def test_what_was_not_signed_with_the_secret_is_built(
    tmp_path: Path, store: Proxy, secret: str | None
) -> None:
    url = f"--cache={store.url(tmp_path.name)}"
    attacker = clone(tmp_path, 1)
    if secret is not None:
        attacker.environment["LAMBDABUILD_CACHE_KEY"] = secret
    assert attacker.run("all", url).code == 0
    ours = clone(tmp_path, 2)
    ours.environment["LAMBDABUILD_CACHE_KEY"] = "ours"
    result = ours.run("all", "--json", url, "--cache-mode=read")
    assert (result.code, set(result.statuses.values())) == (0, {"built"})
    assert "warning: the entry of `a` and 3 more in the cache" in result.err


def test_a_signal_ends_a_run_that_waits_for_a_store(tmp_path: Path, store: Proxy) -> None:
    store.fault = server.silent
    waiting = clone(tmp_path, 1)
    waiting.environment["LAMBDABUILD_CACHE_TIMEOUT"] = "200"
    run = waiting.start("all", f"--cache={store.url(tmp_path.name)}")
    while not store.asked:
        assert run.poll() is None
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "interrupted; nothing is half written"
    assert not (waiting / "dist").exists()
