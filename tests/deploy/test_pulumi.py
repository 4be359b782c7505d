"""The program of docs/deploy/pulumi.md declares what was built; Pulumi's mocks stand for its engine."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.conftest import ROOT, TOOLS, Shop
from tests.docs.markdown import blocks

PAGE = (ROOT / "docs" / "deploy" / "pulumi.md").read_text("utf-8")
DECLARED = Path(__file__).parent / "node" / "declared.mjs"
ROLE = "arn:aws:iam::123456789012:role/shop"


@pytest.fixture
def shop(built: Shop, tmp_path: Path) -> Shop:
    shop = built.copy(tmp_path / "shop")
    directory = shop.path / "pulumi"
    directory.mkdir()
    (program,) = blocks(PAGE, "ts")
    (directory / "index.ts").write_text(program.text, "utf-8")
    (directory / "node_modules").symlink_to(TOOLS / "node" / "node_modules")
    return shop


def declared(shop: Shop) -> dict[str, dict[str, Any]]:
    """Return the inputs of each function, with the digest of the zip in the place of its path."""
    said = shop.run("node", "--import", "tsx", DECLARED, "index.ts", cwd="pulumi")
    functions: dict[str, dict[str, Any]] = json.loads(said)
    for inputs in functions.values():
        content = (shop.path / "pulumi" / inputs["code"]).read_bytes()
        inputs["code"] = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return functions


def test_every_function_of_the_manifest_is_declared_and_one_edit_changes_one(shop: Shop) -> None:
    before = declared(shop)
    assert before == {
        name: {
            "architectures": [function["architecture"]],
            "code": function["code_sha256"],
            "handler": "bootstrap",
            "role": ROLE,
            "runtime": function["runtime"],
            "sourceCodeHash": function["code_sha256"],
        }
        for name, function in shop.manifest().items()
    }

    shop.run("lambdabuild", "build", "checkout", "thumbnails", "--zip", "--quiet", "--force")
    shop.edit("users/get")
    shop.build()
    after = declared(shop)

    assert {name for name in before if before[name] != after[name]} == {"users-get"}
