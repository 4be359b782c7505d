# A runtime that does what its events say, step by step, and tells what it saw: {"steps": [...]}.
# Other events are answered with themselves. INIT has steps to do before the first event.

import base64
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

HOST = os.environ["AWS_LAMBDA_RUNTIME_API"]
API = "/2018-06-01/runtime"
Step = dict[str, Any]
connection = http.client.HTTPConnection(HOST)
seen: list[Any] = []
event: dict[str, Any] = {}


def send(
    method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection.request(method, path, body or None, headers or {})
    response = connection.getresponse()
    return response.status, dict(response.getheaders()), response.read()


def following() -> None:
    """Ask for the next event."""
    status, headers, body = send("GET", API + "/invocation/next")
    request_id = headers.get("Lambda-Runtime-Aws-Request-Id")
    event.update(status=status, headers=headers, body=body, id=request_id)


def raw(text: str) -> socket.socket:
    """Send bytes on a connection of their own, and return it."""
    host, _, port = HOST.partition(":")
    other = socket.create_connection((host, int(port)))
    other.sendall(text.encode("latin-1").replace(b"ID", str(event.get("id")).encode()))
    return other


# Each step returns whether the event is answered now.


def request(what: Step) -> bool:
    path = what["path"].replace("ID", str(event.get("id")))
    body = base64.b64decode(what["base64"]) if "base64" in what else what["body"].encode()
    body *= what.get("times", 1)
    status, headers, answer = send(what["method"], path, body, what["headers"])
    seen.append([status, headers.get("Content-Type"), answer.decode("latin-1"), headers])
    return event.get("id") in path.split("/") and status in {202, 400, 413}


def take_next(_: Step) -> bool:
    following()
    seen.append([event["id"], base64.b64encode(event["body"]).decode()])
    return False


def show_event(_: Step) -> bool:
    seen.append([event["headers"], base64.b64encode(event["body"]).decode()])
    return False


def print_text(what: Step) -> bool:
    text = what["text"].encode() * what.get("times", 1)
    while text:
        text = text[os.write(what.get("to", 1), text) :]
    return False


def send_raw(what: Step) -> bool:
    """Read the answer to its end, too."""
    other = raw(what["text"])
    answer = b""
    while data := other.recv(65536):
        answer += data
    seen.append(answer.decode("latin-1"))
    return bool(what.get("answered"))


def hang_up(what: Step) -> bool:
    """Break off in the middle of what is sent."""
    raw(what["text"]).close()
    return False


def halt(what: Step) -> bool:
    """End in the middle of what is sent."""
    other = raw(what["text"])
    os._exit(what["code"] if other else 0)


def die_unread(what: Step) -> bool:
    """Ask for an event, and end without reading it; once."""
    if not os.path.exists(what["once"]):
        with open(what["once"], "w", encoding="utf-8"):
            pass
        asking = raw(f"GET {API}/invocation/next HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
        asking.recv(1, socket.MSG_PEEK)
        os._exit(9)
    return False


def see_environment(_: Step) -> bool:
    seen.append([dict(os.environ), os.getcwd()])
    return False


def see_pid(_: Step) -> bool:
    seen.append(os.getpid())
    return False


def leave_child(what: Step) -> bool:
    """Start a process that holds on to the outputs, and does not want to end."""
    pid = os.fork()
    if pid == 0:
        if what.get("own_group"):
            os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.closerange(3, 100)
        time.sleep(60)
        os._exit(0)
    seen.append(pid)
    return False


def hear_sigterm(what: Step) -> bool:
    signal.signal(signal.SIGTERM, lambda *_: print_text(what) and None)
    return False


def sleep(what: Step) -> bool:
    until = time.monotonic() + what["seconds"]
    while (left := until - time.monotonic()) > 0:
        time.sleep(left)
    return False


def end(what: Step) -> bool:
    os._exit(what["code"])


def end_by_signal(what: Step) -> bool:
    os.kill(os.getpid(), what["signal"])
    return False


STEPS: dict[str, Callable[[Step], bool]] = {
    "request": request,
    "next": take_next,
    "event": show_event,
    "print": print_text,
    "raw": send_raw,
    "hang-up": hang_up,
    "halt": halt,
    "die-unread": die_unread,
    "environment": see_environment,
    "pid": see_pid,
    "child": leave_child,
    "on-term": hear_sigterm,
    "sleep": sleep,
    "exit": end,
    "kill": end_by_signal,
    "tell": lambda _: False,
}


def main() -> None:
    for step in json.loads(os.environ.get("INIT", "[]")):
        STEPS[step["do"]](step)
    while True:
        following()
        try:
            steps = json.loads(event["body"])["steps"]
        except (ValueError, TypeError, KeyError):
            send("POST", f"{API}/invocation/{event['id']}/response", event["body"])
            continue
        answered = [STEPS[step["do"]](step) for step in steps]
        if not any(answered):
            body = json.dumps(seen).encode()
            seen.clear()
            send("POST", f"{API}/invocation/{event['id']}/response", body)


main()
