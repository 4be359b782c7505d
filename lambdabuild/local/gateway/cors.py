"""CORS as an API is configured; without a configuration there is none.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-cors.html
"""

from collections.abc import Iterable, Sequence

from lambdabuild.deployment.routes.apis import ANY, HTTP, Cors
from lambdabuild.local.gateway.routes import Route
from lambdabuild.local.http.messages import Headers, Response

_ALL_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def is_preflight(method: str, headers: Headers) -> bool:
    """Return whether a browser asks if it may send another request."""
    return (
        method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers
    )


def allows_origin(cors: Cors, origin: str) -> bool:
    """Return whether pages of an origin may call the API."""
    return any(
        allowed in {"*", origin}
        or (allowed in {"https://*", "http://*"} and origin.startswith(allowed[:-1]))
        or allowed.lower() == origin.lower()
        for allowed in cors.origins
    )


def preflight(route: Route, cors: Cors, siblings: Iterable[Route], origin: str) -> Response:
    """Return the answer to a preflight; `siblings` are all routes with the path.

    An HTTP API answers 204 without a word to origins that it does not allow. A REST API has a mock at
    OPTIONS, which says the same to everyone: the browser compares.
    """
    methods = cors.methods or _methods_of(siblings)
    said = [
        ("Access-Control-Allow-Methods", ",".join(methods)),
        ("Access-Control-Allow-Headers", ",".join(cors.headers)),
        ("Access-Control-Max-Age", "" if cors.max_age is None else str(cors.max_age)),
        ("Access-Control-Allow-Credentials", "true" if cors.credentials else ""),
    ]
    headers = [(name, value) for name, value in said if value]
    if route.kind == HTTP:
        if not allows_origin(cors, origin):
            return Response(204)
        return Response(204, [_origin(cors, origin), *headers])
    return Response(
        200,
        [("Content-Type", "application/json"), _origin(cors, origin), *headers],
        b"{}\n",
    )


def with_cors(response: Response, cors: Cors, origin: str) -> Response:
    """Return a response with the headers of an HTTP API; those of the function count for nothing."""
    ours = "access-control-"
    response.headers = [
        (name, value) for name, value in response.headers if not name.lower().startswith(ours)
    ]
    if origin and allows_origin(cors, origin):
        response.headers.append(_origin(cors, origin))
        if cors.exposed:
            exposed = ",".join(cors.exposed)
            response.headers.append(("Access-Control-Expose-Headers", exposed))
        if cors.credentials:
            response.headers.append(("Access-Control-Allow-Credentials", "true"))
    return response


def _origin(cors: Cors, origin: str) -> tuple[str, str]:
    if "*" in cors.origins:
        allowed = "*"
    else:
        # The mock of a REST API knows one origin, whoever asks.
        allowed = origin if allows_origin(cors, origin) else next(iter(cors.origins), "")
    return "Access-Control-Allow-Origin", allowed


def _methods_of(siblings: Iterable[Route]) -> Sequence[str]:
    methods = {route.declared.method for route in siblings}
    return sorted({*(_ALL_METHODS if ANY in methods else methods), "OPTIONS"})
