"""Read the `http`, `httpApi` and `alb` events of the Serverless Framework.

https://www.serverless.com/framework/docs/providers/aws/events/apigateway
https://www.serverless.com/framework/docs/providers/aws/events/http-api
https://www.serverless.com/framework/docs/providers/aws/events/alb
"""

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
from lambdabuild.deployment.routes.reading import (
    cors_of,
    function_in,
    is_true,
    jwt_authorizer,
    lambda_authorizer,
    said,
    sources_of,
    table,
    words,
)

_HEADERS = (
    "Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token",
    "X-Amz-User-Agent", "X-Amzn-Trace-Id",
)  # fmt: skip
"""What `cors: true` lets a page send."""
_METHODS = ("OPTIONS", "GET", "POST", "PUT", "DELETE", "PATCH")
_LAST = 1 << 31
"""A rule of a load balancer without a priority comes after all others."""


class ServerlessApis:
    """The APIs of a service: one of each kind, as the framework makes them."""

    def __init__(self, service: Mapping[str, Any]) -> None:
        """Read what the provider says of all events."""
        provider = table(service.get("provider"))
        gateway = table(provider.get("apiGateway"))
        types = gateway.get("binaryMediaTypes")
        http = table(provider.get("httpApi"))
        self._name = said(service.get("service"))
        self._stage = said(provider.get("stage")) or "dev"
        self._rest = Api(
            REST,
            self._name,
            self._stage,
            binary_types=words(types) if isinstance(types, list) else None,
        )
        self._http = Api(HTTP, self._name, DEFAULT, cors=_with_defaults(http.get("cors"), HTTP))
        self._payload = said(http.get("payload")) or "2.0"
        self._authorizers = {
            str(name): _http_authorizer(table(value))
            for name, value in table(http.get("authorizers")).items()
        }

    def routes_of(self, function: Mapping[str, Any]) -> Iterator[Route]:
        """Yield the routes that the events of a function are."""
        events = function.get("events")
        for event in events if isinstance(events, list) else ():
            for kind, read in (("http", self._of_rest), ("httpApi", self._of_http)):
                own = table(event).get(kind)
                if isinstance(own, str):
                    method, _, path = own.strip().partition(" ")
                    own = {"method": method if path else ANY, "path": path.strip() or method}
                if isinstance(own, dict) and said(own.get("path")):
                    yield read(own)
            if isinstance(own := table(event).get("alb"), dict):
                yield from self._of_balancer(own)

    def _of_rest(self, own: Mapping[str, Any]) -> Route:
        cors = _with_defaults(own.get("cors"), REST)
        return Route(
            said(own.get("method")).upper() or ANY,
            _rooted(said(own["path"])),
            self._rest._replace(cors=cors) if cors else self._rest,
            _rest_authorizer(own.get("authorizer")),
            needs_key=is_true(own.get("private")),
        )

    def _of_http(self, own: Mapping[str, Any]) -> Route:
        path = said(own["path"])
        method = said(own.get("method")).upper()
        everything = path in {"*", DEFAULT}
        return Route(
            ANY if everything or method in {"", "*"} else method,
            DEFAULT if everything else _rooted(path),
            self._http,
            self._demanded(own.get("authorizer")),
            payload=self._payload,
        )

    def _demanded(self, value: object) -> Authorizer | None:
        own = table(value)
        name = said(value) or said(own.get("name")) or said(own.get("id"))
        if said(own.get("type")).lower() == "aws_iam" or name == "aws_iam":
            return Authorizer(IAM)
        found = self._authorizers.get(name)
        scopes = words(own.get("scopes"))
        return found._replace(scopes=scopes) if found and scopes else found

    def _of_balancer(self, own: Mapping[str, Any]) -> Iterator[Route]:
        conditions = table(own.get("conditions"))
        priority = number(own.get("priority"))
        api = Api(ALB, said(own.get("listenerArn")))
        for path in words(conditions.get("path")) or ("*",):
            for method in words(conditions.get("method")) or (ANY,):
                yield Route(
                    method.upper(),
                    path,
                    api,
                    multi_value=is_true(own.get("multiValueHeaders")),
                    priority=_LAST if priority is None else priority,
                )


def url_of(function: Mapping[str, Any]) -> Cors | None:
    """Return what a function URL says of CORS; None where there is no URL."""
    own = function.get("url")
    if own in (None, False):
        return None
    return _with_defaults(table(own).get("cors"), HTTP) or Cors()


def _rooted(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _with_defaults(value: object, kind: str) -> Cors | None:
    """Return a configuration with what the framework adds to it."""
    cors = cors_of(value)
    if cors is None:
        return None
    # Each kind of event has a list of its own; a REST API's own methods are counted by the path.
    methods = cors.methods or (_METHODS if kind == HTTP else ())
    return cors._replace(headers=cors.headers or _HEADERS, methods=methods)


def _rest_authorizer(value: object) -> Authorizer | None:
    if value is None:
        return None
    own = table(value)
    name = said(value) or said(own.get("name"))
    if name.lower() == "aws_iam" or said(own.get("type")).lower() == "aws_iam":
        return Authorizer(IAM)
    arn = said(own.get("arn")) or name
    sort = said(own.get("type")).lower()
    sources = sources_of(own.get("identitySource"))
    pattern = own.get("identityValidationExpression")
    if sort == "cognito_user_pools" or ":cognito-idp:" in arn or "userpool" in str(own).lower():
        return jwt_authorizer(sources, own.get("scopes"), pattern)
    return lambda_authorizer(
        REQUEST if sort == "request" else TOKEN,
        function_in(own.get("arn")) or function_in(arn) or name,
        sources or ("header.Authorization",),
        ttl=own.get("resultTtlInSeconds"),
        pattern=pattern,
    )


def _http_authorizer(own: Mapping[str, Any]) -> Authorizer:
    sources = sources_of(own.get("identitySource"))
    if said(own.get("type")).lower() != "request":
        return jwt_authorizer(sources)
    return lambda_authorizer(
        REQUEST,
        said(own.get("functionName")) or function_in(own.get("functionArn")),
        sources,
        payload=own.get("payloadVersion", "2.0"),
        simple=own.get("enableSimpleResponses"),
    )
