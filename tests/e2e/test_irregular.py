"""Devices, pipes and files that claim to be endless, wherever something is read."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import LAMBDABUILD, Project
from tests.projects import main_printing

pytestmark = pytest.mark.extended

SHARED = 'package main\n\nimport "example.com/empty/shared"\n\nfunc main() { println(shared.V) }\n'


@pytest.fixture
def repo(empty: Project) -> Project:
    empty.write("api/a/main.go", SHARED)
    empty.write("api/b/main.go", main_printing("this is b"))
    empty.write("shared/shared.go", 'package shared\n\nconst V = "this is a"\n')
    return empty


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def test_what_looks_like_a_source_and_is_none_costs_its_function(repo: Project) -> None:
    odd: dict[str, tuple[str, Callable[[Path], None]]] = {
        "zeros": ("z.go", zeros), "pipe": ("z.go", os.mkfifo), "test": ("z_test.go", os.mkfifo),
        "header": ("x.h", os.mkfifo), "module": ("go.mod", zeros),
    }  # fmt: skip
    healthy = dict.fromkeys(["a", "b"], "built")
    for function, (name, put) in odd.items():
        repo.write(f"api/{function}/main.go", main_printing(function))
        put(repo / "api" / function / name)
    done = repo.run("all", "--json")
    assert (done.code, done.statuses) == (1, healthy | dict.fromkeys(odd, "failed")), done.err
    for function, (name, _) in odd.items():
        (fault,) = done.functions[function]["errors"]
        assert f"`{name}` is no regular file" in fault["message"]
        (repo / "api" / function / name).unlink()
        if name != "go.mod":
            text = "package main\n" if name.endswith(".go") else ""
            repo.write(f"api/{function}/{name}", text)
    done = repo.run("all", "--json")
    mended = dict.fromkeys(healthy, "up-to-date") | dict.fromkeys(odd, "built")
    assert (done.code, done.statuses) == (0, mended), done.err


def test_go_is_let_past_a_pipe_in_a_package_that_is_imported(repo: Project) -> None:
    """By itself it would wait for good."""
    os.mkfifo(repo / "shared/z.go")
    done = repo.run("all", "--json")
    assert (done.code, done.statuses) == (1, {"a": "failed", "b": "built"}), done.err
    assert "shared/z.go" in done.err


@pytest.mark.parametrize("put", [zeros, os.mkfifo])
@pytest.mark.parametrize("name", ["go.work", "../go.work", "go.mod", "lambdabuild.toml"])
def test_what_decides_what_there_is_has_to_be_a_file(
    repo: Project, put: Callable[[Path], None], name: str
) -> None:
    (repo / name).unlink(missing_ok=True)
    put(repo / name)
    done = repo.run("all")
    assert (done.code, done.out) == (2, "")
    assert "is no regular file" in done.err or "no go.mod was found" in done.err


@pytest.mark.parametrize("put", [zeros, os.mkfifo])
@pytest.mark.parametrize(
    "arguments",
    [
        ("all", "--files-from"),
        ("all", "--shard=1/2", "--times"),
        ("merge-reports",),
        ("all", "--config"),
    ],
)
def test_a_file_that_is_named_and_is_none_is_an_error_with_its_name(
    repo: Project, put: Callable[[Path], None], arguments: tuple[str, ...]
) -> None:
    put(repo / "named")
    done = repo.run(*arguments, "named")
    assert (done.code, done.out) == (2, "")
    assert "named`: it is no regular file" in done.err


def test_standard_input_without_an_end_is_an_error(repo: Project) -> None:
    with open("/dev/zero", "rb") as endless:
        done = subprocess.run(
            [LAMBDABUILD, "list", "--files-from", "-"],
            cwd=repo.path, env=repo.environment, stdin=endless,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot read `-`: it is larger than 64 MiB" in done.stderr


def test_the_shell_may_give_a_pipe_for_a_file(repo: Project) -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{LAMBDABUILD}' list --files-from <(echo api/b/main.go)"],
        cwd=repo.path, env=repo.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "api/b" in done.stdout
    assert "api/a" not in done.stdout


def test_an_asset_is_too_large_by_its_size_alone(repo: Project) -> None:
    repo.write("lambdabuild.toml", '[functions."a"]\nassets = ["data"]\n')
    with (repo / "api/a/data").open("wb") as file:
        file.truncate(1 << 42)
    done = repo.run("all", "--json")
    assert (done.code, done.statuses) == (1, {"a": "failed", "b": "built"}), done.err
    assert "Lambda takes less than 262.1 MB (250 MiB)" in done.err


@pytest.mark.extended  # Go takes seven seconds for the digest
def test_a_header_of_2_gib_is_not_read(repo: Project) -> None:
    """But by Go, which takes its digest."""
    with (repo / "api/a/x.h").open("wb") as file:
        file.truncate(1 << 31)
    assert repo.run("all", "--json").statuses == {"a": "built", "b": "built"}
    assert repo.run("all", "--json").statuses == {"a": "up-to-date", "b": "up-to-date"}
