"""What API Gateway and load balancers answer themselves.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
"""

import contextlib
import http
import json

from lambdabuild.deployment.routes.apis import ALB, HTTP, REST
from lambdabuild.local.http.messages import Response

_REST = {
    "route": (403, "Missing Authentication Token", "MissingAuthenticationTokenException"),
    "unauthorized": (401, "Unauthorized", "UnauthorizedException"),
    "forbidden": (403, "Forbidden", "ForbiddenException"),
    "too large": (413, "Request Too Long", "RequestTooLargeException"),
    "failed": (502, "Internal server error", "InternalServerErrorException"),
    "timeout": (504, "Endpoint request timed out", "InternalServerErrorException"),
    "authorizer": (500, None, "AuthorizerConfigurationException"),
}
_HTTP = {
    "route": (404, "Not Found"),
    "unauthorized": (401, "Unauthorized"),
    "forbidden": (403, "Forbidden"),
    "too large": (413, "Request Entity Too Large"),
    "failed": (500, "Internal Server Error"),
    # Not 504: https://github.com/serverless/serverless/issues/11222
    "timeout": (503, "Service Unavailable"),
    "authorizer": (500, "Internal Server Error"),
}
_BALANCER = {"route": 404, "too large": 413, "failed": 502, "timeout": 504}


class RefusedError(Exception):
    """A request does not reach its function, or gets no answer of it."""

    def __init__(self, response: Response) -> None:
        """`response` is what the client gets."""
        super().__init__(response.status)
        self.response = response


def refusal(kind: str, why: str) -> Response:
    """Return what an API or a load balancer answers in the place of a function."""
    if kind == ALB:
        status = http.HTTPStatus(_BALANCER[why])
        title = f"{status.value} {status.phrase}"
        page = (
            f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
            f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
        )
        return Response(status.value, [("Content-Type", "text/html")], page.encode())
    if kind == HTTP:
        code, message = _HTTP[why]
        return _of_json(code, {"message": message})
    code, text, error = _REST[why]
    return _of_json(code, {"message": text}, [("x-amzn-ErrorType", error)])


def denied(kind: str, *, explicitly: bool) -> Response:
    """Return the answer to a caller whom an authorizer does not allow."""
    if kind != REST:
        return refusal(kind, "forbidden")
    # The key is in capitals here, and here alone.
    message = "User is not authorized to access this resource"
    if explicitly:
        message += " with an explicit deny"
    return _of_json(403, {"Message": message}, [("x-amzn-ErrorType", "AccessDeniedException")])


def unbuilt(payload: bytes) -> Response:
    """Return what the compiler says of a function, to whoever works on it: AWS has nothing like it."""
    text = "the function does not build"
    with contextlib.suppress(ValueError, KeyError, TypeError):
        text = str(json.loads(payload)["errorMessage"])
    return Response(502, [("Content-Type", "text/plain; charset=utf-8")], text.encode())


def _of_json(
    status: int, value: dict[str, str | None], headers: list[tuple[str, str]] | None = None
) -> Response:
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(status, [("Content-Type", "application/json"), *(headers or [])], body)
