"""Routes in front of real functions: aws-lambda-go reads the events, curl and http.client the answers."""

import asyncio
import base64
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lambdabuild.config.settings import Settings
from lambdabuild.core.build import Function
from lambdabuild.core.paths import Paths
from lambdabuild.deployment.reader import read
from lambdabuild.deployment.routes.apis import Api, Authorizer, Cors, Route
from lambdabuild.golang.toolchain import find_go
from lambdabuild.local.functions import Platform, Program, UnknownFunctionError
from lambdabuild.local.gateway.configured import routes_of
from lambdabuild.local.gateway.gateway import Gateway
from lambdabuild.local.gateway.routes import Route as Led
from lambdabuild.local.http.messages import Request, Response
from lambdabuild.local.http.server import Server
from lambdabuild.local.runtime.pools import Pools
from tests.environment import CLEAN
from tests.local.conftest import FIXTURE, FLAGS

FIXTURES = FIXTURE.parent
SHOP = FIXTURES / "shop"
KEY = "a key of the shop's"
TOKEN = Authorizer("token", "echo", ("header.Authorization",))
REQUEST = Authorizer("request", "echo", required=False)
SIMPLE = Authorizer("request", "echo", ("header.X-User",), payload="2.0", simple=True)
REST = Api("rest", "echo", "local", (("TABLE", "users"),))
HTTP = Api("http", "echo", "$default", cors=Cors(("https://shop.example",), headers=("X-User",)))
ROUTES = (
    Route("ANY", "/rest/{proxy+}", REST),
    Route("GET", "/rest/users/{id}", REST),
    Route("GET", "/token/{id}", REST, TOKEN),
    Route("GET", "/request", REST, REQUEST),
    Route("ANY", "/http/{proxy+}", HTTP),
    Route("GET", "/http/guarded", HTTP, SIMPLE),
    Route("GET", "/old/{id}", HTTP, payload="1.0"),
    Route("ANY", "/alb/*", Api("alb")),
    Route("GET", "/slow", Api("rest", "slow", "local")),
)


class House:
    """Functions behind routes and a server, on a thread of their own."""

    def __init__(self, programs: dict[str, Program], routes: Sequence[Led]) -> None:
        self._programs = programs
        self._routes = routes
        self.notes: list[str] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._serve(),), daemon=True
        )
        self._thread.start()
        assert self._ready.wait(30)

    @property
    def names(self) -> Sequence[str]:
        return sorted(self._programs)

    async def program(self, name: str) -> Program:
        if name not in self._programs:
            raise UnknownFunctionError(name)
        return self._programs[name]

    async def _serve(self) -> None:
        pools = Pools(self, Platform())
        gateway = Gateway(pools, self._routes, self.notes.append)

        async def handle(request: Request) -> Response:
            return await gateway.handle(request) or Response(404, body=b"no route")

        server = Server(handle)
        self.port = await server.listen()
        self._ready.set()
        await self._stopping.wait()
        await server.close()
        await pools.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(30)
        self._loop.close()

    def ask(
        self, line: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Return status, headers and body of an answer to `GET /path`; `_` in names is `-`."""
        method, target = line.split(" ", 1)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, target, body, named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def event(self, line: str, body: bytes | None = None, **headers: str) -> Any:
        """Return the event that the function read."""
        status, _, text = self.ask(line, body, **headers)
        assert status == 200, text
        return json.loads(text)


Build = Callable[[str, str], str]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build a function of a fixture for this machine."""
    place = tmp_path_factory.mktemp("routes")

    def built(fixture: str, package: str) -> str:
        directory = place / fixture / package
        directory.mkdir(parents=True)
        subprocess.run(
            [find_go(os.environ), "build", *FLAGS, f"-o={directory}/bootstrap", f"./{package}"],
            cwd=FIXTURES / fixture,
            env=CLEAN | {"CGO_ENABLED": "0"},
            check=True,
            timeout=280,
        )
        return str(directory / "bootstrap")

    return built


@pytest.fixture(scope="module")
def house(build: Build) -> Iterator[House]:
    echo = Program("echo", build("http", "api/echo"), timeout=10)
    slow = echo._replace(name="slow", timeout=0.3)
    routes = [Led("slow" if route.path == "/slow" else "echo", route) for route in ROUTES]
    house = House({"echo": echo, "slow": slow}, routes)
    yield house
    house.close()


def test_a_handler_in_go_reads_the_whole_event_of_a_rest_api(house: House) -> None:
    event = house.event(
        "POST /rest/users/7/?a=1&a=2&b=%2F", b'{"n": 1}', X_One="1", Content_Type="application/json"
    )
    context = event.pop("requestContext")
    headers, several = event.pop("headers"), event.pop("multiValueHeaders")
    assert event == {
        "resource": "/rest/{proxy+}",
        "path": "/rest/users/7/",
        "httpMethod": "POST",
        "queryStringParameters": {"a": "2", "b": "/"},
        "multiValueQueryStringParameters": {"a": ["1", "2"], "b": ["/"]},
        "pathParameters": {"proxy": "users/7"},
        "stageVariables": {"TABLE": "users"},
        "body": '{"n": 1}',
    }
    assert headers["X-One"] == "1"
    assert headers["X-Forwarded-Port"] == str(house.port)
    assert {name: [value] for name, value in headers.items()} == several
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["stage"] == "local"
    assert context["path"] == "/local/rest/users/7/"
    assert context["domainName"] == f"127.0.0.1:{house.port}"
    assert abs(context["requestTimeEpoch"] / 1000 - time.time()) < 60


def test_a_parameter_beats_a_greedy_one_where_the_method_is_its_own(house: House) -> None:
    assert house.event("GET /rest/users/a%20b")["pathParameters"] == {"id": "a%20b"}
    assert house.event("PUT /rest/users/7")["resource"] == "/rest/{proxy+}"


def test_bytes_arrive_and_come_back(house: House) -> None:
    event = house.event("POST /rest/picture", b"\x89PNG", Content_Type="image/png")
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\x89PNG"
    status, headers, body = house.ask("GET /rest/picture?do=picture")
    assert (status, headers["Content-Type"], body) == (200, "image/png", b"\x89PNG")


def test_an_answer_has_its_status_and_several_headers_of_a_name(house: House) -> None:
    _, headers, _ = house.ask("GET /rest/x?do=cookies")
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert headers["Content-Type"] == "application/json"
    assert house.ask("GET /rest/x?do=teapot")[0] == 418


@pytest.mark.parametrize("do", ["malformed", "fail", "panic"])
def test_what_goes_wrong_is_502_and_the_next_request_is_answered(house: House, do: str) -> None:
    status, _, body = house.ask(f"GET /rest/x?do={do}")
    assert (status, json.loads(body)) == (502, {"message": "Internal server error"})
    assert house.event("GET /rest/x")["path"] == "/rest/x"
    assert house.notes[-1].startswith("ANY /rest/{proxy+}: the client gets 502, because `echo`")


def test_a_function_that_exceeds_its_own_timeout_is_502(house: House) -> None:
    assert house.ask("GET /slow?do=sleep")[0] == 502
    assert house.notes[-1].endswith("`slow` failed: Sandbox.Timedout")


def test_a_handler_in_go_reads_the_event_of_an_http_api(house: House) -> None:
    event = house.event("POST /http/a%20b?q=1&q=2", b"a=b", Cookie="c=1; d=2", X_One="1")
    assert (event["version"], event["routeKey"]) == ("2.0", "ANY /http/{proxy+}")
    assert (event["rawPath"], event["pathParameters"]) == ("/http/a b", {"proxy": "a b"})
    assert (event["rawQueryString"], event["cookies"]) == ("q=1&q=2", ["c=1", "d=2"])
    assert event["headers"]["x-one"] == "1"
    assert event["requestContext"]["http"]["method"] == "POST"
    assert house.ask("GET /http/x?do=cookies")[1].get_all("Set-Cookie") == ["a=1", "b=2"]
    assert house.event("GET /http/x?do=plain") == {"hello": "world"}
    status, _, body = house.ask("GET /http/x?do=fail")
    assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})


def test_an_http_api_can_send_format_1(house: House) -> None:
    event = house.event("GET /old/a%20b")
    assert event["resource"] == "/old/{id}"
    assert event["pathParameters"] == {"id": "a b"}


def test_a_load_balancer_has_a_reason_and_decodes_nothing(house: House) -> None:
    event = house.event("GET /alb/a%20b?q=%2F")
    assert (event["path"], event["queryStringParameters"]) == ("/alb/a%20b", {"q": "%2F"})
    assert event["headers"]["host"] == f"127.0.0.1:{house.port}"
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    connection.request("GET", "/alb/x")
    assert connection.getresponse().reason == "Balanced"
    connection.close()


def test_an_authorizer_in_go_decides_by_token(house: House) -> None:
    assert house.ask("GET /token/7")[0] == 401
    status, _, body = house.ask("GET /token/7", Authorization="eve")
    assert (status, json.loads(body)["Message"]) == (
        403,
        "User is not authorized to access this resource with an explicit deny",
    )
    authorizer = house.event("GET /token/7", Authorization="ada")["requestContext"]["authorizer"]
    authorizer.pop("integrationLatency")
    assert authorizer == {"principalId": "ada", "level": "7", "staff": "true"}


def test_an_authorizer_in_go_decides_by_request(house: House) -> None:
    assert house.ask("GET /request")[0] == 401
    assert house.ask("GET /request?token=eve")[0] == 403
    assert house.event("GET /request?token=ada")["requestContext"]["authorizer"]["level"] == "7"


def test_an_authorizer_of_an_http_api_decides_by_its_identity_source(house: House) -> None:
    assert house.ask("GET /http/guarded")[0] == 401
    assert house.ask("GET /http/guarded", X_User="eve")[0] == 403
    authorizer = house.event("GET /http/guarded", X_User="ada")["requestContext"]["authorizer"]
    assert authorizer == {"lambda": {"route": "GET /http/guarded", "level": 7}}


def curl(house: House, *arguments: str) -> str:
    done = subprocess.run(
        [
            "curl",
            "-sS",
            "--max-time",
            "60",
            *arguments[:-1],
            f"http://127.0.0.1:{house.port}{arguments[-1]}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_curl_gets_answers_to_preflights_and_large_bodies(house: House, tmp_path: Path) -> None:
    preflight = curl(
        house, "-i", "-X", "OPTIONS", "-H", "Origin: https://shop.example",
        "-H", "Access-Control-Request-Method: PUT", "/http/x",
    )  # fmt: skip
    assert preflight.startswith("HTTP/1.1 204 ")
    assert "Access-Control-Allow-Origin: https://shop.example" in preflight
    assert "Access-Control-Allow-Headers: X-User" in preflight
    large = tmp_path / "large.txt"
    large.write_text("x" * 3_000_000)
    sent = ["-H", "Content-Type: text/plain", "--data-binary", f"@{large}"]
    assert len(json.loads(curl(house, *sent, "/rest/large"))["body"]) == 3_000_000
    large.write_text("x" * 7_000_000)
    assert json.loads(curl(house, *sent, "/rest/large")) == {"message": "Request Too Long"}
    assert curl(house, "--compressed", "-I", "/rest/head").startswith("HTTP/1.1 200 ")


class Shop(NamedTuple):
    """The shop's routes, as template.yaml has them, with one of its functions behind them."""

    house: House
    routes: Sequence[Led]


@pytest.fixture(scope="module")
def shop(build: Build) -> Iterator[Shop]:
    directories = sorted(path.parent for path in (SHOP / "api").glob("**/main.go"))
    functions = [
        Function("-".join(directory.relative_to(SHOP / "api").parts), "", str(directory), str(SHOP))
        for directory in directories
        if "testdata" not in directory.parts and "_drafts" not in directory.parts
    ]
    found = routes_of(
        Settings(),
        read([str(SHOP / "template.yaml")]),
        functions,
        Paths(str(SHOP), str(SHOP), str(SHOP / "dist"), "dist"),
    )
    assert found.warnings == ()
    program = Program(
        "users-get",
        build("shop", "api/users/get"),
        {"SHOP_TOKEN_KEY": KEY, "SHOP_TABLES_URL": "http://127.0.0.1:9"},
    )
    house = House({"users-get": program}, found.routes)
    yield Shop(house, found.routes)
    house.close()


def test_the_template_of_the_shop_leads_to_its_functions(shop: Shop) -> None:
    assert sorted(f"{route} {route.function} {route.kind}" for route in shop.routes) == [
        "GET /orders orders-list http",
        "GET /orders/{id} orders-get http",
        "GET /reports/{day} reports-get http",
        "GET /users users-list http",
        "GET /users/{id} users-get http",
        "POST /checkout checkout http",
        "POST /orders orders-create http",
        "POST /payments/webhook payments-webhook http",
        "POST /users users-create http",
        "POST /v2/checkout checkout-v2 http",
    ]


def test_a_handler_of_the_shop_knows_its_caller(shop: Shop) -> None:
    claim = f"u-1.{int(time.time()) + 600}"
    signature = hmac.new(KEY.encode(), claim.encode(), hashlib.sha256).digest()
    bearer = f"Bearer {claim}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
    status, headers, body = shop.house.ask("GET /users/u-1")
    assert (status, headers["content-type"]) == (401, "application/json")
    assert json.loads(body) == {"error": "unauthorized: no bearer token"}
    assert shop.house.ask("GET /users/u-2", Authorization=bearer)[0] == 404
    # The caller is known; there is no table here.
    assert shop.house.ask("GET /users/u-1", Authorization=bearer)[0] == 500
    assert shop.house.ask("PUT /users/u-1")[0] == 404
