"""Function URLs, answered by functions without processes."""

import asyncio
import base64
import json
from collections.abc import Sequence

import pytest

from lambdabuild.deployment.routes.apis import Cors
from lambdabuild.local.function_url import FunctionUrls
from lambdabuild.local.functions import PAYLOAD_LIMIT, RESPONSE_LIMIT, Call, Outcome
from lambdabuild.local.http.messages import BrokenOffError, Response
from tests.unit.local.fakes import Fake, Stream, header, read, request

STREAMED = "application/vnd.awslambda.http-integration-response"
DONE = Outcome(b"")
FAILED = Outcome(b'{"errorMessage":"no"}', failed=True, error_type="errorString")


def ask(
    functions: Fake,
    target: str = "/",
    body: bytes = b"",
    *headers: tuple[str, str],
    method: str = "GET",
) -> tuple[Response, list[str]]:
    """Return the answer of the URL of `f`, read to its end, and what was noted."""
    notes: list[str] = []

    async def run() -> Response:
        urls = FunctionUrls(functions, notes.append)
        asked = request(method, target, headers, body)
        response = await urls.handle(asked, "f", asked.path)
        response.body = await read(response)
        return response

    return asyncio.run(run()), notes


def streaming(content_type: str, *pieces: bytes, ends: Outcome = DONE) -> Fake:
    return Fake({}, {"f": Stream(content_type, pieces, ends)})


def answering(payload: bytes, content_type: str = "application/json") -> Fake:
    return Fake({"f": lambda _: Outcome(payload, content_type=content_type)})


def test_a_request_becomes_an_event_and_its_answer_a_response() -> None:
    def handler(call: Call) -> Outcome:
        event = json.loads(call.payload)
        answer = {"statusCode": "418", "headers": {"X-Path": event["rawPath"]}, "cookies": ["a=1"]}
        return Outcome(json.dumps(answer).encode())

    functions = Fake({"f": handler})
    response, notes = ask(functions, "/pa2%Fth/1?q=1", b"<a>", ("Content-Type", "text/xml"))
    (call,) = functions.calls
    event = json.loads(call.payload)
    assert (response.status, header(response, "X-Path"), notes) == (418, "/pa2%Fth/1", [])
    assert header(response, "Set-Cookie") == "a=1"
    assert header(response, "x-amzn-RequestId") == call.request_id
    assert header(response, "X-Amzn-Trace-Id") == call.trace_id
    assert event["requestContext"]["requestId"] == call.request_id
    assert event["headers"]["x-amzn-trace-id"] == call.trace_id
    assert (event["body"], event["isBase64Encoded"], event["rawQueryString"]) == (
        "<a>",
        False,
        "q=1",
    )
    assert call.arn == "arn:aws:lambda:us-east-1:123456789012:function:f"


def test_a_binary_body_goes_both_ways() -> None:
    def handler(call: Call) -> Outcome:
        event = json.loads(call.payload)
        body = base64.b64decode(event["body"])[::-1]
        answer = {
            "statusCode": 200,
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": event["isBase64Encoded"],
        }
        return Outcome(json.dumps(answer).encode())

    sent = b"\x00\xff--boundary"
    response, _ = ask(
        Fake({"f": handler}), "/", sent, ("Content-Type", "multipart/form-data; boundary=boundary")
    )
    assert response.body == sent[::-1]


def test_raw_bytes_of_a_handler_may_be_a_response_too() -> None:
    # What wraps handlers, as OpenTelemetry does, gives bytes that Go posts as application/octet-stream.
    response, _ = ask(answering(b'{"statusCode":201,"body":"made"}', "application/octet-stream"))
    assert (response.status, response.body) == (201, b"made")


def test_a_failure_is_a_bad_gateway_and_nothing_of_it_is_told() -> None:
    response, notes = ask(Fake({"f": lambda _: FAILED}))
    assert (response.status, response.body, notes) == (502, b"Internal Server Error", [])


def test_a_function_that_does_not_build_tells_why() -> None:
    told = json.dumps({"errorMessage": "main.go:3:1: syntax error", "errorType": "BuildFailed"})
    outcome = Outcome(told.encode(), failed=True, error_type="BuildFailed")
    response, _ = ask(Fake({"f": lambda _: outcome}))
    assert (response.status, response.body) == (502, b"main.go:3:1: syntax error")


def test_an_answer_that_is_no_response_is_noted_with_the_reason() -> None:
    response, notes = ask(answering(b'{"statusCode":0,"headers":null,"body":""}'))
    assert (response.status, response.body) == (502, b"Internal Server Error")
    assert notes == ["f: its answer is no response: `statusCode` is 0, which is no status"]


def test_a_request_that_is_too_large_is_refused() -> None:
    functions = answering(b"1")
    for size in (PAYLOAD_LIMIT + 1, PAYLOAD_LIMIT * 3 // 4):
        response, _ = ask(functions, "/", bytes(size), method="POST")
        assert response.status == 413
        assert b"takes a third more there, in base64" in response.body
    assert functions.calls == []


def test_an_answer_that_is_too_large_and_not_streamed_is_refused() -> None:
    response, notes = ask(streaming("application/json", b"1" * RESPONSE_LIMIT, b"1"))
    assert response.status == 502
    assert notes == [
        "f: its answer is no response: it has more than 6291556 bytes, and is not streamed"
    ]


HEAD = b'{"statusCode":202,"headers":{"X-A":"1"},"cookies":["a=1","b=2"]}'
WHOLE = HEAD + bytes(8) + b"one" + bytes(8) + b"two"


@pytest.mark.parametrize(
    "pieces",
    [
        [WHOLE],
        [bytes([byte]) for byte in WHOLE],
        [HEAD, bytes(8), b"one" + bytes(8), b"two"],
        [HEAD + bytes(3), bytes(5) + b"one" + bytes(8) + b"two"],
        [HEAD[:5], HEAD[5:] + bytes(7), bytes(1), WHOLE[len(HEAD) + 8 :]],
    ],
    ids=["whole", "bytes", "parts", "between-nuls", "last-nul"],
)
def test_the_head_of_a_streamed_response_ends_at_eight_nuls(pieces: Sequence[bytes]) -> None:
    response, notes = ask(streaming(STREAMED, *pieces))
    assert (response.status, header(response, "X-A"), notes) == (202, "1", [])
    assert [v for n, v in response.headers if n == "Set-Cookie"] == ["a=1", "b=2"]
    assert response.body == b"one" + bytes(8) + b"two"


def test_a_streamed_response_comes_piece_by_piece() -> None:
    functions = streaming(STREAMED, HEAD + bytes(8), b"one", b"two")

    async def run() -> list[bytes]:
        urls = FunctionUrls(functions, print)
        response = await urls.handle(request("GET", "/"), "f", "/")
        assert response.chunks is not None
        return [chunk async for chunk in response.chunks]

    assert asyncio.run(run()) == [b"one", b"two"]


def test_another_type_of_answer_is_passed_on_as_it_comes() -> None:
    response, _ = ask(streaming("text/event-stream", b"data: 1\n\n", b"data: 2\n\n"))
    assert (response.status, header(response, "Content-Type")) == (200, "text/event-stream")
    assert response.body == b"data: 1\n\ndata: 2\n\n"


@pytest.mark.parametrize("content_type", [STREAMED, "text/event-stream", "application/json"])
def test_a_failure_before_the_first_byte_is_a_bad_gateway(content_type: str) -> None:
    response, _ = ask(streaming(content_type, ends=FAILED))
    assert (response.status, response.body) == (502, b"Internal Server Error")


@pytest.mark.parametrize(
    ("content_type", "start"), [(STREAMED, HEAD + bytes(8)), ("text/event-stream", b"")]
)
def test_a_failure_amid_the_body_breaks_the_connection_off(content_type: str, start: bytes) -> None:
    notes: list[str] = []

    async def run() -> None:
        urls = FunctionUrls(streaming(content_type, start + b"partial-", ends=FAILED), notes.append)
        response = await urls.handle(request("GET", "/"), "f", "/")
        assert response.status in {200, 202}
        with pytest.raises(BrokenOffError):
            await read(response)

    asyncio.run(run())
    assert notes == ["f: its response broke off"]


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((b'{"statusCode":200}',), "no eight NULs follow its status and headers"),
        ((b" " * (1 << 20), b" "), "no eight NULs follow its status and headers"),
        ((b"{" + bytes(8),), "what precedes the eight NULs is no JSON"),
        ((b"[]" + bytes(8),), "what precedes the eight NULs is no object"),
        (
            (b'{"statusCode":42}' + bytes(8),),
            "`statusCode` is 42, which is no status",
        ),
    ],
    ids=["none", "far", "no-json", "no-object", "status"],
)
def test_a_head_that_is_none_is_noted(pieces: Sequence[bytes], reason: str) -> None:
    response, notes = ask(streaming(STREAMED, *pieces))
    assert (response.status, notes) == (502, [f"f: its answer is no response: {reason}"])


APP = ("Origin", "https://app.example")
CORS = Cors(
    ("https://app.example",),
    methods=("GET", "PUT"),
    headers=("x-a", "x-b"),
    exposed=("x-c",),
    max_age=60,
    credentials=True,
)


def ask_with_cors(
    functions: Fake, method: str, cors: Cors | None, *headers: tuple[str, str]
) -> Response:
    async def run() -> Response:
        urls = FunctionUrls(functions, print, cors=lambda name: cors if name == "f" else None)
        response = await urls.handle(request(method, "/", headers), "f", "/")
        response.body = await read(response)
        return response

    return asyncio.run(run())


def granted(response: Response) -> list[tuple[str, str]]:
    return [pair for pair in response.headers if pair[0].startswith("Access-Control-")]


def test_a_preflight_is_answered_as_configured_and_the_function_is_not_asked() -> None:
    functions = answering(b"1")
    asks = ("Access-Control-Request-Method", "PUT")
    response = ask_with_cors(functions, "OPTIONS", CORS, APP, asks)
    assert (response.status, response.body) == (200, b"")
    assert granted(response) == [
        ("Access-Control-Allow-Origin", "https://app.example"),
        ("Access-Control-Expose-Headers", "x-c"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "GET,PUT"),
        ("Access-Control-Allow-Headers", "x-a,x-b"),
        ("Access-Control-Max-Age", "60"),
    ]
    other = ask_with_cors(functions, "OPTIONS", CORS, ("Origin", "http://localhost:1"), asks)
    assert (other.status, granted(other), functions.calls) == (200, [], [])


def test_a_response_to_an_allowed_page_says_so() -> None:
    functions = answering(b'{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"*"}}')
    own = ("Access-Control-Allow-Origin", "*")
    assert granted(ask_with_cors(functions, "GET", CORS, APP)) == [
        own,
        ("Access-Control-Allow-Origin", "https://app.example"),
        ("Access-Control-Expose-Headers", "x-c"),
        ("Access-Control-Allow-Credentials", "true"),
    ]
    assert granted(ask_with_cors(functions, "GET", CORS)) == [own], "a program asks"
    assert granted(ask_with_cors(functions, "GET", CORS, ("Origin", "http://localhost:1"))) == [own]


@pytest.mark.parametrize("cors", [None, Cors()])
def test_without_a_configuration_cors_is_the_functions_business(cors: Cors | None) -> None:
    functions = answering(b'{"statusCode":204,"headers":{"Access-Control-Allow-Origin":"*"}}')
    asks = ("Access-Control-Request-Method", "PUT")
    response = ask_with_cors(functions, "OPTIONS", cors, APP, asks)
    assert (response.status, granted(response)) == (204, [("Access-Control-Allow-Origin", "*")])
    assert len(functions.calls) == 1
