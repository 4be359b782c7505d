"""What an Application Load Balancer sends a function, and takes back.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

import re
from typing import Any

from lambdabuild.deployment.routes.apis import Route
from lambdabuild.local.functions import ACCOUNT
from lambdabuild.local.http.messages import Response
from lambdabuild.local.payloads.incoming import (
    Incoming,
    body_of,
    bytes_of,
    grouped_headers,
    grouped_query,
    headers_of,
    known_id,
    last_values,
    parsed,
)
from lambdabuild.local.payloads.v2 import BadAnswerError, status_of

MOST_BYTES = 1024 * 1024
"""Of a request's body, and of an answer."""
_TEXT = re.compile(
    r"\s*(?:text/.*|application/(?:json|javascript|xml))\s*(?:;.*)?", re.IGNORECASE | re.DOTALL
)


def event(incoming: Incoming, route: Route, function: str) -> dict[str, Any]:
    """Return the event of a request: nothing of its path and query is decoded."""
    request = incoming.request
    headers = {
        name.lower(): values
        for name, values in grouped_headers(incoming, frozenset({"connection"})).items()
    }
    query = grouped_query(request.query, decoded=False)
    kind = request.headers.get("content-type") or "text/plain"
    text = "content-encoding" not in request.headers and _TEXT.fullmatch(kind) is not None
    body, is_base64 = body_of(request.body, as_text=text)
    group = known_id(route.api.name, function, length=16)
    parts: dict[str, Any] = (
        {"multiValueQueryStringParameters": query, "multiValueHeaders": headers}
        if route.multi_value
        else {"queryStringParameters": last_values(query), "headers": last_values(headers)}
    )
    return {
        "requestContext": {
            "elb": {
                "targetGroupArn": f"arn:aws:elasticloadbalancing:{incoming.region}:{ACCOUNT}"
                f":targetgroup/{function}/{group}"
            }
        },
        "httpMethod": request.method,
        "path": request.path,
        **parts,
        "body": body or "",
        "isBase64Encoded": is_base64,
    }


def response(payload: bytes, route: Route) -> Response:
    """Return the response that an answer means.

    Of an answer it takes `multiValueHeaders` where the target group has multi-value headers, and
    `headers` where it has not.

    Raises:
        BadAnswerError: it means none.

    """
    if len(payload) > MOST_BYTES:
        raise BadAnswerError("it is larger than 1 MiB, the most that a load balancer takes")
    answer = parsed(payload)
    if not isinstance(answer, dict) or answer.get("statusCode") is None:
        raise BadAnswerError("it is no object with `statusCode`")
    if isinstance(answer["statusCode"], str):
        raise BadAnswerError("`statusCode` is a string, which a load balancer does not take")
    field = "multiValueHeaders" if route.multi_value else "headers"
    said = answer.get(field) or {}
    if not isinstance(said, dict):
        raise BadAnswerError(f"`{field}` is no object")
    headers = headers_of(
        (name, value)
        for name, values in said.items()
        for value in (values if route.multi_value and isinstance(values, list) else [values])
    )
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/octet-stream"))
    status = status_of(answer["statusCode"])
    body = bytes_of(answer.get("body"), is_base64=answer.get("isBase64Encoded") is True)
    return Response(status, headers, body, reason=_reason(answer.get("statusDescription")))


def _reason(description: object) -> str:
    """Return the reason of a `200 OK`; empty for what cannot be sent."""
    text = description if isinstance(description, str) else ""
    reason = text.partition(" ")[2]
    return reason if reason.isascii() and reason.isprintable() else ""
