"""A real S3 server on loopback, and what stands in front of it and can fail."""

import contextlib
import http.client
import re
import shutil
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.environment import CLEAN

MOTO = Path(__file__).parents[2] / ".deploy-tools" / "bin" / "moto_server"
BUCKET = "executables"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": "us-east-1",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
"""What whoever talks to the server needs; made up."""

_CREDENTIAL = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request"


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """Run moto's server, with a bucket in it, and yield its address; it takes some seconds."""
    assert MOTO.exists(), "`make deploy-tools` installs the server"
    with subprocess.Popen(
        [MOTO, "--host", "127.0.0.1", "--port", "0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=CLEAN | {"PYTHONUNBUFFERED": "1"},
    ) as server:  # fmt: skip
        assert server.stdout is not None
        try:
            said = []
            for line in server.stdout:
                said.append(line)
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    break
            else:
                raise AssertionError("".join(said))
            # It tells of every request, and would stop when nobody reads that.
            reader = threading.Thread(target=shutil.copyfileobj, args=(server.stdout, _Nowhere()))
            reader.start()
            ask(found[0], "PUT", f"/{BUCKET}")
            yield found[0]
        finally:
            server.terminate()
        reader.join()


def ask(address: str, method: str, path: str, data: bytes | None = None) -> bytes:
    """Send one request past the proxy, and return what came back."""
    request = urllib.request.Request(  # noqa: S310
        f"{address}{path}", data=data, method=method, headers={"Authorization": _CREDENTIAL}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        return bytes(response.read())


class Answer(NamedTuple):
    """What the server said, and how to pass it on."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent: int | None = None
    """After so many bytes of the body the connection ends; None: all of them."""
    stalls: bool = False
    """Nothing more comes after `sent` bytes, and the connection stays."""
    drips: bool = False
    """The body comes byte by byte, 20 a second."""


class Request(NamedTuple):
    """What was asked of the server."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]


Backend = Callable[[Request], Answer]
Fault = Callable[[Request, Backend], Answer | None]
"""Answers a request, asking the real server if it likes; None: never answers."""


def none(request: Request, server: Backend) -> Answer | None:
    return server(request)


def silent(_: Request, __: Backend) -> Answer | None:
    return None


def status(code: int, name: str = "") -> Fault:
    """Answer with a status, and an S3 error code if one is given."""
    body = f"<Error><Code>{name}</Code><Message>no</Message></Error>".encode() if name else b""
    return lambda _, __: Answer(code, {}, body)


def reading(change: Callable[[Answer], Answer]) -> Fault:
    """Change what comes back to whoever reads an object that is there."""

    def fault(request: Request, server: Backend) -> Answer | None:
        answer = server(request)
        return change(answer) if request.method == "GET" and answer.status < 300 else answer

    return fault


truncated = reading(lambda answer: answer._replace(sent=len(answer.body) // 2))
stalled = reading(lambda answer: answer._replace(sent=len(answer.body) // 2, stalls=True))
dripping = reading(lambda answer: answer._replace(drips=True))
shortened = reading(lambda answer: answer._replace(body=answer.body[: len(answer.body) // 2]))


@reading
def altered(answer: Answer) -> Answer:
    """Change one bit in the middle."""
    body = bytearray(answer.body)
    body[len(body) // 2] ^= 1
    return answer._replace(body=bytes(body))


def lying(path: str) -> Fault:
    """Give what is at `path` (of the server, with the bucket) to whoever asks for anything."""

    def fault(request: Request, server: Backend) -> Answer | None:
        return server(request._replace(path=path) if request.method == "GET" else request)

    return fault


def after(requests: int, then: Fault) -> Fault:
    """Work as long as `requests` were answered, and then fail."""
    left = [None] * requests

    def fault(request: Request, server: Backend) -> Answer | None:
        try:
            left.pop()
        except IndexError:
            return then(request, server)
        return server(request)

    return fault


def gone(_: Request, __: Backend) -> Answer | None:
    """Close the connection without a word, as a server does that is stopped."""
    return Answer(200, {}, b"", sent=-1)


class Proxy:
    """An S3 server at `address`; set `fault` to have it fail, and see what it was asked."""

    def __init__(self, backend: str) -> None:
        self.fault: Fault = none
        self.asked: list[Request] = []
        self._backend = urlsplit(backend)
        self._closing = threading.Event()
        proxy = self

        class Handler(_Handler):
            def answer(self, request: Request) -> None:
                proxy.asked.append(request)
                proxy.pass_on(self, request)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def url(self, prefix: str = "", bucket: str = BUCKET) -> str:
        """Return what --cache takes for it."""
        return f"s3://{bucket}/{prefix}?endpoint={self.address}"

    @property
    def writes(self) -> int:
        """How many objects it was asked to write."""
        return sum(request.method == "PUT" for request in self.asked)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def pass_on(self, handler: "_Handler", request: Request) -> None:
        answer = self.fault(request, self._ask)
        if answer is None:
            self._closing.wait()
        elif answer.sent is None or answer.sent >= 0:
            self._send(handler, answer)
        if answer is None or answer.sent is not None or answer.drips:
            handler.close_connection = True

    def _send(self, handler: "_Handler", answer: Answer) -> None:
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        if answer.drips:
            for byte in answer.body:
                handler.wfile.write(bytes([byte]))
                if self._closing.wait(0.05):
                    return
        else:
            handler.wfile.write(answer.body[: answer.sent])
        if answer.stalls:
            self._closing.wait()

    def _ask(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(str(self._backend.netloc))
        kept = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        try:
            connection.request(request.method, request.path, request.body or None, kept)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        left_out = {"content-length", "connection", "transfer-encoding", "date", "server"}
        headers = {n: v for n, v in response.getheaders() if n.lower() not in left_out}
        return Answer(response.status, headers, body)


@contextlib.contextmanager
def untrusted(directory: Path) -> Iterator[str]:
    """Yield the address of a server with a certificate that is signed by nobody anybody knows."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as listening:
        listening.daemon_threads = True
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"https://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()


class _Quiet(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, request: Request) -> None:
        raise NotImplementedError

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        # Whoever asked may have gone away meanwhile.
        with contextlib.suppress(ConnectionError):
            self.answer(Request(self.command, self.path, body, dict(self.headers)))

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _any  # noqa: N815 - names of the base class

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class _Nowhere:
    def write(self, text: str) -> int:
        return len(text)
