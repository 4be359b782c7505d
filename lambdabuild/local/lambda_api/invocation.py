"""What a client asks for by a request: the call, its type, whether it wants the log."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import NamedTuple

from lambdabuild.local.functions import LATEST, PAYLOAD_LIMIT, Call
from lambdabuild.local.http.messages import Headers, Request, TooLargeError
from lambdabuild.local.identity import function_arn, new_request_id, new_trace_id
from lambdabuild.local.lambda_api import errors
from lambdabuild.local.lambda_api.names import Named

EVENT_LIMIT = 1024 * 1024
"""Bytes of a payload that nobody waits for the answer to."""
SYNCHRONOUS = "RequestResponse"
EVENT = "Event"
DRY_RUN = "DryRun"
_LONGEST_CONTEXT = 3583
"""Bytes of a client context, in base64."""
_TAIL = 4 * 1024


class Invocation(NamedTuple):
    """An invocation that a client asks for."""

    type: str
    tail: bool
    """The client wants the last of the log."""
    call: Call


async def read(request: Request, named: Named, region: str, types: Sequence[str]) -> Invocation:
    """Read a request for an invocation of a function, of one of some types; the first is the default.

    Raises:
        ServiceError: it is refused.
        BrokenOffError: the client went away.

    """
    kind = _one_of("invocationType", request.headers, "X-Amz-Invocation-Type", types)
    log_type = _one_of("logType", request.headers, "X-Amz-Log-Type", ("None", "Tail"))
    context = client_context(request.headers.get("X-Amz-Client-Context"))
    limit = EVENT_LIMIT if kind == EVENT else PAYLOAD_LIMIT
    payload = await read_payload(request, limit, kind)
    call = Call(
        function=named.name,
        payload=payload,
        request_id=new_request_id(),
        arn=function_arn(region, named.name, LATEST if named.qualifier else ""),
        client_context=context,
        trace_id=request.headers.get("X-Amzn-Trace-Id") or new_trace_id(),
    )
    return Invocation(kind, log_type == "Tail", call)


async def read_payload(request: Request, limit: int, kind: str = SYNCHRONOUS) -> bytes:
    """Return the payload of a request: JSON, `{}` where there is none.

    Raises:
        ServiceError: it is too large, or no JSON.
        BrokenOffError: the client went away.

    """
    length = request.headers.get("Content-Length")
    if length.isdecimal() and int(length) > limit:
        # A client that asks first (`Expect: 100-continue`) keeps its body.
        raise errors.too_large(int(length), limit, kind)
    try:
        payload = await request.read(limit)
    except TooLargeError as error:
        raise errors.too_large(error.size, limit, kind) from None
    if not payload:
        return b"{}"
    if problem := json_problem(payload):
        raise errors.invalid_content(
            f"Could not parse request body into json: Could not parse payload into json: {problem}"
        )
    return payload


def json_problem(payload: bytes) -> str:
    """Return why bytes are no JSON; empty if they are."""
    try:
        # Numbers are the function's business: neither their size nor NaN, which is no JSON.
        json.loads(
            payload.decode("utf-8"), parse_int=str, parse_float=str, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        return f"invalid UTF-8 at byte {error.start}"
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        return str(error)
    return ""


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def client_context(text: str) -> str:
    """Return the JSON that a header has in base64; empty for none.

    Raises:
        ServiceError: it is none, or too long.

    """
    if not text:
        return ""
    if len(text) > _LONGEST_CONTEXT:
        raise errors.invalid_content(
            f"Client context must be no more than {_LONGEST_CONTEXT} bytes of base64."
        )
    try:
        decoded = base64.b64decode(text, validate=True)
        is_object = not json_problem(decoded) and isinstance(json.loads(decoded), dict)
    except (binascii.Error, ValueError):
        is_object = False
    if not is_object:
        raise errors.invalid_content("Client context must be a valid Base64-encoded JSON object.")
    return decoded.decode("utf-8")


def _one_of(parameter: str, headers: Headers, name: str, allowed: Sequence[str]) -> str:
    """Return the value of a header that has few; the first is what its absence means."""
    value = headers.get(name) or allowed[0]
    if value not in allowed:
        raise errors.invalid(
            f"Value '{value}' at '{parameter}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        )
    return value


class Tail:
    """The last 4 KB of a log."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kept = bytearray()

    def add(self, line: bytes) -> None:
        """Take a line; what is too long ago is forgotten."""
        self._kept += line
        if len(self._kept) > _TAIL:
            del self._kept[:-_TAIL]

    def in_base64(self) -> str:
        """Return it as a header has it."""
        return base64.b64encode(self._kept).decode("ascii")
