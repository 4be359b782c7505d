"""A request to API Gateway or a load balancer, and the parts that payload formats make of it."""

import base64
import fnmatch
import functools
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from lambdabuild.local.http.messages import Headers
from lambdabuild.local.payloads.v2 import BadAnswerError, Received, answer_headers, request_time

_OF_A_CONNECTION = frozenset({
    "connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip
"""Headers between two machines, which no function gets from a REST API."""
_TEXT = re.compile(
    r"\s*(?:text/.*|application/(?:.*\+)?(?:json|xml)|application/(?:javascript|x-javascript|graphql"
    r"|x-ndjson|x-www-form-urlencoded|yaml))\s*(?:;.*)?",
    re.IGNORECASE | re.DOTALL,
)
BODILESS = frozenset({204, 304})
"""Statuses of responses without a body."""


class Incoming(NamedTuple):
    """A request that has arrived, and what was made up for it."""

    request: Received
    request_id: str
    trace_id: str
    """The header X-Amzn-Trace-Id: `Root=1-…`."""
    now: float
    """When it arrived, in seconds since 1970."""
    region: str = "us-east-1"

    @property
    def extended_id(self) -> str:
        """An ID as API Gateway makes them: `JCJSViW5PHcESow=`."""
        digest = hashlib.blake2b(self.request_id.encode(), digest_size=11).digest()
        return base64.urlsafe_b64encode(digest).decode()

    @property
    def time(self) -> str:
        """When it arrived, as API Gateway writes that."""
        return request_time(self.now)


def grouped_headers(
    incoming: Incoming, dropped: frozenset[str] = _OF_A_CONNECTION
) -> dict[str, list[str]]:
    """Return the values of each header, by its name as it was sent, with those that AWS adds."""
    request = incoming.request
    _, colon, port = request.host.rpartition(":")
    before = request.headers.all("x-forwarded-for")
    added = {
        "X-Amzn-Trace-Id": incoming.trace_id,
        "X-Forwarded-For": ", ".join([*before, request.peer]),
        "X-Forwarded-Port": port if colon and port.isdecimal() else "80",
        "X-Forwarded-Proto": "http",
    }
    replaced = {name.lower() for name in added}
    names: dict[str, str] = {}
    grouped: dict[str, list[str]] = {}
    for name, value in (*request.headers, *added.items()):
        lower = name.lower()
        if lower not in dropped and (lower not in replaced or name in added):
            known = names.setdefault(lower, _as_aws_writes_it(name))
            grouped.setdefault(known, []).append(value)
    return grouped | {name: [value] for name, value in added.items()}


def _as_aws_writes_it(name: str) -> str:
    # API Gateway passes names on as they were sent, but for those that it reads itself.
    return {"host": "Host", "user-agent": "User-Agent"}.get(name.lower(), name)


def grouped_query(query: str, *, decoded: bool = True) -> dict[str, list[str]]:
    """Return the values of each parameter of a query, in order."""
    grouped: dict[str, list[str]] = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            if decoded:
                name, value = unquote_plus(name), unquote_plus(value)
            grouped.setdefault(name, []).append(value)
    return grouped


def last_values(grouped: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the last value of each: all that a field for one value can hold."""
    return {name: values[-1] for name, values in grouped.items()}


def is_text(headers: Headers, body: bytes) -> bool:
    """Return whether a body goes as it is: its type is one of text, it is not compressed, and it is UTF-8.

    This is the rule for REST APIs of which nobody said which types are binary. A body without a type
    is text if it is UTF-8.
    """
    kind = headers.get("content-type")
    if headers.get("content-encoding", "identity").lower() != "identity":
        return False
    if kind and not _TEXT.fullmatch(kind):
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_among(content_type: str, patterns: Iterable[str]) -> bool:
    """Return whether a content type is one of those that an API calls binary: `image/*`, `*/*`.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html
    """
    # Without a type, API Gateway takes a body for JSON.
    kind = content_type.partition(";")[0].strip().lower() or "application/json"
    return any(
        fnmatch.fnmatchcase(kind, pattern.lower().replace("~1", "/").replace("[", "[[]"))
        for pattern in patterns
    )


def body_of(body: bytes, *, as_text: bool) -> tuple[str | None, bool]:
    """Return a body as JSON holds it, and whether that is base64; None for no body."""
    if not body:
        return None, False
    if as_text:
        return body.decode("utf-8", "replace"), False
    return base64.b64encode(body).decode(), True


@functools.lru_cache(maxsize=1024)
def known_id(*words: str, length: int = 10) -> str:
    """Return an ID as API Gateway makes them, the same for the same words."""
    number = int.from_bytes(hashlib.blake2b("\0".join(words).encode(), digest_size=16).digest())
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(letters))
        digits.append(letters[digit])
    return "".join(digits)


def parsed(payload: bytes) -> Any:
    """Return the value of an answer.

    Raises:
        BadAnswerError: it is not JSON.

    """
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadAnswerError("it is not JSON") from error


def headers_of(pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Return the headers of an answer as they are sent.

    Raises:
        BadAnswerError: one of them cannot be sent.

    """
    return [header for name, value in pairs for header in answer_headers({name: value})]


def bytes_of(body: Any, *, is_base64: bool) -> bytes:
    """Return the bytes of an answer's body.

    Raises:
        BadAnswerError: it is no string, or no base64 although the answer says so.

    """
    if body is None:
        return b""
    if not isinstance(body, str):
        raise BadAnswerError("`body` is no string: encode it as JSON")
    if not is_base64:
        return body.encode("utf-8", "replace")
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise BadAnswerError("`isBase64Encoded` is true, but `body` is no base64") from None
