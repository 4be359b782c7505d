"""What of the Terraform configuration needs no Terraform: that it hands on the manifest's fields.

terraform_apply.py, beside this file, has the rest: it needs `terraform` and its AWS provider.
"""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.conftest import ROOT, SHOP, TOOLS, Shop
from tests.docs.markdown import blocks

CONFIGURATION = "terraform/main.tf"
PAGE = (ROOT / "docs" / "deploy" / "terraform.md").read_text("utf-8")

_TO_JSON = """\
import json, sys, hcl2
print(json.dumps(hcl2.load(open(sys.argv[1]))))
"""


@pytest.fixture(scope="module")
def configuration(built: Shop) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(
        built.run(TOOLS / "bin" / "python", "-c", _TO_JSON, CONFIGURATION)
    )
    return read


def evaluated(expression: str, function: dict[str, Any], project: str) -> str:
    """Evaluate an attribute of a resource `for_each` function; nothing else may stand in it."""
    values = {f"each.value.{key}": str(value) for key, value in function.items()}
    values |= {"each.key": function["name"], "local.project": project}
    return re.sub(r"\$\{([^}]*)\}", lambda found: values[found[1]], expression.strip('"'))


def test_functions_are_those_of_the_manifest(configuration: dict[str, Any]) -> None:
    (local,) = configuration["locals"]

    assert {name: value for name, value in local.items() if not name.startswith("__")} == {
        "project": '"${path.module}/.."',
        "manifest": '${jsondecode(file("${local.project}/dist/manifest.json"))}',
        "functions": "${{for f in local.manifest.functions : f.name => f}}",
    }


def test_each_has_the_zip_and_its_digest(configuration: dict[str, Any], built: Shop) -> None:
    (resource,) = (
        block['"aws_lambda_function"']['"shop"']
        for block in configuration["resource"]
        if '"aws_lambda_function"' in block
    )

    assert resource["for_each"] == "${local.functions}"
    project = str(built.path / "terraform" / "..")
    for name, function in built.manifest().items():
        (architecture,) = resource["architectures"]
        assert evaluated(resource["function_name"], function, project) == name
        assert evaluated(resource["handler"], function, project) == "bootstrap"
        assert evaluated(resource["runtime"], function, project) == function["runtime"]
        assert evaluated(architecture, function, project) == function["architecture"]
        code = Path(evaluated(resource["filename"], function, project)).read_bytes()
        # What `filebase64sha256` gives, and with it the form that `source_code_hash` asks for.
        digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
        assert evaluated(resource["source_code_hash"], function, project) == digest


def test_the_page_shows_the_configuration() -> None:
    (shown,) = blocks(PAGE, "hcl")

    assert (SHOP / CONFIGURATION).read_text("utf-8").startswith(shown.text)
