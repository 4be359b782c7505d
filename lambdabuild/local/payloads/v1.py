"""Payload format 1.0: what a REST API sends a function, and an HTTP API that asks for it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from lambdabuild.deployment.routes.apis import DEFAULT, HTTP, Route
from lambdabuild.local.functions import ACCOUNT
from lambdabuild.local.http.messages import Response
from lambdabuild.local.payloads.incoming import (
    Incoming,
    body_of,
    bytes_of,
    grouped_headers,
    grouped_query,
    headers_of,
    is_among,
    is_text,
    known_id,
    last_values,
    parsed,
)
from lambdabuild.local.payloads.v2 import BadAnswerError, body_text, status_of

_REMAPPED = frozenset({
    "authorization", "content-md5", "date", "host", "server", "user-agent", "www-authenticate",
})  # fmt: skip
"""What a REST API sends on as `x-amzn-Remapped-…`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""


class Place(NamedTuple):
    """The route that a request took."""

    route: Route
    parameters: Mapping[str, str]
    """What the parameters of its path took: an HTTP API decodes that, a REST API does not."""
    authorizer: Mapping[str, Any] | None = None
    """What an authorizer said of the caller."""
    api_key: str | None = None

    @property
    def api_id(self) -> str:
        return known_id(self.route.api.kind, self.route.api.name)

    @property
    def key(self) -> str:
        """What HTTP APIs call a route: `GET /users/{id}`."""
        path = self.route.path
        return path if path == DEFAULT else f"{self.route.method} {path}"


def event(incoming: Incoming, place: Place) -> dict[str, Any]:
    """Return the event of a request."""
    body, is_base64 = _body(incoming, place.route)
    return {
        **({"version": "1.0"} if place.route.api.kind == HTTP else {}),
        **_head(incoming, place),
        "requestContext": _context(incoming, place),
        "body": body,
        "isBase64Encoded": is_base64,
    }


def _body(incoming: Incoming, route: Route) -> tuple[str | None, bool]:
    request, types = incoming.request, route.api.binary_types
    kind = request.headers.get("content-type")
    if not request.body:
        return None, False
    if route.api.kind == HTTP:
        return body_text(request.body, kind)
    text = is_text(request.headers, request.body) if types is None else not is_among(kind, types)
    return body_of(request.body, as_text=text)


def _head(incoming: Incoming, place: Place) -> dict[str, Any]:
    headers = grouped_headers(incoming)
    query = grouped_query(incoming.request.query)
    return {
        "resource": place.route.path,
        "path": incoming.request.path,
        "httpMethod": incoming.request.method,
        "headers": last_values(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": last_values(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(place.parameters) or None,
        "stageVariables": dict(place.route.api.stage_variables) or None,
    }


def _context(incoming: Incoming, place: Place) -> dict[str, Any]:
    request, route, api = incoming.request, place.route, place.route.api
    of_http_api = api.kind == HTTP
    in_stage = "" if api.stage in {"", DEFAULT} else f"/{api.stage}"
    path = f"{in_stage}{request.path}"
    made: dict[str, Any] = {
        "accountId": ACCOUNT,
        "apiId": place.api_id,
        "domainName": request.host,
        "domainPrefix": request.host.partition(".")[0].partition(":")[0],
        "extendedRequestId": incoming.extended_id,
        "httpMethod": request.method,
        "identity": _identity(incoming, place),
        "path": unquote(path) if of_http_api else path,
        "protocol": request.protocol,
        "requestId": incoming.extended_id if of_http_api else incoming.request_id,
        "requestTime": incoming.time,
        "requestTimeEpoch": int(incoming.now * 1000),
        "resourceId": place.key if of_http_api else known_id(api.name, route.path, length=6),
        "resourcePath": route.path,
        "stage": api.stage,
    }
    if not of_http_api:
        made["deploymentId"] = known_id(api.name, api.stage, length=6)
    if place.authorizer is not None:
        made["authorizer"] = dict(place.authorizer)
    return made


def _identity(incoming: Incoming, place: Place) -> dict[str, Any]:
    absent = "" if place.route.api.kind == HTTP else None
    identity: dict[str, Any] = {
        "accessKey": None,
        "accountId": None,
        "caller": None,
        "cognitoAuthenticationProvider": None,
        "cognitoAuthenticationType": None,
        "cognitoIdentityId": None,
        "cognitoIdentityPoolId": None,
        "principalOrgId": None,
        "sourceIp": incoming.request.peer,
        "user": None,
        "userAgent": incoming.request.headers.get("user-agent") or absent,
        "userArn": None,
    }
    if place.api_key is not None:
        identity |= {"apiKey": place.api_key, "apiKeyId": known_id(place.api_key)}
    return identity


def authorizer_event(incoming: Incoming, place: Place, arn: str) -> dict[str, Any]:
    """Return what an authorizer of type REQUEST gets; `arn` is that of the method.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
    """
    return {
        **({"version": "1.0"} if place.route.api.kind == HTTP else {}),
        "type": "REQUEST",
        "methodArn": arn,
        **_head(incoming, place),
        "requestContext": _context(incoming, place),
    }


def response(payload: bytes, incoming: Incoming, route: Route) -> Response:
    """Return the response that an answer means.

    Raises:
        BadAnswerError: it means none.

    """
    answer = parsed(payload)
    if not isinstance(answer, dict) or answer.get("statusCode") is None:
        raise BadAnswerError("it is no object with `statusCode`")
    status = status_of(answer["statusCode"])
    headers = headers_of(_merged(answer))
    if not any(name.lower() == "content-type" for name, _ in headers):
        default = "text/plain; charset=utf-8" if route.api.kind == HTTP else "application/json"
        headers.append(("Content-Type", default))
    if route.api.kind != HTTP:
        headers = [
            (f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED else name, value)
            for name, value in headers
        ]
    is_base64 = answer.get("isBase64Encoded") is True and _is_decoded(incoming, route)
    return Response(status, headers, bytes_of(answer.get("body"), is_base64=is_base64))


def _merged(answer: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the headers: all of `multiValueHeaders`, and those of `headers` that are not among them."""
    several = answer.get("multiValueHeaders") or {}
    single = answer.get("headers") or {}
    if not isinstance(several, dict) or not isinstance(single, dict):
        raise BadAnswerError("its headers are no object")
    seen = set()
    for name, values in several.items():
        if not isinstance(values, list):
            raise BadAnswerError(f"`multiValueHeaders` has no array for `{name[:40]}`")
        for value in values:
            seen.add((name.lower(), str(value)))
            yield name, value
    for name, value in single.items():
        if (name.lower(), str(value)) not in seen:
            yield name, value


def _is_decoded(incoming: Incoming, route: Route) -> bool:
    """Return whether base64 is decoded for the client.

    A REST API does so if the first type that the client accepts is one that it calls binary. Where
    nobody said which types are, it is done as the function says.
    """
    if route.api.binary_types is None or route.api.kind == HTTP:
        return True
    accepted = incoming.request.headers.get("accept", "*/*").partition(",")[0]
    return is_among(accepted, route.api.binary_types)
