"""Which route a request takes, as AWS was seen to decide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.deployment.routes.written import RouteError, read_route
from lambdabuild.local.gateway.routes import Match, Routes, collisions
from tests.unit.local.gateway.requests import route


def taken(match: Match | None) -> tuple[str, dict[str, str]] | None:
    return None if match is None else (match.route.function, match.parameters)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        # Measured on a REST API: a route counts only if it has the method as well.
        ("GET /jobs/reboot", ("operation", {"type": "reboot"})),
        ("POST /jobs/reboot", ("proxy", {"proxy": "jobs/reboot"})),
        ("GET /jobs", ("proxy", {"proxy": "jobs"})),
        ("PATCH /users/me", ("me", {})),
        ("GET /users/me", ("user", {"id": "me"})),
        ("GET /users/me/", ("user", {"id": "me"})),
        ("GET /things/real", ("real", {})),
        ("POST /things/real", ("things", {"rest": "real"})),
        ("GET /things/a/b/", ("things", {"rest": "a/b"})),
        ("DELETE /users/me", ("proxy", {"proxy": "users/me"})),
        ("GET /users/a%2Fb", ("user", {"id": "a%2Fb"})),
        ("GET /", None),
        ("GET ", None),
    ],
)
def test_a_rest_api_decides_by_path_and_method(
    asked: str, expected: tuple[str, dict[str, str]] | None
) -> None:
    routes = Routes(
        [
            route("ANY /{proxy+}", "proxy"),
            route("GET /jobs/{type}", "operation"),
            route("PATCH /users/me", "me"),
            route("GET /users/{id}", "user"),
            route("GET /things/real", "real"),
            route("ANY /things/{rest+}", "things"),
        ]
    )
    method, path = asked.split(" ", 1)
    assert taken(routes.find(method, path)) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("GET /pets/dog/1", ("static", {})),
        ("GET /pets/dog/2", ("dog", {"id": "2"})),
        ("GET /pets/cat/1", ("pets", {"proxy": "cat/1"})),
        ("POST /pets/dog/1", ("any", {"proxy": "pets/dog/1"})),
        ("GET /", ("default", {})),
        # The path is decoded first.
        ("GET /pets/dog/a%20b", ("dog", {"id": "a b"})),
        ("GET /pets%2Fdog/3", ("dog", {"id": "3"})),
        ("GET /pets/dog/a%2Fb", ("pets", {"proxy": "dog/a/b"})),
    ],
)
def test_an_http_api_goes_from_exact_to_greedy_to_the_default(
    asked: str, expected: tuple[str, dict[str, str]]
) -> None:
    routes = Routes(
        [
            route("$default", "default", "http"),
            route("ANY /{proxy+}", "any", "http"),
            route("GET /pets/{proxy+}", "pets", "http"),
            route("GET /pets/dog/{id}", "dog", "http"),
            route("GET /pets/dog/1", "static", "http"),
        ]
    )
    method, path = asked.split(" ", 1)
    assert taken(routes.find(method, path)) == expected


def test_a_method_comes_before_any_of_them() -> None:
    routes = Routes([route("ANY /a", "any"), route("GET /a", "get")])
    assert taken(routes.find("GET", "/a")) == ("get", {})
    assert taken(routes.find("PUT", "/a")) == ("any", {})


def test_segments_of_a_route_that_need_escapes_match_escaped_ones() -> None:
    routes = Routes([route("GET /~ada/{id}", "f")])
    assert taken(routes.find("GET", "/%7Eada/1")) == ("f", {"id": "1"})


def test_the_root_is_a_route_of_its_own() -> None:
    routes = Routes([route("GET /", "root"), route("GET /{id}", "one")])
    assert taken(routes.find("GET", "/")) == ("root", {})
    assert taken(routes.find("GET", "/1")) == ("one", {"id": "1"})


def test_rules_of_a_load_balancer_are_tried_in_their_order_after_all_apis() -> None:
    routes = Routes(
        [
            route("GET /img/*", "images", "alb"),
            route("ANY /i??/*", "second", "alb"),
            route("ANY /users/{id}", "users", "alb"),
            route("GET /img/{id}", "api"),
        ]
    )
    assert taken(routes.find("GET", "/img/1")) == ("api", {"id": "1"})
    assert taken(routes.find("GET", "/img/1/2")) == ("images", {})
    assert taken(routes.find("POST", "/img/1/2")) == ("second", {})
    assert taken(routes.find("PUT", "/users/7/orders")) == ("users", {})
    assert taken(routes.find("PUT", "/nothing")) is None


def test_all_routes_of_a_path_are_known_the_most_exact_first() -> None:
    routes = Routes([route("ANY /{proxy+}", "p"), route("POST /a/{id}", "q"), route("GET /b", "r")])
    assert [one.function for one in routes.at("/a/1")] == ["q", "p"]
    assert routes.at("/") == []


def test_two_routes_that_differ_by_names_of_parameters_collide() -> None:
    first, other = route("GET /users/{id}", "a"), route("GET /users/{name}/", "b", "http")
    same = route("GET /users/{id}", "a")
    free = [route("POST /users/{id}", "b"), route("GET /users/{id+}", "b"), same]
    assert list(collisions([first, other, *free])) == [(first, other)]


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("GET /users/{id}", ("GET", "/users/{id}")),
        ("  ANY   /{proxy+} ", ("ANY", "/{proxy+}")),
        ("/users", ("ANY", "/users")),
        ("$default", ("ANY", "$default")),
        ("ANY $default", ("ANY", "$default")),
    ],
)
def test_a_route_is_a_method_and_a_path(text: str, route: tuple[str, str]) -> None:
    assert read_route(text) == route


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("", "not a method and a path", "GET /users/{id}"),
        ("GET /a b", "not a method and a path", "GET /users/{id}"),
        ("get /a", "method `get`", "GET"),
        ("GET a", "does not begin with `/`", "write `GET /a`"),
        ("GET /a{id}", "segment `a{id}`", "whole segment"),
        ("GET /{a+}/b", "before the end", "the last"),
        ("GET /{}", "segment `{}`", "whole segment"),
    ],
)
def test_what_is_no_route_is_refused_with_a_remedy(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(RouteError) as caught:
        read_route(text)
    said, helps = caught.value.args
    assert problem in said
    assert remedy in helps


SEGMENTS = st.lists(st.sampled_from(["a", "b", "{x}"]), max_size=3)


@given(st.lists(SEGMENTS, max_size=6), st.lists(st.sampled_from(["a", "b", "c"]), max_size=3))
def test_the_index_finds_what_comparing_each_segment_finds(
    paths: list[list[str]], asked: list[str]
) -> None:
    routes = [route(f"GET /{'/'.join(path)}", str(number)) for number, path in enumerate(paths)]
    fitting = [
        path
        for path in paths
        if len(path) == len(asked)
        and all(word in {"{x}", segment} for word, segment in zip(path, asked, strict=True))
    ]
    best = min(fitting, key=lambda path: [word == "{x}" for word in path], default=None)
    match = Routes(routes).find("GET", f"/{'/'.join(asked)}")
    assert (match and paths[int(match.route.function)]) == best
