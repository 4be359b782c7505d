"""Apply the Terraform configuration of fixtures/shop to moto's Lambda.

Not collected with the other tests: the AWS provider comes from Terraform's own registry. The
workflow `deploy` runs it, where `terraform` has been set up:

    pytest tests/deploy/terraform_apply.py
"""

import json
from pathlib import Path

import pytest

from tests.deploy.conftest import Deployed, Shop


@pytest.fixture(scope="module")
def shop(deployable: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return deployable.copy(tmp_path_factory.mktemp("terraform") / "shop").in_region("eu-west-3")


def terraform(shop: Shop, *arguments: str) -> str:
    return shop.run("terraform", *arguments, cwd="terraform")


def changes(shop: Shop, plan: Path) -> dict[str, list[str]]:
    """Plan, and return what would be done to each resource that is not left as it is."""
    terraform(shop, "plan", "-input=false", f"-out={plan}")
    planned = json.loads(terraform(shop, "show", "-json", str(plan)))
    return {
        change["address"]: change["change"]["actions"]
        for change in planned["resource_changes"]
        if change["change"]["actions"] != ["no-op"]
    }


def test_it_is_formatted(shop: Shop) -> None:
    terraform(shop, "fmt", "-check", "-diff")


@pytest.mark.timeout(900)
def test_it_deploys_the_packages_and_then_only_what_changed(
    shop: Shop, deployed: Deployed, tmp_path: Path
) -> None:
    terraform(shop, "init", "-input=false")
    terraform(shop, "validate")
    terraform(shop, "apply", "-auto-approve", "-input=false")

    before = {name: function["CodeSha256"] for name, function in deployed(shop).items()}
    assert before == {name: f["code_sha256"] for name, f in shop.manifest().items()}

    shop.build("--force")
    assert changes(shop, tmp_path / "same") == {}

    shop.edit("users/get")
    shop.build()
    assert changes(shop, tmp_path / "edited") == {
        'aws_lambda_function.shop["users-get"]': ["update"]
    }
    terraform(shop, "apply", "-input=false", str(tmp_path / "edited"))

    after = {name: function["CodeSha256"] for name, function in deployed(shop).items()}
    assert after == {name: f["code_sha256"] for name, f in shop.manifest().items()}
    assert {name for name in after if after[name] != before[name]} == {"users-get"}
