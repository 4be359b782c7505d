"""What an IDE does with delve: VS Code by DAP, GoLand by JSON-RPC."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any, Self

PATIENCE = 60.0
"""Seconds, on a loaded machine."""


def connected(port: int) -> socket.socket:
    """Connect as soon as something listens."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, f"nothing listens at {port}"
            time.sleep(0.02)


class Dap:
    """A session of the Debug Adapter Protocol, attached to what runs.

    https://microsoft.github.io/debug-adapter-protocol/specification
    """

    def __init__(self, port: int, breakpoints: dict[str, list[int]]) -> None:
        """Set breakpoints: the lines of files."""
        self._connection = connected(port)
        self._file = self._connection.makefile("rb")
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self.request("initialize", adapterID="go", linesStartAt1=True, pathFormat="path")
        self.request("attach", mode="remote")
        self.event("initialized")
        for path, lines in breakpoints.items():
            wanted = [{"line": line} for line in lines]
            set_ = self.request("setBreakpoints", source={"path": path}, breakpoints=wanted)
            assert [item["verified"] for item in set_["breakpoints"]] == [True] * len(lines), set_
        self.request("configurationDone")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._connection.close()

    def request(self, command: str, **arguments: object) -> dict[str, Any]:
        """Send a request, and return what is answered."""
        self._number += 1
        message = {
            "seq": self._number,
            "type": "request",
            "command": command,
            "arguments": arguments,
        }
        body = json.dumps(message).encode()
        self._connection.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        while True:
            answer = self._read()
            if answer["type"] == "response" and answer["request_seq"] == self._number:
                assert answer["success"], answer
                return dict(answer.get("body") or {})
            self._events.append(answer)

    def event(self, name: str) -> dict[str, Any]:
        """Wait for an event."""
        while True:
            for message in self._events:
                if message.get("event") == name:
                    self._events.remove(message)
                    return dict(message.get("body") or {})
            self._events.append(self._read())

    def stopped(self) -> dict[str, Any]:
        """Wait until it is halted, and return the frame: `name`, `source` and `line`."""
        body = self.event("stopped")
        assert body["reason"] == "breakpoint", body
        frames = self.request("stackTrace", threadId=body["threadId"], levels=1)["stackFrames"]
        return dict(frames[0])

    def go_on(self) -> None:
        """Let it run."""
        self.request("continue", threadId=1)

    def ended(self) -> None:
        """Wait until delve closes the connection."""
        with contextlib.suppress(ConnectionError):
            while self._file.read(1):
                pass

    def _read(self) -> dict[str, Any]:
        length = 0
        while line := self._file.readline().strip():
            length = int(line.partition(b":")[2])
        assert length, "delve closed the connection"
        return dict(json.loads(self._file.read(length)))


@contextlib.contextmanager
def json_rpc(port: int) -> Iterator["JsonRpc"]:
    """Connect as GoLand does."""
    with connected(port) as connection:
        yield JsonRpc(connection)


class JsonRpc:
    """https://github.com/go-delve/delve/tree/master/Documentation/api/json-rpc."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._pending = ""

    def halt_at(self, place: dict[str, object]) -> None:
        """Halt the function, and set a breakpoint: a `file` and a `line`."""
        self.call("Command", name="halt")
        self._breakpoint = self.call("CreateBreakpoint", Breakpoint=place)["Breakpoint"]["id"]

    def go_on(self) -> dict[str, object]:
        """Let it run until it is halted, and return where that is."""
        thread = self.call("Command", name="continue")["State"]["currentThread"]
        return {"file": thread["file"], "line": thread["line"]}

    def clear(self) -> None:
        """Take the breakpoint away, and let the function run; nothing is called after that."""
        self.call("ClearBreakpoint", Id=self._breakpoint)
        self._send("Command", name="continue")

    def call(self, method: str, **argument: object) -> Any:
        """Call a method, and return its result."""
        self._send(method, **argument)
        while True:
            with contextlib.suppress(ValueError):
                answer, end = json.JSONDecoder().raw_decode(self._pending)
                self._pending = self._pending[end:].lstrip()
                assert answer["error"] is None, answer
                return answer["result"]
            data = self._connection.recv(65536)
            assert data, "delve closed the connection"
            self._pending += data.decode()

    def _send(self, method: str, **argument: object) -> None:
        request = {"method": f"RPCServer.{method}", "params": [argument], "id": 1}
        self._connection.sendall(json.dumps(request).encode())
