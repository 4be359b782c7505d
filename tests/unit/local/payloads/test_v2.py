"""Payload format 2.0: what AWS was seen to send and to take."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.local.http.messages import Headers
from lambdabuild.local.payloads.v2 import (
    BadAnswerError,
    Received,
    body_text,
    event,
    request_time,
    response,
)


def received(
    method: str = "GET",
    path: str = "/",
    query: str = "",
    headers: tuple[tuple[str, str], ...] = (("Host", "localhost:9000"),),
    body: bytes = b"",
) -> Received:
    return Received(method, path, query, Headers(headers), body, "127.0.0.1")


def told(request: Received, **options: Any) -> dict[str, Any]:
    return event(
        request, request_id="r-1", trace_id="Root=1", now=1795225454.25, api_id="users", **options
    )


def test_the_event_of_a_request_is_complete() -> None:
    request = received(
        "POST",
        "/pa2%Fth/1",
        "q=query&multiQuery=foo&multiQuery=%2Fbar&empty=",
        (
            ("Host", "localhost:9000"),
            ("User-Agent", "curl/8"),
            ("X-Twice", "1"),
            ("x-twice", "2"),
            ("Cookie", "a=1; b=2"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", "6"),
            ("Connection", "keep-alive"),
        ),
        "grüß".encode(),
    )
    assert told(request) == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/pa2%Fth/1",
        "rawQueryString": "q=query&multiQuery=foo&multiQuery=%2Fbar&empty=",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "host": "localhost:9000",
            "user-agent": "curl/8",
            "x-twice": "1,2",
            "cookie": "a=1; b=2",
            "content-type": "text/plain; charset=utf-8",
            "content-length": "6",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-proto": "http",
            "x-forwarded-port": "9000",
            "x-amzn-trace-id": "Root=1",
        },
        "queryStringParameters": {"q": "query", "multiQuery": "foo,/bar", "empty": ""},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "users",
            "domainName": "localhost:9000",
            "domainPrefix": "localhost",
            "http": {
                "method": "POST",
                "path": "/pa2%Fth/1",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "curl/8",
            },
            "requestId": "r-1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "21/Nov/2026:01:44:14 +0000",
            "timeEpoch": 1795225454250,
        },
        "body": "grüß",
        "isBase64Encoded": False,
    }


def test_what_a_request_has_not_is_left_out() -> None:
    bare = told(received())
    assert not bare.keys() & {
        *("body", "cookies", "queryStringParameters", "pathParameters", "stageVariables"),
    }
    assert "authorizer" not in bare["requestContext"]


def test_an_http_api_adds_its_route_and_takes_the_cookie_header_away() -> None:
    request = received(headers=(("Host", "h"), ("Cookie", "a=1"), ("Cookie", "b=2")))
    made = told(
        request,
        account="123456789012",
        route_key="GET /users/{id}",
        stage="dev",
        path_parameters={"id": "7"},
        stage_variables={"table": "users"},
        authorizer={"lambda": {"user": "me"}},
        cookie_header=False,
    )
    assert made["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in made["headers"]
    assert (made["routeKey"], made["pathParameters"]) == ("GET /users/{id}", {"id": "7"})
    assert made["stageVariables"] == {"table": "users"}
    context = made["requestContext"]
    assert (context["routeKey"], context["stage"]) == ("GET /users/{id}", "dev")
    assert context["authorizer"] == {"lambda": {"user": "me"}}
    assert context["accountId"] == "123456789012"


def test_a_proxy_in_front_keeps_its_say() -> None:
    headers = told(
        received(
            headers=(
                ("Host", "example.com"),
                ("X-Forwarded-For", "10.0.0.1"),
                ("X-Forwarded-Proto", "https"),
                ("X-Forwarded-Port", "443"),
            )
        )
    )["headers"]
    assert headers["x-forwarded-for"] == "10.0.0.1, 127.0.0.1"
    assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == ("https", "443")


@pytest.mark.parametrize(
    ("host", "prefix", "port"),
    [
        ("users.localhost:9000", "users", "9000"),
        ("example.com", "example", "80"),
        ("127.0.0.1:1", "127", "1"),
        ("[::1]:9000", "[::1]", "9000"),
        ("[::1]", "[::1]", "80"),
    ],
)
def test_a_host_has_a_prefix_and_a_port(host: str, prefix: str, port: str) -> None:
    made = told(received(headers=(("Host", host),)))
    context = made["requestContext"]
    assert (context["domainName"], context["domainPrefix"]) == (host, prefix)
    assert made["headers"]["x-forwarded-port"] == port


def test_a_chunked_body_has_its_length_told() -> None:
    chunked = received(
        "POST", headers=(("Host", "h"), ("Transfer-Encoding", "chunked")), body=b"12345"
    )
    headers = told(chunked)["headers"]
    assert headers["content-length"] == "5"
    assert "transfer-encoding" not in headers


@pytest.mark.parametrize(
    ("content_type", "encoded"),
    [
        ("text/html; charset=utf-8", False),
        ("application/json", False),
        ("application/problem+json", False),
        ("application/xml", False),
        ("image/svg+xml", False),
        ("application/javascript", False),
        ("Application/JSON", False),
        ("application/x-www-form-urlencoded", True),
        ("multipart/form-data; boundary=json", True),
        ("application/octet-stream", True),
        ("image/png", True),
        ("", True),
    ],
)
def test_a_body_is_base64_unless_its_type_is_text(content_type: str, encoded: bool) -> None:
    assert body_text(b"abc", content_type) == ("YWJj" if encoded else "abc", encoded)


def test_text_that_is_no_utf_8_is_base64() -> None:
    assert body_text(b"\xff", "text/plain") == ("/w==", True)


@given(st.binary(min_size=1), st.sampled_from(["text/plain", "application/json", "image/png", ""]))
def test_every_body_comes_back_from_its_event(body: bytes, content_type: str) -> None:
    text, encoded = body_text(body, content_type)
    assert (base64.b64decode(text) if encoded else text.encode()) == body


def test_the_time_is_that_of_utc() -> None:
    assert request_time(0) == "01/Jan/1970:00:00:00 +0000"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b'{"hello":"world"}', b'{"hello":"world"}'),
        (b'"hello"', b"hello"),
        (b'"gr\xc3\xbc\xc3\x9fe"', "grüße".encode()),
        (b"3", b"3"),
        (b"3.1", b"3.1"),
        (b"true", b"true"),
        (b"null", b"null"),
        (b'["hello",3,true]', b'["hello",3,true]'),
        (b"no JSON", b"no JSON"),
        (b"\xff\x00", b"\xff\x00"),
        (b"[" * 100_000, b"[" * 100_000),
    ],
    ids=[
        *("object", "string", "letters", "number", "fraction", "boolean", "null", "array", "text"),
        *("bytes", "nested"),
    ],
)
def test_what_is_no_response_is_the_body_of_one(answer: bytes, body: bytes) -> None:
    made = response(answer)
    assert (made.status, made.headers, made.body) == (
        200,
        [("Content-Type", "application/json")],
        body,
    )


@pytest.mark.parametrize("status", [418, "418", 418.0])
def test_a_status_is_a_number_or_its_digits(status: object) -> None:
    assert response(json.dumps({"statusCode": status}).encode()).status == 418


def test_an_answer_is_made_a_response() -> None:
    made = response(
        json.dumps(
            {
                "statusCode": 201,
                "headers": {
                    "content-type": "text/html",
                    "X-Number": 7,
                    "X-Claim": True,
                    "X-Nothing": None,
                    "Content-Length": "99",
                    "Transfer-Encoding": "chunked",
                },
                "cookies": ["a=1", "b=2; HttpOnly"],
                "body": "<p>grüße</p>",
            }
        ).encode()
    )
    assert made.status == 201
    assert made.headers == [
        ("content-type", "text/html"),
        ("X-Number", "7"),
        ("X-Claim", "true"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2; HttpOnly"),
    ]
    assert made.body == "<p>grüße</p>".encode()


def test_a_binary_body_is_decoded() -> None:
    answer = {"statusCode": 200, "body": "/wA=", "isBase64Encoded": True}
    assert response(json.dumps(answer).encode()).body == b"\xff\x00"


def test_a_body_that_is_an_object_becomes_json() -> None:
    answer = {"statusCode": 200, "body": {"ü": [1, 2]}}
    assert response(json.dumps(answer).encode()).body == '{"ü":[1,2]}'.encode()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"statusCode": 0}, "`statusCode` is 0, which is no status"),
        ({"statusCode": True}, "`statusCode` is no number, so no status"),
        ({"statusCode": "ok"}, "`statusCode` is no number, so no status"),
        ({"statusCode": 101}, "`statusCode` is 101, which is no status"),
        ({"statusCode": 200, "headers": ["a"]}, "`headers` is no object"),
        ({"statusCode": 200, "headers": {"a b": "c"}}, "`'a b'` is no name of a header"),
        (
            {"statusCode": 200, "headers": {"a": "secret\r\nSet-Cookie: b"}},
            "the header `a` has a control character in it",
        ),
        (
            {"statusCode": 200, "headers": {"a": "\ud800"}},
            "the header `a` has a control character in it",
        ),
        (
            {"statusCode": 200, "headers": {"a": ["b"]}},
            "the header `a` is neither a string nor a number",
        ),
        ({"statusCode": 200, "cookies": "a=1"}, "`cookies` is no array"),
        (
            {"statusCode": 200, "body": "%", "isBase64Encoded": True},
            "`isBase64Encoded` is true, but `body` is no base64",
        ),
    ],
)
def test_a_response_that_cannot_be_sent_is_refused_with_the_reason(
    answer: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadAnswerError) as caught:
        response(json.dumps(answer).encode())
    assert str(caught.value) == reason
