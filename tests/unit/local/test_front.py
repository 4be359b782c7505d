"""Which API answers which path."""

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.deployment.routes.apis import Cors
from lambdabuild.local.control.control import Control
from lambdabuild.local.front import Front
from lambdabuild.local.http.messages import Request, Response
from tests.unit.local.fakes import Fake, echo, read, request

TOKEN = ("Lambdabuild-Token", "secret")
TWO = {"a": echo, "b": echo}


class Gateway:
    """One route, open to one origin."""

    async def handle(self, request: Request) -> Response | None:
        return Response(200, [], b"routed") if request.path == "/users" else None

    def allows(self, request: Request) -> bool:
        return request.headers.get("Origin") == "https://app.example"


def everything(functions: Fake) -> dict[str, Any]:
    return {"gateway": Gateway(), "control": Control(functions, "/project", "secret")}


def ask(
    functions: Fake,
    method: str,
    target: str,
    *headers: tuple[str, str],
    host: str = "localhost:9000",
    **options: Any,
) -> Response:
    async def run() -> Response:
        front = Front(functions, note=print, **options)
        response = await front.handle(request(method, target, headers, host=host))
        response.body = await read(response)
        await front.close()
        return response

    return asyncio.run(run())


def test_each_api_answers_at_its_own_path() -> None:
    functions = Fake(TWO)
    options = everything(functions)
    invoked = ask(functions, "POST", "/2015-03-31/functions/a/invocations", **options)
    assert invoked.body == b"{}"
    streamed = ask(
        functions, "POST", "/2021-11-15/functions/a/response-streaming-invocations", **options
    )
    assert streamed.chunks is not None
    told = ask(functions, "GET", "/_lambdabuild", TOKEN, **options)
    assert json.loads(told.body)["functions"] == ["a", "b"]
    assert ask(functions, "GET", "/users", **options).body == b"routed"


def test_the_lambda_api_takes_the_name_that_a_function_is_deployed_as() -> None:
    functions = Fake(TWO)
    response = ask(
        functions,
        "POST",
        "/2015-03-31/functions/shop-dev-a/invocations",
        deployed=lambda: {"shop-dev-a": "a"},
    )
    assert (response.status, functions.calls[0].function) == (200, "a")
    assert functions.calls[0].arn.endswith(":function:a")


def test_a_function_url_is_below_the_name_of_its_function() -> None:
    for target, path in (
        ("/lambda-url/a", "/"),
        ("/lambda-url/a/", "/"),
        ("/lambda-url/a/b%2Fc//d?e=f", "/b%2Fc//d"),
    ):
        event = json.loads(ask(Fake(TWO), "PUT", target).body)
        assert event["rawPath"] == event["requestContext"]["http"]["path"] == path
        assert event["requestContext"]["apiId"] == "a"


def test_one_function_alone_is_at_the_root() -> None:
    event = json.loads(ask(Fake({"a": echo}), "GET", "/b?c=d").body)
    assert (event["rawPath"], event["rawQueryString"]) == ("/b", "c=d")
    routed = ask(Fake({"a": echo}), "GET", "/users", gateway=Gateway())
    assert routed.body == b"routed", "a route comes first"


def test_where_nothing_is_what_there_is_is_said() -> None:
    for target in ("/nowhere", "/lambda-url/c/", "/_lambdabuild"):
        response = ask(
            Fake(TWO), "GET", target, gateway=Gateway(), described=lambda: ["GET /users"]
        )
        assert response.status == 404
        assert json.loads(response.body) == {
            "message": f"nothing is served at GET {target}",
            "routes": ["GET /users"],
            "function_urls": ["/lambda-url/a/", "/lambda-url/b/"],
            "invoke": "/2015-03-31/functions/NAME/invocations",
        }


def test_the_guard_is_in_front_of_all() -> None:
    functions = Fake(TWO)
    options = everything(functions)
    for method, target in (
        ("POST", "/2015-03-31/functions/a/invocations"),
        ("GET", "/_lambdabuild"),
        ("GET", "/lambda-url/a/"),
        ("GET", "/users"),
        ("GET", "/nowhere"),
    ):
        response = ask(functions, method, target, TOKEN, host="evil.example", **options)
        assert response.status == 403
        assert "is not a name of this server" in json.loads(response.body)["message"]
    assert functions.calls == []


def test_a_page_reaches_routes_that_allow_it_and_nothing_else() -> None:
    functions = Fake(TWO)
    options = everything(functions)
    page = ("Origin", "https://app.example")
    assert ask(functions, "GET", "/users", page, **options).body == b"routed"
    for target in ("/2015-03-31/functions/a/invocations", "/_lambdabuild/invocations/a"):
        assert ask(functions, "POST", target, page, TOKEN, **options).status == 403
    own_front_end = ("Origin", "http://localhost:3000")
    assert ask(functions, "GET", "/lambda-url/a/", own_front_end, **options).status == 200
    assert (
        ask(functions, "POST", "/2015-03-31/functions/a/invocations", own_front_end).status == 403
    )


def test_a_page_reaches_a_function_url_that_allows_it() -> None:
    functions = Fake(TWO)
    options: dict[str, Any] = {"url_cors": {"a": Cors(("https://app.example",))}.get}
    page = (("Origin", "https://app.example"), ("Sec-Fetch-Site", "cross-site"))
    assert ask(functions, "GET", "/lambda-url/a/", *page, **options).status == 200
    assert ask(functions, "GET", "/lambda-url/b/", *page, **options).status == 403
    evil = ("Origin", "https://evil.example")
    assert ask(functions, "GET", "/lambda-url/a/", evil, **options).status == 403
    alone = Fake({"a": echo})
    assert ask(alone, "GET", "/", *page, **options).status == 200
    assert ask(alone, "GET", "/", evil, **options).status == 403


VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40)
VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, categories=["L", "N", "P", "S"])
)
PLACES = st.sampled_from(
    [
        "/",
        "/2015-03-31/functions/",
        "/2015-03-31/functions/a/invocations?Qualifier=",
        "/2021-11-15/functions/a/response-streaming-invocations?",
        "/lambda-url/",
        "/lambda-url/a/",
        "/_lambdabuild/invocations/",
    ]
)
NAMES = st.sampled_from(
    [
        *(
            "Origin",
            "Sec-Fetch-Site",
            "Cookie",
            "Content-Type",
            "Content-Length",
            "X-Forwarded-For",
        ),
        *("X-Amz-Invocation-Type", "X-Amz-Log-Type", "X-Amz-Client-Context", "X-Amzn-Trace-Id"),
        *("Lambdabuild-Token", "Lambdabuild-Timeout", "Lambdabuild-Client-Context"),
    ]
)


@given(
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS"]),
    PLACES,
    VISIBLE,
    st.lists(st.tuples(NAMES, VALUES), max_size=4),
    st.one_of(st.just("localhost"), VALUES),
)
def test_no_request_is_too_odd_for_an_answer(
    method: str, place: str, rest: str, headers: list[tuple[str, str]], host: str
) -> None:
    functions = Fake(TWO)
    options = everything(functions)
    response = ask(functions, method, place + rest, *headers, TOKEN, host=host, **options)
    assert 200 <= response.status < 500
