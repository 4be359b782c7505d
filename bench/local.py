"""Measure a `lambdabuild serve` that runs in the background, by calls over its endpoint.

What measures it in between finds its address in the workspace, as for `bench.watch`.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Self

from bench import proc
from bench.edits import Edit
from bench.measure import stop
from bench.model import BenchError, CannotMeasureError, Command, Metric, Sample, Workspace
from bench.monorepo import GeneratedFunction

EVENT = json.dumps(
    {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {"host": "localhost", "user-agent": "bench", "accept": "*/*"},
        "requestContext": {"http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1"}},
        "isBase64Encoded": False,
    }
).encode()
"""What the functions of the monorepo take."""

_START = 300.0
_CALL = 300.0
_READ = 0.010
_CALM_DOWN = 5.0
_MINUTE = 60.0

SEQUENTIAL = 500
"""Calls, one after another, of which the median is taken."""
CLIENTS = 8
CONCURRENT = 20_000
"""Calls of all clients together."""
GROWING = 10_000
"""Calls between two looks at the memory."""
_SETTLING = 1_000


class Client:
    """One connection, which makes one call after another; it costs next to nothing itself."""

    def __init__(self, port: int, path: str, payload: bytes) -> None:
        """`path` is where each call goes."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_CALL)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
        ).encode() + payload

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def call(self) -> bytes:
        """Return the body of a response that is no failure."""
        self._socket.sendall(self._request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        while len(body) < int(headers["content-length"]):
            body += self._more()
        if " 200" not in status or "x-amz-function-error" in headers:
            raise BenchError(f"a call failed: {status}: {body[:500]!r}")
        return body

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise BenchError("the connection was closed in the middle of a call")
        return data


def command(workspace: Workspace) -> Command:
    """Say what a session runs."""
    return [workspace.settings.lambdabuild, "serve", "--port=0", "--json"]


def _command_of_all(workspace: Workspace) -> Command:
    return [*command(workspace), "--eager"]


@contextmanager
def serving(workspace: Workspace, of: Callable[[Workspace], Command] = command) -> Iterator[None]:
    """Have a server run."""
    with _started(workspace, of(workspace)) as process:
        _keep(workspace, process, _until_serving(workspace, process))
        yield


@contextmanager
def serving_two_instances(workspace: Workspace) -> Iterator[None]:
    """Have a server run that starts each function twice at most."""
    file = workspace.monorepo.directory / "lambdabuild.toml"
    file.write_text("concurrency = 2\n", encoding="utf-8")
    try:
        with serving(workspace):
            yield
    finally:
        file.unlink()


@contextmanager
def serving_all(workspace: Workspace) -> Iterator[None]:
    """Have a server run that has built every function, and started none."""
    with serving(workspace, _command_of_all):
        patience = time.monotonic() + _START
        while not any(event["event"] == "ready" for event in _told(workspace)):
            if time.monotonic() > patience:
                raise _failed(workspace, "did not build all functions")
            time.sleep(_READ)
        time.sleep(_CALM_DOWN)
        yield


@contextmanager
def serving_in_rest(workspace: Workspace) -> Iterator[None]:
    """Have a server run that has come to rest."""
    if reason := proc.unavailable():
        raise CannotMeasureError(reason)
    with serving(workspace):
        time.sleep(_CALM_DOWN)
        yield


@contextmanager
def echoing(workspace: Workspace) -> Iterator[None]:
    """Have a server of h11 alone run, which answers with what it gets."""
    with _started(workspace, echo_command(workspace)) as process:
        patience = time.monotonic() + _START
        while not (said := _events(workspace).read_text("utf-8")).endswith("\n"):
            if process.poll() is not None or time.monotonic() > patience:
                raise _failed(workspace, "did not start")
            time.sleep(_READ)
        _keep(workspace, process, int(said))
        yield


def echo_command(_: Workspace) -> Command:
    """Say what a session of echoes runs."""
    return [sys.executable, "-m", "bench.echo"]


def calling(workspace: Workspace, _command: Command) -> Sample:
    """Measure one call of a function that has been called, as the median of many."""
    path = f"/2015-03-31/functions/{_leaf(workspace).name}/invocations"
    times = []
    with Client(_port(workspace), path, EVENT) as client:
        client.call()
        for _ in range(SEQUENTIAL):
            started = time.perf_counter()
            client.call()
            times.append(time.perf_counter() - started)
    return {Metric.CALL: median(times)}


def calling_at_once(workspace: Workspace, _command: Command) -> Sample:
    """Measure how many calls a second clients get who do not wait for each other."""
    path = f"/2015-03-31/functions/{_leaf(workspace).name}/invocations"
    errors: list[BaseException] = []

    def calls(client: Client) -> None:
        try:
            for _ in range(CONCURRENT // CLIENTS):
                client.call()
        except BaseException as error:  # noqa: BLE001  # raised again below
            errors.append(error)

    with contextlib.ExitStack() as closing:
        clients = [
            closing.enter_context(Client(_port(workspace), path, EVENT)) for _ in range(CLIENTS)
        ]
        clients[0].call()
        threads = [threading.Thread(target=calls, args=(client,)) for client in clients]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        elapsed = time.perf_counter() - started
    if errors:
        raise errors[0]
    return {Metric.RATE: CONCURRENT / elapsed}


def calling_first() -> Callable[[Workspace, Command], Sample]:
    """Measure the first call of a function that is built, and its process alone.

    Of another function each time.
    """
    taken: dict[Path, int] = {}

    def measured(workspace: Workspace, _command: Command) -> Sample:
        number = taken[workspace.directory] = taken.get(workspace.directory, -1) + 1
        functions = workspace.monorepo.functions
        if number >= len(functions):
            raise CannotMeasureError(f"all {len(functions)} functions have been started")
        function = functions[number]
        alone = _start(workspace, function)
        path = f"/2015-03-31/functions/{function.name}/invocations"
        with Client(_port(workspace), path, EVENT) as client:
            started = time.perf_counter()
            client.call()
            return {Metric.CALL: time.perf_counter() - started, Metric.START: alone}

    return measured


def _start(workspace: Workspace, function: GeneratedFunction) -> float:
    """Return the seconds from the start of an executable until it asks for an event."""
    local = workspace.monorepo.directory / ".lambdabuild" / "local" / "bin"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_CALL)
        environment = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{listener.getsockname()[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "PATH": os.defpath,
        }
        started = time.perf_counter()
        process = subprocess.Popen(
            [local / function.name / "bootstrap"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        try:
            connection, _ = listener.accept()
            with connection:
                asked = connection.recv(4096)
                elapsed = time.perf_counter() - started
        finally:
            stop(process)
    if not asked.startswith(b"GET /2018-06-01/runtime/invocation/next "):
        raise BenchError(f"a function began with {asked[:80]!r}")
    return elapsed


def saving(edit: Edit) -> Callable[[Workspace, Command], Sample]:
    """Measure from just before a file is saved until a call is answered by the new code."""

    def measured(workspace: Workspace, _command: Command) -> Sample:
        (function,) = edit.functions(workspace.monorepo)
        path = f"/2015-03-31/functions/{function.name}/invocations"
        with Client(_port(workspace), path, EVENT) as client:
            client.call()
            started = time.perf_counter()
            revision = edit.save(workspace).encode()
            old = 0
            while revision not in client.call():
                old += 1
            elapsed = time.perf_counter() - started
        return {Metric.WALL: elapsed, Metric.STALE: old}

    return measured


def growing(workspace: Workspace, _command: Command) -> Sample:
    """Measure by how much the server's memory grows with many calls."""
    pid = int(_pid(workspace).read_text("utf-8"))
    path = f"/2015-03-31/functions/{_leaf(workspace).name}/invocations"
    with Client(_port(workspace), path, EVENT) as client:
        for _ in range(_SETTLING):
            client.call()
        before = proc.resident_set_size(pid)
        for _ in range(GROWING):
            client.call()
        return {Metric.GROWTH: proc.resident_set_size(pid) - before}


def resting(workspace: Workspace, _command: Command) -> Sample:
    """Measure what the server uses in a minute in which nothing happens."""
    pid = int(_pid(workspace).read_text("utf-8"))
    started, used = time.perf_counter(), sum(map(proc.cpu, proc.tree(pid)))
    time.sleep(_MINUTE)
    used = sum(map(proc.cpu, proc.tree(pid))) - used
    elapsed = time.perf_counter() - started
    processes = proc.tree(pid)
    resident = sum(map(proc.resident_set_size, processes))
    if not resident:
        raise _failed(workspace, "ended")
    return {Metric.IDLE_CPU: used / elapsed, Metric.RESIDENT: resident}


def _leaf(workspace: Workspace) -> GeneratedFunction:
    return workspace.monorepo.functions[-1]


@contextmanager
def _started(workspace: Workspace, arguments: Command) -> Iterator["subprocess.Popen[bytes]"]:
    with _events(workspace).open("wb") as events, _log(workspace).open("wb") as log:
        process = subprocess.Popen(
            arguments,
            cwd=workspace.monorepo.directory
            if arguments[0] != sys.executable
            else Path(__file__).parents[1],
            env=workspace.environment,
            stdin=subprocess.DEVNULL,
            stdout=events,
            stderr=log,
            process_group=0,
        )
    try:
        yield process
    finally:
        stop(process)


def _until_serving(workspace: Workspace, process: "subprocess.Popen[bytes]") -> int:
    """Return the port that it serves at."""
    patience = time.monotonic() + _START
    while True:
        for event in _told(workspace):
            if event["event"] == "serving":
                return int(str(event["address"]).rpartition(":")[2])
        if process.poll() is not None:
            raise _failed(workspace, f"exited with {process.returncode}")
        if time.monotonic() > patience:
            raise _failed(workspace, f"did not serve after {_START:.0f} s")
        time.sleep(_READ)


def _told(workspace: Workspace) -> list[dict[str, object]]:
    lines = _events(workspace).read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1]]


def _keep(workspace: Workspace, process: "subprocess.Popen[bytes]", port: int) -> None:
    _pid(workspace).write_text(str(process.pid), encoding="utf-8")
    _port_file(workspace).write_text(str(port), encoding="utf-8")


def _port(workspace: Workspace) -> int:
    return int(_port_file(workspace).read_text("utf-8"))


def _failed(workspace: Workspace, how: str) -> BenchError:
    tail = _log(workspace).read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
    said = "".join(f"\n  {line}" for line in tail)
    return BenchError(f"the server {how}{said}")


def _events(workspace: Workspace) -> Path:
    return workspace.directory / "server-events.jsonl"


def _log(workspace: Workspace) -> Path:
    return workspace.directory / "server.log"


def _pid(workspace: Workspace) -> Path:
    return workspace.directory / "server.pid"


def _port_file(workspace: Workspace) -> Path:
    return workspace.directory / "server.port"
