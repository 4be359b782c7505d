"""Share executables through an S3 server on loopback, and look at where they came from.

Another server has nothing but rubbish.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench import measure
from bench.model import BenchError, CannotMeasureError, Command, Sample, Workspace
from lambdabuild.cache.entry import Header
from tests.store import server


@contextmanager
def filled(workspace: Workspace) -> Iterator[None]:
    """Have the server run, with the executables of all functions in it."""
    if not server.MOTO.exists():
        raise CannotMeasureError("there is no S3 server\n  hint: `make deploy-tools` installs one")
    with server.moto() as address:
        url = f"s3://{server.BUCKET}/bench?endpoint={address}"
        _url(workspace).write_text(url, encoding="utf-8")
        measure.run(workspace, command(workspace))
        yield


def command(workspace: Workspace) -> Command:
    """Say what builds with that store; it needs `server.ENVIRONMENT`."""
    url = _url(workspace).read_text(encoding="utf-8") if _url(workspace).exists() else ""
    return [workspace.settings.lambdabuild, "all", "--cache", url]


def restored(
    measured: Callable[[Workspace, Command], Sample],
) -> Callable[[Workspace, Command], Sample]:
    """Hold a run of lambdabuild to have taken all executables from a cache."""

    def checked(workspace: Workspace, command: Command) -> Sample:
        report = workspace.directory / "report.json"
        sample = measured(workspace, [*command, "--report", report])
        functions = json.loads(report.read_text(encoding="utf-8"))["functions"]
        for function in functions:
            if function["status"] != "restored":
                raise BenchError(f"`{function['name']}` was not restored: {function['status']}")
        return sample

    return checked


SIZE = 200_000_000
"""Bytes of each object of rubbish."""


@contextmanager
def rubbish(workspace: Workspace) -> Iterator[None]:
    """Have a store run that has rubbish for whatever it is asked for, behind a header that is none.

    The header is one that lambdabuild takes without a key. It is a server of its own, for what it
    sends must not lie in memory, nor be read by a proxy.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), _Rubbish) as listening:
        listening.daemon_threads = True
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{listening.server_port}"
        _url(workspace).write_text(f"s3://{server.BUCKET}?endpoint={address}", encoding="utf-8")
        try:
            yield
        finally:
            listening.shutdown()


def refused(
    measured: Callable[[Workspace, Command], Sample],
) -> Callable[[Workspace, Command], Sample]:
    """Hold a run of lambdabuild to have been given rubbish for each function, and to say so."""

    def checked(workspace: Workspace, command: Command) -> Sample:
        sample = measured(workspace, command)
        others = len(workspace.monorepo.functions) - 1
        if f" and {others} more in the cache s3://" not in workspace.log.read_text("utf-8"):
            raise BenchError("the store was not asked for every function")
        return sample

    return checked


class _Rubbish(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        key = self.path.rpartition("/")[2]
        header = Header(key, "0" * 64, SIZE, "0" * 64, hmac="0" * 64).text.encode()
        self._begin(SIZE)
        block = b"\x05" * (1 << 20)
        # Whoever sees what it is hangs up.
        with suppress(ConnectionError):
            self.wfile.write(header)
            for place in range(len(header), SIZE, len(block)):
                self.wfile.write(block[: SIZE - place])
            return
        self.close_connection = True

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._begin(0)

    def _begin(self, size: int) -> None:
        self.send_response(200)
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Thu, 26 Nov 2026 08:00:00 GMT")
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def _url(workspace: Workspace) -> Path:
    return workspace.directory / "store-url"
