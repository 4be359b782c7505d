"""The Lambda API: requests to calls, outcomes to responses."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from urllib.parse import parse_qs, unquote

from lambdabuild.local.functions import (
    LATEST,
    Call,
    Functions,
    Outcome,
    Streamed,
    UnknownFunctionError,
)
from lambdabuild.local.http.messages import Request, Response
from lambdabuild.local.identity import function_arn
from lambdabuild.local.lambda_api import errors, eventstream, invocation, names
from lambdabuild.local.lambda_api.background import Background
from lambdabuild.local.lambda_api.errors import JSON, ServiceError
from lambdabuild.local.lambda_api.invocation import DRY_RUN, EVENT, SYNCHRONOUS, Tail
from lambdabuild.local.lambda_api.names import Named

_INVOKE = "/2015-03-31/functions/"
_STREAM = "/2021-11-15/functions/"
PREFIXES = ("/2015-03-31/", "/2021-11-15/", "/2014-11-13/")
"""How the paths of the Lambda API begin: those that are served, and those that clients try."""


class LambdaApi:
    """The Lambda API of functions.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
    """

    def __init__(
        self,
        functions: Functions,
        region: str = "us-east-1",
        retries: int = 0,
        deployed: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """Retry an event that fails up to `retries` times; Lambda does so twice.

        `deployed` returns the functions by the names that they are deployed under.
        """
        self._functions = functions
        self._deployed = deployed
        self._region = region
        self._background = Background(functions, retries)

    async def close(self) -> None:
        """Give up the events that have not ended."""
        await self._background.close()

    async def handle(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            BrokenOffError: the client went away.

        """
        try:
            return await self._answer(request)
        except ServiceError as error:
            return error.response()

    async def _answer(self, request: Request) -> Response:
        path = request.path
        if request.method == "POST" and path.startswith(_INVOKE):
            segment, _, operation = path.removeprefix(_INVOKE).partition("/")
            if operation == "invocations":
                return await self._invoke(request, segment)
        elif request.method == "POST" and path.startswith(_STREAM):
            segment, _, operation = path.removeprefix(_STREAM).partition("/")
            if operation == "response-streaming-invocations":
                return await self._stream(request, segment)
        elif request.method == "GET" and f"{path}/".startswith(_INVOKE):
            segment, _, operation = f"{path}/".removeprefix(_INVOKE).strip("/").partition("/")
            if not segment:
                return _json({"Functions": [self._configuration(n) for n in self._functions.names]})
            if operation in {"", "configuration"}:
                return self._described(self._named(request, segment), whole=not operation)
        raise ServiceError(
            404,
            "UnknownOperationException",
            f"{request.method} {unquote(path)} is not served on this machine",
            hint="Invoke, InvokeWithResponseStream, ListFunctions and GetFunction are",
        )

    async def _invoke(self, request: Request, segment: str) -> Response:
        named = self._named(request, segment)
        types = (SYNCHRONOUS, EVENT, DRY_RUN)
        asked = await invocation.read(request, named, self._region, types)
        call = asked.call
        headers = _headers(call)
        if asked.type == DRY_RUN:
            return Response(204, headers)
        if asked.type == EVENT:
            if not self._background.start(call):
                raise ServiceError(429, "TooManyRequestsException", "Rate Exceeded.")
            return Response(202, headers)
        tail = Tail() if asked.tail else None
        outcome = await self._called(call, tail)
        headers += [("Content-Type", _content_type(outcome)), ("X-Amz-Executed-Version", LATEST)]
        if outcome.failed:
            headers.append(("X-Amz-Function-Error", "Unhandled"))
        if tail is not None:
            headers.append(("X-Amz-Log-Result", tail.in_base64()))
        return Response(200, headers, outcome.payload)

    async def _called(self, call: Call, tail: Tail | None) -> Outcome:
        try:
            return await self._functions.invoke(call, tail.add if tail is not None else None)
        except UnknownFunctionError:
            raise self._gone(call.function) from None

    async def _stream(self, request: Request, segment: str) -> Response:
        named = self._named(request, segment)
        asked = await invocation.read(request, named, self._region, (SYNCHRONOUS, DRY_RUN))
        call = asked.call
        headers = _headers(call)
        if asked.type == DRY_RUN:
            return Response(204, headers)
        headers += [
            ("Content-Type", eventstream.CONTENT_TYPE),
            ("X-Amz-Executed-Version", LATEST),
        ]
        if asked.tail:
            # The log is known whole only once the response is.
            tail = Tail()
            outcome = await self._called(call, tail)
            frames = _frames_of(outcome, tail)
            return Response(200, headers, b"".join(frames))
        try:
            streamed = await self._functions.stream(call)
        except UnknownFunctionError:
            raise self._gone(call.function) from None
        return Response(200, headers, chunks=self._frames(streamed))

    async def _frames(self, streamed: Streamed) -> AsyncIterator[bytes]:
        async for chunk in streamed.chunks():
            for frame in eventstream.payload_chunks(chunk):
                yield frame
        yield _completed(await streamed.outcome())

    def _named(self, request: Request, segment: str) -> Named:
        qualifier = parse_qs(request.query).get("Qualifier", [""])[0] if request.query else ""
        known, deployed = self._functions.names, self._deployed()
        return names.meant(segment, qualifier, known, self._region, deployed)

    def _described(self, named: Named, *, whole: bool) -> Response:
        configuration = self._configuration(named.name)
        return _json({"Configuration": configuration, "Code": {}} if whole else configuration)

    def _configuration(self, name: str) -> dict[str, str]:
        """Return what is known of a function without building it."""
        return {
            "FunctionName": name,
            "FunctionArn": function_arn(self._region, name),
            "PackageType": "Zip",
            "Version": LATEST,
            "State": "Active",
            "LastUpdateStatus": "Successful",
        }

    def _gone(self, name: str) -> ServiceError:
        return errors.not_found(function_arn(self._region, name, LATEST))


def _headers(call: Call) -> list[tuple[str, str]]:
    return [("x-amzn-RequestId", call.request_id), ("X-Amzn-Trace-Id", call.trace_id)]


def _content_type(outcome: Outcome) -> str:
    return JSON if outcome.failed else outcome.content_type


def _json(value: object) -> Response:
    return Response(200, [("Content-Type", JSON)], json.dumps(value, ensure_ascii=False).encode())


def _completed(outcome: Outcome, tail: Tail | None = None) -> bytes:
    log = tail.in_base64() if tail is not None else ""
    if not outcome.failed:
        return eventstream.complete(log_result=log)
    return eventstream.complete("Unhandled", outcome.payload.decode("utf-8", "replace"), log)


def _frames_of(outcome: Outcome, tail: Tail) -> list[bytes]:
    payload = b"" if outcome.failed else outcome.payload
    return [*eventstream.payload_chunks(payload), _completed(outcome, tail)]
