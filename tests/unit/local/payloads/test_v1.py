"""Payload format 1.0: what AWS was seen to send, and to make of answers."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.deployment.routes.apis import Api, Route
from lambdabuild.local.http.messages import Headers, Response
from lambdabuild.local.payloads import v1
from lambdabuild.local.payloads.incoming import Incoming, known_id
from lambdabuild.local.payloads.v2 import BadAnswerError, Received

PROXY = Route("ANY", "/{proxy+}", Api("rest", "Shop", "test"))
HTTP_1 = Route("GET", "/users/{id}", Api("http", "Shop", "$default"), payload="1.0")


def incoming(
    method: str = "GET",
    path: str = "/test-path",
    query: str = "",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Incoming:
    sent = Headers((("Host", "shop.localhost:9000"), *headers))
    received = Received(method, path, query, sent, body, "127.0.0.1")
    return Incoming(received, "11111111-2222-3333-4444-555555555555", "Root=1-2-3", 1583349317.135)


def place(route: Route = PROXY, **parameters: str) -> v1.Place:
    return v1.Place(route, parameters)


def test_the_event_of_a_rest_api_is_complete_and_null_where_there_is_nothing() -> None:
    request = incoming(headers=(("Accept", "*/*"), ("tEsT-HEADeR", "aValUE")))
    headers = {
        "Accept": "*/*",
        "Host": "shop.localhost:9000",
        "X-Amzn-Trace-Id": "Root=1-2-3",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Port": "9000",
        "X-Forwarded-Proto": "http",
        "tEsT-HEADeR": "aValUE",
    }
    assert v1.event(request, place(proxy="test-path")) == {
        "resource": "/{proxy+}",
        "path": "/test-path",
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": "test-path"},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": known_id("rest", "Shop"),
            "deploymentId": known_id("Shop", "test", length=6),
            "domainName": "shop.localhost:9000",
            "domainPrefix": "shop",
            "extendedRequestId": request.extended_id,
            "httpMethod": "GET",
            "identity": {
                "accessKey": None,
                "accountId": None,
                "caller": None,
                "cognitoAuthenticationProvider": None,
                "cognitoAuthenticationType": None,
                "cognitoIdentityId": None,
                "cognitoIdentityPoolId": None,
                "principalOrgId": None,
                "sourceIp": "127.0.0.1",
                "user": None,
                "userAgent": None,
                "userArn": None,
            },
            "path": "/test/test-path",
            "protocol": "HTTP/1.1",
            "requestId": "11111111-2222-3333-4444-555555555555",
            "requestTime": "04/Mar/2020:19:15:17 +0000",
            "requestTimeEpoch": 1583349317135,
            "resourceId": known_id("Shop", "/{proxy+}", length=6),
            "resourcePath": "/{proxy+}",
            "stage": "test",
        },
        "body": None,
        "isBase64Encoded": False,
    }


def test_a_field_for_one_value_has_the_last_of_several() -> None:
    request = incoming(
        query="category=electronics&category=books&price=10&price=20&empty=&&flag",
        headers=(("X-Twice", "1"), ("x-twice", "2"), ("x-forwarded-for", "10.0.0.1")),
    )
    event = v1.event(request, place())
    assert event["multiValueQueryStringParameters"] == {
        "category": ["electronics", "books"],
        "price": ["10", "20"],
        "empty": [""],
        "flag": [""],
    }
    assert event["queryStringParameters"] == {
        "category": "books",
        "price": "20",
        "empty": "",
        "flag": "",
    }
    assert event["multiValueHeaders"]["X-Twice"] == ["1", "2"]
    assert event["headers"]["X-Twice"] == "2"
    assert event["headers"]["X-Forwarded-For"] == "10.0.0.1, 127.0.0.1"


def test_the_query_is_decoded_and_the_path_is_not() -> None:
    path = "/test-path/user/test%2Balias@gmail.com/plus/test+alias@gmail.com"
    event = v1.event(
        incoming(path=path, query="email=test%2Balias@gmail.com&plus=test+alias&a%20b=%C3%BC"),
        place(proxy=path[1:]),
    )
    assert event["path"] == path
    assert event["requestContext"]["path"] == f"/test{path}"
    assert event["pathParameters"] == {"proxy": path[1:]}
    assert event["queryStringParameters"] == {
        "email": "test+alias@gmail.com",
        "plus": "test alias",
        "a b": "ü",
    }


def test_headers_of_the_connection_and_of_the_length_are_not_passed_on() -> None:
    request = incoming(
        "POST",
        headers=(
            *(("Content-Length", "2"), ("Connection", "keep-alive"), ("Expect", "100-continue")),
            *(("user-agent", "curl/8"), ("content-type", "application/json")),
        ),
        body=b"{}",
    )
    event = v1.event(request, place())
    assert set(event["headers"]) == {
        *("Host", "User-Agent", "content-type", "X-Amzn-Trace-Id"),
        *("X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"),
    }
    assert (event["body"], event["isBase64Encoded"]) == ("{}", False)
    assert event["requestContext"]["identity"]["userAgent"] == "curl/8"


@pytest.mark.parametrize(
    ("kind", "body", "is_base64"),
    [
        ("application/json; charset=utf-8", b'{"a": 1}', False),
        ("application/vnd.api+json", b"{}", False),
        ("application/x-www-form-urlencoded", b"a=b", False),
        ("text/csv", "ä;b".encode(), False),
        ("", b"hello", False),
        ("", b"\xff", True),
        ("text/plain", b"\xff", True),
        ("image/png", b"PNG", True),
        ("multipart/form-data; boundary=x", b"--x--", True),
    ],
)
def test_without_binary_types_a_body_is_base64_unless_its_type_is_text(
    kind: str, body: bytes, is_base64: bool
) -> None:
    headers = (("Content-Type", kind),) if kind else ()
    event = v1.event(incoming("POST", headers=headers, body=body), place())
    text = base64.b64encode(body).decode() if is_base64 else body.decode()
    assert (event["body"], event["isBase64Encoded"]) == (text, is_base64)


@pytest.mark.parametrize(
    ("types", "kind", "is_base64"),
    [
        (("*/*",), "application/json", True),
        (("*/*",), "", True),
        (("image/*",), "image/png", True),
        (("image~1png",), "image/png", True),
        (("image/*",), "application/octet-stream", False),
        ((), "image/png", False),
    ],
)
def test_with_binary_types_they_alone_count(
    types: tuple[str, ...], kind: str, is_base64: bool
) -> None:
    route = PROXY._replace(api=PROXY.api._replace(binary_types=types))
    headers = (("Content-Type", kind),) if kind else ()
    event = v1.event(incoming("POST", headers=headers, body=b"\xff"), place(route))
    assert (event["body"], event["isBase64Encoded"]) == (
        "/w==" if is_base64 else "\ufffd",
        is_base64,
    )


def test_a_compressed_body_is_base64() -> None:
    headers = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    event = v1.event(incoming("POST", headers=headers, body=b"zip"), place())
    assert event["isBase64Encoded"] is True


def test_an_http_api_that_asks_for_format_1_has_a_version_and_decodes_parameters() -> None:
    request = incoming(path="/users/a%20b")
    event = v1.event(request, v1.Place(HTTP_1, {"id": "a b"}))
    assert event["version"] == "1.0"
    assert (event["path"], event["pathParameters"]) == ("/users/a%20b", {"id": "a b"})
    context = event["requestContext"]
    assert (context["path"], context["resourceId"]) == ("/users/a b", "GET /users/{id}")
    assert context["requestId"] == context["extendedRequestId"]
    assert context["identity"]["userAgent"] == ""
    assert "deploymentId" not in context


def test_stage_variables_authorizers_and_keys_are_in_the_event() -> None:
    route = PROXY._replace(api=PROXY.api._replace(stage_variables=(("TABLE", "users"),)))
    event = v1.event(incoming(), v1.Place(route, {}, {"principalId": "ada"}, "k-1"))
    assert event["stageVariables"] == {"TABLE": "users"}
    assert event["requestContext"]["authorizer"] == {"principalId": "ada"}
    assert event["requestContext"]["identity"]["apiKey"] == "k-1"


def answered(answer: Any, route: Route = PROXY, **headers: str) -> Response:
    request = incoming(headers=tuple(headers.items()))
    return v1.response(json.dumps(answer).encode(), request, route)


def test_an_answer_is_a_response() -> None:
    response = answered(
        {
            "statusCode": 201,
            "headers": {
                "Content-Type": "text/plain",
                "X-Number": 1,
                "X-Bool": True,
                "X-Null": None,
            },
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "x-number": [1, 2]},
            "body": "grüß",
        }
    )
    assert response == Response(
        201,
        [
            *(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("x-number", "1"), ("x-number", "2")),
            *(("Content-Type", "text/plain"), ("X-Bool", "true")),
        ],
        "grüß".encode(),
    )


def test_the_default_type_is_json_of_a_rest_api_and_text_of_an_http_api() -> None:
    assert answered({"statusCode": 200}).headers == [("Content-Type", "application/json")]
    assert answered({"statusCode": "418"}, HTTP_1) == Response(
        418, [("Content-Type", "text/plain; charset=utf-8")]
    )


def test_a_rest_api_renames_headers_that_are_its_own() -> None:
    answer = {
        "statusCode": 401,
        "headers": {"WWW-Authenticate": "Basic", "Content-Type": "a/b", "Content-Length": "7"},
    }
    assert answered(answer).headers == [
        ("x-amzn-Remapped-WWW-Authenticate", "Basic"),
        ("Content-Type", "a/b"),
    ]
    assert answered(answer, HTTP_1).headers[0] == ("WWW-Authenticate", "Basic")


def test_base64_is_decoded_as_the_function_says_or_as_binary_types_and_accept_do() -> None:
    answer = {"statusCode": 200, "body": "/w==", "isBase64Encoded": True}
    pictures = PROXY._replace(api=PROXY.api._replace(binary_types=("image/*",)))
    everything = PROXY._replace(api=PROXY.api._replace(binary_types=("*/*",)))
    assert answered(answer).body == b"\xff"
    assert answered(answer, pictures, Accept="image/webp,*/*").body == b"\xff"
    assert answered(answer, pictures, Accept="text/html,image/webp").body == b"/w=="
    assert answered(answer, everything, Accept="text/html").body == b"\xff"
    assert answered(answer, everything).body == b"\xff"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("hello", "statusCode"),
        (None, "statusCode"),
        ([1], "statusCode"),
        ({"hello": "world"}, "statusCode"),
        ({"statusCode": None}, "statusCode"),
        ({"statusCode": "abc"}, "no status"),
        ({"statusCode": 99}, "no status"),
        ({"statusCode": True}, "no status"),
        ({"statusCode": 200, "body": {"a": 1}}, "encode it as JSON"),
        ({"statusCode": 200, "headers": []} | {"headers": "x"}, "headers"),
        ({"statusCode": 200, "headers": {"X": {}}}, "header"),
        ({"statusCode": 200, "headers": {"X": "a\r\nb"}}, "header"),
        ({"statusCode": 200, "headers": {"a b": "c"}}, "header"),
        ({"statusCode": 200, "multiValueHeaders": {"X": "a"}}, "array"),
        ({"statusCode": 200, "body": "?", "isBase64Encoded": True}, "base64"),
    ],
)
def test_a_malformed_answer_says_why(answer: object, why: str) -> None:
    with pytest.raises(BadAnswerError, match=why):
        answered(answer)


def test_what_is_not_json_is_malformed() -> None:
    for payload in (b"", b"hello", b"\xff", b"[" * 100_000):
        with pytest.raises(BadAnswerError, match="not JSON"):
            v1.response(payload, incoming(), PROXY)


@given(st.binary(max_size=40), st.sampled_from(["", "text/plain", "image/png", "application/json"]))
def test_no_byte_of_a_body_is_lost(body: bytes, kind: str) -> None:
    headers = (("Content-Type", kind),) if kind else ()
    event = v1.event(incoming("POST", headers=headers, body=body), place())
    text = event["body"] or ""
    assert (base64.b64decode(text) if event["isBase64Encoded"] else text.encode()) == body
