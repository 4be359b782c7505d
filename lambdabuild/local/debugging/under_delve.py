"""Run a function under delve, as if it were one process: `under_delve.py DLV PORT PARENT EXECUTABLE`.

It ends as the function ends, where delve alone would stay. If it is terminated, or the server that
started it is gone (PARENT is its process id), neither delve nor the function is left: delve gives the
function a process group of its own, and a debugger that is killed lets go of it.

This file is started as a script, apart from the package, and imports only what Python brings.
"""

import contextlib
import ctypes
import errno
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any

HOST = "127.0.0.1"
PROBE = "--probe"
"""Given alone: exit with `REFUSED` if this system refuses to trace processes."""
REFUSED = 3

_GLANCE = 0.25
"""Seconds between looks whether the server still lives, and at a function that is halted."""
_HURRY = 2.0
"""Seconds in which delve is asked again and again whether it listens; a tenth is what it takes."""
_GRACE = 0.3
"""Seconds for delve to tell its clients that it ends; the server waits for 0.5 s altogether."""
_ADVICE = {
    "darwin": "it needs Xcode's command line tools (`xcode-select --install`) and developer mode "
    "(`sudo DevToolsSecurity -enable`)",
}.get(sys.platform, "its message is above")


class _Ended(Exception):  # noqa: N818  # nothing is wrong
    """It is time to go: the exit code, or minus a signal."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _News:
    """Waits for signals, and for the server to be gone."""

    def __init__(self, parent: int) -> None:
        self._parent = parent
        self._reading, writing = os.pipe()
        for end in (self._reading, writing):
            os.set_blocking(end, False)
        self._writing = writing  # kept open
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)

    def wait(self, connection: "socket.socket | None", seconds: float) -> bool:
        """Return whether there is something to read; raise `_Ended` when it is time to go."""
        if os.getppid() != self._parent:
            raise _Ended(-signal.SIGTERM)
        sources = [self._reading] if connection is None else [self._reading, connection.fileno()]
        readable, _, _ = select.select(sources, [], [], seconds)
        if self._reading in readable:
            for number in os.read(self._reading, 64):
                if number != signal.SIGCHLD:
                    raise _Ended(-number)
        return any(source != self._reading for source in readable)


def main(delve: str, port: int, parent: int, executable: str) -> int:
    """Return the exit code of the function, or minus the signal that ended it."""
    news = _News(parent)
    try:
        _wait_for(port, news)
    except _Ended as ended:
        return ended.status
    process = subprocess.Popen([*_command(delve, port), executable], stdin=subprocess.DEVNULL)
    try:
        _follow(process, port, news)
    except _Ended as ended:
        return ended.status
    except OSError:  # delve closed the connection
        process.wait()
    finally:
        _end(process)
    return process.returncode


def _command(delve: str, port: int) -> list[str]:
    # No `--continue`: an IDE that connects at once would be in its way. No log, which would be mixed
    # up with the function's output.
    return [
        delve, "exec", "--headless", f"--listen={HOST}:{port}", "--api-version=2", "--accept-multiclient",
        "--check-go-version=false", f"--log-dest={os.devnull}",
    ]  # fmt: skip


def _wait_for(port: int, news: _News) -> None:
    """Wait until nobody listens at the port: the function's last process may be at its last call."""
    since = time.monotonic()
    told = False
    while _taken(port):
        if not told and time.monotonic() - since > 1:
            told = True
            sys.stderr.write(f"delve waits for port {port}, where something else listens\n")
            sys.stderr.flush()
        news.wait(None, 0.05)


def _taken(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _follow(process: "subprocess.Popen[bytes]", port: int, news: _News) -> None:
    """Let the function run, and ask delve for its state until either has ended.

    Raises:
        _Ended: the function has, or shall.

    """
    connection = _connect(process, port, news)
    if connection is None:
        sys.stderr.write(f"delve did not start the function: {_ADVICE}\n")
        return
    with connection:
        # Both are answered once the function is halted, or has ended.
        _ask(connection, "Command", name="continue")
        pending = b""
        while data := _received(connection, news):
            pending += data
            try:
                answer = json.loads(pending)
            except ValueError:
                continue  # there is more to come
            if (status := _exit_status(answer)) is not None:
                raise _Ended(status)
            pending = b""
            news.wait(None, _GLANCE)
            _ask(connection, "State", NonBlocking=False)
    while process.poll() is None:
        news.wait(None, _GLANCE)


def _ask(connection: socket.socket, method: str, **argument: object) -> None:
    """Call a method of delve's JSON-RPC.

    https://github.com/go-delve/delve/tree/master/Documentation/api/json-rpc
    """
    request = {"method": f"RPCServer.{method}", "params": [argument], "id": 1}
    connection.sendall(json.dumps(request).encode())


def _exit_status(answer: "dict[str, Any]") -> int | None:
    """Return how the function ended, or None if it has not."""
    state = (answer.get("result") or {}).get("State") or {}
    if state.get("exited"):
        return int(state.get("exitStatus", 0))
    # By these words delve's own client knows it as well.
    match = re.search(r"has exited with status (-?\d+)", str(answer.get("error")))
    return int(match[1]) if match else None


def _connect(process: "subprocess.Popen[bytes]", port: int, news: _News) -> socket.socket | None:
    """Connect to delve; return None if delve has ended.

    Before an IDE that waits for it does: delve takes connections one after the other, and a `continue`
    that comes after the IDE's first requests would run past its breakpoints.
    """
    hurry = time.monotonic() + _HURRY
    while process.poll() is None:
        with contextlib.suppress(OSError):
            return socket.create_connection((HOST, port))
        news.wait(None, 0 if time.monotonic() < hurry else 0.001)
    return None


def _received(connection: socket.socket, news: _News) -> bytes:
    """Return what delve sends next; nothing if it has ended, or is about to."""
    while not news.wait(connection, _GLANCE):
        pass
    with contextlib.suppress(OSError):
        return connection.recv(65536)
    return b""


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End delve and all that it started."""
    if process.poll() is not None:
        return
    # So that it starts nothing while its children are counted.
    process.send_signal(signal.SIGSTOP)
    groups = {child: _group(child) for child in _descendants(process.pid)}
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child, group in groups.items():
        # Unless there is another process of that number by now.
        if _group(child) == group:
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        if group == child:  # what the function started is left
            with contextlib.suppress(OSError):
                os.killpg(group, signal.SIGKILL)


def _group(process: int) -> int | None:
    with contextlib.suppress(OSError):
        return os.getpgid(process)
    return None


def _descendants(ancestor: int) -> list[int]:
    """Return the processes below one, nearest first."""
    parents = _parents()
    found = [ancestor]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def _parents() -> dict[int, int]:
    if os.path.exists("/proc/self/stat"):
        parents = {}
        for name in filter(str.isdecimal, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                # After the program's name in brackets, which may hold anything: state, parent.
                parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
        return parents
    listed = subprocess.run(["/bin/ps", "-axo", "pid=,ppid="], capture_output=True, check=False)
    return {int(pid): int(parent) for pid, parent in map(bytes.split, listed.stdout.splitlines())}


def probe() -> int:
    """Return `REFUSED` if a child of this process may not be traced by it, else 0.

    Source: ptrace(2), PTRACE_TRACEME; https://docs.kernel.org/admin-guide/LSM/Yama.html
    """
    if sys.platform != "linux":
        return 0
    child = os.fork()
    if child == 0:
        trace_me = 0
        refused = ctypes.CDLL(None).ptrace(trace_me, 0, None, None) != 0
        os._exit(REFUSED if refused else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    if sys.argv[1:] == [PROBE]:
        sys.exit(probe())
    status = main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    if status < 0:
        with contextlib.suppress(OSError):  # SIGKILL has no other
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)
