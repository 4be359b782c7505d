"""The pages' own commands, boto3's and the AWS CLI's, are run against moto's Lambda."""

import json
import shutil
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT, TOOLS, Deployed, Shop
from tests.docs.markdown import blocks

PAGE = (ROOT / "docs" / "deploy" / "aws-cli.md").read_text("utf-8")
(SCRIPT,) = (block.text for block in blocks(PAGE, "python"))
CREATE, UPDATE = (block.text for block in blocks(PAGE, "sh"))


@pytest.fixture(scope="module")
def shop(deployable: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop, with the page's script, and a region without functions."""
    shop = deployable.copy(tmp_path_factory.mktemp("aws") / "shop").in_region("eu-west-1")
    (shop.path / "deploy.py").write_text(SCRIPT, "utf-8")
    return shop


def run_script(shop: Shop) -> list[str]:
    return shop.run(TOOLS / "bin" / "python", "deploy.py").splitlines()


def test_lambda_computes_the_digests_of_the_manifest_and_exactly_what_changed_is_updated(
    shop: Shop, deployed: Deployed
) -> None:
    said = run_script(shop)

    manifest = shop.manifest()
    assert said == [f"created {name}" for name in manifest]
    assert {
        name: (f["CodeSha256"], f["CodeSize"], f["Architectures"], f["Runtime"], f["Handler"])
        for name, f in deployed(shop).items()
    } == {
        name: (f["code_sha256"], f["zip_size"], [f["architecture"]], f["runtime"], "bootstrap")
        for name, f in manifest.items()
    }

    shop.build()
    assert run_script(shop) == []
    assert shop.run("sh", "-ec", UPDATE) == ""

    shop.edit("checkout")
    shop.build()
    assert shop.run("sh", "-ec", UPDATE).split() == ["checkout"]
    after = shop.manifest()
    assert {n for n in after if after[n]["code_sha256"] != manifest[n]["code_sha256"]} == {
        "checkout"
    }
    assert {name: f["CodeSha256"] for name, f in deployed(shop).items()} == {
        name: f["code_sha256"] for name, f in after.items()
    }

    shop.edit("thumbnails")
    shop.build()
    assert run_script(shop) == ["updated thumbnails"]


def test_the_cli_creates_what_the_manifest_lists(
    deployable: Shop, deployed: Deployed, tmp_path: Path
) -> None:
    """With two functions of the shop: the client takes seconds for each."""
    chosen = {n: f for n, f in deployable.manifest().items() if n in {"checkout", "thumbnails"}}
    (tmp_path / "dist").mkdir()
    for function in chosen.values():
        shutil.copy(deployable.path / function["zip"], tmp_path / function["zip"])
    manifest = {"schema": 1, "functions": list(chosen.values())}
    (tmp_path / "dist" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    part = Shop(tmp_path, deployable.environment).in_region("eu-north-1")

    assert part.run("sh", "-ec", CREATE).split() == ["checkout", "thumbnails"]
    assert {
        name: (f["CodeSha256"], f["Architectures"], f["Runtime"], f["Role"])
        for name, f in deployed(part).items()
    } == {
        name: (f["code_sha256"], [f["architecture"]], f["runtime"], part.environment["ROLE"])
        for name, f in chosen.items()
    }
