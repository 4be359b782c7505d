"""Bring the APIs, load balancers and function URLs of Terraform into CloudFormation's form.

https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/apigatewayv2_route
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lambdabuild.deployment.routes.reading import reference, said, table

_V1, _V2, _LB = "ApiGateway", "ApiGatewayV2", "ElasticLoadBalancingV2"
_TYPES = {
    "aws_apigatewayv2_api": f"{_V2}::Api",
    "aws_apigatewayv2_stage": f"{_V2}::Stage",
    "aws_apigatewayv2_route": f"{_V2}::Route",
    "aws_apigatewayv2_integration": f"{_V2}::Integration",
    "aws_apigatewayv2_authorizer": f"{_V2}::Authorizer",
    "aws_api_gateway_rest_api": f"{_V1}::RestApi",
    "aws_api_gateway_stage": f"{_V1}::Stage",
    "aws_api_gateway_resource": f"{_V1}::Resource",
    "aws_api_gateway_method": f"{_V1}::Method",
    "aws_api_gateway_integration": f"{_V1}::Integration",
    "aws_api_gateway_authorizer": f"{_V1}::Authorizer",
    "aws_lambda_function_url": "Lambda::Url",
    "aws_lb_target_group": f"{_LB}::TargetGroup",
    "aws_lb_listener_rule": f"{_LB}::ListenerRule",
}
_ATTACHMENT = "aws_lb_target_group_attachment"
_DEEPEST = 20
_REFERENCE = re.compile(r"\b(aws_\w+|module)\.([\w-]+)\.([\w-]+)")
_MAPS = frozenset({"stage_variables", "variables"})
"""What has keys of people's own."""
_ONE_BLOCK = frozenset({"cors_configuration", "cors", "jwt_configuration"})


def resources_of(
    blocks: Iterable[tuple[tuple[str, ...], Mapping[str, Any]]],
    resolve: Callable[[Any], Any],
    is_computed: Callable[[Any], bool],
) -> dict[str, dict[str, Any]]:
    """Return the resources of a module by `type.name`, with properties as CloudFormation has them.

    `resolve` puts in what variables and locals are; what `is_computed` then is known by what it refers to.
    """
    forms = _Forms(resolve, is_computed)
    found: dict[str, dict[str, Any]] = {}
    targets: dict[str, Any] = {}
    for labels, block in blocks:
        if len(labels) != 3 or labels[0] != "resource":  # noqa: PLR2004
            continue
        _, kind, name = labels
        kind = kind.replace("aws_alb_", "aws_lb_", 1)
        if kind == _ATTACHMENT:
            own = forms.table(block)
            targets[reference(own.get("TargetGroupArn"))] = own.get("TargetId")
        elif kind in _TYPES:
            own = _adapted(kind, forms.table(block))
            found[f"{kind}.{name}"] = {"Type": f"AWS::{_TYPES[kind]}", "Properties": own}
    for group, target in targets.items():
        if group in found:
            found[group]["Properties"]["Targets"] = target
    return found


class _Forms:
    """Brings values into CloudFormation's form."""

    def __init__(self, resolve: Callable[[Any], Any], is_computed: Callable[[Any], bool]) -> None:
        self._resolve = resolve
        self._is_computed = is_computed

    def table(self, block: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
        return {_camel(key): self._of(_one(key, block[key]), key, depth + 1) for key in block}

    def _of(self, value: Any, key: str, depth: int) -> Any:
        value = self._resolve(value)
        if depth > _DEEPEST:
            return None
        if self._is_computed(value):
            return _referred(value)
        if isinstance(value, list):
            return [self._of(item, key, depth + 1) for item in value]
        if isinstance(value, dict) and key in _MAPS:
            known = {name: self._resolve(item) for name, item in value.items()}
            return {name: item for name, item in known.items() if not self._is_computed(item)}
        return self.table(value, depth) if isinstance(value, dict) else value


def _one(key: str, value: Any) -> Any:
    """Return the one block of a kind that there is once, and not the list that it is in."""
    return value[0] if key in _ONE_BLOCK and isinstance(value, list) and value else value


def _camel(key: str) -> str:
    return "".join(word.title() for word in key.split("_"))


def _referred(value: str) -> Any:
    """Return a reference in CloudFormation's form; None for one that leads nowhere."""
    match = _REFERENCE.search(value)
    if match is None:
        return None
    kind, name, attribute = match.groups()
    if kind == "aws_lambda_function" or (
        kind == "module" and attribute.startswith("lambda_function_")
    ):
        return {"Fn::GetAtt": [name, "Arn"]}
    return {"Ref": f"{kind.replace('aws_alb_', 'aws_lb_', 1)}.{name}"}


def _adapted(kind: str, own: dict[str, Any]) -> dict[str, Any]:
    """Return properties where Terraform has another shape."""
    if kind == "aws_apigatewayv2_integration":
        # The provider's default.
        return {"PayloadFormatVersion": "1.0", **own}
    if kind == "aws_lambda_function_url":
        return {**own, "TargetFunctionArn": own.get("FunctionName")}
    if kind == "aws_lb_target_group":
        enabled = own.get("LambdaMultiValueHeadersEnabled")
        return {
            **own,
            "TargetGroupAttributes": [
                {"Key": "lambda.multi_value_headers.enabled", "Value": enabled}
            ],
        }
    if kind == "aws_lb_listener_rule":
        return {
            **own,
            "Actions": own.get("Action"),
            "Conditions": [
                condition
                for one in _list(own.get("Condition"))
                for condition in _conditions(table(one))
            ],
        }
    if kind == "aws_api_gateway_method":
        return {**own, "AuthorizationType": said(own.get("Authorization")) or "NONE"}
    return own


def _conditions(condition: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for key, field, config in (
        ("PathPattern", "path-pattern", "PathPatternConfig"),
        ("HttpRequestMethod", "http-request-method", "HttpRequestMethodConfig"),
    ):
        for own in _list(condition.get(key)):
            yield {"Field": field, config: own}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
