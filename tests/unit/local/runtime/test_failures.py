"""What callers get where an invocation failed."""

import base64

import pytest

from lambdabuild.local.http.messages import Headers
from lambdabuild.local.runtime import failures


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("exit status 1", "RequestId: id Error: Runtime exited with error: exit status 1"),
        ("", "RequestId: id Error: Runtime exited without providing a reason"),
        ("signal: killed", "RequestId: id Error: Runtime exited with error: signal: killed"),
    ],
)
def test_the_end_of_a_process(how: str, message: str) -> None:
    outcome = failures.exited("id", how).outcome()
    text = f'{{"errorType":"Runtime.ExitError","errorMessage":"{message}"}}'
    assert outcome == (text.encode(), True, "Runtime.ExitError", "application/json", 0.0)


def test_what_the_compiler_says_is_the_message() -> None:
    outcome = failures.not_built('main.go:3:2: undefined: "grün"').outcome()
    assert outcome.error_type == "BuildFailed"
    assert outcome.payload.decode() == (
        '{"errorType":"BuildFailed","errorMessage":"main.go:3:2: undefined: \\"grün\\""}'
    )


@pytest.mark.parametrize(
    ("body", "header", "expected"),
    [
        (b'{"errorType":"errorString"}', "Runtime.Known", "errorString"),
        (b'{"errorType":7}', "Runtime.Known", "Runtime.Known"),
        (b"[]", "Function.Known", "Function.Known"),
        (b"\xff", "Runtime.not known", "Runtime.Unknown"),
        (b"", "whatever", "Function.Unknown"),
        (b"", "", "Function.Unknown"),
    ],
)
def test_the_type_of_a_posted_error(body: bytes, header: str, expected: str) -> None:
    headers = Headers([("lambda-runtime-function-error-TYPE", header)])
    outcome = failures.posted(headers, body)
    assert outcome == (body, True, expected, "application/json", 0.0)


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"text"', b"\xff"])
def test_an_error_that_should_have_a_cause_and_is_none(body: bytes) -> None:
    kind = "Application/vnd.aws.lambda.error.cause+JSON; charset=utf-8"
    outcome = failures.posted(Headers([("Content-Type", kind)]), body)
    assert (outcome.payload, outcome.content_type) == (b'"Invalid error body"', "application/json")


def trailers(kind: str, body: str) -> Headers:
    return Headers(
        [
            ("lambda-runtime-function-error-type", kind),
            ("Lambda-Runtime-Function-Error-Body", body),
        ]
    )


def test_trailers_without_an_error_are_none() -> None:
    assert failures.in_trailers(Headers()) is None
    assert failures.in_trailers(trailers("", "")) is None


def test_an_error_in_trailers_is_that_of_the_response() -> None:
    body = b'{"errorMessage":"m","errorType":"T"}'
    found = failures.in_trailers(trailers("T", base64.b64encode(body).decode()))
    assert found == (body, True, "T", "application/json", 0.0)


@pytest.mark.parametrize("body", ["", "not base64!"])
def test_trailers_with_a_type_alone_are_an_error_as_well(body: str) -> None:
    found = failures.in_trailers(trailers("Function.Broken", body))
    assert found is not None
    assert (found.failed, found.error_type) == (True, "Function.Broken")
