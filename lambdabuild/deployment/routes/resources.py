"""Read APIs, load balancers and function URLs that are resources of their own, as the CDK and Terraform make them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_ApiGateway.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_ApiGatewayV2.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_ElasticLoadBalancingV2.html
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from lambdabuild.deployment.literals import number
from lambdabuild.deployment.routes.apis import (
    ALB,
    ANY,
    DEFAULT,
    HTTP,
    IAM,
    REQUEST,
    REST,
    TOKEN,
    Api,
    Authorizer,
    Cors,
    Route,
)
from lambdabuild.deployment.routes.openapi import cors_of_parameters, routes_in
from lambdabuild.deployment.routes.reading import (
    cors_of,
    function_in,
    is_true,
    jwt_authorizer,
    lambda_authorizer,
    reference,
    said,
    sources_of,
    table,
    variables,
    words,
)

_DEEPEST = 40
_NAME = re.compile(r"\$\{(\w+)\}")
_MULTI_VALUE = "lambda.multi_value_headers.enabled"


class Resources:
    """The resources of a template that lead requests to functions."""

    def __init__(self, resources: Mapping[str, Any]) -> None:
        """Take resources as CloudFormation has them: `Type` and `Properties`, by name."""
        self._by_type: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
        for name, resource in resources.items():
            own = table(resource)
            kind = said(own.get("Type")).removeprefix("AWS::")
            self._by_type[kind][name] = table(own.get("Properties"))
        self.routes: dict[str, list[Route]] = defaultdict(list)
        """By the resource, or else the name, of their function."""
        for function, route in (*self._http_routes(), *self._rest_routes(), *self._rules()):
            if function:
                self.routes[function].append(route)
        self.urls = dict(self._urls())

    def _of(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        return self._by_type.get(kind, {})

    # HTTP APIs.

    def _http_routes(self) -> Iterator[tuple[str, Route]]:
        apis = {
            name: self._api(HTTP, name, own)
            for name, own in self._of("ApiGatewayV2::Api").items()
            if said(own.get("ProtocolType")).upper() != "WEBSOCKET"
        }
        for name, own in self._of("ApiGatewayV2::Api").items():
            if name in apis:
                yield from routes_in(table(own.get("Body")), apis[name])
                # Made by one command: `aws apigatewayv2 create-api --target`.
                if function := function_in(own.get("Target")):
                    yield function, _http_route(said(own.get("RouteKey")) or DEFAULT, apis[name])
        for own in self._of("ApiGatewayV2::Route").values():
            key, name = said(own.get("RouteKey")), reference(own.get("ApiId"))
            known = self._of("ApiGatewayV2::Integration")
            integration = known.get(_referred(own.get("Target")), {})
            is_http = name in apis or name not in self._of("ApiGatewayV2::Api")
            # Keys of another form are actions of WebSocket APIs.
            if is_http and (key == DEFAULT or " /" in key):
                route = _http_route(key, apis.get(name, Api(HTTP, name, DEFAULT)))
                yield (
                    function_in(integration.get("IntegrationUri")),
                    route._replace(
                        authorizer=self._http_authorizer(own),
                        payload=said(integration.get("PayloadFormatVersion")),
                    ),
                )

    def _http_authorizer(self, route: Mapping[str, Any]) -> Authorizer | None:
        if said(route.get("AuthorizationType")) == "AWS_IAM":
            return Authorizer(IAM)
        own = self._of("ApiGatewayV2::Authorizer").get(reference(route.get("AuthorizerId")))
        if own is None:
            return None
        sources = sources_of(own.get("IdentitySource", own.get("IdentitySources")))
        if said(own.get("AuthorizerType")).upper() == "JWT":
            return jwt_authorizer(sources, route.get("AuthorizationScopes"))
        return lambda_authorizer(
            REQUEST,
            function_in(own.get("AuthorizerUri")),
            sources,
            payload=own.get("AuthorizerPayloadFormatVersion"),
            simple=own.get("EnableSimpleResponses"),
        )

    # REST APIs.

    def _rest_routes(self) -> Iterator[tuple[str, Route]]:
        apis = {
            name: self._api(REST, name, own)
            for name, own in self._of("ApiGateway::RestApi").items()
        }
        for name, own in self._of("ApiGateway::RestApi").items():
            yield from routes_in(table(own.get("Body")), apis[name])
        found = []
        mocked: dict[tuple[str, str], Cors] = {}
        for own in self._of("ApiGateway::Method").values():
            name = reference(own.get("RestApiId"))
            path = self._path(reference(own.get("ResourceId")))
            method = said(own.get("HttpMethod")).upper()
            integration = self._integration(own)
            if method == "OPTIONS" and said(integration.get("Type")).upper() == "MOCK":
                if cors := _mocked(integration):
                    mocked[name, path] = cors
            elif method:
                found.append((function_in(integration.get("Uri")), name, method, path, own))
        for function, name, method, path, own in found:
            api = apis.get(name, Api(REST, name, "prod"))
            yield (
                function,
                Route(
                    method,
                    path,
                    api._replace(cors=mocked.get((name, path), api.cors)),
                    self._rest_authorizer(own),
                    needs_key=is_true(own.get("ApiKeyRequired")),
                ),
            )

    def _integration(self, method: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a method's integration, which Terraform has beside it."""
        if isinstance(method.get("Integration"), dict):
            return table(method["Integration"])
        of, word = reference(method.get("ResourceId")), said(method.get("HttpMethod"))
        for own in self._of("ApiGateway::Integration").values():
            named = own.get("HttpMethod")
            is_of_it = self._of("ApiGateway::Method").get(reference(named)) is method
            if reference(own.get("ResourceId")) == of and (is_of_it or said(named) == word):
                return own
        return {}

    def _path(self, resource: str) -> str:
        """Return the path of a resource: its part, after those of its parents."""
        parts: list[str] = []
        known = self._of("ApiGateway::Resource")
        while resource in known and len(parts) < _DEEPEST:
            parts.append(said(known[resource].get("PathPart")))
            resource = reference(known[resource].get("ParentId"))
        return "/" + "/".join(reversed(parts))

    def _rest_authorizer(self, method: Mapping[str, Any]) -> Authorizer | None:
        asks = said(method.get("AuthorizationType", method.get("Authorization"))).upper()
        if asks == "AWS_IAM":
            return Authorizer(IAM)
        own = self._of("ApiGateway::Authorizer").get(reference(method.get("AuthorizerId")))
        if own is None or asks == "NONE":
            return None
        sources = sources_of(own.get("IdentitySource"))
        pattern = own.get("IdentityValidationExpression")
        kind = said(own.get("Type")).upper()
        if kind == "COGNITO_USER_POOLS":
            return jwt_authorizer(sources, method.get("AuthorizationScopes"), pattern)
        return lambda_authorizer(
            REQUEST if kind == "REQUEST" else TOKEN,
            function_in(own.get("AuthorizerUri")),
            sources,
            ttl=own.get("AuthorizerResultTtlInSeconds"),
            pattern=pattern,
        )

    def _api(self, kind: str, name: str, own: Mapping[str, Any]) -> Api:
        stages = self._of(f"{'ApiGateway' if kind == REST else 'ApiGatewayV2'}::Stage").values()
        field = "RestApiId" if kind == REST else "ApiId"
        stage = next((one for one in stages if reference(one.get(field)) == name), {})
        types = own.get("BinaryMediaTypes")
        return Api(
            kind,
            name,
            said(stage.get("StageName", stage.get("Name")))
            or ("prod" if kind == REST else DEFAULT),
            variables(stage.get("Variables") if kind == REST else stage.get("StageVariables")),
            cors_of(own.get("CorsConfiguration")) if kind == HTTP else None,
            words(types) if isinstance(types, list) else None,
        )

    # Load balancers and function URLs.

    def _rules(self) -> Iterator[tuple[str, Route]]:
        groups = self._of("ElasticLoadBalancingV2::TargetGroup")
        for own in self._of("ElasticLoadBalancingV2::ListenerRule").values():
            actions = own.get("Actions")
            for action in map(table, actions if isinstance(actions, list) else ()):
                group = groups.get(reference(action.get("TargetGroupArn")), {})
                paths, methods = _conditions(own)
                for path in paths:
                    for method in methods:
                        yield (
                            function_in(group.get("Targets")),
                            Route(
                                method,
                                path,
                                Api(ALB, reference(own.get("ListenerArn"))),
                                multi_value=_has_multi_value(group),
                                priority=number(own.get("Priority")) or 0,
                            ),
                        )

    def _urls(self) -> Iterator[tuple[str, Cors]]:
        for own in self._of("Lambda::Url").values():
            target = own.get("TargetFunctionArn")
            if function := function_in(target) or reference(target) or said(target):
                yield function, cors_of(own.get("Cors")) or Cors()


def _http_route(key: str, api: Api) -> Route:
    method, _, path = key.partition(" ")
    return Route(method.upper(), path.strip(), api) if path else Route(ANY, key, api)


def _referred(value: object, depth: int = 0) -> str:
    """Return the resource that a value names somewhere: `integrations/${X}`."""
    if isinstance(value, str):
        match = _NAME.search(value)
        return match[1] if match else ""
    if depth > _DEEPEST:
        return ""
    if found := reference(value):
        return found
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next(filter(None, (_referred(item, depth + 1) for item in inner)), "")


def _mocked(integration: Mapping[str, Any]) -> Cors | None:
    answers = integration.get("IntegrationResponses")
    for answer in answers if isinstance(answers, list) else ():
        if cors := cors_of_parameters(table(table(answer).get("ResponseParameters"))):
            return cors
    return None


def _conditions(rule: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths and the methods of a rule."""
    paths: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    conditions = rule.get("Conditions")
    for condition in map(table, conditions if isinstance(conditions, list) else ()):
        field = said(condition.get("Field"))
        if field == "path-pattern":
            own = table(condition.get("PathPatternConfig"))
            paths += words(own.get("Values", condition.get("Values")))
        elif field == "http-request-method":
            methods += words(table(condition.get("HttpRequestMethodConfig")).get("Values"))
    return paths or ("*",), methods or (ANY,)


def _has_multi_value(group: Mapping[str, Any]) -> bool:
    attributes = group.get("TargetGroupAttributes")
    return any(
        said(table(one).get("Key")) == _MULTI_VALUE and is_true(table(one).get("Value"))
        for one in (attributes if isinstance(attributes, list) else ())
    )
