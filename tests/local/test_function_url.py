"""Function URLs through curl and http.client, with real functions behind them."""

import base64
import http.client
import json
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lambdabuild.local.functions import NotBuiltError, Program
from tests.local.serving import TOKEN, Serving, serving


@pytest.fixture(scope="module")
def server(executables: dict[str, str]) -> Iterator[Serving]:
    programs: dict[str, Program | NotBuiltError] = {
        name: Program(name, executables[name], timeout=20) for name in ("url", "stream", "op")
    }
    programs["broken"] = NotBuiltError("api/broken/main.go:3:1: syntax error")
    with serving(programs) as serves:
        yield serves


def ask(
    server: Serving,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def answer(server: Serving, value: Any) -> tuple[http.client.HTTPResponse, bytes]:
    """Return the response to what a handler returns."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return ask(server, "GET", f"/lambda-url/url/?answer={quote(text)}")


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        ('{"hello":"world"}', b'{"hello":"world"}'),
        ('{"statusCode":200,"body":"made"}', b"made"),
        ('["hello",3,true]', b'["hello",3,true]'),
        ('"hello"', b"hello"),
        ("3", b"3"),
        ("3.1", b"3.1"),
        ("true", b"true"),
    ],
)
def test_u1_to_u8_what_a_handler_returns_becomes_a_response(
    server: Serving, returned: str, body: bytes
) -> None:
    response, content = answer(server, returned)
    assert (response.status, content) == (200, body)
    assert response.getheader("Content-Type") == "application/json"


def test_u9_a_request_becomes_an_event_of_format_2_0(server: Serving) -> None:
    response, content = ask(
        server,
        "POST",
        "/lambda-url/url/pa2%Fth/1?q=query&multiQuery=foo&multiQuery=%2Fbar",
        b'{"a":1}',
        {"Content-Type": "application/json", "X-Custom": "Value", "Cookie": "a=1; b=2"},
    )
    event = json.loads(content)
    assert response.status == 200
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/pa2%Fth/1"
    assert event["rawQueryString"] == "q=query&multiQuery=foo&multiQuery=%2Fbar"
    assert event["queryStringParameters"] == {"q": "query", "multiQuery": "foo,/bar"}
    assert event["headers"]["x-custom"] == "Value"
    assert event["cookies"] == ["a=1", "b=2"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"a":1}', False)
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["domainName"] == f"127.0.0.1:{server.port}"
    assert event["requestContext"]["requestId"] == response.getheader("x-amzn-RequestId")


def test_u10_curl_sends_a_form_with_a_file(server: Serving, tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(bytes(range(256)))
    done = subprocess.run(
        [
            *("curl", "-sS", "--max-time", "20", "-F", f"file=@{tmp_path / 'file.bin'}"),
            f"{server.address}/lambda-url/url/upload",
        ],
        capture_output=True,
        check=True,
    )
    event = json.loads(done.stdout)
    assert event["isBase64Encoded"] is True
    assert event["headers"]["content-type"].startswith("multipart/form-data; boundary=")
    assert bytes(range(256)) in base64.b64decode(event["body"])


def test_u11_an_answer_has_status_headers_and_cookies(server: Serving) -> None:
    response, content = answer(
        server,
        {
            "statusCode": "418",
            "headers": {"Content-Type": "text/plain", "X-Custom": "value"},
            "cookies": ["a=1", "b=2; HttpOnly"],
            "body": base64.b64encode(b"\x00\xff").decode(),
            "isBase64Encoded": True,
        },
    )
    assert (response.status, content) == (418, b"\x00\xff")
    assert response.getheader("X-Custom") == "value"
    assert response.msg.get_all("Set-Cookie") == ["a=1", "b=2; HttpOnly"]


def test_u12_a_failure_is_a_bad_gateway(server: Serving) -> None:
    response, content = ask(server, "GET", "/lambda-url/url/?fail=no")
    assert (response.status, content) == (502, b"Internal Server Error")


def test_an_answer_that_is_no_response_is_explained_to_the_developer(server: Serving) -> None:
    response, _ = answer(server, {"statusCode": 0, "body": ""})
    assert response.status == 502
    assert "url: its answer is no response: `statusCode` is 0, which is no status" in server.notes


def test_a_function_that_does_not_build_says_what_the_compiler_says(server: Serving) -> None:
    told = "api/broken/main.go:3:1: syntax error"
    response, content = ask(server, "GET", "/lambda-url/broken/")
    assert (response.status, content.decode()) == (502, told)
    response, content = ask(server, "POST", "/2015-03-31/functions/broken/invocations")
    assert (response.status, response.getheader("X-Amz-Function-Error")) == (200, "Unhandled")
    answered = json.loads(content)
    assert (answered["errorType"], answered["errorMessage"]) == ("BuildFailed", told)


def test_u13_a_handler_is_heard_while_it_writes(server: Serving, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", f"/lambda-url/stream/wait?for={quote(str(gate))}")
    response = connection.getresponse()
    assert response.status == 202
    assert response.getheader("Content-Type") == "text/event-stream"
    assert response.getheader("X-Custom") == "waiting"
    assert response.msg.get_all("Set-Cookie") == ["first=1", "second=2"]
    assert response.read(15) == b"data: waiting\n\n"
    gate.touch()  # the handler has not returned yet
    assert response.read() == b"data: done\n\n"
    connection.close()


def test_an_http_handler_gets_the_whole_request(server: Serving) -> None:
    body = bytes(range(256)) * 40
    response, content = ask(server, "PUT", "/lambda-url/stream/a%20b?c=d", body)
    assert (response.status, response.getheader("Content-Type")) == (200, "text/plain")
    assert content == b"PUT /a%20b c=d\n" + body


def test_a_client_that_leaves_amid_a_stream_harms_nobody(server: Serving, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", f"/lambda-url/stream/wait?for={quote(str(gate))}")
    assert connection.getresponse().read(5) == b"data:"
    connection.close()
    gate.touch()
    response, content = ask(server, "GET", "/lambda-url/stream/next")
    assert (response.status, content) == (200, b"GET /next \n")


def test_a_head_request_has_headers_alone(server: Serving) -> None:
    response, content = ask(server, "HEAD", "/lambda-url/url/?answer=%22hello%22")
    assert (response.status, content) == (200, b"")


def test_where_nothing_is_what_there_is_is_said(server: Serving) -> None:
    response, content = ask(server, "GET", "/lambda-url/nobody/")
    assert response.status == 404
    assert json.loads(content)["function_urls"] == [
        "/lambda-url/broken/",
        "/lambda-url/op/",
        "/lambda-url/stream/",
        "/lambda-url/url/",
    ]


def test_a_page_of_another_site_calls_nothing(server: Serving) -> None:
    for path, headers in (
        ("/2015-03-31/functions/op/invocations", {"Origin": "https://evil.example"}),
        ("/lambda-url/url/", {"Origin": "https://evil.example"}),
        ("/lambda-url/url/", {"Sec-Fetch-Site": "cross-site"}),
        ("/lambda-url/url/", {"Host": "evil.example"}),
        ("/_lambdabuild/invocations/op", {"Lambdabuild-Token": "guessed"}),
    ):
        response, content = ask(server, "POST", path, b'{"Op":"count"}', headers)
        assert response.status == 403
        assert json.loads(content)["message"]
        assert response.getheader("Access-Control-Allow-Origin") is None


def test_a_call_is_told_line_by_line_to_who_has_the_token(server: Serving) -> None:
    response, content = ask(
        server,
        "POST",
        "/_lambdabuild/invocations/op",
        b'{"Op":"print"}',
        {"Lambdabuild-Token": TOKEN},
    )
    assert response.getheader("Content-Type") == "application/x-ndjson"
    *logs, last = map(json.loads, content.splitlines())
    lines = [told["log"] for told in logs]
    start = next(i for i, line in enumerate(lines) if line.startswith("START RequestId: "))
    assert lines[start + 1 : start + 5] == [
        "to stdout\n",
        "to stderr\n",
        "to stdout again\n",
        "without newline\n",
    ]
    assert lines[-1].startswith(f"REPORT RequestId: {last['request_id']}\t")
    assert base64.b64decode(last["payload"]) == b'"printed"'
    assert (last["failed"], last["error_type"]) == (False, "")


def test_a_call_may_have_a_timeout_of_its_own(server: Serving) -> None:
    _, content = ask(
        server,
        "POST",
        "/_lambdabuild/invocations/op",
        b'{"Op":"sleep","Milliseconds":5000}',
        {"Lambdabuild-Token": TOKEN, "Lambdabuild-Timeout": "0.25"},
    )
    last = json.loads(content.splitlines()[-1])
    assert (last["failed"], last["error_type"]) == (True, "Sandbox.Timedout")
    assert 0.25 <= last["seconds"] < 2


def test_nothing_of_a_request_or_a_response_is_logged(
    server: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.notes.clear()
    secret = "hunter2"
    answers = (
        {"statusCode": secret},
        {"statusCode": 200, "headers": {"X-Custom": f"a\n{secret}"}},
        {"statusCode": 200, "isBase64Encoded": True, "body": f"%{secret}"},
        {"statusCode": 200, "body": secret},
    )
    for value in answers:
        answer(server, value)
    ask(server, "GET", f"/lambda-url/url/{secret}?fail={secret}", None, {"X-Custom": secret})
    ask(server, "POST", f"/nothing/{secret}", secret.encode(), {"Cookie": secret})
    ask(server, "POST", "/2015-03-31/functions/op/invocations", secret.encode())
    ask(server, "POST", "/_lambdabuild", secret.encode(), {"Lambdabuild-Token": secret})
    ask(server, "GET", "/lambda-url/url/", None, {"Origin": f"https://{secret}"})
    assert len(server.notes) == 3
    assert secret not in "".join(server.notes)
    assert secret not in caplog.text
