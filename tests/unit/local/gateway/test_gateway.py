"""What clients get of API Gateway and of load balancers, and what functions get."""

import asyncio
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.deployment.routes.apis import Authorizer, Cors
from lambdabuild.local.functions import PAYLOAD_LIMIT
from lambdabuild.local.http.messages import Response
from tests.unit.local.gateway.requests import (
    Answering,
    Asked,
    Failure,
    header,
    ok,
    request,
    route,
    told,
)
from tests.unit.local.gateway.test_policies import policy, statement
from tests.unit.local.gateway.test_tokens import jwt


def fails(event: Any) -> Any:
    raise Failure(str(event.get("authorizationToken", "no")))


def asked(*routes: Any, **options: Any) -> Asked:
    functions = {"f": ok, "broken": fails, "odd": lambda _: {"hello": "world"}}
    functions |= options.pop("functions", {})
    return Asked(routes, Answering(**functions), **options)


def test_a_request_is_the_event_of_the_kind_of_its_route() -> None:
    gateway = asked(
        route("GET /rest/{id}"),
        route("GET /http/{id}", kind="http", payload="2.0"),
        route("GET /old/{id}", kind="http", payload="1.0"),
        route("GET /alb/*", kind="alb"),
    )
    rest = told(gateway("GET /rest/a%20b?q=1"))[1]
    assert (rest["resource"], rest["path"]) == ("/rest/{id}", "/rest/a%20b")
    assert (rest["pathParameters"], rest["queryStringParameters"]) == ({"id": "a%20b"}, {"q": "1"})
    http = told(gateway("GET /http/a%20b?q=1", [("Cookie", "a=1")]))[1]
    assert (http["version"], http["routeKey"]) == ("2.0", "GET /http/{id}")
    assert (http["rawPath"], http["pathParameters"]) == ("/http/a b", {"id": "a b"})
    assert (http["requestContext"]["stage"], http["cookies"]) == ("$default", ["a=1"])
    assert "cookie" not in http["headers"]
    old = told(gateway("GET /old/1"))[1]
    assert (old["version"], old["pathParameters"]) == ("1.0", {"id": "1"})
    balanced = told(gateway("GET /alb/x"))[1]
    assert set(balanced["requestContext"]) == {"elb"}
    assert gateway.notes == []


def test_a_path_without_any_route_is_for_others_to_answer() -> None:
    assert asked(route("GET /a"))("GET /b") is None


def test_a_path_whose_method_has_no_route_gets_what_each_api_says() -> None:
    gateway = asked(
        route("GET /rest"), route("GET /http", kind="http"), route("GET /alb", kind="alb")
    )
    refused = gateway("POST /rest")
    assert told(refused) == (403, {"message": "Missing Authentication Token"})
    assert header(refused, "x-amzn-errortype") == "MissingAuthenticationTokenException"
    assert told(gateway("POST /http")) == (404, {"message": "Not Found"})
    balanced = gateway("POST /alb")
    assert balanced is not None
    assert (balanced.status, header(balanced, "content-type")) == (404, "text/html")


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("rest", 502, '{"message":"Internal server error"}'),
        ("http", 500, '{"message":"Internal Server Error"}'),
        ("alb", 502, "502 Bad Gateway"),
    ],
)
def test_the_client_of_a_failed_function_learns_nothing_but_the_console_does(
    kind: str, status: int, body: str
) -> None:
    gateway = asked(route("GET /x", "broken", kind))
    response = gateway("GET /x")
    assert response is not None
    assert response.status == status
    assert body in response.body.decode()
    assert gateway.notes == [
        f"GET /x: the client gets {status}, because `broken` failed: errorString"
    ]


def test_a_function_that_does_not_build_shows_what_the_compiler_says() -> None:
    def unbuilt(_: Any) -> Any:
        raise Failure("main.go:7:2: undefined: x", "BuildFailed")

    gateway = asked(route("GET /x", "unbuilt"), functions={"unbuilt": unbuilt})
    response = gateway("GET /x")
    assert response is not None
    assert (response.status, response.body) == (502, b"main.go:7:2: undefined: x")
    assert "BuildFailed" in gateway.notes[0]


def test_an_answer_that_is_no_response_is_malformed_but_to_payload_2() -> None:
    gateway = asked(
        route("GET /rest", "odd"),
        route("GET /old", "odd", "http", payload="1.0"),
        route("GET /http", "odd", "http"),
        route("GET /alb", "odd", "alb"),
    )
    assert told(gateway("GET /rest")) == (502, {"message": "Internal server error"})
    assert told(gateway("GET /old")) == (500, {"message": "Internal Server Error"})
    assert told(gateway("GET /http")) == (200, {"hello": "world"})
    balanced = gateway("GET /alb")
    assert balanced is not None
    assert balanced.status == 502
    assert len(gateway.notes) == 3
    assert "`statusCode`" in gateway.notes[0]


def test_a_function_that_is_not_there_is_an_error_of_the_server() -> None:
    gateway = asked(route("GET /x", "gone"))
    assert told(gateway("GET /x"))[0] == 502
    assert "`gone` is not a function here" in gateway.notes[0]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("rest", (504, {"message": "Endpoint request timed out"})),
        ("http", (503, {"message": "Service Unavailable"})),
    ],
)
def test_an_api_waits_only_so_long_and_the_function_goes_on(
    kind: str, answer: tuple[int, Any]
) -> None:
    answered, ended = asyncio.Event(), asyncio.Event()

    async def slow(_: Any) -> Any:
        await answered.wait()
        ended.set()
        return {"statusCode": 200}

    gateway = asked(route("GET /x", "slow", kind), functions={"slow": slow}, timeouts={kind: 0.01})

    async def ask() -> Response | None:
        response = await gateway.gateway.handle(request("GET", "/x"))
        answered.set()
        async with asyncio.timeout(10):
            await ended.wait()
        return response

    assert told(asyncio.run(ask())) == answer
    assert "did not answer within 0.01 seconds" in gateway.notes[0]


def test_nobody_is_timed_out_while_a_function_is_debugged() -> None:
    async def slow(_: Any) -> Any:
        await asyncio.sleep(0.05)
        return {"statusCode": 204, "body": "not sent"}

    gateway = asked(
        route("GET /x", "slow"),
        functions={"slow": slow},
        timeouts={"rest": 0.01},
        debugged={"slow"},
    )
    response = gateway("GET /x")
    assert response is not None
    assert (response.status, response.body) == (204, b"")


@pytest.mark.parametrize(
    ("kind", "size", "status", "text"),
    [
        ("rest", PAYLOAD_LIMIT + 1, 413, "Request Too Long"),
        # Within the limit, but not as an event.
        ("rest", PAYLOAD_LIMIT, 413, "Request Too Long"),
        ("http", PAYLOAD_LIMIT + 1, 413, "Request Entity Too Large"),
        ("alb", 1024 * 1024 + 1, 413, "413 Request Entity Too Large"),
    ],
)
def test_a_body_may_be_so_large_and_not_larger(
    kind: str, size: int, status: int, text: str
) -> None:
    gateway = asked(route("POST /x", kind=kind))
    response = gateway("POST /x", [("Content-Type", "text/plain")], b"x" * size)
    assert response is not None
    assert response.status == status
    assert text.lower() in response.body.decode().lower()
    assert gateway.functions.events == []


def test_a_body_of_a_megabyte_arrives() -> None:
    gateway = asked(route("POST /x", kind="alb"))
    body = b"x" * 1024 * 1024
    response = gateway("POST /x", [("Content-Type", "text/plain")], body)
    assert gateway.functions.events[0][1]["body"] == body.decode()
    # Its echo is more than a load balancer takes.
    assert response is not None
    assert response.status == 502


def test_a_route_that_wants_a_key_takes_any_and_demands_one() -> None:
    gateway = asked(route("GET /x", needs_key=True))
    assert told(gateway("GET /x")) == (403, {"message": "Forbidden"})
    event = told(gateway("GET /x", [("x-api-key", "k")]))[1]
    assert event["requestContext"]["identity"]["apiKey"] == "k"


def test_a_proxy_s_request_has_a_path_as_well() -> None:
    assert told(asked(route("GET /x"))("GET http://localhost:9000/x"))[1]["path"] == "/x"


def test_responses_have_the_ids_of_their_api() -> None:
    gateway = asked(route("GET /rest"), route("GET /http", kind="http"))
    rest = gateway("GET /rest")
    assert header(rest, "x-amzn-requestid") == told(rest)[1]["requestContext"]["requestId"]
    http = gateway("GET /http")
    assert header(http, "apigw-requestid") == told(http)[1]["requestContext"]["requestId"]


def test_new_routes_can_take_the_place_of_the_old_ones() -> None:
    gateway = asked(route("GET /a"))
    gateway.gateway.use([route("GET /b")])
    assert gateway("GET /a") is None
    assert told(gateway("GET /b"))[0] == 200


# Authorizers.

TOKEN = Authorizer("token", "auth", ("header.Authorization",), pattern="^Bearer .+")
REQUEST = Authorizer("request", "auth", ("header.X-User", "querystring.team"))
SIMPLE = Authorizer("request", "auth", ("header.X-User",), payload="2.0", simple=True)
BEARER = [("authorization", "Bearer ada")]


def allowing(event: Any) -> Any:
    arn = event.get("methodArn") or event["routeArn"]
    return policy(statement("Allow", arn), context={"level": 7})


def test_a_token_authorizer_gets_the_token_and_the_function_its_context() -> None:
    gateway = asked(route("GET /users/{id}", authorizer=TOKEN), functions={"auth": allowing})
    event = told(gateway("GET /users/7", BEARER))[1]
    (name, question), _ = gateway.functions.events
    api = event["requestContext"]["apiId"]
    assert (name, question) == (
        "auth",
        {
            "type": "TOKEN",
            "methodArn": f"arn:aws:execute-api:us-east-1:123456789012:{api}/local/GET/users/7",
            "authorizationToken": "Bearer ada",
        },
    )
    authorizer = event["requestContext"]["authorizer"]
    assert isinstance(authorizer.pop("integrationLatency"), int)
    assert authorizer == {"principalId": "ada", "level": "7"}


@pytest.mark.parametrize("headers", [[], [("Authorization", "Basic x")]])
def test_without_its_token_nobody_is_asked(headers: list[tuple[str, str]]) -> None:
    gateway = asked(route("GET /x", authorizer=TOKEN), functions={"auth": allowing})
    refused = gateway("GET /x", headers)
    assert told(refused) == (401, {"message": "Unauthorized"})
    assert header(refused, "x-amzn-errortype") == "UnauthorizedException"
    assert gateway.functions.events == []


def test_a_request_authorizer_gets_the_request_without_its_body() -> None:
    gateway = asked(route("POST /x", authorizer=REQUEST), functions={"auth": allowing})
    assert told(gateway("POST /x?team=a", [("x-user", "ada")], b"secret"))[0] == 200
    question = gateway.functions.events[0][1]
    assert (question["type"], question["queryStringParameters"]) == ("REQUEST", {"team": "a"})
    assert question["methodArn"].endswith("/local/POST/x")
    assert "body" not in question
    assert told(gateway("POST /x", [("x-user", "ada")]))[0] == 401


def test_where_results_are_not_cached_an_identity_may_be_missing() -> None:
    optional = REQUEST._replace(required=False)
    gateway = asked(route("GET /x", authorizer=optional), functions={"auth": allowing})
    assert told(gateway("GET /x"))[0] == 200


def test_an_http_api_asks_in_format_2_and_takes_a_simple_answer() -> None:
    answers = iter([{"isAuthorized": True, "context": {"level": 7}}, {"isAuthorized": False}])
    gateway = asked(
        route("GET /users/{id}", kind="http", authorizer=SIMPLE),
        functions={"auth": lambda _: next(answers)},
    )
    event = told(gateway("GET /users/7", [("X-User", "ada")]))[1]
    assert event["requestContext"]["authorizer"] == {"lambda": {"level": 7}}
    question = gateway.functions.events[0][1]
    assert (question["version"], question["type"]) == ("2.0", "REQUEST")
    assert (question["routeKey"], question["identitySource"]) == ("GET /users/{id}", ["ada"])
    assert question["routeArn"].endswith("/$default/GET/users/7")
    assert not {"body", "isBase64Encoded"} & set(question)
    assert told(gateway("GET /users/7", [("X-User", "ada")])) == (403, {"message": "Forbidden"})


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        ("Deny", "User is not authorized to access this resource with an explicit deny"),
        ("Allow", "User is not authorized to access this resource"),
    ],
)
def test_a_refused_caller_learns_so_in_a_key_with_a_capital(effect: str, message: str) -> None:
    resource = "*" if effect == "Deny" else "arn:aws:other"
    gateway = asked(
        route("GET /x", authorizer=TOKEN),
        functions={"auth": lambda _: policy(statement(effect, resource))},
    )
    assert told(gateway("GET /x", BEARER)) == (403, {"Message": message})


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("rest", {"message": None}), ("http", {"message": "Internal Server Error"})],
)
def test_an_authorizer_that_fails_or_talks_nonsense_is_an_error(kind: str, answer: Any) -> None:
    for function in (fails, lambda _: {"isAuthorized": True}, lambda _: b"?"):
        gateway = asked(route("GET /x", kind=kind, authorizer=TOKEN), functions={"auth": function})
        assert told(gateway("GET /x", BEARER)) == (500, answer)
        assert "authorizer `auth`" in gateway.notes[0]


def test_the_error_unauthorized_is_401() -> None:
    def refuses(_: Any) -> Any:
        raise Failure("Unauthorized")

    gateway = asked(route("GET /x", authorizer=TOKEN), functions={"auth": refuses})
    assert told(gateway("GET /x", BEARER)) == (401, {"message": "Unauthorized"})


def test_an_authorizer_that_is_elsewhere_is_passed_by_and_said_once() -> None:
    gateway = asked(route("GET /x", authorizer=TOKEN._replace(function="")))
    assert [told(gateway("GET /x", BEARER))[0] for _ in range(2)] == [200, 200]
    assert gateway.notes == ["GET /x: its authorizer is not a function here; requests pass it by"]


def test_signatures_are_not_checked_and_that_is_said_once() -> None:
    gateway = asked(route("GET /x", authorizer=Authorizer("iam")))
    assert [told(gateway("GET /x"))[0] for _ in range(2)] == [200, 200]
    assert gateway.notes == ["GET /x: signatures (AWS_IAM) are not checked here"]


def test_a_jwt_is_decoded_and_not_verified_and_that_is_said_once() -> None:
    jwt_authorizer = Authorizer("jwt", sources=("header.Authorization",))
    gateway = asked(route("GET /x", kind="http", authorizer=jwt_authorizer))
    headers = [("Authorization", f"Bearer {jwt(sub='ada', exp=time.time() + 60)}")]
    for _ in range(2):
        event = told(gateway("GET /x", headers))[1]
        assert event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] == "ada"
    assert gateway.notes == ["JSON web tokens are decoded here, and not verified"]


@pytest.mark.parametrize(
    ("headers", "status", "note"),
    [
        ([], 401, None),
        ([("Authorization", "Bearer nonsense")], 401, "its token is no JWT"),
        ([("Authorization", jwt(exp=1))], 401, "its token is expired"),
        ([("Authorization", jwt(scope="write"))], 403, "none of the scopes"),
        ([("Authorization", jwt(scope="read write"))], 200, "not verified"),
    ],
)
def test_a_jwt_has_to_be_there_to_be_one_and_to_hold(
    headers: list[tuple[str, str]], status: int, note: str | None
) -> None:
    needed = Authorizer("jwt", sources=("header.Authorization",), scopes=("read",))
    gateway = asked(route("GET /x", kind="http", authorizer=needed))
    assert told(gateway("GET /x", headers))[0] == status
    assert (note or "") in "".join(gateway.notes)
    assert bool(gateway.notes) == bool(note)


def test_an_http_api_says_what_is_wrong_with_a_token() -> None:
    needed = Authorizer("jwt", sources=("header.Authorization",))
    gateway = asked(
        route("GET /x", kind="http", authorizer=needed), route("GET /y", authorizer=needed)
    )
    assert header(gateway("GET /x"), "www-authenticate") == "Bearer"
    expired = [("Authorization", jwt(exp=1))]
    assert header(gateway("GET /x", expired), "www-authenticate") == (
        'Bearer scope="" error="invalid_token" error_description="the token has expired"'
    )
    assert header(gateway("GET /y", expired), "www-authenticate") is None


# CORS.

PAGE = ("Origin", "http://localhost:5173")
PREFLIGHT = [PAGE, ("Access-Control-Request-Method", "POST")]
ALLOWED = Cors(("http://localhost:5173",), headers=("Content-Type",), max_age=600, credentials=True)


def cors_of(response: Response | None) -> dict[str, str]:
    assert response is not None
    return {
        name.lower().removeprefix("access-control-"): value
        for name, value in response.headers
        if name.lower().startswith("access-control-")
    }


def test_without_a_configuration_options_is_a_method_like_all() -> None:
    gateway = asked(route("POST /x"), route("ANY /any", kind="http"))
    assert told(gateway("OPTIONS /x", PREFLIGHT))[0] == 403
    assert told(gateway("OPTIONS /any", PREFLIGHT))[0] == 200
    assert cors_of(gateway("POST /x", [PAGE])) == {}


def test_an_http_api_answers_preflights_itself_and_writes_the_headers() -> None:
    def says_its_own(event: Any) -> Any:
        return {**ok(event), "headers": {"Access-Control-Allow-Origin": "https://other"}}

    gateway = asked(
        route("POST /x", "own", "http", cors=ALLOWED._replace(exposed=("X-Total",))),
        route("ANY /x", "own", "http", cors=ALLOWED),
        functions={"own": says_its_own},
    )
    preflight = gateway("OPTIONS /x", PREFLIGHT)
    assert preflight is not None
    assert preflight.status == 204
    assert cors_of(preflight) == {
        "allow-origin": "http://localhost:5173",
        "allow-methods": "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT",
        "allow-headers": "Content-Type",
        "max-age": "600",
        "allow-credentials": "true",
    }
    assert gateway.functions.events == []
    assert cors_of(gateway("POST /x", [PAGE])) == {
        "allow-origin": "http://localhost:5173",
        "expose-headers": "X-Total",
        "allow-credentials": "true",
    }
    assert cors_of(gateway("POST /x", [("Origin", "https://evil")])) == {}
    assert cors_of(gateway("OPTIONS /x", [("Origin", "https://evil"), PREFLIGHT[1]])) == {}
    # Without what makes a preflight, OPTIONS is a method like all.
    assert told(gateway("OPTIONS /x"))[0] == 200


def test_errors_of_an_http_api_have_the_headers_as_well() -> None:
    gateway = asked(
        route("POST /x", "broken", "http", cors=ALLOWED),
        route("POST /y", kind="http", cors=ALLOWED, authorizer=SIMPLE),
    )
    for line in ("POST /x", "PUT /x", "POST /y"):
        assert cors_of(gateway(line, [PAGE]))["allow-origin"] == "http://localhost:5173"


def test_a_rest_api_has_a_mock_at_options_and_leaves_the_rest_to_functions() -> None:
    gateway = asked(
        route("POST /x", cors=Cors(("*",))),
        route("GET /x", cors=Cors(("*",))),
        route("OPTIONS /own", cors=Cors(("*",))),
        route("GET /one", cors=Cors(("https://a", "https://b"))),
    )
    preflight = gateway("OPTIONS /x", PREFLIGHT)
    assert told(preflight) == (200, {})
    assert cors_of(preflight) == {"allow-origin": "*", "allow-methods": "GET,OPTIONS,POST"}
    assert cors_of(gateway("POST /x", [PAGE])) == {}
    assert "httpMethod" in told(gateway("OPTIONS /own", PREFLIGHT))[1]
    assert cors_of(gateway("OPTIONS /one", PREFLIGHT))["allow-origin"] == "https://a"


def test_sam_puts_the_default_authorizer_before_options_too() -> None:
    guarded = Cors(("*",), preflight_is_authorized=True)
    gateway = asked(route("GET /x", cors=guarded, authorizer=TOKEN), functions={"auth": allowing})
    assert told(gateway("OPTIONS /x", PREFLIGHT))[0] == 401
    assert told(gateway("OPTIONS /x", [*PREFLIGHT, *BEARER])) == (200, {})


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (("*",), "https://a.example", True),
        (("https://*",), "https://a.example", True),
        (("https://*",), "http://a.example", False),
        (("https://A.example",), "https://a.example", True),
        (("https://a.example",), "https://b.example", False),
        (("https://a.example",), "null", False),
        ((), "https://a.example", False),
    ],
)
def test_the_guard_learns_which_origins_a_route_allows(
    origins: tuple[str, ...], origin: str, allowed: bool
) -> None:
    gateway = asked(route("GET /x", cors=Cors(origins)), route("GET /y"))
    assert gateway.allows("GET /x", [("Origin", origin)]) is allowed
    assert gateway.allows("OPTIONS /x", [("Origin", origin), PREFLIGHT[1]]) is allowed
    assert not gateway.allows("GET /y", [("Origin", origin)])
    assert not gateway.allows("GET /none", [("Origin", origin)])
    assert not gateway.allows("GET /x", [])


def test_nothing_of_a_request_is_told() -> None:
    gateway = asked(
        route("POST /users/{id}", "broken"),
        route("PUT /users/{id}", "odd", authorizer=TOKEN),
        functions={"auth": fails},
    )
    secret = [("Authorization", "Bearer s3cret"), ("X-Secret", "s3cret")]
    gateway("POST /users/s3cret?q=s3cret", secret, b"s3cret")
    gateway("PUT /users/s3cret?q=s3cret", secret, b"s3cret")
    assert len(gateway.notes) == 2
    assert "s3cret" not in json.dumps(gateway.notes)


LATIN = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=8)
HEADERS = st.tuples(
    st.sampled_from([
        "Content-Type", "Content-Encoding", "Accept", "Origin", "Authorization", "X-Forwarded-For",
        "X-Amzn-Trace-Id", "Cookie", "Access-Control-Request-Method", "Host", "X-User",
    ]),
    LATIN,
)  # fmt: skip
FIELDS = st.sampled_from([
    "statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded", "cookies", "principalId",
    "policyDocument", "Statement", "context", "a b", "statusDescription",
])  # fmt: skip
ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=8,
)
EVERY_KIND = tuple(
    route(f"ANY /{kind}{number}/{rest}", function, kind, payload=payload, authorizer=authorizer)
    for number, (kind, payload) in enumerate(
        [("rest", ""), ("http", "2.0"), ("http", "1.0"), ("alb", "")]
    )
    for rest, function in (("{a}/{b+}", "f"), ("x", "any"))
    for authorizer in [TOKEN if rest == "x" and kind != "alb" else None]
)


@given(
    st.sampled_from(["GET", "POST", "OPTIONS", "HEAD"]),
    st.sampled_from(["rest0", "http1", "http2", "alb3"]),
    st.text("?&=%2F", max_size=4).map(lambda end: f"x{end}")
    | st.text("ax/%2F?&=+;.\xff{}$", max_size=12).map(lambda end: f"a/{end}"),
    st.lists(HEADERS, max_size=4),
    st.binary(max_size=8),
    ANSWERS | st.dictionaries(FIELDS, ANSWERS, max_size=4).map(lambda own: {"statusCode": 200} | own),
)  # fmt: skip
def test_nothing_that_clients_send_or_functions_answer_is_raised(
    method: str, first: str, rest: str, headers: Any, body: bytes, answer: Any
) -> None:
    gateway = asked(
        *EVERY_KIND, functions={"any": lambda _: answer, "f": lambda _: answer, "auth": allowing}
    )
    response = gateway(f"{method} /{first}/{rest}", headers, body)
    if response is not None:
        assert 200 <= response.status <= 599
        for name, value in response.headers:
            assert name.isascii()
            assert not set(value) & {"\r", "\n", "\0"}
            value.encode("utf-8", "surrogateescape")
