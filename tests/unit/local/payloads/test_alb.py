"""Load balancers: what they send, and what they make of answers."""

import json
from typing import Any

import pytest

from lambdabuild.deployment.routes.apis import Api, Route
from lambdabuild.local.http.messages import Response
from lambdabuild.local.payloads import alb
from lambdabuild.local.payloads.v2 import BadAnswerError
from tests.unit.local.payloads.test_v1 import incoming

SINGLE = Route("ANY", "/*", Api("alb"))
SEVERAL = SINGLE._replace(multi_value=True)


def test_the_event_has_one_value_of_each_and_decodes_nothing() -> None:
    request = incoming(
        "POST",
        "/a%20b",
        "q=1&q=%2F&plus=a+b",
        (
            ("X-Twice", "1"),
            ("X-Twice", "2"),
            ("Content-Type", "text/plain"),
            ("Content-Length", "2"),
        ),
        b"hi",
    )
    event = alb.event(request, SINGLE, "users-get")
    arn = event["requestContext"]["elb"]["targetGroupArn"]
    assert arn.startswith(
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/users-get/"
    )
    assert event == {
        "requestContext": {"elb": {"targetGroupArn": arn}},
        "httpMethod": "POST",
        "path": "/a%20b",
        "queryStringParameters": {"q": "%2F", "plus": "a+b"},
        "headers": {
            "host": "shop.localhost:9000",
            "x-twice": "2",
            "content-type": "text/plain",
            "content-length": "2",
            "x-amzn-trace-id": "Root=1-2-3",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "9000",
            "x-forwarded-proto": "http",
        },
        "body": "hi",
        "isBase64Encoded": False,
    }


def test_with_multi_value_headers_the_event_has_all_values_and_no_single_ones() -> None:
    event = alb.event(incoming(query="q=1&q=2", headers=(("A", "1"), ("a", "2"))), SEVERAL, "f")
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"]}
    assert event["multiValueHeaders"]["a"] == ["1", "2"]
    assert "headers" not in event
    assert "queryStringParameters" not in event
    assert (event["body"], event["isBase64Encoded"]) == ("", False)


@pytest.mark.parametrize(
    ("headers", "is_base64"),
    [
        ((("Content-Type", "application/json"),), False),
        ((("Content-Type", "application/xml; charset=utf-8"),), False),
        ((("Content-Type", "application/x-www-form-urlencoded"),), True),
        ((("Content-Type", "text/plain"), ("Content-Encoding", "gzip")), True),
        ((), False),
    ],
)
def test_a_body_is_base64_by_its_type_or_encoding(
    headers: tuple[tuple[str, str], ...], is_base64: bool
) -> None:
    event = alb.event(incoming("POST", headers=headers, body=b"a"), SINGLE, "f")
    assert (event["body"], event["isBase64Encoded"]) == ("YQ==" if is_base64 else "a", is_base64)


def answered(answer: Any, route: Route = SINGLE) -> Response:
    return alb.response(json.dumps(answer).encode(), route)


def test_an_answer_is_a_response_with_a_reason() -> None:
    answer = {
        "statusCode": 200,
        "statusDescription": "200 Fine",
        "headers": {"Content-Type": "text/html"},
        "multiValueHeaders": {"Set-Cookie": ["a", "b"]},
        "body": "YQ==",
        "isBase64Encoded": True,
    }
    assert answered(answer) == Response(200, [("Content-Type", "text/html")], b"a", reason="Fine")
    assert answered(answer, SEVERAL).headers == [
        *(("Set-Cookie", "a"), ("Set-Cookie", "b")),
        ("Content-Type", "application/octet-stream"),
    ]


@pytest.mark.parametrize(
    "answer",
    [None, "x", {}, {"statusCode": "200"}, {"statusCode": 7}, {"statusCode": 200, "body": 1}],
)
def test_a_malformed_answer_is_refused(answer: object) -> None:
    with pytest.raises(BadAnswerError):
        answered(answer)


def test_an_answer_of_more_than_a_mebibyte_is_refused() -> None:
    with pytest.raises(BadAnswerError, match="1 MiB"):
        answered({"statusCode": 200, "body": "x" * alb.MOST_BYTES})


def test_a_reason_that_cannot_be_sent_is_left_out() -> None:
    assert answered({"statusCode": 200, "statusDescription": "200 a\r\nb"}).reason == ""
