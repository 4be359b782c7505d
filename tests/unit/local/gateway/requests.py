"""Requests and functions for tests of the gateway, without a server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from lambdabuild.deployment.routes.apis import Api, Authorizer, Cors
from lambdabuild.deployment.routes.apis import Route as Declared
from lambdabuild.deployment.routes.written import read_route
from lambdabuild.local.functions import Call, LogSink, Outcome, Streamed, UnknownFunctionError
from lambdabuild.local.gateway.gateway import Gateway
from lambdabuild.local.gateway.routes import Route
from lambdabuild.local.http.messages import Headers, Request, Response

Answer = Callable[[Any], Any]
STAGES = {"rest": "local", "http": "$default", "alb": ""}


class Failure(Exception):  # noqa: N818
    """What a function fails with."""

    def __init__(self, message: str, kind: str = "errorString") -> None:
        super().__init__(message)
        self.kind = kind


class Answering:
    """Functions that are called here, and what they were called with."""

    def __init__(self, **functions: Answer) -> None:
        self._functions = {name.replace("_", "-"): function for name, function in functions.items()}
        self.events: list[tuple[str, Any]] = []

    @property
    def names(self) -> Sequence[str]:
        return sorted(self._functions)

    async def invoke(self, call: Call, log: LogSink | None = None) -> Outcome:
        del log
        if call.function not in self._functions:
            raise UnknownFunctionError(call.function)
        event = json.loads(call.payload)
        self.events.append((call.function, event))
        try:
            answer = self._functions[call.function](event)
            if asyncio.iscoroutine(answer):
                answer = await answer
        except Failure as failure:
            error = {"errorMessage": str(failure), "errorType": failure.kind}
            return Outcome(json.dumps(error).encode(), True, failure.kind)
        return Outcome(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    async def stream(self, call: Call) -> Streamed:
        raise NotImplementedError


class _Body:
    def __init__(self, content: bytes) -> None:
        self.trailers = Headers()
        self._content = content

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._content


def request(
    method: str, target: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
) -> Request:
    """Return a request; it needs a running loop."""
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    sent = Headers([("Host", "localhost:9000"), *headers])
    return Request(method, target, sent, _Body(body), "127.0.0.1", gone)


def route(
    text: str,
    function: str = "f",
    kind: str = "rest",
    *,
    cors: Cors | None = None,
    authorizer: Authorizer | None = None,
    **more: Any,
) -> Route:
    """Return a route as people write it."""
    method, path = read_route(text)
    api = Api(kind, "shop", STAGES[kind], cors=cors)
    return Route(function, Declared(method, path, api, authorizer, **more))


class Asked:
    """A gateway that is asked one request after another; `notes` are what it tells."""

    def __init__(self, routes: Sequence[Route], functions: Answering, **options: Any) -> None:
        self.notes: list[str] = []
        self.functions = functions
        self.gateway = Gateway(functions, routes, self.notes.append, **options)

    def __call__(
        self, line: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Response | None:
        """Return the answer to `GET /path`."""
        method, target = line.split(" ", 1)

        async def ask() -> Response | None:
            return await self.gateway.handle(request(method, target, headers, body))

        return asyncio.run(ask())

    def allows(self, line: str, headers: Sequence[tuple[str, str]]) -> bool:
        method, target = line.split(" ", 1)

        async def ask() -> bool:
            return self.gateway.allows(request(method, target, headers))

        return asyncio.run(ask())


def ok(event: Any) -> Any:
    """Answer with the event."""
    return {"statusCode": 200, "body": json.dumps(event)}


def told(response: Response | None) -> tuple[int, Any]:
    """Return the status and the JSON of a response."""
    assert response is not None
    return response.status, json.loads(response.body)


def header(response: Response | None, name: str) -> str | None:
    """Return the value of a header."""
    assert response is not None
    found = [value for known, value in response.headers if known.lower() == name.lower()]
    assert len(found) < 2, found
    return found[0] if found else None
