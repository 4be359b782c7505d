"""The Lambda API, answered by functions without processes."""

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]

from lambdabuild.local.functions import PAYLOAD_LIMIT, Call, Outcome
from lambdabuild.local.http.messages import Response
from lambdabuild.local.lambda_api.api import LambdaApi
from lambdabuild.local.lambda_api.background import MOST_BYTES, MOST_WAITING, Background
from lambdabuild.local.lambda_api.invocation import EVENT_LIMIT, Tail, json_problem
from tests.unit.local.fakes import Fake, Stream, echo, header, read, request

ECHO = "/2015-03-31/functions/echo/invocations"
STREAM = "/2021-11-15/functions/echo/response-streaming-invocations"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:echo"


def ask(
    functions: Fake,
    target: str = ECHO,
    body: bytes = b"",
    *headers: tuple[str, str],
    method: str = "POST",
    retries: int = 0,
) -> Response:
    """Return the answer to one request, once its events have ended too."""

    async def run() -> Response:
        api = LambdaApi(functions, retries=retries)
        response = await api.handle(request(method, target, headers, body))
        if response.chunks is not None:
            response.body = await read(response)
        await asyncio.wait_for(_idle(api), 5)
        await api.close()
        return response

    return asyncio.run(run())


async def _idle(api: LambdaApi) -> None:
    await asyncio.gather(*api._background._tasks)


def failing(_: Call) -> Outcome:
    return Outcome(b'{"errorMessage":"no"}', failed=True, error_type="errorString")


def error_of(response: Response) -> tuple[int, str, dict[str, Any]]:
    return response.status, header(response, "x-amzn-ErrorType"), json.loads(response.body)


def test_a_response_tells_what_aws_tells() -> None:
    functions = Fake()
    response = ask(functions, ECHO, '{"ü":1}'.encode())
    (call,) = functions.calls
    assert (response.status, response.body) == (200, '{"ü":1}'.encode())
    assert response.headers == [
        ("x-amzn-RequestId", call.request_id),
        ("X-Amzn-Trace-Id", call.trace_id),
        ("Content-Type", "application/json"),
        ("X-Amz-Executed-Version", "$LATEST"),
    ]
    assert (call.function, call.arn, call.timeout) == ("echo", ARN, None)


def test_a_trace_id_is_passed_on() -> None:
    functions = Fake()
    response = ask(functions, ECHO, b"{}", ("X-Amzn-Trace-Id", "Root=1-2-3"))
    assert functions.calls[0].trace_id == header(response, "X-Amzn-Trace-Id") == "Root=1-2-3"


def test_the_arn_is_qualified_if_the_request_is() -> None:
    functions = Fake()
    ask(functions, f"{ECHO}?Qualifier=%24LATEST")
    assert functions.calls[0].arn == f"{ARN}:$LATEST"


def test_no_payload_is_an_empty_object() -> None:
    assert ask(Fake()).body == b"{}"


def test_a_failure_is_unhandled_and_still_200() -> None:
    response = ask(Fake({"echo": failing}))
    assert (response.status, response.body) == (200, b'{"errorMessage":"no"}')
    assert header(response, "X-Amz-Function-Error") == "Unhandled"


def test_the_tail_of_the_log_comes_if_asked_for() -> None:
    without = ask(Fake())
    response = ask(Fake(), ECHO, b"", ("X-Amz-Log-Type", "Tail"))
    assert header(without, "X-Amz-Log-Result") == ""
    log = base64.b64decode(header(response, "X-Amz-Log-Result"))
    assert log == b"START\nEND\nREPORT\n"


def test_a_tail_is_the_last_4_kb() -> None:
    tail = Tail()
    for number in range(1000):
        tail.add(f"{number:07}\n".encode())
    kept = base64.b64decode(tail.in_base64())
    assert len(kept) == 4096
    assert kept.endswith(b"0000998\n0000999\n")


def test_a_dry_run_does_not_run() -> None:
    functions = Fake()
    response = ask(functions, ECHO, b"", ("X-Amz-Invocation-Type", "DryRun"))
    assert (response.status, response.body, functions.calls) == (204, b"", [])
    assert header(response, "X-Amz-Executed-Version") == ""


@pytest.mark.parametrize("retries", [0, 2])
def test_an_event_is_tried_again_under_its_request_id(retries: int) -> None:
    functions = Fake({"echo": failing})
    response = ask(functions, ECHO, b"1", ("X-Amz-Invocation-Type", "Event"), retries=retries)
    assert (response.status, response.body) == (202, b"")
    assert header(response, "X-Amz-Executed-Version") == ""
    assert len(functions.calls) == 1 + retries
    assert {c.request_id for c in functions.calls} == {header(response, "x-amzn-RequestId")}


def test_an_event_that_succeeds_is_not_tried_again() -> None:
    functions = Fake()
    ask(functions, ECHO, b"1", ("X-Amz-Invocation-Type", "Event"), retries=2)
    assert len(functions.calls) == 1


def test_events_are_bounded_in_number_and_in_size() -> None:
    async def run(size: int) -> int:
        events = Background(Fake())
        started = 0
        while events.start(Call("echo", bytes(size), "id", ARN)):
            started += 1
        await asyncio.gather(*events._tasks)
        assert events.start(Call("echo", bytes(size), "id", ARN)), "there is room again"
        await events.close()
        return started

    assert asyncio.run(run(1)) == MOST_WAITING
    assert asyncio.run(run(EVENT_LIMIT)) == MOST_BYTES // EVENT_LIMIT


@pytest.mark.parametrize(
    ("target", "headers", "body", "status", "code", "told"),
    [
        (
            ECHO.replace("echo", "other"),
            (),
            b"",
            404,
            "ResourceNotFoundException",
            {
                "Type": "User",
                "Message": f"Function not found: {ARN.replace('echo', 'other')}:$LATEST",
                "Hint": "the functions here are: echo",
            },
        ),
        (
            ECHO,
            (),
            b"not json",
            400,
            "InvalidRequestContentException",
            {
                "Type": "User",
                "message": "Could not parse request body into json: Could not parse payload into "
                "json: Expecting value: line 1 column 1 (char 0)",
            },
        ),
        (
            ECHO,
            (),
            b'"\xff"',
            400,
            "InvalidRequestContentException",
            {
                "Type": "User",
                "message": "Could not parse request body into json: Could not parse payload into "
                "json: invalid UTF-8 at byte 1",
            },
        ),
        (
            ECHO,
            (("X-Amz-Invocation-Type", "Later"),),
            b"",
            400,
            "ValidationException",
            {
                "Type": "User",
                "message": "1 validation error detected: Value 'Later' at 'invocationType' failed "
                "to satisfy constraint: Member must satisfy enum value set: "
                "[RequestResponse, Event, DryRun]",
            },
        ),
        (
            ECHO,
            (("X-Amz-Client-Context", "e30"),),
            b"",
            400,
            "InvalidRequestContentException",
            {
                "Type": "User",
                "message": "Client context must be a valid Base64-encoded JSON object.",
            },
        ),
        (
            ECHO,
            (("X-Amz-Client-Context", "W10="),),
            b"",
            400,
            "InvalidRequestContentException",
            {
                "Type": "User",
                "message": "Client context must be a valid Base64-encoded JSON object.",
            },
        ),
        (
            ECHO,
            (("X-Amz-Client-Context", "A" * 3584),),
            b"",
            400,
            "InvalidRequestContentException",
            {
                "Type": "User",
                "message": "Client context must be no more than 3583 bytes of base64.",
            },
        ),
        (
            ECHO,
            (),
            bytes(PAYLOAD_LIMIT + 2),
            413,
            "RequestTooLargeException",
            {
                "Type": "User",
                "message": "6291458 byte payload is too large for the RequestResponse invocation "
                "type (limit 6291456 bytes)",
            },
        ),
        (
            ECHO,
            (("X-Amz-Invocation-Type", "Event"),),
            bytes(EVENT_LIMIT + 1),
            413,
            "RequestTooLargeException",
            {
                "Type": "User",
                "message": "1048577 byte payload is too large for the Event invocation "
                "type (limit 1048576 bytes)",
            },
        ),
        (
            ECHO,
            (("Content-Length", "999999999"),),
            b"",
            413,
            "RequestEntityTooLargeException",
            {
                "Type": "User",
                "message": "Request must be smaller than 6291456 bytes for the InvokeFunction "
                "operation",
            },
        ),
        (
            "/2015-03-31/functions/echo/policy",
            (),
            b"",
            404,
            "UnknownOperationException",
            {
                "Type": "User",
                "message": "POST /2015-03-31/functions/echo/policy is not served on this machine",
                "Hint": "Invoke, InvokeWithResponseStream, ListFunctions and GetFunction are",
            },
        ),
    ],
    ids=[
        *("unknown", "no-json", "no-utf-8", "type", "base64", "context", "long-context", "large"),
        *("large-event", "far-too-large", "operation"),
    ],
)
def test_what_is_refused_is_refused_in_the_words_of_aws(
    target: str,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    status: int,
    code: str,
    told: dict[str, str],
) -> None:
    functions = Fake()
    assert error_of(ask(functions, target, body, *headers)) == (status, code, told)
    assert functions.calls == []


def test_a_function_that_is_gone_since_is_not_found() -> None:
    class Going(Fake):
        @property
        def names(self) -> Sequence[str]:
            return ["echo"]

    for target in (ECHO, STREAM):
        status, code, _ = error_of(ask(Going({}), target))
        assert (status, code) == (404, "ResourceNotFoundException")


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"{}", ""),
        (b" [1e400, 123456789012345678901234567890] ", ""),
        (b"1" * 10_000, ""),
        ('"ü\\ud800"'.encode(), ""),
        (b"NaN", "NaN is no JSON"),
        (b'{"a":-Infinity}', "-Infinity is no JSON"),
        (b"{} {}", "Extra data: line 1 column 4 (char 3)"),
        ("{}".encode("utf-16"), "invalid UTF-8 at byte 0"),
        (b"[" * 1_000_000, "it is nested too deeply"),
    ],
    ids=[
        *(
            "object",
            "numbers",
            "digits",
            "surrogate",
            "nan",
            "infinity",
            "more",
            "utf-16",
            "nested",
        ),
    ],
)
def test_only_json_is_json(payload: bytes, problem: str) -> None:
    assert json_problem(payload) == problem


def test_a_client_context_is_decoded_for_the_function() -> None:
    functions = Fake()
    context = base64.b64encode(b'{"custom":{"a":"\xc3\xbc"}}').decode()
    ask(functions, ECHO, b"", ("X-Amz-Client-Context", context))
    assert functions.calls[0].client_context == '{"custom":{"a":"ü"}}'


def test_a_raw_response_keeps_its_content_type() -> None:
    functions = Fake({"echo": lambda _: Outcome(b"\xff", content_type="image/png")})
    response = ask(functions)
    assert (response.body, header(response, "Content-Type")) == (b"\xff", "image/png")


def events_of(response: Response) -> list[tuple[str, bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(response.body)
    return [(m.headers[":event-type"], m.payload) for m in buffer]


def test_a_stream_comes_in_frames() -> None:
    stream = Stream("application/octet-stream", (b"one", b"", b"two"), Outcome(b""))
    response = ask(Fake({}, {"echo": stream}), STREAM, b"{}")
    assert header(response, "Content-Type") == "application/vnd.amazon.eventstream"
    assert header(response, "X-Amz-Executed-Version") == "$LATEST"
    assert events_of(response) == [
        ("PayloadChunk", b"one"),
        ("PayloadChunk", b"two"),
        ("InvokeComplete", b"{}"),
    ]


def test_a_stream_that_breaks_off_says_so_in_its_last_frame() -> None:
    failed = Outcome(b'{"errorMessage":"no"}', failed=True)
    stream = Stream("application/octet-stream", (b"partial-",), failed)
    events = events_of(ask(Fake({}, {"echo": stream}), STREAM, b"{}"))
    assert events[0] == ("PayloadChunk", b"partial-")
    assert events[1][0] == "InvokeComplete"
    assert json.loads(events[1][1]) == {
        "ErrorCode": "Unhandled",
        "ErrorDetails": '{"errorMessage":"no"}',
    }


def test_a_stream_has_the_tail_of_its_log_in_its_last_frame() -> None:
    for handler, first in ((echo, [("PayloadChunk", b"[1]")]), (failing, [])):
        response = ask(Fake({"echo": handler}), STREAM, b"[1]", ("X-Amz-Log-Type", "Tail"))
        *chunks, (_, last) = events_of(response)
        assert chunks == first
        assert base64.b64decode(json.loads(last)["LogResult"]) == b"START\nEND\nREPORT\n"


def test_a_dry_run_of_a_stream_does_not_run() -> None:
    functions = Fake()
    response = ask(functions, STREAM, b"", ("X-Amz-Invocation-Type", "DryRun"))
    assert (response.status, functions.calls) == (204, [])


def test_functions_are_listed_without_being_called() -> None:
    functions = Fake({"b": echo, "a": echo})
    for target in ("/2015-03-31/functions", "/2015-03-31/functions/?MaxItems=10"):
        listed = json.loads(ask(functions, target, method="GET").body)["Functions"]
        assert [f["FunctionName"] for f in listed] == ["a", "b"]
    whole = json.loads(ask(functions, "/2015-03-31/functions/a", method="GET").body)
    part = json.loads(ask(functions, "/2015-03-31/functions/a/configuration", method="GET").body)
    assert whole["Configuration"] == part == listed[0]
    assert part["FunctionArn"] == ARN.replace("echo", "a")
    missing = ask(functions, "/2015-03-31/functions/c", method="GET")
    assert missing.status == 404
    assert functions.calls == []
