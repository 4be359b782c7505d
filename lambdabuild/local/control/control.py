"""What `lambdabuild invoke` asks of a `serve` that runs: which functions it has, and calls with their logs.

Nobody else is answered: each request needs the token, which only this user can read.
"""

import asyncio
import base64
import json
import math
import os
import secrets
from collections import deque
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

from lambdabuild import __version__
from lambdabuild.local.functions import (
    PAYLOAD_LIMIT,
    Call,
    Functions,
    Outcome,
    UnknownFunctionError,
)
from lambdabuild.local.http.messages import Request, Response
from lambdabuild.local.identity import function_arn, new_request_id, new_trace_id
from lambdabuild.local.lambda_api import invocation
from lambdabuild.local.lambda_api.errors import ServiceError

PATH = "/_lambdabuild"
INVOCATIONS = f"{PATH}/invocations/"
TOKEN = "Lambdabuild-Token"  # noqa: S105 (the name of the header)
TIMEOUT = "Lambdabuild-Timeout"
"""Seconds."""
CLIENT_CONTEXT = "Lambdabuild-Client-Context"
"""A JSON object, in base64."""
LINES = "application/x-ndjson"

_MOST_WAITING = 4 * 1024 * 1024
"""Bytes of log that wait for a slow client."""


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(32)


class Control:
    """Answers below `/_lambdabuild`."""

    def __init__(
        self, functions: Functions, project: str, token: str, region: str = "us-east-1"
    ) -> None:
        """`project` is the absolute path of its directory."""
        self._functions = functions
        self._project = project
        self._token = token.encode()
        self._region = region
        self._calls: set[asyncio.Task[Outcome]] = set()

    async def close(self) -> None:
        """Cancel the calls that have not ended."""
        for task in self._calls:
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def handle(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            BrokenOffError: the client went away.

        """
        given = request.headers.get(TOKEN).encode("utf-8", "surrogateescape")
        if not secrets.compare_digest(given, self._token):
            return _message(403, f"the header {TOKEN} is missing, or is not that of this server")
        if request.path == PATH and request.method == "GET":
            return _json(
                {
                    "project": self._project,
                    "version": __version__,
                    "pid": os.getpid(),
                    "functions": list(self._functions.names),
                }
            )
        if request.path.startswith(INVOCATIONS) and request.method == "POST":
            try:
                return await self._invoke(request, unquote(request.path.removeprefix(INVOCATIONS)))
            except ServiceError as error:
                return _message(error.status, error.message)
        return _message(404, f"there is no {request.method} {request.path}")

    async def _invoke(self, request: Request, name: str) -> Response:
        call = Call(
            function=name,
            payload=await invocation.read_payload(request, PAYLOAD_LIMIT),
            request_id=new_request_id(),
            arn=function_arn(self._region, name),
            client_context=invocation.client_context(request.headers.get(CLIENT_CONTEXT)),
            trace_id=new_trace_id(),
            timeout=_seconds(request.headers.get(TIMEOUT)),
        )
        lines = _Lines()
        task = asyncio.get_running_loop().create_task(self._functions.invoke(call, lines.add))
        # It goes on without its client, as on Lambda.
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        task.add_done_callback(lines.end)
        await lines.more()
        if task.done() and isinstance(task.exception(), UnknownFunctionError):
            return _message(404, f"there is no function `{name}`")
        return Response(200, [("Content-Type", LINES)], chunks=_told(call, task, lines))


class _Lines:
    """A log on its way to a client: what is too much for it is left out, and said to be."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._left_out = 0
        self._news = asyncio.Event()
        self._ended = False

    def add(self, line: bytes) -> None:
        if self._size + len(line) > _MOST_WAITING:
            self._left_out += 1
        else:
            self._waiting.append(line)
            self._size += len(line)
        self._news.set()

    def end(self, _: object) -> None:
        self._ended = True
        self._news.set()

    async def more(self) -> bool:
        """Wait for a line; tell whether there is one, or all have been taken."""
        while not (self._waiting or self._left_out or self._ended):
            self._news.clear()
            await self._news.wait()
        return bool(self._waiting or self._left_out)

    def take(self) -> list[str]:
        """Return the lines that wait."""
        lines = [line.decode("utf-8", "replace") for line in self._waiting]
        if self._left_out:
            lines.append(f"[{self._left_out} lines left out: they came too fast]\n")
        self._waiting.clear()
        self._size = self._left_out = 0
        return lines


async def _told(call: Call, task: "asyncio.Task[Outcome]", lines: _Lines) -> AsyncIterator[bytes]:
    """Yield the log as it comes, and then the outcome, as lines of JSON."""
    while await lines.more():
        yield b"".join(_line({"log": line}) for line in lines.take())
    outcome = await task
    yield _line(
        {
            "payload": base64.b64encode(outcome.payload).decode("ascii"),
            "failed": outcome.failed,
            "error_type": outcome.error_type,
            "content_type": outcome.content_type,
            "request_id": call.request_id,
            "seconds": outcome.seconds,
        }
    )


def _seconds(text: str) -> float | None:
    """Return the timeout that a header has, if it has one.

    Raises:
        ServiceError: it is no number of seconds.

    """
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ServiceError(400, "ValidationException", f"{TIMEOUT} is no number of seconds")
    return seconds


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _json(value: dict[str, Any], status: int = 200) -> Response:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return Response(status, [("Content-Type", "application/json")], body)


def _message(status: int, message: str) -> Response:
    return _json({"message": message}, status)
