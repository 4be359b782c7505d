"""Lambda's Runtime API for one process: which requests it may make, and what comes of them.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; what that page leaves open is as in AWS's own
emulator (https://github.com/aws/aws-lambda-runtime-interface-emulator).
"""

import asyncio
import json
import time
import uuid
from enum import Enum
from typing import Protocol

from lambdabuild.local.functions import RESPONSE_LIMIT, Call, Outcome, Program
from lambdabuild.local.http.messages import (
    BrokenOffError,
    Headers,
    Request,
    Response,
    TooLargeError,
)
from lambdabuild.local.runtime import failures
from lambdabuild.local.runtime.extensions import PREFIX as EXTENSIONS
from lambdabuild.local.runtime.extensions import Extensions
from lambdabuild.local.runtime.invocation import Invocation, Stream

_VERSION = "/2018-06-01"
_INVOCATION = f"{_VERSION}/runtime/invocation/"
_MODE = "Lambda-Runtime-Function-Response-Mode"
_NO_END = 24 * 60 * 60.0
"""Seconds until the deadline that a function sees that has none."""
_JSON = ("Content-Type", "application/json")
_HOSTS = frozenset({"127.0.0.1", "localhost", "host.docker.internal"})
_STUBS = {"/2020-08-15/logs": "Logs", "/2022-07-01/telemetry": "Telemetry"}


class Phase(Enum):
    """Where a process is."""

    STARTING = "starting"
    """It has not asked for an event yet."""
    READY = "ready"
    """It waits for an event."""
    RUNNING = "running"
    """It has an event."""
    ANSWERING = "answering"
    """Its response arrives."""
    ANSWERED = "answered"
    """It has answered, and not yet asked for the next event."""
    BROKEN = "broken"
    """It said that it cannot start."""
    OVER = "over"
    """It is ended."""


class Listener(Protocol):
    """Who runs the process."""

    def asked(self) -> None:
        """Hear that it asks for an event: what it did before is complete."""

    def delivered(self) -> None:
        """Hear that it has an event now."""

    def answered(self) -> None:
        """Hear that its answer is complete, or that there will be none."""

    def broken(self) -> None:
        """Hear that it cannot start."""

    def broken_off(self) -> None:
        """Hear that its response broke off in the middle."""

    def away(self) -> None:
        """Hear that it waits for an event no more, though it has not ended yet."""

    def left(self) -> None:
        """Hear that it has answered and gone: nobody started it here who could tell."""


class RuntimeApi:
    """The state of one process, as its requests change it."""

    def __init__(self, program: Program, listener: Listener) -> None:
        """Tell changes to `listener`, at once."""
        self._program = program
        self._listener = listener
        self.restart()

    def restart(self) -> None:
        """Begin anew, for another process."""
        self.phase = Phase.STARTING
        self.invocation: Invocation | None = None
        self.init_error: Outcome | None = None
        self.extensions = Extensions(self._program)
        self._event = Response()
        self._poll: asyncio.Future[Response] | None = None
        self._asking: Request | None = None

    @property
    def connected(self) -> bool:
        """Whether the process that asked for an event is still there to get it."""
        return self._asking is not None and not self._asking.gone.done()

    @property
    def unread(self) -> bool:
        """Whether the process ended without reading the event that it was sent."""
        return self.phase is Phase.RUNNING and self._asking is not None and self._asking.reset

    def give(self, invocation: Invocation, timeout: float | None) -> None:
        """Answer the request that waits with an event; `timeout` is in seconds."""
        self.invocation = invocation
        self.phase = Phase.RUNNING
        deadline = int((time.time() + (_NO_END if timeout is None else timeout)) * 1000)
        trace = invocation.call.trace_id or _trace()
        self._event = _event(invocation.call, deadline, trace)
        if self.extensions.any:
            self.extensions.tell(
                {
                    "eventType": "INVOKE",
                    "deadlineMs": deadline,
                    "requestId": invocation.call.request_id,
                    "invokedFunctionArn": invocation.call.arn,
                    "tracing": {"type": "X-Amzn-Trace-Id", "value": trace},
                }
            )
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(self._event)
        self._listener.delivered()

    async def handle(self, request: Request) -> Response:
        """Answer a request of the process."""
        if _of_a_browser(request.headers):
            return _refusal(403, "Forbidden", "Web pages have no business here")
        path = request.path
        if path.startswith(_INVOCATION):
            rest = path[len(_INVOCATION) :]
            if rest == "next":
                return await self._next(request) if request.method == "GET" else Response(405)
            request_id, _, what = rest.partition("/")
            if what in {"response", "error"}:
                if request.method != "POST":
                    return Response(405)
                return await self._answer(request, request_id, what)
        return await self._seldom(request, path)

    async def _seldom(self, request: Request, path: str) -> Response:
        if path == f"{_VERSION}/runtime/init/error":
            return await self._init_error(request) if request.method == "POST" else Response(405)
        if path in {"/ping", f"{_VERSION}/ping"}:
            text = [("Content-Type", "text/plain; charset=utf-8")]
            return Response(200, text, b"pong") if request.method == "GET" else Response(405)
        if path in _STUBS:
            if request.method != "PUT":
                return Response(405)
            await request.read(RESPONSE_LIMIT)
            name = _STUBS[path]
            return _refusal(202, f"{name}.NotSupported", f"{name} API is not supported")
        answer = None
        if path.startswith(EXTENSIONS):
            if self._program.attached is not None and not self.connected:
                self.extensions = Extensions(self._program)  # of another process than before
            answer = await self.extensions.handle(request)
        plain = [("Content-Type", "text/plain; charset=utf-8")]
        return answer or Response(404, plain, b"404 page not found\n")

    async def _next(self, request: Request) -> Response:
        if self.phase is Phase.RUNNING:
            self._asking = request
            return self._event
        if self.phase in {Phase.ANSWERING, Phase.BROKEN, Phase.OVER}:
            return _forbidden(self.phase, "ask for an event")
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(_forbidden(self.phase, "ask twice"))
        poll: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def left(_: object) -> None:
            if not poll.done():
                poll.set_result(_refusal(500, "Gone", "The process closed the connection"))
                if self._poll is poll and self.phase is Phase.READY:
                    self._left()

        self._poll = poll
        self._asking = request
        self.phase = Phase.READY
        self.extensions.open = False
        request.gone.add_done_callback(left)
        try:
            self._listener.asked()
            return await poll
        finally:
            request.gone.remove_done_callback(left)
            if self._program.attached is not None:
                request.gone.add_done_callback(lambda _: self._detached(request))

    def _detached(self, request: Request) -> None:
        """See the end of a process that nobody here started."""
        if self._asking is request and self.phase is Phase.ANSWERED:
            self._listener.left()
            self.restart()

    def _left(self) -> None:
        """Take no event for it until it asks again; a process that nobody here started may be another."""
        if self._program.attached is not None:
            self.restart()
        else:
            self.phase = Phase.ANSWERED
            self._listener.away()

    async def _answer(self, request: Request, request_id: str, what: str) -> Response:
        invocation = self.invocation
        if invocation is not None and request_id != invocation.call.request_id:
            return _refusal(400, "InvalidRequestID", "Invalid request ID")
        if invocation is None or self.phase is not Phase.RUNNING:
            return _forbidden(self.phase, "answer")
        mode = request.headers.get(_MODE)
        if what == "response" and mode.lower() not in {"", "streaming"}:
            self.settle(failures.invalid_mode(request_id, mode).outcome())
            return _refusal(400, "InvalidFunctionResponseMode", f"Invalid response mode: {mode}")
        self.phase = Phase.ANSWERING
        try:
            outcome = await _outcome(request, invocation, what)
        except TooLargeError:
            if self._current(invocation):
                self.settle(failures.too_large().outcome())
            limit = f"Exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
            return _refusal(413, "RequestEntityTooLarge", limit)
        except BrokenOffError:
            if self._current(invocation):
                self._listener.broken_off()
            raise
        if not self._current(invocation):
            return _forbidden(self.phase, "answer")
        self.settle(outcome)
        return _accepted()

    def _current(self, invocation: Invocation) -> bool:
        return self.phase is Phase.ANSWERING and self.invocation is invocation

    def settle(self, outcome: Outcome) -> None:
        """End the invocation; the process is expected to ask for the next event."""
        self.phase = Phase.ANSWERED
        if self.invocation is not None:
            self.invocation.settle(outcome)
        self._listener.answered()

    async def _init_error(self, request: Request) -> Response:
        if self.phase is not Phase.STARTING:
            return _forbidden(self.phase, "report an error of its start")
        try:
            body = await request.read(RESPONSE_LIMIT)
        except TooLargeError:
            return _refusal(413, "RequestEntityTooLarge", "The error is too large")
        self.phase = Phase.BROKEN
        self.init_error = failures.posted(request.headers, body)
        self._listener.broken()
        return _accepted()


def _of_a_browser(headers: Headers) -> bool:
    """Tell whether a web page makes a request, be it under a name of its own for this machine."""
    host = headers.get("Host").rpartition(":")[0]
    return host not in _HOSTS or "Origin" in headers or "Sec-Fetch-Site" in headers


async def _outcome(request: Request, invocation: Invocation, what: str) -> Outcome:
    """Read an answer to its end, a streamed one as fast as it is taken."""
    if what == "error":
        return failures.posted(request.headers, await request.read(RESPONSE_LIMIT))
    content_type = request.headers.get("Content-Type") or failures.JSON
    body = b""
    if isinstance(invocation, Stream):
        invocation.content_type = content_type
        async for piece in request.body.chunks():
            await invocation.feed(piece)
    else:
        body = await request.read(RESPONSE_LIMIT)
    failed = failures.in_trailers(request.body.trailers)
    return failed or Outcome(body, content_type=content_type)


def _event(call: Call, deadline: int, trace: str) -> Response:
    headers = [
        _JSON,
        ("Lambda-Runtime-Aws-Request-Id", call.request_id),
        ("Lambda-Runtime-Deadline-Ms", str(deadline)),
        ("Lambda-Runtime-Invoked-Function-Arn", call.arn),
        ("Lambda-Runtime-Trace-Id", trace),
    ]
    if call.client_context:
        # JSON has no line breaks that matter, and a header has none at all.
        context = " ".join(call.client_context.splitlines())
        headers.append(("Lambda-Runtime-Client-Context", context))
    return Response(200, headers, call.payload)


def _trace() -> str:
    """Return a trace of its own: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html."""
    root, parent = uuid.uuid4().hex, uuid.uuid4().hex
    return f"Root=1-{int(time.time()):08x}-{root[:24]};Parent={parent[:16]};Sampled=0"


def _accepted() -> Response:
    return Response(202, [_JSON], b'{"status":"OK"}')


def _forbidden(phase: Phase, what: str) -> Response:
    return _refusal(
        403, "InvalidStateTransition", f"A runtime that is {phase.value} must not {what}"
    )


def _refusal(status: int, kind: str, message: str) -> Response:
    body = {"errorMessage": message, "errorType": kind}
    return Response(status, [_JSON], json.dumps(body, separators=(",", ":")).encode())
