"""Deployment files as people write them, and whatever else may be in a file of that name."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdabuild.deployment.declared import Declared, Deployment
from lambdabuild.deployment.reader import find, read
from lambdabuild.deployment.routes.apis import Api, Route

Read = Callable[..., Deployment]


@pytest.fixture
def read_files(tmp_path: Path) -> Read:
    """Write files, find those that may be deployment files, and read them."""

    def read_all(**texts: str | bytes) -> Deployment:
        for name, text in texts.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        found, _ = find(str(tmp_path))
        return read(found)

    return read_all


def only(deployment: Deployment) -> Declared:
    (function,) = deployment.functions
    return function


SAM = """\
Globals:
  Function:
    Runtime: provided.al2023
    Architectures: [arm64]
    Timeout: 5
    Environment:
      Variables: {STAGE: dev, TABLE: !Ref Table}
Parameters:
  Memory: {Type: Number, Default: 256}
Resources:
  Table: {Type: AWS::DynamoDB::Table}
  GetOrder:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/get-order/
      Handler: bootstrap
      MemorySize: !Ref Memory
      FunctionName: !Sub "${AWS::StackName}-get"
      Environment:
        Variables: {STAGE: prod, N: 3, MUCH: !Ref Memory, DEBUG: true}
      Events:
        One: {Type: Api, Properties: {Path: '/orders/{id}', Method: get}}
        Any: {Type: HttpApi, Properties: {Path: /x}}
        Queue: {Type: SQS, Properties: {Queue: !GetAtt Table.Arn}}
  Web:
    Type: AWS::Serverless::Function
    Properties: {Runtime: nodejs22.x, CodeUri: web, Handler: index.handler}
  Picture:
    Type: AWS::Serverless::Function
    Properties: {PackageType: Image}
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_sam_template_has_globals_parameters_and_short_tags(
    read_files: Read, tmp_path: Path, ends: str
) -> None:
    function = only(read_files(**{"template.yaml": SAM.replace("\n", ends)}))
    assert function == Declared(
        name="GetOrder",
        file=str(tmp_path / "template.yaml"),
        line=12,
        code=str(tmp_path / "functions/get-order"),
        handler="bootstrap",
        architecture="arm64",
        runtime="provided.al2023",
        timeout=5,
        memory=256,
        environment={"STAGE": "prod", "N": "3", "MUCH": "256", "DEBUG": "true"},
        computed=("TABLE",),
        routes=(
            Route("GET", "/orders/{id}", Api("rest", "ServerlessRestApi", "Prod")),
            Route("ANY", "/x", Api("http", "ServerlessHttpApi", "$default")),
        ),
        lines=function.lines,
    )
    assert (function.line_of("architecture"), function.line_of("code")) == (4, 15)


def test_long_tags_anchors_and_several_documents(read_files: Read) -> None:
    text = """\
%YAML 1.1
---
note: nothing of Lambda
---
x-shared: &shared
  Runtime: provided.al2
  Architectures: [x86_64]
Parameters:
  Architecture: {Default: arm64}
Resources:
  A:
    Type: AWS::Lambda::Function
    Properties:
      <<: *shared
      Handler: {"Ref": "H"}
      Code: {ZipFile: x}
  B:
    Type: AWS::Lambda::Function
    Properties:
      <<: [*shared]
      Architectures: [{Ref: Architecture}]
      Code: build/b.zip
"""
    a, b = read_files(**{"infra/stack.yml": text}).functions
    assert (a.name, a.runtime, a.architecture, a.handler, a.code) == (
        *("A", "provided.al2", "x86_64", None, None),
    )
    assert (b.architecture, b.code and b.code.endswith("infra/build/b.zip")) == ("arm64", True)


def test_what_the_cdk_synthesizes_has_the_names_of_its_constructs(
    read_files: Read, tmp_path: Path
) -> None:
    template = {
        "Resources": {
            "OrdersGet5F3A1B2C": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Architectures": ["arm64"],
                    "Code": {"S3Bucket": {"Fn::Sub": "cdk-${AWS::Region}"}, "S3Key": "1.zip"},
                    "Handler": "bootstrap",
                    "Runtime": "provided.al2023",
                },
                "Metadata": {
                    "aws:cdk:path": "Shop/OrdersGet/Resource",
                    "aws:asset:path": "asset.1f",
                },
            }
        }
    }
    function = only(
        read_files(
            **{
                "cdk.out/Shop.template.json": json.dumps(template, indent=1),
                # What is deployed is no declaration.
                "cdk.out/asset.1f/x.template.json": json.dumps(template),
            }
        )
    )
    assert (function.name, function.architecture) == ("OrdersGet", "arm64")
    assert function.code == str(tmp_path / "cdk.out/asset.1f")
    assert (function.line, function.line_of("architecture")) == (3, 6)


def test_a_service_of_the_serverless_framework(read_files: Read, tmp_path: Path) -> None:
    text = """\
service: shop
provider: &provider
  name: aws
  runtime: provided.al2023
  architecture: arm64
  memorySize: 128
  environment: {STAGE: "${sls:stage}", LOG: info}
functions:
  get:
    handler: bin/get
    events:
      - httpApi: 'GET /orders/{id}'
      - http: {path: orders, method: any}
      - sqs: {arn: x}
  old:
    handler: bin/old
    runtime: go1.x
    architecture: x86_64
    package: {artifact: bin/old.zip}
  web: {handler: web/index.handler, runtime: nodejs22.x}
"""
    get, old = read_files(**{"serverless.yml": text}).functions
    assert (get.name, get.line, get.architecture, get.memory) == ("get", 9, "arm64", 128)
    assert get.code == str(tmp_path / "bin/get")
    assert get.routes == (
        Route("GET", "/orders/{id}", Api("http", "shop", "$default"), payload="2.0"),
        Route("ANY", "/orders", Api("rest", "shop", "dev")),
    )
    assert get.environment == {"LOG": "info"}
    assert (old.runtime, old.architecture, old.line_of("runtime")) == ("go1.x", "x86_64", 17)
    assert old.code == str(tmp_path / "bin/old.zip")


TERRAFORM = """\
variable "arch" { default = "arm64" } // and so on
locals {
  runtime = "provided.al2023"
}
data "archive_file" "get" {
  type        = "zip"
  source_file = "${path.module}/../bin/get/bootstrap"
  output_path = "get.zip"
}
resource "aws_lambda_function" "get" {
  function_name = "svc-${var.env}-get"
  filename      = data.archive_file.get.output_path
  hash          = filebase64sha256(data.archive_file.get.output_path)
  runtime       = local.runtime
  architectures = [var.arch]
  timeout       = 10
  environment {
    variables = {
      TABLE = "orders", URL = aws_x.y.url
      POLICY = <<-EOT
        } "
      EOT
      "K" = jsonencode({ a = [1, 2] })
    }
  }
}
/* resource "aws_lambda_function" "none" { */
resource "aws_lambda_function" "picture" {
  package_type = "Image"
  runtime      = "provided.al2"
}
module "fn" {
  source        = "terraform-aws-modules/lambda/aws"
  runtime       = "provided.al2"
  architectures = ["x86_64"]
  source_path   = "../cmd/fn"
}
"""


def test_terraform_has_literals_defaults_locals_and_archives(
    read_files: Read, tmp_path: Path
) -> None:
    get, module = read_files(**{"terraform/main.tf": TERRAFORM}).functions
    assert (get.name, get.line, get.deployed_as) == ("get", 10, None)
    assert get.code == str(tmp_path / "bin/get/bootstrap")
    assert (get.runtime, get.architecture, get.timeout) == ("provided.al2023", "arm64", 10)
    assert (get.line_of("architecture"), get.line_of("code")) == (15, 12)
    assert get.environment == {"TABLE": "orders", "POLICY": '        } "'}
    assert (module.name, module.architecture, module.code) == (
        *("fn", "x86_64", str(tmp_path / "cmd/fn")),
    )


def test_what_terraform_shows_has_what_it_computed(read_files: Read) -> None:
    resource = {
        "address": "module.api.aws_lambda_function.get",
        "type": "aws_lambda_function",
        "values": {
            "function_name": "svc-dev-get", "filename": "dist/get.zip", "runtime": "provided.al2",
            "architectures": ["arm64"], "environment": [{"variables": {"A": "b"}}],
        },
    }  # fmt: skip
    shown = {
        "terraform_version": "1.13.0",
        "planned_values": {"root_module": {"child_modules": [{"resources": [resource]}]}},
    }
    function = only(read_files(**{"plan.template.json": json.dumps(shown)}))
    assert (function.deployed_as, function.architecture) == ("svc-dev-get", "arm64")
    assert function.environment == {"A": "b"}


def test_goarch_in_scripts_and_workflows_is_a_witness(read_files: Read) -> None:
    found = read_files(
        **{
            "Makefile": "build:\n\t# GOARCH=amd64 once\n\tGOOS=linux GOARCH=arm64 go build\n"
            "\tGOOS=darwin GOARCH=amd64 go build ./cmd/cli\n",
            ".github/workflows/ci.yml": "jobs:\n  b:\n    env:\n      GOARCH: 'amd64'\n",
            "docs/other.yml": "GOARCH: arm64\n",
        }
    )
    assert sorted((w.architecture, w.line) for w in found.witnesses) == [
        ("arm64", 3),
        ("x86_64", 4),
    ]


def test_what_cannot_be_read_is_named_and_costs_nothing_else(read_files: Read) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
    )
    found = read_files(
        **{
            "template.yaml": SAM,
            "broken.yaml": "Type: AWS::Lambda::Function\nx: [\n",
            "bomb.yaml": f"# AWS::Lambda::Function\n{bomb}",
            "loop.yaml": "# AWS::Lambda::Function\na: &a [*a]\n",
            "deep.yaml": "# AWS::Lambda::Function\n" + "[" * 5000,
            "deep.template.json": "[" * 100_000,
            "deep/deep.tf": 'a "aws_lambda_function" {' + "a = {" * 5000,
            "bytes.yaml": b"AWS::Lambda::Function: \xff\xfe\x00",
        }
    )
    assert only(found).name == "GetOrder"
    assert len(found.unreadable) == 7


WORDS = st.sampled_from([
    "Resources:", "Type: AWS::Lambda::Function", "Properties:", "functions:", "provider:", "aws",
    "name: aws", "!Ref", "!Sub", "&a", "*a", "<<:", "- ", "  ", "\n", "{", "}", "[", "]", '"', "'",
    "resource", '"aws_lambda_function"', '"x"', "=", "<<EOT", "EOT", "${", "#", "/*", ":", "\\", "\r",
    "\0", "\ufeff", "é", "architectures", "runtime", "provided.al2", "null", "~", "0x", "1_0", ",",
])  # fmt: skip


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS | st.text(max_size=5), max_size=40).map("".join))
def test_nothing_that_a_file_holds_is_raised(tmp_path: Path, text: str) -> None:
    for name in ("template.yaml", "serverless.yml", "main.tf", "x.template.json", "Makefile"):
        (tmp_path / name).write_text(f"{text}\n# lambda AWS::Lambda::Function", "utf-8")
    found, _ = find(str(tmp_path))
    read(found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Resources",
                    "A",
                    "Type",
                    "Properties",
                    "Runtime",
                    "Architectures",
                    "Ref",
                    "Globals",
                    "Function",
                    "Environment",
                    "Variables",
                    "Events",
                    "Metadata",
                    "aws:cdk:path",
                    "provider",
                    "functions",
                    "name",
                    "events",
                    "http",
                    "terraform_version",
                    "values",
                    "root_module",
                    "resources",
                    "child_modules",
                    "Parameters",
                    "Default",
                    "package",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON, st.sampled_from(["AWS::Lambda::Function", "AWS::Serverless::Function"]))
def test_nothing_that_a_template_is_made_of_is_raised(
    tmp_path: Path, value: object, kind: str
) -> None:
    template = {
        "Resources": {"F": {"Type": kind, "Properties": value}, "G": value},
        "Globals": value, "Parameters": value, "provider": {"name": "aws"}, "functions": value,
        "terraform_version": "1", "values": value,
    }  # fmt: skip
    (tmp_path / "x.template.json").write_text(json.dumps(template), "utf-8")
    (tmp_path / "template.yaml").write_text(json.dumps(template), "utf-8")
    (tmp_path / "serverless.yml").write_text(json.dumps(template), "utf-8")
    found, _ = find(str(tmp_path))
    read(found)
