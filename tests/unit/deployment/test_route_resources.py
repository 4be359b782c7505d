"""Routes that are resources of their own: of the CDK and CloudFormation, and of Terraform."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.deployment.declared import Declared
from lambdabuild.deployment.reader import find, read
from lambdabuild.deployment.routes.apis import Api, Authorizer, Cors, Route
from lambdabuild.deployment.routes.resources import Resources

Read = Callable[..., dict[str, Declared]]
HEADER = ("header.Authorization",)


@pytest.fixture
def read_files(tmp_path: Path) -> Read:
    def read_all(**texts: str) -> dict[str, Declared]:
        for name, text in texts.items():
            (tmp_path / name).write_text(text, "utf-8")
        deployment = read(find(str(tmp_path))[0])
        assert deployment.unreadable == ()
        return {function.name: function for function in deployment.functions}

    return read_all


def function(construct: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Handler": "bootstrap", "Runtime": "provided.al2023"},
        "Metadata": {"aws:cdk:path": f"Shop/{construct}/Resource"},
    }


def uri(name: str) -> dict[str, Any]:
    """How the CDK writes the URI of an integration."""
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":apigateway:", {"Ref": "AWS::Region"}]
    path = [":lambda:path/2015-03-31/functions/", {"Fn::GetAtt": [name, "Arn"]}, "/invocations"]
    return {"Fn::Join": ["", [*parts, *path]]}


def made(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


API = {"Ref": "Api9F"}
ROOT = {"Fn::GetAtt": ["Api9F", "RootResourceId"]}


def test_the_cdk_s_rest_api_is_a_tree_of_resources(read_files: Read) -> None:
    cors = {
        "method.response.header.Access-Control-Allow-Headers": "'Content-Type'",
        "method.response.header.Access-Control-Allow-Origin": "'*'",
        "method.response.header.Access-Control-Allow-Methods": "'GET'",
    }
    mock = {"Type": "MOCK", "IntegrationResponses": [{"ResponseParameters": cors}]}
    proxy = {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri("UsersGet5F")}
    template = {
        "Resources": {
            "UsersGet5F": function("UsersGet"),
            "Guard7A": function("Guard"),
            "Api9F": made("ApiGateway::RestApi", Name="Shop", BinaryMediaTypes=["image/*"]),
            "Stage": made(
                "ApiGateway::Stage", RestApiId=API, StageName="live", Variables={"A": "b"}
            ),
            "Users": made("ApiGateway::Resource", ParentId=ROOT, PathPart="users", RestApiId=API),
            "User": made(
                *("ApiGateway::Resource",),
                ParentId={"Ref": "Users"},
                PathPart="{id}",
                RestApiId=API,
            ),
            "Auth": made(
                "ApiGateway::Authorizer",
                Type="TOKEN",
                RestApiId=API,
                AuthorizerUri=uri("Guard7A"),
                IdentitySource="method.request.header.X-Token",
            ),
            "Get": made(
                "ApiGateway::Method",
                HttpMethod="GET",
                ResourceId={"Ref": "User"},
                RestApiId=API,
                AuthorizationType="CUSTOM",
                AuthorizerId={"Ref": "Auth"},
                ApiKeyRequired=True,
                Integration=proxy,
            ),
            "Options": made(
                "ApiGateway::Method",
                HttpMethod="OPTIONS",
                ResourceId={"Ref": "User"},
                RestApiId=API,
                AuthorizationType="NONE",
                Integration=mock,
            ),
            "Any": made(
                "ApiGateway::Method",
                HttpMethod="ANY",
                ResourceId=ROOT,
                RestApiId=API,
                AuthorizationType="AWS_IAM",
                Integration=proxy,
            ),
        }
    }
    functions = read_files(**{"Shop.template.json": json.dumps(template)})
    api = Api("rest", "Api9F", "live", (("A", "b"),), binary_types=("image/*",))
    guard = Authorizer("token", "Guard", ("header.X-Token",))
    cors_of_path = Cors(("*",), ("GET",), ("Content-Type",))
    assert functions["UsersGet"].routes == (
        Route("GET", "/users/{id}", api._replace(cors=cors_of_path), guard, needs_key=True),
        Route("ANY", "/", api, Authorizer("iam")),
    )
    assert functions["Guard"].routes == ()


def test_the_cdk_s_http_api_has_routes_and_a_function_may_have_a_url(read_files: Read) -> None:
    api = {"Ref": "Http"}
    template = {
        "Resources": {
            "UsersGet5F": function("UsersGet"),
            "Http": made(
                "ApiGatewayV2::Api",
                ProtocolType="HTTP",
                CorsConfiguration={"AllowOrigins": ["https://a.example"], "MaxAge": 5},
            ),
            "Socket": made("ApiGatewayV2::Api", ProtocolType="WEBSOCKET"),
            "Default": made(
                "ApiGatewayV2::Stage", ApiId=api, StageName="$default", AutoDeploy=True
            ),
            "Integration": made(
                "ApiGatewayV2::Integration",
                ApiId=api,
                IntegrationUri={"Fn::GetAtt": ["UsersGet5F", "Arn"]},
                PayloadFormatVersion="2.0",
            ),
            "Route": made(
                "ApiGatewayV2::Route",
                ApiId=api,
                RouteKey="GET /users/{id}",
                Target={"Fn::Join": ["", ["integrations/", {"Ref": "Integration"}]]},
                AuthorizationType="JWT",
                AuthorizerId={"Ref": "Jwt"},
                AuthorizationScopes=["read"],
            ),
            "Else": made(
                "ApiGatewayV2::Route",
                ApiId=api,
                RouteKey="$default",
                Target={"Fn::Sub": "integrations/${Integration}"},
                AuthorizerId={"Ref": "Own"},
            ),
            "Connect": made(
                "ApiGatewayV2::Route",
                ApiId={"Ref": "Socket"},
                RouteKey="$connect",
                Target={"Fn::Sub": "integrations/${Integration}"},
            ),
            "Jwt": made(
                "ApiGatewayV2::Authorizer",
                AuthorizerType="JWT",
                IdentitySource=["$request.header.Authorization"],
            ),
            "Own": made(
                "ApiGatewayV2::Authorizer",
                AuthorizerType="REQUEST",
                AuthorizerUri=uri("UsersGet5F"),
                IdentitySource=["$request.header.A"],
                AuthorizerPayloadFormatVersion="2.0",
                EnableSimpleResponses=True,
            ),
            "Url": made(
                "Lambda::Url",
                TargetFunctionArn={"Fn::GetAtt": ["UsersGet5F", "Arn"]},
                Cors={"AllowOrigins": ["*"]},
            ),
        }
    }
    found = read_files(**{"Shop.template.json": json.dumps(template)})["UsersGet"]
    cors = Cors(("https://a.example",), max_age=5)
    http = Api("http", "Http", "$default", cors=cors)
    own = Authorizer("request", "UsersGet", ("header.A",), payload="2.0", simple=True)
    jwt = Authorizer("jwt", sources=HEADER, scopes=("read",))
    assert found.routes == (
        Route("GET", "/users/{id}", http, jwt, "2.0"),
        Route("ANY", "$default", http, own, "2.0"),
    )
    assert found.url == Cors(("*",))


def test_rules_of_a_load_balancer_forward_to_a_group(read_files: Read) -> None:
    template = """\
Resources:
  F: {Type: AWS::Lambda::Function, Properties: {Runtime: provided.al2023, Handler: bootstrap}}
  Group:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties:
      TargetType: lambda
      Targets: [{Id: !GetAtt F.Arn}]
      TargetGroupAttributes: [{Key: lambda.multi_value_headers.enabled, Value: "true"}]
  Rule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Listener
      Priority: 3
      Actions: [{Type: forward, TargetGroupArn: !Ref Group}]
      Conditions:
        - {Field: path-pattern, PathPatternConfig: {Values: [/a/*, /b]}}
        - {Field: http-request-method, HttpRequestMethodConfig: {Values: [GET]}}
"""
    api = Api("alb", "Listener")
    assert read_files(**{"template.yaml": template})["F"].routes == (
        Route("GET", "/a/*", api, multi_value=True, priority=3),
        Route("GET", "/b", api, multi_value=True, priority=3),
    )


TERRAFORM = """\
locals { stage = "live" }
resource "aws_lambda_function" "get" {
  runtime = "provided.al2023"
  handler = "bootstrap"
}
module "guard" {
  source  = "terraform-aws-modules/lambda/aws"
  runtime = "provided.al2023"
}
resource "aws_apigatewayv2_api" "http" {
  name          = "shop"
  protocol_type = "HTTP"
  cors_configuration {
    allow_origins = ["https://a.example"]
    allow_headers = ["x-user"]
  }
}
resource "aws_apigatewayv2_stage" "live" {
  api_id = aws_apigatewayv2_api.http.id
  name   = local.stage
  stage_variables = { TABLE = "users", QUEUE = aws_sqs_queue.q.url, STAGE = local.stage }
}
resource "aws_apigatewayv2_integration" "get" {
  api_id                 = aws_apigatewayv2_api.http.id
  integration_uri        = aws_lambda_function.get.invoke_arn
  payload_format_version = "2.0"
}
resource "aws_apigatewayv2_integration" "old" {
  api_id          = aws_apigatewayv2_api.http.id
  integration_uri = aws_lambda_function.get.invoke_arn
}
resource "aws_apigatewayv2_authorizer" "own" {
  api_id                            = aws_apigatewayv2_api.http.id
  authorizer_type                   = "REQUEST"
  authorizer_uri                    = module.guard.lambda_function_invoke_arn
  identity_sources                  = ["$request.header.X-User"]
  authorizer_payload_format_version = "2.0"
  enable_simple_responses           = true
}
resource "aws_apigatewayv2_route" "get" {
  api_id             = aws_apigatewayv2_api.http.id
  route_key          = "GET /users/{id}"
  target             = "integrations/${aws_apigatewayv2_integration.get.id}"
  authorization_type = "CUSTOM"
  authorizer_id      = aws_apigatewayv2_authorizer.own.id
}
resource "aws_apigatewayv2_route" "old" {
  api_id    = aws_apigatewayv2_api.http.id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.old.id}"
}
resource "aws_apigatewayv2_route" "each" {
  for_each  = toset(["GET /x"])
  api_id    = aws_apigatewayv2_api.http.id
  route_key = each.key
  target    = "integrations/${aws_apigatewayv2_integration.old.id}"
}
resource "aws_api_gateway_rest_api" "rest" { binary_media_types = ["*/*"] }
resource "aws_api_gateway_resource" "orders" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  parent_id   = aws_api_gateway_rest_api.rest.root_resource_id
  path_part   = "orders"
}
resource "aws_api_gateway_method" "list" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  resource_id   = aws_api_gateway_resource.orders.id
  http_method   = "GET"
  authorization = "NONE"
}
resource "aws_api_gateway_integration" "list" {
  rest_api_id             = aws_api_gateway_rest_api.rest.id
  resource_id             = aws_api_gateway_resource.orders.id
  http_method             = aws_api_gateway_method.list.http_method
  integration_http_method = "POST"
  type                    = "AWS_PROXY"
  uri                     = aws_lambda_function.get.invoke_arn
}
resource "aws_lambda_function_url" "get" {
  function_name      = aws_lambda_function.get.function_name
  authorization_type = "NONE"
  cors { allow_origins = ["*"] }
}
resource "aws_lb_target_group" "get" {
  target_type                        = "lambda"
  lambda_multi_value_headers_enabled = true
}
resource "aws_lb_target_group_attachment" "get" {
  target_group_arn = aws_lb_target_group.get.arn
  target_id        = aws_lambda_function.get.arn
}
resource "aws_lb_listener_rule" "get" {
  listener_arn = aws_lb_listener.front.arn
  priority     = 7
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.get.arn
  }
  condition {
    path_pattern { values = ["/img/*"] }
  }
  condition {
    http_request_method { values = ["GET", "HEAD"] }
  }
}
"""


def test_terraform_has_the_same_as_far_as_it_is_written_down(read_files: Read) -> None:
    functions = read_files(**{"main.tf": TERRAFORM})
    cors = Cors(("https://a.example",), headers=("x-user",))
    http = Api(
        "http", "aws_apigatewayv2_api.http", "live", (("TABLE", "users"), ("STAGE", "live")), cors
    )
    rest = Api("rest", "aws_api_gateway_rest_api.rest", "prod", binary_types=("*/*",))
    alb = Api("alb", "aws_lb_listener.front")
    own = Authorizer("request", "guard", ("header.X-User",), payload="2.0", simple=True)
    assert functions["get"].routes == (
        Route("GET", "/users/{id}", http, own, "2.0"),
        Route("ANY", "$default", http, payload="1.0"),
        Route("GET", "/orders", rest),
        Route("GET", "/img/*", alb, multi_value=True, priority=7),
        Route("HEAD", "/img/*", alb, multi_value=True, priority=7),
    )
    assert functions["get"].url == Cors(("*",))
    assert functions["guard"].routes == ()


NAMES = st.sampled_from(["A", "B", "C"])
KINDS = st.sampled_from([
    "ApiGateway::RestApi", "ApiGateway::Resource", "ApiGateway::Method", "ApiGateway::Authorizer",
    "ApiGatewayV2::Api", "ApiGatewayV2::Route", "ApiGatewayV2::Integration", "Lambda::Url",
    "ElasticLoadBalancingV2::ListenerRule", "ElasticLoadBalancingV2::TargetGroup",
])  # fmt: skip
FIELDS = st.sampled_from([
    "RestApiId", "ApiId", "ResourceId", "ParentId", "PathPart", "HttpMethod", "Integration", "Uri",
    "RouteKey", "Target", "AuthorizerId", "IntegrationUri", "Actions", "TargetGroupArn", "Targets",
    "Conditions", "Field", "TargetFunctionArn", "Cors", "Type", "IntegrationResponses", "Ref",
])  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | NAMES
    | NAMES.map(lambda name: {"Ref": name})
    | NAMES.map(lambda name: {"Fn::GetAtt": [name, "Arn"]})
    | st.sampled_from(["GET /x", "MOCK", "OPTIONS", "path-pattern"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=10,
)


@given(
    st.dictionaries(
        NAMES,
        st.tuples(KINDS, st.dictionaries(FIELDS, VALUES, max_size=6)).map(
            lambda both: {"Type": f"AWS::{both[0]}", "Properties": both[1]}
        ),
    )
)
def test_nothing_that_resources_hold_is_raised(resources: dict[str, Any]) -> None:
    found = Resources(resources)
    assert "" not in found.routes
