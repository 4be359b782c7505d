"""The schema that `lambdabuild init` names has an editor complete `lambdabuild.toml`.

The editor's side is the language server of Even Better TOML, which most editors use for TOML.
"""

import json
from pathlib import Path

import pytest

from lambdabuild.config.options import FUNCTION, TOP, options_in
from lambdabuild.config.parsing import ENTRYPOINTS
from lambdabuild.core.target import Runtime
from tests.deploy.conftest import SHOP, TOOLS, Shop

COMPLETE = Path(__file__).parent / "node" / "complete.mjs"


@pytest.fixture
def project(built: Shop, tmp_path: Path) -> Shop:
    """A project that has just got its first configuration."""
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_bytes((SHOP / name).read_bytes())
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "main.go").write_text("package main\n\nfunc main() {}\n", "utf-8")
    shop = Shop(tmp_path, built.environment)
    shop.run("lambdabuild", "init")
    return shop


def completed(project: Shop, *lines: str) -> list[list[str]]:
    """Return what is proposed at each `|` of a configuration."""
    file = project.path / "lambdabuild.toml"
    directive = file.read_text("utf-8").splitlines()[0]
    text = [directive, *lines]
    places = [f"{n}:{line.index('|')}" for n, line in enumerate(text) if "|" in line]
    file.write_text("\n".join(text).replace("|", "") + "\n", "utf-8")
    said = project.run("node", COMPLETE, TOOLS / "node" / "node_modules", *places)
    return [sorted(set(json.loads(line))) for line in said.splitlines()]


def test_an_editor_proposes_keys_and_values(project: Shop) -> None:
    keys, runtimes, entrypoints = completed(project, "|", 'runtime = "|"', 'entrypoints = "|"')
    written = {"runtime", "entrypoints"}

    assert keys == sorted({"functions", *(o.key for o in options_in(TOP))} - written)
    assert runtimes == sorted(f'"{runtime}"' for runtime in Runtime)
    assert entrypoints == sorted(f'"{value}"' for value in ENTRYPOINTS)


def test_an_editor_proposes_what_a_function_may_have(project: Shop) -> None:
    keys, architectures = completed(project, '[functions."users-get"]', "|", 'architecture = "|"')

    assert keys == sorted({o.key for o in options_in(FUNCTION)} - {"architecture"})
    assert {'"arm64"', '"x86_64"'} <= {*architectures}
