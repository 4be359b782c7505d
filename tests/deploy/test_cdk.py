"""The CDK app of fixtures/shop is synthesized by the real CDK, without an account."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.conftest import ROOT, SHOP, Shop
from tests.docs.markdown import blocks

APP = "cdk/shop.ts"
PAGE = (ROOT / "docs" / "deploy" / "cdk.md").read_text("utf-8")


@pytest.fixture(scope="module")
def shop(built: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return built.copy(tmp_path_factory.mktemp("cdk") / "shop")


@pytest.fixture(scope="module")
def synthesized(shop: Shop) -> dict[str, dict[str, Any]]:
    """The functions in the template, by the names of the constructs."""
    return synth(shop)


def synth(shop: Shop) -> dict[str, dict[str, Any]]:
    # Validation asks 9 s of CPU time of a WebAssembly module, and tells nothing about assets.
    shop.run(
        "node_modules/.bin/cdk", "synth", "--quiet", "--no-notices", "--no-validation",
        "--no-version-reporting", cwd="cdk",
    )  # fmt: skip
    template = json.loads((shop.path / "cdk/cdk.out/Shop.template.json").read_text("utf-8"))
    return {
        resource["Metadata"]["aws:cdk:path"].split("/")[1]: resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    }


def hashes(functions: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the asset's hash, which is its place in the bucket, of every function."""
    return {name: properties["Code"]["S3Key"] for name, properties in functions.items()}


def test_every_function_of_the_manifest_is_in_the_template(
    shop: Shop, synthesized: dict[str, dict[str, Any]]
) -> None:
    declared = {
        name: (properties["Architectures"], properties["Runtime"], properties["Handler"])
        for name, properties in synthesized.items()
    }

    assert declared == {
        name: ([function["architecture"]], function["runtime"], "bootstrap")
        for name, function in shop.manifest().items()
    }
    assert {function["architecture"] for function in shop.manifest().values()} == {
        "arm64",
        "x86_64",
    }


def test_the_asset_is_what_lambdabuild_wrote(
    shop: Shop, synthesized: dict[str, dict[str, Any]]
) -> None:
    for name, key in hashes(synthesized).items():
        asset = shop.path / "cdk/cdk.out" / f"asset.{key.removesuffix('.zip')}"
        staged = {path.name: path.read_bytes() for path in asset.iterdir()}
        built = {path.name: path.read_bytes() for path in (shop.path / "dist" / name).iterdir()}
        assert staged == built
        assert (asset / "bootstrap").stat().st_mode & 0o111


def test_one_edit_changes_one_hash_whatever_is_built_again(
    shop: Shop, synthesized: dict[str, dict[str, Any]]
) -> None:
    before = hashes(synthesized)

    again = ("checkout", "thumbnails", "--zip", "--quiet", "--force")
    shop.run("lambdabuild", "build", *again)
    shop.edit("users/get")
    shop.build()
    after = hashes(synth(shop))
    assert {name for name in before if before[name] != after[name]} == {"users-get"}
    assert before.keys() == after.keys()


def test_the_page_shows_the_app() -> None:
    (shown,) = blocks(PAGE, "ts")

    assert shown.text == (SHOP / APP).read_text("utf-8")


def test_the_lock_file_has_no_download_addresses() -> None:
    lock = json.loads((SHOP / "cdk" / "package-lock.json").read_text("utf-8"))

    assert "node_modules/aws-cdk-lib" in lock["packages"]
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


def test_make_builds_and_then_deploys(built: Shop) -> None:
    built.run("make", "build")
    planned = built.run("make", "-n", "deploy")

    assert planned.splitlines() == ["lambdabuild all", "cd cdk && npx cdk deploy --all"]
    assert re.search(r"^deploy: build$", Path(SHOP, "Makefile").read_text("utf-8"), re.MULTILINE)
