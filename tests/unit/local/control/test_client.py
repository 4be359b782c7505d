"""How `invoke` finds a `serve`, and what it makes of its answers."""

import base64
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.control.announcement import Announcement, announce
from lambdabuild.local.control.client import Serving, find_serving, invoke
from lambdabuild.local.functions import Outcome


@dataclass(slots=True)
class Peer:
    """A server that says what it is told to say, and remembers what it was asked."""

    port: int = 0
    status: int = 200
    body: bytes = b""
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def serving(self) -> Serving:
        return Serving("127.0.0.1", self.port, "token", ["f"])


@pytest.fixture
def peer() -> Iterator[Peer]:
    said = Peer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            content = self.rfile.read(size)
            headers = {name.lower(): value for name, value in self.headers.items()}
            said.asked.append((self.command, self.path, headers, content))
            self.send_response(said.status)
            self.end_headers()
            self.wfile.write(said.body)

        do_POST = do_GET  # noqa: N815 - as http.server calls it

        def log_message(self, *arguments: object) -> None:
            del arguments

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    said.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield said
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".lambdabuild/local").mkdir(parents=True)
    return tmp_path


def test_a_serve_that_answers_for_this_project_is_found(project: Path, peer: Peer) -> None:
    address = f"http://127.0.0.1:{peer.port}"
    announce(str(project), Announcement(address, 1, "secret"))
    peer.body = json.dumps({"project": str(project), "functions": ["a", "b"]}).encode()

    assert find_serving(str(project)) == Serving("127.0.0.1", peer.port, "secret", ["a", "b"])
    ((method, path, headers, _),) = peer.asked
    assert (method, path, headers["lambdabuild-token"]) == ("GET", "/_lambdabuild", "secret")
    # It listens everywhere: then here as well.
    announce(str(project), Announcement(f"http://0.0.0.0:{peer.port}", 1, "secret"))
    assert find_serving(str(project)) is not None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, b"{}"),
        (200, b"not JSON"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"project": "/elsewhere", "functions": []}'),
    ],
)
def test_who_answers_otherwise_is_not_asked(
    project: Path, peer: Peer, status: int, body: bytes
) -> None:
    announce(str(project), Announcement(f"http://127.0.0.1:{peer.port}", 1, "secret"))
    peer.status, peer.body = status, body

    assert find_serving(str(project)) is None
    assert len(peer.asked) == 1


def test_nobody_is_asked_where_nothing_trustworthy_was_announced(project: Path, peer: Peer) -> None:
    assert find_serving(str(project)) is None
    peer.body = json.dumps({"project": str(project), "functions": []}).encode()
    file = project / ".lambdabuild/local/serve.json"
    for address in (f"http://192.0.2.1:{peer.port}", "nonsense", "http://127.0.0.1:1"):
        announce(str(project), Announcement(address, 1, "secret"))
        assert find_serving(str(project)) is None
    announce(str(project), Announcement(f"http://127.0.0.1:{peer.port}", 1, "secret"))
    file.chmod(0o644)
    assert find_serving(str(project)) is None
    assert peer.asked == []
    file.chmod(0o600)
    assert find_serving(str(project)) is not None
    os.symlink(file, project / "link")
    os.replace(project / "link", file)
    assert find_serving(str(project)) is None


def test_a_call_is_sent_with_what_it_needs_and_its_log_comes_line_by_line(peer: Peer) -> None:
    said = [
        {"log": "START\n"},
        {"log": "ü\n"},
        {
            "payload": base64.b64encode(b"\xff").decode(),
            "failed": True,
            "error_type": "x",
            "content_type": "text/plain",
            "request_id": "id",
            "seconds": 0.5,
        },
    ]
    peer.body = "".join(f"{json.dumps(line)}\n" for line in said).encode()
    lines: list[bytes] = []
    outcome = invoke(
        peer.serving, "a b", b"{}", lines.append, timeout=1.5, client_context='{"a": 1}'
    )

    assert outcome == Outcome(b"\xff", True, "x", "text/plain", 0.5)
    assert lines == [b"START\n", "ü\n".encode()]
    ((method, path, headers, content),) = peer.asked
    assert (method, path, content) == ("POST", "/_lambdabuild/invocations/a%20b", b"{}")
    assert headers["lambdabuild-timeout"] == "1.5"
    assert json.loads(base64.b64decode(headers["lambdabuild-client-context"])) == {"a": 1}


@pytest.mark.parametrize("body", [b"", b'{"log": "x"}\n', b"{", b'{"payload": 3}\n'])
def test_a_server_that_goes_away_is_no_answer(peer: Peer, body: bytes) -> None:
    peer.body = body
    with pytest.raises(ConnectionError):
        invoke(peer.serving, "f", b"{}", lambda _: None)


def test_a_server_that_is_not_there_is_no_answer(peer: Peer) -> None:
    with pytest.raises(ConnectionError):
        invoke(peer.serving._replace(port=1), "f", b"{}", lambda _: None)


def test_a_refusal_is_told_in_the_server_s_words(peer: Peer) -> None:
    peer.status, peer.body = 404, b'{"message": "there is no function `f`"}'
    with pytest.raises(LambdabuildError, match="refuses the call: there is no function `f`"):
        invoke(peer.serving, "f", b"{}", lambda _: None)
