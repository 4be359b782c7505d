"""The SAM template and the CloudFormation template of fixtures/shop, with AWS's own tools."""

import json
from typing import Any

import pytest

from tests.deploy.conftest import ROOT, TOOLS, Deployed, Shop
from tests.docs.markdown import blocks

PAGE = (ROOT / "docs" / "deploy" / "sam.md").read_text("utf-8")

_TO_JSON = """\
import json, sys, yaml
print(json.dumps(yaml.safe_load(open(sys.argv[1]))))
"""


def read(shop: Shop, template: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(shop.run(TOOLS / "bin" / "python", "-c", _TO_JSON, template))
    return told


def declared(function: dict[str, Any]) -> tuple[list[str], str, str]:
    return function["Architectures"], function["Runtime"], function["Handler"]


def wanted(function: dict[str, Any]) -> tuple[list[str], str, str]:
    return [function["architecture"]], function["runtime"], "bootstrap"


def test_sam_finds_nothing_wrong_with_its_template(deployable: Shop) -> None:
    assert "is a valid SAM Template" in deployable.run("sam", "validate", "--lint")


def test_sam_build_takes_what_was_built(
    built: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shop = built.copy(tmp_path_factory.mktemp("sam") / "shop").in_region("eu-central-1")

    shop.run("sam", "build")

    template = read(shop, ".aws-sam/build/template.yaml")
    functions = [
        template["Globals"]["Function"] | resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    ]
    assert {function["CodeUri"]: declared(function) for function in functions} == {
        f"../../dist/{name}": wanted(function) for name, function in shop.manifest().items()
    }


def test_cfn_lint_finds_nothing_wrong_with_the_plain_template(deployable: Shop) -> None:
    assert deployable.run("cfn-lint", "cloudformation.yaml") == ""


@pytest.fixture(scope="module")
def shop(deployable: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return deployable.copy(tmp_path_factory.mktemp("stack") / "shop").in_region("us-east-1")


def commands() -> list[str]:
    """Return what the page runs: to package the plain template, and to deploy it."""
    (block,) = blocks(PAGE, "sh")
    return block.text.splitlines()


def packaged(shop: Shop) -> dict[str, dict[str, Any]]:
    """Package the plain template, and return the properties of its functions."""
    shop.run("sh", "-ec", commands()[0])
    return {
        name: resource["Properties"]
        for name, resource in read(shop, "packaged.yaml")["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function"
    }


def test_a_stack_has_every_function_as_it_was_packed(shop: Shop, deployed: Deployed) -> None:
    before = packaged(shop)
    shop.run("sh", "-ec", commands()[1])

    # moto does not hand on the architectures of a template; what is asked for stands in it.
    manifest = shop.manifest()
    assert {name: declared(function) for name, function in before.items()} == {
        name.title().replace("-", ""): wanted(function) for name, function in manifest.items()
    }
    assert {n.split("-")[1]: f["CodeSha256"] for n, f in deployed(shop).items()} == {
        name.title().replace("-", ""): f["code_sha256"] for name, f in manifest.items()
    }

    shop.edit("users/get")
    shop.build()
    after = packaged(shop)
    assert {name for name in before if after[name] != before[name]} == {"UsersGet"}
