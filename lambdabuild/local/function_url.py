"""Function URLs: requests to events of payload format 2.0, and answers to responses, streamed or not."""

import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from lambdabuild.deployment.routes.apis import Cors
from lambdabuild.local.functions import (
    PAYLOAD_LIMIT,
    RESPONSE_LIMIT,
    Call,
    Functions,
    Outcome,
    Streamed,
)
from lambdabuild.local.gateway.cors import allows_origin, is_preflight, with_cors
from lambdabuild.local.http.messages import BrokenOffError, Request, Response, TooLargeError
from lambdabuild.local.identity import function_arn, new_request_id, new_trace_id
from lambdabuild.local.payloads import v2
from lambdabuild.local.payloads.v2 import BadAnswerError, Received

HTTP_RESPONSE = "application/vnd.awslambda.http-integration-response"
"""The type of an answer that begins with status and headers, and is streamed.

https://github.com/aws/aws-lambda-go/blob/main/events/lambda_function_urls.go
"""
_END_OF_HEAD = bytes(8)
_MOST_HEAD = 1024 * 1024
"""Bytes of status and headers in front of a streamed body."""
_WHOLE = frozenset({"", "application/json", "application/octet-stream"})
"""Types of what a handler returns: a response, or the body of one. Others name a body of their own."""

_TOO_LARGE = (
    f"a request may have at most {PAYLOAD_LIMIT} bytes, as the event that it becomes: "
    "what is no text takes a third more there, in base64"
)
BUILD_FAILED = "BuildFailed"
"""The error type of a function that does not build: nothing that Lambda has."""

OfUrl = Callable[[str], Cors | None]
"""Tells what the URL of a function allows of CORS; None where that is not configured."""
Note = Callable[[str], None]
"""Takes what a person should know, on one line."""


class _Answer(NamedTuple):
    """What a function has begun to answer."""

    head: bytes
    """What came before the eight NULs; or all of it, if there were none."""
    found: bool
    rest: bytes


class FunctionUrls:
    """The function URLs of functions."""

    def __init__(
        self,
        functions: Functions,
        note: Note,
        region: str = "us-east-1",
        cors: OfUrl = lambda _: None,
    ) -> None:
        """`note` takes why an answer is no response."""
        self._functions = functions
        self._note = note
        self._region = region
        self._cors = cors

    async def handle(self, request: Request, name: str, path: str) -> Response:
        """Answer a request to the URL of a function; `path` is what follows the URL, as it was sent.

        Raises:
            UnknownFunctionError: there is no such function.
            BrokenOffError: the client went away.

        """
        cors, origin = self._cors(name), request.headers.get("Origin")
        if cors is None or not cors.origins or not origin:
            return await self._answer(request, name, path)
        if is_preflight(request.method, request.headers):
            return _preflight(cors, origin)
        response = await self._answer(request, name, path)
        if allows_origin(cors, origin):
            # Beside those of the function, also where they say the same twice: so does Lambda, and
            # browsers refuse it.
            response.headers += with_cors(Response(), cors, origin).headers
        return response

    async def _answer(self, request: Request, name: str, path: str) -> Response:
        try:
            body = await request.read(PAYLOAD_LIMIT)
        except TooLargeError:
            return _text(413, _TOO_LARGE)
        trace_id = request.headers.get("X-Amzn-Trace-Id") or new_trace_id()
        request_id = new_request_id()
        event = v2.event(
            Received.of(request, body, path),
            request_id=request_id,
            trace_id=trace_id,
            now=time.time(),
            api_id=name,
        )
        payload = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        if len(payload) > PAYLOAD_LIMIT:
            return _text(413, _TOO_LARGE)
        call = Call(
            function=name,
            payload=payload,
            request_id=request_id,
            arn=function_arn(self._region, name),
            trace_id=trace_id,
        )
        try:
            response = await self._respond(call)
        except BadAnswerError as error:
            self._note(f"{name}: its answer is no response: {error}")
            response = _text(502, "Internal Server Error")
        response.headers += [
            ("x-amzn-RequestId", request_id),
            ("X-Amzn-Trace-Id", trace_id),
        ]
        return response

    async def _respond(self, call: Call) -> Response:
        streamed = await self._functions.stream(call)
        chunks = streamed.chunks()
        media = streamed.content_type.partition(";")[0].strip().lower()
        if media in _WHOLE:
            payload = await _whole(chunks)
            outcome = await streamed.outcome()
            return _failed(outcome) if outcome.failed else v2.response(payload)
        if media == HTTP_RESPONSE:
            answer = await _head(chunks)
            if answer.found:
                response = _parsed_head(answer.head)
                response.chunks = self._following(call, answer.rest, chunks, streamed)
                return response
            outcome = await streamed.outcome()
            if outcome.failed:
                return _failed(outcome)
            raise BadAnswerError("no eight NULs follow its status and headers")
        first = await anext(chunks, b"")
        if not first and (outcome := await streamed.outcome()).failed:
            return _failed(outcome)
        following = self._following(call, first, chunks, streamed)
        return Response(200, [("Content-Type", streamed.content_type)], chunks=following)

    async def _following(
        self, call: Call, start: bytes, chunks: AsyncIterator[bytes], streamed: Streamed
    ) -> AsyncIterator[bytes]:
        """Yield the body whose first bytes are known."""
        if start:
            yield start
        async for chunk in chunks:
            yield chunk
        if (await streamed.outcome()).failed:
            # The client learns of it by the connection: its end is missing.
            self._note(f"{call.function}: its response broke off")
            raise BrokenOffError


async def _whole(chunks: AsyncIterator[bytes]) -> bytes:
    """Return an answer that is not streamed.

    Raises:
        BadAnswerError: it is larger than such an answer may be.

    """
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > RESPONSE_LIMIT:
            raise BadAnswerError(f"it has more than {RESPONSE_LIMIT} bytes, and is not streamed")
        parts.append(chunk)
    return b"".join(parts)


async def _head(chunks: AsyncIterator[bytes]) -> _Answer:
    """Read up to the eight NULs, wherever the pieces begin and end.

    Raises:
        BadAnswerError: there is far too much before them.

    """
    seen = bytearray()
    async for chunk in chunks:
        start = max(0, len(seen) - len(_END_OF_HEAD) + 1)
        seen += chunk
        at = seen.find(_END_OF_HEAD, start)
        if at >= 0:
            return _Answer(bytes(seen[:at]), True, bytes(seen[at + len(_END_OF_HEAD) :]))
        if len(seen) > _MOST_HEAD:
            raise BadAnswerError("no eight NULs follow its status and headers")
    return _Answer(bytes(seen), False, b"")


def _parsed_head(text: bytes) -> Response:
    try:
        told = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadAnswerError("what precedes the eight NULs is no JSON") from None
    if not isinstance(told, dict):
        raise BadAnswerError("what precedes the eight NULs is no object")
    return v2.head(told)


def _failed(outcome: Outcome) -> Response:
    """Return what AWS answers where a function failed; if it does not build, what the compiler says."""
    if outcome.error_type == BUILD_FAILED:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return _text(502, str(json.loads(outcome.payload)["errorMessage"]))
    return _text(502, "Internal Server Error")


def _preflight(cors: Cors, origin: str) -> Response:
    """Return what Lambda says to OPTIONS where CORS is configured; the function is not asked.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors
    """
    if not allows_origin(cors, origin):
        return Response(200)
    response = with_cors(Response(200), cors, origin)
    said = (
        ("Access-Control-Allow-Methods", ",".join(cors.methods)),
        ("Access-Control-Allow-Headers", ",".join(cors.headers)),
        ("Access-Control-Max-Age", "" if cors.max_age is None else str(cors.max_age)),
    )
    response.headers += [(name, value) for name, value in said if value]
    return response


def _text(status: int, text: str) -> Response:
    return Response(status, [("Content-Type", "text/plain; charset=utf-8")], text.encode())
