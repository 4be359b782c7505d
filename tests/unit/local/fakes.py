"""Functions without processes, and requests without sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lambdabuild.local.functions import Call, LogSink, Outcome, UnknownFunctionError
from lambdabuild.local.http.messages import Headers, Request, Response


class Whole:
    """A body that has arrived."""

    def __init__(self, *pieces: bytes) -> None:
        self.trailers = Headers()
        self._pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def request(
    method: str,
    target: str,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    host: str = "localhost:9000",
) -> Request:
    """Make a request; a coroutine must be running."""
    return Request(
        method=method,
        target=target,
        headers=Headers((("Host", host), *headers)),
        body=Whole(body),
        peer="127.0.0.1",
        gone=asyncio.get_running_loop().create_future(),
    )


@dataclass
class Stream:
    """A response in pieces."""

    content_type: str
    pieces: Sequence[bytes]
    ends: Outcome

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece

    async def outcome(self) -> Outcome:
        return self.ends


Handler = Callable[[Call], Outcome]


def echo(call: Call) -> Outcome:
    return Outcome(call.payload)


@dataclass
class Fake:
    """Functions that answer at once, and remember what they were asked."""

    handlers: Mapping[str, Handler] = field(default_factory=lambda: {"echo": echo})
    streams: Mapping[str, Stream] = field(default_factory=dict)
    log: tuple[bytes, ...] = (b"START\n", b"END\n", b"REPORT\n")
    calls: list[Call] = field(default_factory=list)

    @property
    def names(self) -> Sequence[str]:
        return sorted({*self.handlers, *self.streams})

    async def invoke(self, call: Call, log: LogSink | None = None) -> Outcome:
        self.calls.append(call)
        if call.function not in self.handlers:
            raise UnknownFunctionError(call.function)
        for line in self.log:
            if log is not None:
                log(line)
            await asyncio.sleep(0)
        return self.handlers[call.function](call)

    async def stream(self, call: Call) -> Stream:
        self.calls.append(call)
        if stream := self.streams.get(call.function):
            return stream
        if call.function not in self.handlers:
            raise UnknownFunctionError(call.function)
        outcome = self.handlers[call.function](call)
        return Stream(outcome.content_type, () if outcome.failed else (outcome.payload,), outcome)


async def read(response: Response) -> bytes:
    """Return the body of a response, streamed or not."""
    if response.chunks is None:
        return response.body
    return b"".join([chunk async for chunk in response.chunks])


def header(response: Response, name: str) -> str:
    return Headers(response.headers).get(name)
