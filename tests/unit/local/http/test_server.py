"""The HTTP server, over real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from lambdabuild.local.http.connection import Handler
from lambdabuild.local.http.messages import BrokenOffError, Request, Response, TooLargeError
from lambdabuild.local.http.server import Server


def against(handler: Handler, client: Callable[[socket.socket], bytes]) -> bytes:
    """Return what `client` reads from a server with this handler."""

    async def run() -> bytes:
        server = Server(handler)
        port = await server.listen()

        def talk() -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                return client(connection)

        try:
            return await asyncio.to_thread(talk)
        finally:
            await server.close()

    return asyncio.run(run())


def sending(*parts: bytes) -> Callable[[socket.socket], bytes]:
    """Return a client that sends, and reads until the server closes or is done."""

    def client(connection: socket.socket) -> bytes:
        for part in parts:
            connection.sendall(part)
        connection.settimeout(10)
        received = b""
        while data := connection.recv(1 << 16):
            received += data
        return received

    return client


async def echo(request: Request) -> Response:
    body = await request.read(1 << 20)
    return Response(200, [("Content-Type", "text/plain")], body)


def test_requests_on_one_connection_are_answered_in_order() -> None:
    answer = against(
        echo,
        sending(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none"
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\ntwo"
        ),
    )
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.index(b"one") < answer.index(b"two")


def test_trailers_of_a_chunked_request_are_seen() -> None:
    async def trailers(request: Request) -> Response:
        await request.read(100)
        return Response(200, [], request.body.trailers.get("x-error").encode())

    answer = against(
        trailers,
        sending(
            b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
            b"Trailer: X-Error\r\n\r\n3\r\nabc\r\n0\r\nX-Error: broken\r\n\r\n"
        ),
    )
    assert answer.endswith(b"broken")


def test_a_header_of_two_megabytes_less_a_little_is_taken() -> None:
    async def size(request: Request) -> Response:
        return Response(200, [], str(len(request.headers.get("X-Cause"))).encode())

    cause = b"c" * (2 * 1024 * 1024 - 100)
    answer = against(
        size,
        sending(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Cause: " + cause + b"\r\n\r\n"
        ),
    )
    assert answer.endswith(str(len(cause)).encode())


def test_a_client_that_asks_first_is_told_to_go_on_once_the_body_is_wanted() -> None:
    def client(connection: socket.socket) -> bytes:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
            b"Connection: close\r\n\r\n"
        )
        first = connection.recv(1 << 16)
        assert first.startswith(b"HTTP/1.1 100")
        return sending(b"abc")(connection)

    assert against(echo, client).endswith(b"abc")


@pytest.mark.parametrize("size", [101, 399, 4_000_000])
def test_a_body_that_is_too_large_gets_an_answer(size: int) -> None:
    async def small(request: Request) -> Response:
        try:
            await request.read(100)
        except TooLargeError as error:
            return Response(413, [("Connection", "close")], str(error.size > 100).encode())
        return Response(200)

    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode()
    answer = against(small, sending(head, b"x" * size))
    assert answer.startswith(b"HTTP/1.1 413")
    assert answer.endswith(b"True")


def test_a_client_that_leaves_in_the_middle_of_a_body_breaks_it_off() -> None:
    seen: list[str] = []

    async def reading(request: Request) -> Response:
        try:
            await request.read(100)
        except BrokenOffError:
            seen.append("broken off")
        return Response(200)

    def client(connection: socket.socket) -> bytes:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(100)

    against(reading, client)
    assert seen == ["broken off"]


def test_a_handler_that_waits_learns_that_its_client_left() -> None:
    seen: list[str] = []

    async def waiting(request: Request) -> Response:
        await asyncio.wait_for(request.gone, 5)
        seen.append("gone")
        return Response(200)

    def client(connection: socket.socket) -> bytes:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(100)

    against(waiting, client)
    assert seen == ["gone"]


def test_a_response_that_fails_half_way_is_cut_off() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"half"
        raise BrokenOffError

    async def failing(_: Request) -> Response:
        return Response(200, [], chunks=chunks())

    answer = against(failing, sending(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert b"half" in answer
    assert not answer.endswith(b"0\r\n\r\n")


def test_what_is_no_http_is_refused() -> None:
    answer = against(echo, sending(b"what is this\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 400")


def test_a_handler_that_raises_gives_500_and_the_server_lives() -> None:
    async def raising(_: Request) -> Response:
        raise ValueError

    answer = against(raising, sending(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 500")


def test_closing_ends_handlers_that_wait() -> None:
    ended: list[bool] = []

    async def run() -> None:
        started = asyncio.Event()

        async def waiting(_: Request) -> Response:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)
            return Response(200)

        server = Server(waiting)
        port = await server.listen()
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await started.wait()
        await server.close()
        writer.close()

    asyncio.run(run())
    assert ended == [True]


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_response_that_has_no_body_gets_none(status: int, streamed: bool) -> None:
    async def bodies() -> AsyncIterator[bytes]:
        yield b"unwanted"

    async def handler(request: Request) -> Response:
        if request.path == "/last":
            return Response(200, [], b"still here")
        if streamed:
            return Response(status, [], chunks=bodies())
        return Response(status, [], b"unwanted")

    answer = against(
        handler,
        sending(
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ),
    )
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"unwanted" not in answer
    assert answer.endswith(b"\r\n\r\nstill here")


@pytest.mark.parametrize("reads", [True, False])
def test_a_request_tells_whether_its_answer_was_read(reads: bool) -> None:
    seen: list[Request] = []

    async def answer(request: Request) -> Response:
        seen.append(request)
        return Response(200, [], b"answer")

    def leave(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            received = connection.recv(1, 0 if reads else socket.MSG_PEEK)
            while reads and not received.endswith(b"answer"):
                received += connection.recv(100)

    async def run() -> None:
        server = Server(answer)
        await asyncio.to_thread(leave, await server.listen())
        await asyncio.wait_for(seen[0].gone, 10)
        await server.close()

    asyncio.run(run())
    assert seen[0].reset is not reads


def test_what_a_client_sent_before_it_left_is_handled_when_the_server_is_quiet() -> None:
    bodies: list[bytes] = []

    async def take(request: Request) -> Response:
        bodies.append(await request.read(1 << 20))
        return Response()

    async def run() -> None:
        server = Server(take)
        port = await server.listen()
        for size in (1, 100_000):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n"
                connection.sendall(head.encode() + b"x" * size)
        await server.quiet(10)
        assert [len(body) for body in bodies] == [1, 100_000]
        await server.close()

    asyncio.run(run())
