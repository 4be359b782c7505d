"""What `lambdabuild invoke` asks of a server."""

import asyncio
import base64
import json
import os
from typing import Any

import pytest

from lambdabuild import __version__
from lambdabuild.local.control.control import Control, new_token
from lambdabuild.local.functions import Call, LogSink, Outcome
from lambdabuild.local.http.messages import Response
from tests.unit.local.fakes import Fake, read, request

TOKEN = ("Lambdabuild-Token", "secret")
ECHO = "/_lambdabuild/invocations/echo"


def ask(
    functions: Fake, method: str, target: str, body: bytes, *headers: tuple[str, str]
) -> Response:
    async def run() -> Response:
        control = Control(functions, "/project", "secret")
        response = await control.handle(request(method, target, headers, body))
        response.body = await read(response)
        await control.close()
        return response

    return asyncio.run(run())


def lines(response: Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.body.splitlines()]


def test_a_server_says_whose_it_is() -> None:
    response = ask(Fake(), "GET", "/_lambdabuild", b"", TOKEN)
    assert json.loads(response.body) == {
        "project": "/project",
        "version": __version__,
        "pid": os.getpid(),
        "functions": ["echo"],
    }


@pytest.mark.parametrize("token", ["", "secre", "secret2", "ünlike"])
def test_nobody_is_answered_without_the_token(token: str) -> None:
    functions = Fake()
    headers = (("Lambdabuild-Token", token),) if token else ()
    for method, target in (("GET", "/_lambdabuild"), ("POST", ECHO), ("GET", "/_lambdabuild/x")):
        response = ask(functions, method, target, b"{}", *headers)
        assert response.status == 403
        assert json.loads(response.body) == {
            "message": "the header Lambdabuild-Token is missing, or is not that of this server"
        }
    assert functions.calls == []


def test_a_token_cannot_be_guessed() -> None:
    assert len(new_token()) >= 40
    assert new_token() != new_token()


def test_a_call_tells_its_log_and_then_its_outcome() -> None:
    functions = Fake({"echo": lambda call: Outcome(call.payload, seconds=0.25)})
    context = base64.b64encode(b'{"custom":{}}').decode()
    response = ask(
        functions,
        "POST",
        ECHO,
        b"[1]",
        TOKEN,
        ("Lambdabuild-Timeout", "2.5"),
        ("Lambdabuild-Client-Context", context),
    )
    (call,) = functions.calls
    assert (call.payload, call.timeout, call.client_context) == (b"[1]", 2.5, '{"custom":{}}')
    assert response.headers == [("Content-Type", "application/x-ndjson")]
    assert lines(response) == [
        {"log": "START\n"},
        {"log": "END\n"},
        {"log": "REPORT\n"},
        {
            "payload": "WzFd",
            "failed": False,
            "error_type": "",
            "content_type": "application/json",
            "request_id": call.request_id,
            "seconds": 0.25,
        },
    ]


def test_a_failure_is_told_as_one() -> None:
    outcome = Outcome(b"\xff", failed=True, error_type="Sandbox.Timedout", content_type="a/b")
    (told,) = lines(ask(Fake({"echo": lambda _: outcome}, log=()), "POST", ECHO, b"", TOKEN))
    assert (told["payload"], told["failed"], told["error_type"], told["content_type"]) == (
        "/w==",
        True,
        "Sandbox.Timedout",
        "a/b",
    )


def test_a_log_that_is_no_utf_8_is_still_told() -> None:
    told = lines(ask(Fake(log=(b"a\xff\n",)), "POST", ECHO, b"", TOKEN))
    assert told[0] == {"log": "a\ufffd\n"}


def test_a_flood_is_cut_where_the_client_cannot_follow() -> None:
    class Flood(Fake):
        async def invoke(self, call: Call, log: LogSink | None = None) -> Outcome:
            del call
            assert log is not None
            for _line in range(5000):
                log(b"x" * 1023 + b"\n")
            return Outcome(b"1")

    *logs, last = lines(ask(Flood(), "POST", ECHO, b"", TOKEN))
    assert len(logs) == 4096 + 1
    assert logs[-1] == {"log": "[904 lines left out: they came too fast]\n"}
    assert last["payload"] == "MQ=="


@pytest.mark.parametrize(
    ("target", "headers", "body", "status", "message"),
    [
        ("/_lambdabuild/invocations/other", (), b"", 404, "there is no function `other`"),
        ("/_lambdabuild/other", (), b"", 404, "there is no POST /_lambdabuild/other"),
        (
            ECHO,
            (),
            b"{",
            400,
            "Could not parse request body into json: Could not parse payload into json: "
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        *[
            (
                ECHO,
                (("Lambdabuild-Timeout", text),),
                b"",
                400,
                "Lambdabuild-Timeout is no number of seconds",
            )
            for text in ("soon", "0", "-1", "nan", "inf")
        ],
    ],
)
def test_what_cannot_be_done_is_said(
    target: str, headers: tuple[tuple[str, str], ...], body: bytes, status: int, message: str
) -> None:
    response = ask(Fake(), "POST", target, body, TOKEN, *headers)
    assert (response.status, json.loads(response.body)["message"]) == (status, message)


def test_names_are_decoded() -> None:
    functions = Fake({"größe": lambda call: Outcome(call.payload)})
    target = "/_lambdabuild/invocations/gr%C3%B6%C3%9Fe"
    assert ask(functions, "POST", target, b"", TOKEN).status == 200


def test_a_call_goes_on_without_its_client_until_the_server_ends() -> None:
    ended: list[str] = []
    well = asyncio.Event()

    class Slow(Fake):
        async def invoke(self, call: Call, log: LogSink | None = None) -> Outcome:
            del call
            try:
                assert log is not None
                log(b"begun\n")
                await asyncio.sleep(0.02)
                ended.append("well")
                well.set()
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise
            return Outcome(b"")

    async def run() -> None:
        control = Control(Slow(), "/project", "secret")
        response = await control.handle(request("POST", ECHO, (TOKEN,)))
        assert response.chunks is not None
        assert await anext(response.chunks) == b'{"log": "begun\\n"}\n'
        del response  # the client is gone
        await asyncio.wait_for(well.wait(), 5)
        await control.close()

    asyncio.run(run())
    assert ended == ["well", "cancelled"]
