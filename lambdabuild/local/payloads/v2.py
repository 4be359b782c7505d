"""Payload format 2.0, of function URLs and HTTP APIs: a request to an event, an answer to a response.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import binascii
import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from lambdabuild.local.http.messages import Headers, Request, Response

JSON = "application/json"
DEFAULT = "$default"
"""The route and the stage of a function URL."""

_OF_A_CONNECTION = frozenset(
    (
        *("connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection"),
    )
)
"""Fields between two neighbours, which a gateway does not pass on: RFC 9110, section 7.6.1."""
_NOT_ANSWERED = _OF_A_CONNECTION | {"content-length"}
"""The server counts the body itself."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class BadAnswerError(Exception):
    """A function's answer cannot be made a response; the message says why, and tells no secrets."""


class Received(NamedTuple):
    """A request with its whole body."""

    method: str
    path: str
    """As sent, from where the API begins: nothing is decoded."""
    query: str
    headers: Headers
    body: bytes
    peer: str
    """The IP address that it came from."""
    protocol: str = "HTTP/1.1"

    @classmethod
    def of(cls, request: Request, body: bytes, path: str | None = None) -> "Received":
        """Return a request with the body that was read; at another path, if one is given."""
        return cls(
            request.method,
            request.path if path is None else path,
            request.query,
            request.headers,
            body,
            request.peer,
            f"HTTP/{request.version}",
        )

    @property
    def host(self) -> str:
        """Where it was sent to, with the port."""
        return self.headers.get("Host", "localhost")

    @property
    def domain(self) -> str:
        """Where it was sent to, without the port."""
        name, bracket, _ = self.host.partition("]")
        return f"{name}]" if bracket else name.partition(":")[0]


def event(
    request: Received,
    *,
    request_id: str,
    trace_id: str,
    now: float,
    api_id: str,
    account: str = "anonymous",
    route_key: str = DEFAULT,
    stage: str = DEFAULT,
    path_parameters: Mapping[str, str] | None = None,
    stage_variables: Mapping[str, str] | None = None,
    authorizer: Mapping[str, Any] | None = None,
    cookie_header: bool = True,
) -> dict[str, Any]:
    """Return the event of a request; `now` is in seconds since 1970.

    What is absent is left out. A function URL tells cookies in the header as well; an HTTP API does not
    (`cookie_header`): https://github.com/aws/aws-lambda-go/issues/597
    """
    headers = event_headers(request, trace_id)
    cookies = [c for field in request.headers.all("Cookie") for c in field.split("; ") if c]
    if not cookie_header:
        headers.pop("cookie", None)
    text, encoded = body_text(request.body, request.headers.get("Content-Type"))
    told: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
    }
    if cookies:
        told["cookies"] = cookies
    told["headers"] = headers
    if query := joined_query(request.query):
        told["queryStringParameters"] = query
    told["requestContext"] = {
        "accountId": account,
        "apiId": api_id,
        **({"authorizer": dict(authorizer)} if authorizer is not None else {}),
        "domainName": request.host,
        "domainPrefix": request.domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.peer,
            "userAgent": request.headers.get("User-Agent"),
        },
        "requestId": request_id,
        "routeKey": route_key,
        "stage": stage,
        "time": request_time(now),
        "timeEpoch": int(now * 1000),
    }
    if request.body:
        told["body"] = text
    if path_parameters:
        told["pathParameters"] = dict(path_parameters)
    told["isBase64Encoded"] = encoded
    if stage_variables:
        told["stageVariables"] = dict(stage_variables)
    return told


def event_headers(request: Received, trace_id: str) -> dict[str, str]:
    """Return the headers with names in lower case, repeated ones joined, and those that AWS adds."""
    headers: dict[str, str] = {}
    for name, value in request.headers:
        lower = name.lower()
        if lower not in _OF_A_CONNECTION:
            # RFC 9110 joins by a comma, but cookies by `; `.
            glue = "; " if lower == "cookie" else ","
            headers[lower] = f"{headers[lower]}{glue}{value}" if lower in headers else value
    if request.body:
        headers["content-length"] = str(len(request.body))
    forwarded = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{forwarded}, {request.peer}" if forwarded else request.peer
    headers.setdefault("x-forwarded-proto", "http")
    port = request.host.rpartition(":")[2]
    headers.setdefault("x-forwarded-port", port if port.isdecimal() else "80")
    headers["x-amzn-trace-id"] = trace_id
    return headers


def joined_query(query: str) -> dict[str, str]:
    """Return the parameters of a query, decoded; the values of a repeated one are joined by commas."""
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def body_text(body: bytes, content_type: str) -> tuple[str, bool]:
    """Return a body as an event has it, and whether that is base64: so is all but text, by its type."""
    media = content_type.partition(";")[0].strip().lower()
    if not body:
        return "", False
    if media.startswith("text/") or any(word in media for word in ("json", "xml", "javascript")):
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode("ascii"), True


def request_time(now: float) -> str:
    """Return seconds since 1970 as API Gateway writes them: `21/Nov/2026:01:44:14 +0000`."""
    at = dt.datetime.fromtimestamp(now, dt.UTC)
    # Not %b, which follows the locale.
    return f"{at.day:02}/{_MONTHS[at.month - 1]}/{at.year}:{at:%H:%M:%S} +0000"


def response(payload: bytes) -> Response:
    """Return the response that a function's whole answer means.

    An object with `statusCode` is a response; all else is the body of one: JSON as it is, a JSON string
    without its quotes.

    Raises:
        BadAnswerError: it has a `statusCode`, but is no response.

    """
    plain = [("Content-Type", JSON)]
    try:
        answer = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError):
        return Response(200, plain, payload)
    if isinstance(answer, str):
        return Response(200, plain, answer.encode("utf-8", "surrogatepass"))
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return Response(200, plain, payload)
    told = head(answer)
    told.body = _body(answer)
    return told


def head(answer: Mapping[str, Any]) -> Response:
    """Return status, headers and cookies of an answer.

    Raises:
        BadAnswerError: one of them cannot be sent.

    """
    headers = answer_headers(answer.get("headers"))
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", JSON))
    cookies = answer.get("cookies") or []
    if not isinstance(cookies, list):
        raise BadAnswerError("`cookies` is no array")
    headers += [("Set-Cookie", _field("Set-Cookie", cookie)) for cookie in cookies]
    return Response(status_of(answer.get("statusCode", 200)), headers)


def status_of(value: object) -> int:
    """Return a status, which may be a number or its digits.

    Raises:
        BadAnswerError: it is no status of a response.

    """
    status: object = value
    if isinstance(value, str):
        status = int(value) if re.fullmatch(r"[0-9]{3}", value) else None
    elif isinstance(value, float):
        status = int(value) if value.is_integer() else None
    if isinstance(status, bool) or not isinstance(status, int):
        raise BadAnswerError("`statusCode` is no number, so no status")
    if not 200 <= status <= 599:  # noqa: PLR2004
        raise BadAnswerError(f"`statusCode` is {status}, which is no status")
    return status


def answer_headers(value: object) -> list[tuple[str, str]]:
    """Return the headers of an answer, without those that are the server's.

    Raises:
        BadAnswerError: they are no object, or one of them cannot be sent.

    """
    if value is None:
        return []
    if not isinstance(value, dict):
        raise BadAnswerError("`headers` is no object")
    return [
        (name, _field(name, text))
        for name, text in value.items()
        if text is not None and name.lower() not in _NOT_ANSWERED
    ]


def _field(name: str, value: object) -> str:
    """Return the value of a header as text."""
    if not _TOKEN.fullmatch(name):
        raise BadAnswerError(f"`{name[:40]!a}` is no name of a header")
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise BadAnswerError(f"the header `{name}` is neither a string nor a number")
    text = str(value).strip()
    if _UNSENDABLE.search(text):
        raise BadAnswerError(f"the header `{name}` has a control character in it")
    return text


def _body(answer: Mapping[str, Any]) -> bytes:
    """Return the body of an answer, decoded; JSON where it is no string."""
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    if answer.get("isBase64Encoded") is not True:
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise BadAnswerError("`isBase64Encoded` is true, but `body` is no base64") from None
