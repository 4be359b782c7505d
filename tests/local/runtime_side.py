"""The Runtime API as a test scripts it: calls for one process, and all that the process posts.

Unlike lambdabuild's own, it sends what the test says, a Cognito identity too, and shows each request with its headers.
"""

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

API = "/2018-06-01/runtime/"
ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "shop",
    "AWS_LAMBDA_FUNCTION_VERSION": "7",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/shop",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/27/[7]abc",
    "TZ": "Asia/Tokyo",  # Lambda has UTC; what is to be in UTC must not depend on that
}
ARN = "arn:aws:lambda:us-east-1:123456789012:function:shop:live"
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Posted:
    """What a process posted."""

    path: str
    """Behind the version of the API: `invocation/id-1/response`, `init/error`."""
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Process:
    """A process that has ended: because nothing was left to do for it, or earlier."""

    posted: list[Posted] = field(default_factory=list)
    """What it posted, in order."""
    asked: list[Mapping[str, str]] = field(default_factory=list)
    """The headers of each time that it asked for a call."""
    code: int = 0
    err: str = ""

    @property
    def lines(self) -> list[str]:
        return self.err.splitlines()

    @property
    def answer(self) -> Any:
        """What it posted, where that is one response."""
        (posted,) = self.posted
        assert posted.path == "invocation/id-1/response", (posted, self.err)
        return posted.json

    @property
    def error(self) -> Any:
        """What it posted, where that is one error of a call."""
        (posted,) = self.posted
        assert posted.path == "invocation/id-1/error", (posted, self.err)
        assert posted.headers["lambda-runtime-function-error-type"] == posted.json["errorType"]
        return posted.json


def sent(event: Any = None, **headers: str) -> tuple[bytes, dict[str, str]]:
    """Return a call: an event, as JSON unless it is bytes, and headers beside those that every call has."""
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    return payload, {f"Lambda-Runtime-{name.replace('_', '-')}": v for name, v in headers.items()}


def run(
    executable: Path,
    *calls: tuple[bytes, Mapping[str, str]],
    environment: Mapping[str, str] | None = None,
    status: int = 202,
) -> Process:
    """Run an executable for some calls, `id-1` and on; after the last, it is told that there is no API.

    `status` is what it is told where it posts something.
    """
    process = Process()
    with _listening(process, calls, status) as port:
        done = subprocess.run(
            [executable],
            check=False,
            env={
                **ENVIRONMENT,
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
        )
    assert done.stdout == b""
    process.code, process.err = done.returncode, done.stderr.decode()
    return process


@contextlib.contextmanager
def _listening(
    process: Process, calls: Sequence[tuple[bytes, Mapping[str, str]]], status: int
) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def known(self) -> dict[str, str]:
            # http.server reads headers as Latin-1.
            return {k.lower(): v.encode("latin-1").decode() for k, v in self.headers.items()}

        def answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value.encode().decode("latin-1"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            assert self.path == f"{API}invocation/next"
            number = len(process.asked)
            process.asked.append(self.known())
            if number == len(calls):
                self.answer(410, b"gone", {})
                return
            payload, headers = calls[number]
            every = {
                "Lambda-Runtime-Aws-Request-Id": f"id-{number + 1}",
                "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 60_000),
                "Lambda-Runtime-Invoked-Function-Arn": ARN,
                "Content-Type": "application/json",
            }
            self.answer(200, payload, {**every, **headers})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            process.posted.append(Posted(self.path.removeprefix(API), self.known(), body))
            self.answer(status, b'{"status":"OK"}', {})

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
