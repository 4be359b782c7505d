"""One connection of a server: bytes to requests, responses to bytes."""

import asyncio
import contextlib
import http
import logging
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import h11

from lambdabuild.local.http.messages import (
    BrokenOffError,
    Headers,
    Request,
    Response,
)

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
"""Answers a request. It goes on when the client leaves: `Request.gone` says so."""

MOST_HEADER_BYTES = 2 * 1024 * 1024
"""aws-lambda-go sends causes for X-Ray of up to 1 MiB in a header: the project's limit of headers.

https://github.com/aws/aws-lambda-go/blob/main/lambda/runtime_api_client.go
"""
_BUFFER = 256 * 1024
"""Bytes of a body that wait to be read before the client is held up."""
_DISCARD = 32 * 1024 * 1024
"""Bytes of a body that nobody wants, read so that the client gets its answer; then it is cut off."""
_BODILESS = frozenset({http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED})
"""https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1"""


class _Body:
    """The body of the request that a connection is at."""

    def __init__(self, connection: "Connection") -> None:
        self.trailers = Headers()
        self._connection = connection
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._news: asyncio.Future[None] | None = None
        self.complete = False
        self.broken = False

    def feed(self, data: bytes) -> None:
        self._waiting.append(data)
        self._size += len(data)
        if self._size > _BUFFER:
            self._connection.hold()
        self._wake()

    def end(self, trailers: Headers) -> None:
        self.trailers = trailers
        self.complete = True
        self._wake()

    def break_off(self) -> None:
        self.broken = not self.complete
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def chunks(self) -> AsyncIterator[bytes]:
        if not self.complete:
            self._connection.go_on()
        while True:
            while self._waiting:
                data = self._waiting.popleft()
                self._size -= len(data)
                if self._size <= _BUFFER:
                    self._connection.release()
                yield data
            if self.complete:
                return
            if self.broken:
                raise BrokenOffError
            self._news = asyncio.get_running_loop().create_future()
            try:
                await self._news
            finally:
                self._news = None


class Connection(asyncio.Protocol):
    """One connection: requests one after another, each answered before the next is taken."""

    def __init__(self, handler: Handler, connections: "set[Connection]") -> None:
        self._handler = handler
        self._connections = connections
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEADER_BYTES)
        self._transport: asyncio.Transport | None = None
        self._peer = ""
        self._body: _Body | None = None
        self._request: Request | None = None
        """The last that came."""
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held = False
        self._writable: asyncio.Future[None] | None = None
        self.task: asyncio.Task[None] | None = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._peer = (transport.get_extra_info("peername") or ("",))[0]
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._h11.receive_data(data)
        self._advance()

    def eof_received(self) -> bool:
        # A peer that only stops sending still reads: but no client of Lambda does that, and a process
        # that ended looks the same.
        if self._transport is not None and self._request is not None:
            # What was sent after it closed its socket came back as an error, which EOF hides.
            socket_ = self._transport.get_extra_info("socket")
            if socket_.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._request.reset = True
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if self.task is None or self.task.done():
            self._connections.discard(self)
        else:
            self.task.add_done_callback(lambda _: self._connections.discard(self))
        if error is not None and self._request is not None:
            # By TCP: a socket that is closed with bytes to read is reset.
            self._request.reset = True
        if not self.gone.done():
            self.gone.set_result(None)
        if self._body is not None:
            self._body.break_off()
        if self._writable is not None and not self._writable.done():
            self._writable.set_exception(ConnectionResetError())

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # Bytes to requests.

    def _advance(self) -> None:
        """Take what has arrived, as far as the request that is answered now reaches."""
        try:
            while True:
                event = self._h11.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                if isinstance(event, h11.Request):
                    self._begin(event)
                elif isinstance(event, h11.Data) and self._body is not None:
                    self._body.feed(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage) and self._body is not None:
                    self._body.end(_headers(event.headers))
                elif isinstance(event, h11.ConnectionClosed):
                    self.abort()
                    return
        except h11.RemoteProtocolError as error:
            self._refuse(error)

    def _begin(self, event: h11.Request) -> None:
        self._body = _Body(self)
        self._request = request = Request(
            method=event.method.decode("ascii"),
            target=event.target.decode("latin-1"),
            headers=_headers(event.headers.raw_items()),
            body=self._body,
            peer=self._peer,
            gone=self.gone,
            version=event.http_version.decode("ascii"),
        )
        self.task = asyncio.get_running_loop().create_task(self._answer(request, self._body))

    def _refuse(self, error: h11.RemoteProtocolError) -> None:
        """Answer what is no HTTP, unless an answer is on its way, and close the connection."""
        log.debug("not HTTP: %s", error)
        if self._body is not None:
            self._body.break_off()
        if self._h11.our_state in {h11.IDLE, h11.SEND_RESPONSE} and (
            self.task is None or self.task.done()
        ):
            with contextlib.suppress(h11.LocalProtocolError):
                text = f"{error}\n".encode()
                head = _head(Response(error.error_status_hint), len(text))
                self._send(head, h11.Data(data=text), h11.EndOfMessage())
        if self._transport is not None:
            self._transport.close()

    def go_on(self) -> None:
        """Let a client send its body, if it asked first."""
        if self._h11.they_are_waiting_for_100_continue and self._transport is not None:
            self._send(h11.InformationalResponse(status_code=100, headers=[]))

    def hold(self) -> None:
        """Take no more bytes for now."""
        if not self._held and self._transport is not None and not self._transport.is_closing():
            self._held = True
            self._transport.pause_reading()

    def release(self) -> None:
        """Take bytes again."""
        if self._held and self._transport is not None and not self._transport.is_closing():
            self._held = False
            self._transport.resume_reading()

    # Responses to bytes.

    async def _answer(self, request: Request, body: _Body) -> None:
        try:
            response = await self._handler(request)
            with contextlib.suppress(ConnectionError):
                await self._respond(request, response)
                await self._next(body)
        except asyncio.CancelledError:
            self.abort()
            raise
        except BrokenOffError:
            self.abort()
        except Exception:
            # The server lives on: one request is one request.
            log.exception("%s %s", request.method, request.path)
            if self._h11.our_state is h11.SEND_RESPONSE:
                with contextlib.suppress(ConnectionError, h11.LocalProtocolError):
                    await self._respond(request, Response(500))
            self.abort()

    async def _respond(self, request: Request, response: Response) -> None:
        # A function may well give one of these a body.
        bodiless = request.method == "HEAD" or response.status in _BODILESS
        if response.chunks is None:
            whole = [h11.Data(data=response.body)] if response.body and not bodiless else []
            self._send(_head(response, len(response.body)), *whole, h11.EndOfMessage())
        else:
            self._send(_head(response, None))
            async for chunk in response.chunks:
                if chunk and not bodiless:
                    self._send(h11.Data(data=chunk))
                    await self._drained()
            self._send(h11.EndOfMessage())
        await self._drained()

    def _send(self, *events: h11.Event) -> None:
        """Send events in one piece: each write costs a system call, and wakes the client up."""
        if self._transport is None or self._transport.is_closing():
            if self._request is not None:
                self._request.reset = True
            raise ConnectionResetError
        if data := b"".join(self._h11.send(event) or b"" for event in events):
            self._transport.write(data)

    async def _drained(self) -> None:
        if self._writable is not None:
            await self._writable

    async def _next(self, body: _Body) -> None:
        """Make ready for the next request on this connection, or close it."""
        if not body.complete and self._h11.their_state is h11.SEND_BODY:
            left = _DISCARD
            if self._h11.they_are_waiting_for_100_continue:
                left = 0
            else:
                with contextlib.suppress(BrokenOffError):
                    async for chunk in body.chunks():
                        left -= len(chunk)
                        if left < 0:
                            break
            if not body.complete:
                self.abort(gently=True)
                return
        if self._h11.our_state is h11.MUST_CLOSE or self._h11.their_state is not h11.DONE:
            self.abort(gently=True)
            return
        self.task = None
        self._body = None
        self._h11.start_next_cycle()
        self._advance()

    def abort(self, *, gently: bool = False) -> None:
        """Close the connection: at once, or once all is sent."""
        if self._transport is not None and not self._transport.is_closing():
            if gently:
                self._transport.close()
            else:
                self._transport.abort()


def _head(response: Response, length: int | None) -> h11.Response:
    headers: list[tuple[bytes, bytes]] = [
        (name.encode("latin-1"), value.encode("utf-8", "surrogateescape"))
        for name, value in response.headers
    ]
    bodiless = response.status == http.HTTPStatus.NO_CONTENT or response.status < 200  # noqa: PLR2004
    if length is not None and not bodiless:
        headers.append((b"Content-Length", str(length).encode()))
    reason = response.reason.encode()
    with contextlib.suppress(ValueError):
        reason = reason or http.HTTPStatus(response.status).phrase.encode()
    return h11.Response(status_code=response.status, headers=headers, reason=reason)


def _headers(items: object) -> Headers:
    pairs = cast("list[tuple[bytes, bytes]]", items)
    return Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
