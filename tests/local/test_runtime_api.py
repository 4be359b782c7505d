"""The Runtime API, as a scripted runtime sees it: real processes, real sockets."""

import asyncio
import base64
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambdabuild.local.functions import RESPONSE_LIMIT, Outcome
from tests.local.bootstraps import ARN, Room, call, request

API = "/2018-06-01/runtime"
RESPONSE = f"{API}/invocation/ID/response"
ERROR = f"{API}/invocation/ID/error"
EXTENSION = "/2020-01-01/extension"
ACCEPTED = '{"status":"OK"}'


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    room = Room(tmp_path_factory.mktemp("runtime-api"))
    room.add("f", concurrency=1)
    yield room
    room.close()


@pytest.fixture(autouse=True)
def _fresh(room: Room) -> None:
    """Have the function tell what it saw in the test before."""
    room.seen("f", {"do": "tell"})


def refusals(seen: list[Any]) -> list[tuple[int, str]]:
    """Return status and error type of answers."""
    return [(status, json.loads(body)["errorType"]) for status, _, body, *_ in seen]


def post(path: str, body: str = "{}", **headers: str) -> dict[str, Any]:
    return request("POST", path, body, {name.replace("_", "-"): v for name, v in headers.items()})


def test_r1_next_gives_the_event_byte_for_byte_with_its_headers(room: Room) -> None:
    payload = '{"steps": [{"do": "event"}], "text": "grün \\u0000"}  '.encode()
    one = call(
        "f",
        payload=payload,
        arn=f"{ARN}f:$LATEST",
        client_context='{"custom":{"k":"ü"}}',
        trace_id="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
    )
    outcome = room.run(room.pools.invoke(one))
    ((headers, body),) = json.loads(outcome.payload)
    assert base64.b64decode(body) == payload
    deadline = int(headers.pop("Lambda-Runtime-Deadline-Ms"))
    assert len(str(deadline)) == 13
    headers.pop("Content-Length")
    assert headers == {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": one.request_id,
        "Lambda-Runtime-Invoked-Function-Arn": f"{ARN}f:$LATEST",
        "Lambda-Runtime-Trace-Id": one.trace_id,
        "Lambda-Runtime-Client-Context": '{"custom":{"k":"ü"}}'.encode().decode("latin-1"),
    }


def test_r1_an_invocation_without_a_trace_gets_one_of_its_own(room: Room) -> None:
    ((headers, _),) = room.seen("f", {"do": "event"})
    assert "Lambda-Runtime-Client-Context" not in headers
    trace = dict(part.split("=") for part in headers["Lambda-Runtime-Trace-Id"].split(";"))
    assert list(trace) == ["Root", "Parent", "Sampled"]
    assert [len(part) for part in trace["Root"].split("-")] == [1, 8, 24]


def test_r2_an_answer_to_another_request_is_refused_in_json(room: Room) -> None:
    seen = room.seen(
        "f",
        post(f"{API}/invocation/XYZ/response", Accept="application/xml"),
        post(f"{API}/invocation/XYZ/error", Accept="application/xml"),
    )
    assert refusals(seen) == [(400, "InvalidRequestID")] * 2
    assert {content_type for _, content_type, *_ in seen} == {"application/json"}


@pytest.mark.parametrize(
    ("first", "second"),
    [(RESPONSE, RESPONSE), (ERROR, ERROR), (RESPONSE, ERROR), (ERROR, RESPONSE)],
    ids=["r3-response-twice", "r4-error-twice", "r5-response-then-error", "r5-error-then-response"],
)
def test_the_first_answer_counts_and_another_is_refused(
    room: Room, first: str, second: str
) -> None:
    outcome = room.invoke("f", post(first, '{"errorType":"first"}'), post(second, '"second"'))
    assert outcome.payload == b'{"errorType":"first"}'
    assert outcome.failed is (first == ERROR)
    accepted, refused = room.seen("f", {"do": "tell"})
    assert accepted[0] == 202
    assert refusals([refused]) == [(403, "InvalidStateTransition")]


def test_r6_who_asks_again_without_an_answer_gets_the_same_event(room: Room) -> None:
    seen = room.seen("f", {"do": "next"}, {"do": "next"})
    assert seen[0] == seen[1]
    assert json.loads(base64.b64decode(seen[0][1]))["steps"] == [{"do": "next"}, {"do": "next"}]


def test_r7_unknown_paths_and_methods_are_refused(room: Room) -> None:
    seen = room.seen(
        "f",
        post(f"{API}/unsupported"),
        request("DELETE", ERROR),
        post(f"{API}/invocation/next"),
        request("GET", RESPONSE),
        request("GET", f"{API}/restore/next"),
        post(f"{API}/restore/error"),
        request("GET", "/"),
    )
    assert [status for status, *_ in seen] == [404, 405, 405, 405, 404, 404, 404]
    assert seen[0][2] == "404 page not found\n"


def test_r8_a_streamed_response_is_accepted_and_another_mode_is_not(room: Room) -> None:
    mode = {"Lambda-Runtime-Function-Response-Mode": "streaming"}
    outcome = room.invoke("f", request("POST", RESPONSE, '"streamed"', mode))
    assert (outcome.payload, outcome.failed) == (b'"streamed"', False)
    mode = {"Lambda-Runtime-Function-Response-Mode": "invalid-mode"}
    outcome, log = room.log("f", request("POST", RESPONSE, "1", mode), {"do": "next"})
    assert (outcome.failed, outcome.error_type) == (True, "Runtime.InvalidResponseModeHeader")
    assert log.splitlines()[-1].endswith(
        "\tStatus: error\tError Type: Runtime.InvalidResponseModeHeader"
    )


def test_r8_an_invalid_mode_is_told_to_the_runtime(room: Room) -> None:
    mode = {"Lambda-Runtime-Function-Response-Mode": "invalid-mode"}
    room.seen("f", {"do": "tell"})
    room.invoke("f", request("POST", RESPONSE, "1", mode), {"do": "next"})
    seen = room.seen("f", {"do": "tell"})
    assert refusals([one for one in seen if len(one) == 4])[-1] == (
        400,
        "InvalidFunctionResponseMode",
    )


def test_r9_a_response_may_have_six_megabytes_and_a_hundred_bytes(room: Room) -> None:
    outcome = room.invoke("f", post(RESPONSE, "x") | {"times": RESPONSE_LIMIT})
    assert (len(outcome.payload), outcome.failed) == (RESPONSE_LIMIT, False)
    room.seen("f", {"do": "tell"})
    outcome, log = room.log(
        "f", post(RESPONSE, "x") | {"times": RESPONSE_LIMIT + 1}, {"do": "next"}
    )
    assert outcome[:3] == (
        b'{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size '
        b'exceeded maximum allowed payload size (6291556 bytes)."}',
        True,
        "Function.ResponseSizeTooLarge",
    )
    assert log.splitlines()[-1].endswith(
        "\tStatus: error\tError Type: Function.ResponseSizeTooLarge"
    )
    refused = room.seen("f", {"do": "tell"})[0]
    assert refused[0] == 413
    assert json.loads(refused[2]) == {
        "errorMessage": "Exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "RequestEntityTooLarge",
    }


def test_r10_init_error_after_the_first_event_is_refused(room: Room) -> None:
    assert refusals(room.seen("f", post(f"{API}/init/error"))) == [(403, "InvalidStateTransition")]


def test_r11_r12_every_call_gets_the_error_that_a_start_posted(room: Room) -> None:
    error = '{"errorType":"Extension.Chosen","errorMessage":"cannot start"}'
    headers = {"Lambda-runtime-functioN-erroR-typE": "Runtime.ChosenByRuntime"}
    room.add_with_init(
        "broken",
        {"do": "print", "text": "starting\n"},
        request("POST", f"{API}/init/error", error, headers),
        {"do": "exit", "code": 1},
    )
    for _ in range(2):
        outcome, log = room.log("broken", {"do": "tell"})
        assert outcome.payload == error.encode()
        assert (outcome.failed, outcome.error_type) == (True, "Extension.Chosen")
        assert log.count("starting\n") == 2
        assert [line.split("\t")[1] for line in log.splitlines() if "INIT_REPORT" in line] == [
            "Phase: init",
            "Phase: invoke",
        ]
        assert room.pools.live().get("broken", 0) == 0


def test_r12_the_error_type_is_accepted_in_any_case(room: Room) -> None:
    headers = {"Lambda-runtime-functioN-erroR-typE": "Function.Chosen"}
    outcome = room.invoke("f", request("POST", ERROR, "not json", headers))
    assert outcome[:3] == (b"not json", True, "Function.Chosen")


def test_r13_a_header_of_900_kilobytes_is_accepted(room: Room) -> None:
    headers = {"Lambda-Runtime-Function-XRay-Error-Cause": "x" * 900_000}
    outcome = room.invoke("f", request("POST", ERROR, '{"errorType":"Large"}', headers))
    assert outcome[:3] == (b'{"errorType":"Large"}', True, "Large")


def chunked(*chunks: str, trailers: str = "") -> dict[str, Any]:
    """Return the step that sends a response as aws-lambda-go does."""
    body = "".join(f"{len(chunk):x}\r\n{chunk}\r\n" for chunk in chunks)
    return {
        "do": "raw",
        "text": f"POST {RESPONSE} HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n"
        "Transfer-Encoding: chunked\r\nContent-Type: application/octet-stream\r\n"
        "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"
        f"{body}0\r\n{trailers}\r\n",
        "answered": True,
    }


def in_trailers(body: str) -> str:
    encoded = base64.b64encode(body.encode()).decode()
    return (
        "Lambda-Runtime-Function-Error-Type: errorString\r\n"
        f"Lambda-Runtime-Function-Error-Body: {encoded}\r\n"
    )


def test_r14_an_error_in_trailers_takes_the_place_of_what_was_sent(room: Room) -> None:
    body = '{"errorMessage":"broke","errorType":"errorString"}'
    outcome = room.invoke("f", chunked("partial-", trailers=in_trailers(body)))
    assert outcome[:4] == (body.encode(), True, "errorString", "application/json")
    assert room.seen("f", {"do": "tell"})[-1].startswith("HTTP/1.1 202 ")
    outcome = room.invoke("f", chunked("raw ", "bytes"))
    assert outcome[:4] == (b"raw bytes", False, "", "application/octet-stream")
    room.seen("f", {"do": "tell"})


def test_r15_extensions_register_before_the_first_event(room: Room) -> None:
    named = {"Lambda-Extension-Name": "mine"}
    room.add_with_init(
        "extended",
        post(f"{EXTENSION}/register", '{"events":[]}'),
        request("POST", f"{EXTENSION}/register", '{"events":["SHUTDOWN"]}', named),
        request(
            "POST",
            f"{EXTENSION}/register",
            '{"events":[]}',
            named | {"Lambda-Extension-Accept-Feature": "accountId"},
        ),
        request("GET", f"{EXTENSION}/event/next"),
        request("GET", f"{EXTENSION}/event/next", headers={"Lambda-Extension-Identifier": "1-2"}),
        request(
            "GET",
            f"{EXTENSION}/event/next",
            headers={"Lambda-Extension-Identifier": "b0a7d5ae-d29d-4d24-9a58-6c6c6c1fa0a6"},
        ),
    )
    no_name, shutdown, registered, *strangers = room.seen("extended", {"do": "tell"})
    assert refusals([no_name, shutdown, *strangers]) == [
        (403, "Extension.InvalidExtensionName"),
        (403, "Extension.InvalidEventType"),
        (403, "Extension.MissingExtensionIdentifier"),
        (403, "Extension.InvalidExtensionIdentifier"),
        (403, "Extension.UnknownExtensionIdentifier"),
    ]
    status, _, body, headers = registered
    assert (status, json.loads(body)) == (
        200,
        {
            "functionName": "extended",
            "functionVersion": "$LATEST",
            "handler": "bootstrap",
            "accountId": "123456789012",
        },
    )
    assert len(headers["Lambda-Extension-Identifier"]) == 36
    late = request("POST", f"{EXTENSION}/register", '{"events":[]}', named)
    assert refusals(room.seen("extended", late)) == [(403, "Extension.RegistrationClosed")]


def test_extensions_that_registered_for_invocations_hear_of_them(
    room: Room,
) -> None:
    text = f"""
import http.client, json, os
HOST = os.environ["AWS_LAMBDA_RUNTIME_API"]
def send(method, path, body=None, headers={{}}):
    connection = http.client.HTTPConnection(HOST)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.headers, response.read()
headers, _ = send("POST", "{EXTENSION}/register", '{{"events":["INVOKE"]}}', {{"Lambda-Extension-Name": "x"}})
mine = {{"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}}
while True:
    headers, _ = send("GET", "{API}/invocation/next")
    _, event = send("GET", "{EXTENSION}/event/next", headers=mine)
    send("POST", "{API}/invocation/" + headers["Lambda-Runtime-Aws-Request-Id"] + "/response", event)
"""
    room.add("hearing", text)
    one = call("hearing", payload=b"{}", trace_id="Root=1-a-b")
    event = json.loads(room.run(room.pools.invoke(one)).payload)
    assert event.pop("deadlineMs") > 0
    assert event == {
        "eventType": "INVOKE",
        "requestId": one.request_id,
        "invokedFunctionArn": f"{ARN}hearing",
        "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-a-b"},
    }


def test_r16_logs_and_telemetry_are_not_supported_and_say_so(room: Room) -> None:
    seen = room.seen(
        "f",
        request("PUT", "/2022-07-01/telemetry", '{"types":["function"]}'),
        request("PUT", "/2020-08-15/logs", '{"types":["function"]}'),
    )
    assert refusals(seen) == [(202, "Telemetry.NotSupported"), (202, "Logs.NotSupported")]


def test_r17_a_cause_for_x_ray_is_taken_out_of_an_error(room: Room) -> None:
    cause = {"Content-Type": "application/vnd.aws.lambda.error.cause+json"}
    error = '{"errorMessage":"m","errorType":"T","errorCause":{"exceptions":[]}}'
    outcome = room.invoke("f", request("POST", ERROR, error, cause))
    assert outcome[:4] == (b'{"errorMessage":"m","errorType":"T"}', True, "T", "application/json")
    outcome = room.invoke("f", request("POST", ERROR, "{broken", cause))
    assert outcome[:2] == (b'"Invalid error body"', True)


def test_r18_an_answer_before_any_event_is_refused(room: Room) -> None:
    room.add_with_init("early", post(RESPONSE), post(ERROR))
    assert refusals(room.seen("early", {"do": "tell"})) == [(403, "InvalidStateTransition")] * 2


def test_r19_an_answer_is_accepted_in_json(room: Room) -> None:
    room.seen("f", {"do": "tell"})
    room.invoke("f", post(RESPONSE))
    assert room.seen("f", {"do": "tell"})[0][:3] == [202, "application/json", ACCEPTED]


def test_r20_an_error_of_any_bytes_and_type_is_passed_on(room: Room) -> None:
    binary = bytes(range(256))
    step = post(ERROR, Content_Type="odd/type; x=y") | {"base64": base64.b64encode(binary).decode()}
    outcome = room.invoke("f", step)
    assert outcome[:4] == (binary, True, "Function.Unknown", "odd/type; x=y")


HALF = f"POST {RESPONSE} HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Length: 100\r\n\r\nhalf"


def test_r21_a_response_that_breaks_off_is_no_success(room: Room) -> None:
    outcome = room.invoke("f", {"do": "hang-up", "text": HALF}, {"do": "sleep", "seconds": 0.7})
    assert (outcome.failed, outcome.error_type) == (True, "Runtime.TruncatedResponse")


def test_r21_a_process_that_ends_in_its_response_is_no_success(room: Room) -> None:
    outcome = room.invoke("f", {"do": "halt", "text": HALF, "code": 4})
    assert (outcome.failed, outcome.error_type) == (True, "Runtime.ExitError")
    assert outcome.payload.endswith(b'Error: Runtime exited with error: exit status 4"}')


def test_a_process_that_ends_right_after_its_response_has_answered(room: Room) -> None:
    whole = f"POST {RESPONSE} HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Length: 4\r\n\r\nfull"
    outcome = room.invoke("f", {"do": "halt", "text": whole, "code": 0})
    assert outcome[:2] == (b"full", False)


def test_r22_a_hundred_payloads_are_echoed_exactly(room: Room) -> None:
    sizes = [0, 128 << 10, 256 << 10, 1, (128 << 10) - 1] * 20

    async def all_of_them() -> list[Outcome]:
        return [
            await room.pools.invoke(call("f", payload=bytes([65 + n % 26]) * size))
            for n, size in enumerate(sizes)
        ]

    payloads = [outcome.payload for outcome in room.run(all_of_them())]
    assert payloads == [bytes([65 + n % 26]) * size for n, size in enumerate(sizes)]


def test_r23_an_event_survives_the_process_that_waited_for_it(room: Room) -> None:
    for after in (0, 1, 2, 0, 1, 2):
        (pid,) = room.seen("f", {"do": "pid"})

        async def kill_and_invoke(victim: int = pid, after: int = after) -> Outcome:
            await asyncio.sleep(0.01 * after)
            os.kill(victim, signal.SIGKILL)
            return await room.pools.invoke(call("f", {"do": "pid"}))

        outcome = room.run(kill_and_invoke())
        assert not outcome.failed
        assert json.loads(outcome.payload) != [pid]


def test_r23_an_event_that_was_sent_but_never_read_goes_to_another_process(
    room: Room, tmp_path: Path
) -> None:
    once = str(tmp_path / "once")
    room.add_with_init("dying", {"do": "die-unread", "once": once})
    outcome, log = room.log("dying", {"do": "print", "text": "here\n"})
    assert not outcome.failed
    assert Path(once).exists()
    lines = log.splitlines()
    assert [line.split()[0] for line in lines] == ["START", "here", "END", "REPORT"]


def test_ping_is_answered(room: Room) -> None:
    seen = room.seen("f", request("GET", "/2018-06-01/ping"), request("GET", "/ping"))
    assert [(status, body) for status, _, body, _ in seen] == [(200, "pong")] * 2


def test_a_web_page_cannot_take_events(room: Room) -> None:
    page = [
        {"Origin": "https://example.com"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "example.com:80"},
    ]
    seen = room.seen(
        "f",
        *(request("GET", f"{API}/invocation/next", headers=headers) for headers in page),
        *(request("POST", RESPONSE, "", headers) for headers in page),
    )
    assert refusals(seen) == [(403, "Forbidden")] * 6
