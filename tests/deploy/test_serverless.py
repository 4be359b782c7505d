"""What docs/deploy/serverless.md shows is packaged and deployed by osls, which needs no licence."""

import json
from typing import Any

import pytest

from tests.deploy.conftest import ROOT, TOOLS, Deployed, Shop
from tests.docs.markdown import blocks

PAGE = (ROOT / "docs" / "deploy" / "serverless.md").read_text("utf-8")
OSLS = TOOLS / "node" / "node_modules" / ".bin" / "osls"
EXPLICIT = ("thumbnails", "users-get")


def configured(shop: Shop, configuration: str) -> Shop:
    (script,) = blocks(PAGE, "js")
    (shop.path / "functions.cjs").write_text(script.text, "utf-8")
    (shop.path / "serverless.yml").write_text(configuration, "utf-8")
    quiet = {"NODE_NO_WARNINGS": "1", "SLS_NOTIFICATIONS_MODE": "off"}
    return Shop(shop.path, shop.environment | quiet)


def explicit() -> str:
    (block,) = blocks(PAGE, "yaml")
    return block.text


def generated() -> str:
    above, _, _ = explicit().partition("functions:")
    line = "functions: ${file(functions.cjs)}"
    assert f"`{line}`" in PAGE
    return f"{above}{line}\n"


@pytest.fixture(scope="module")
def shop(deployable: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    copy = deployable.copy(tmp_path_factory.mktemp("serverless") / "shop")
    return configured(copy, generated())


def packaged(shop: Shop) -> dict[str, tuple[list[str], str, str, str]]:
    """Package, and return each function's architectures, runtime, handler and digest, by name."""
    shop.run(OSLS, "package")
    path = shop.path / ".serverless" / "cloudformation-template-update-stack.json"
    resources: dict[str, Any] = json.loads(path.read_text("utf-8"))["Resources"]
    digests = {
        r["Properties"]["FunctionName"]["Ref"]: r["Properties"]["CodeSha256"]
        for r in resources.values()
        if r["Type"] == "AWS::Lambda::Version"
    }
    return {
        p["FunctionName"].removeprefix("shop-dev-"): (
            p["Architectures"],
            p["Runtime"],
            p["Handler"],
            digests[key],
        )
        for key, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Function"
        for p in [resource["Properties"]]
    }


def wanted(shop: Shop) -> dict[str, tuple[list[str], str, str, str]]:
    return {
        name: ([f["architecture"]], f["runtime"], "bootstrap", f["code_sha256"])
        for name, f in shop.manifest().items()
    }


def test_every_function_of_the_manifest_is_packaged_and_one_edit_makes_one_new_version(
    shop: Shop,
) -> None:
    before = packaged(shop)
    assert before == wanted(shop)

    shop.run("lambdabuild", "build", "checkout", "thumbnails", "--zip", "--quiet", "--force")
    shop.edit("users/get")
    shop.build()
    after = packaged(shop)

    assert after == wanted(shop)
    assert {name for name in before if before[name] != after[name]} == {"users-get"}


def test_functions_that_are_declared_one_by_one_are_checked_and_deployed(
    deployable: Shop, tmp_path_factory: pytest.TempPathFactory, deployed: Deployed
) -> None:
    # No other test deploys there.
    region = deployable.in_region("eu-west-3")
    copy = region.copy(tmp_path_factory.mktemp("serverless") / "shop")
    shop = configured(copy, explicit().replace("eu-central-1", "eu-west-3"))
    told = {name: wanted(shop)[name] for name in EXPLICIT}

    assert packaged(shop) == told
    shop.run("lambdabuild", "check", "--against", "serverless.yml", "--", *EXPLICIT)
    shop.run(OSLS, "deploy")

    # What else was deployed is in the template; moto tells no architecture.
    digests = {name: f["CodeSha256"] for name, f in deployed(shop).items()}
    assert digests == {f"shop-dev-{name}": digest for name, (*_, digest) in told.items()}
