"""Who may ask, and who is told what to do."""

import asyncio
from collections.abc import Sequence

import pytest

from lambdabuild.local.http.guard import is_ours, refusal
from tests.unit.local.fakes import request

Pairs = Sequence[tuple[str, str]]

EVERYWHERE = "0.0.0.0"  # noqa: S104 (nothing is bound)
OWN = ("Origin", "http://localhost:9000")
FRONT_END = ("Origin", "http://localhost:3000")
EVIL = ("Origin", "https://evil.example")
CROSS = ("Sec-Fetch-Site", "cross-site")
LINK = (CROSS, ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))


def passes(
    *headers: tuple[str, str],
    method: str = "POST",
    host: str = "localhost:9000",
    for_browsers: bool = False,
    allowed: str = "",
) -> bool:
    async def ask() -> str | None:
        asked = request(method, "/", headers, host=host)
        return refusal(asked, for_browsers=for_browsers, allows=lambda origin: origin == allowed)

    return asyncio.run(ask()) is None


@pytest.mark.parametrize(
    ("bound", "host", "ours"),
    [
        *[
            ("127.0.0.1", host, True)
            for host in (
                *("localhost", "localhost:9000", "LOCALHOST:9000", "localhost.:9000"),
                *("users.localhost:9000", "127.0.0.1", "127.0.0.1:9000", "127.8.9.10:80"),
                *("[::1]", "[::1]:9000", "[::ffff:127.0.0.1]:9000", "host.docker.internal:9000"),
            )
        ],
        *[
            ("127.0.0.1", host, False)
            for host in (
                *("", "evil.example", "evil.example:9000", "localhost.evil.example:9000"),
                *("evillocalhost", "127.0.0.1.evil.example", "192.168.1.7:9000", "0.0.0.0:9000"),
                *(
                    "[fe80::1]:9000",
                    "[::1",
                    "[::1]evil",
                    "localhost:evil",
                    "127.1",
                    "2130706433",
                    "0x7f.1",
                ),
            )
        ],
        ("::1", "[::1]:9000", True),
        ("::1", "192.168.1.7", False),
        ("localhost", "192.168.1.7", False),
        (EVERYWHERE, "192.168.1.7:9000", True),
        (EVERYWHERE, "[fe80::1]:9000", True),
        (EVERYWHERE, "localhost:9000", True),
        (EVERYWHERE, "evil.example:9000", False),
        ("192.168.1.7", "192.168.1.7:9000", True),
        ("build.lan", "Build.lan:9000", True),
        ("build.lan", "other.lan:9000", False),
    ],
)
def test_a_host_is_ours_by_where_the_server_listens(bound: str, host: str, ours: bool) -> None:
    assert is_ours(host, bound) is ours


@pytest.mark.parametrize(
    ("headers", "for_programs", "for_browsers"),
    [
        ((), True, True),
        ((OWN,), True, True),
        ((("Origin", "HTTP://LOCALHOST:9000"),), True, True),
        ((FRONT_END,), False, True),
        ((("Origin", "http://127.0.0.1:3000"), CROSS), False, True),
        ((("Origin", "http://app.localhost"),), False, True),
        ((("Origin", "https://localhost:9000"),), False, True),
        ((EVIL,), False, False),
        ((("Origin", "null"),), False, False),
        ((("Origin", "http://localhost.evil.example"),), False, False),
        ((("Origin", "http://localhost:9000@evil.example"),), False, False),
        ((("Origin", "chrome-extension://localhost"),), False, False),
        ((("Origin", "http://[::1"),), False, False),
        ((OWN, EVIL), False, False),
        ((CROSS,), False, False),
        (LINK, False, False),
        ((("Sec-Fetch-Site", "same-origin"),), True, True),
        ((("Sec-Fetch-Site", "none"),), True, True),
    ],
)
def test_a_page_may_ask_as_far_as_it_is_trusted(
    headers: Pairs, for_programs: bool, for_browsers: bool
) -> None:
    assert passes(*headers) is for_programs
    assert passes(*headers, for_browsers=True) is for_browsers


def test_a_link_or_a_redirect_of_another_site_leads_to_a_route() -> None:
    assert passes(*LINK, method="GET", for_browsers=True)
    assert not passes(*LINK, method="GET"), "but not to the Lambda API"
    frame = (CROSS, ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe"))
    assert not passes(*frame, method="GET", for_browsers=True)
    image = (CROSS, ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image"))
    assert not passes(*image, method="GET", for_browsers=True)


def test_an_origin_that_cors_allows_may_ask_routes_alone() -> None:
    allowed = EVIL[1]
    assert passes(EVIL, CROSS, for_browsers=True, allowed=allowed)
    assert not passes(EVIL, CROSS, allowed=allowed)


def test_a_name_of_somebody_elses_is_refused_whatever_the_origin() -> None:
    rebound = ("Origin", "http://evil.example:9000")
    assert not passes(rebound, host="evil.example:9000", for_browsers=True)
    assert not passes(host="evil.example:9000")


def test_a_refusal_says_what_to_do() -> None:
    async def refusals() -> list[str | None]:
        return [
            refusal(request("POST", "/", host="evil.example")),
            refusal(request("POST", "/", (EVIL,))),
            refusal(request("POST", "/", (EVIL,)), for_browsers=True),
            refusal(request("GET", "/", (CROSS,)), for_browsers=True),
        ]

    assert asyncio.run(refusals()) == [
        "`evil.example` is not a name of this server, so the request was refused: a web page may have "
        "given this machine a name of its own; use http://localhost or http://127.0.0.1",
        "a page of `https://evil.example` asked, so the request was refused: only programs may use "
        "this address; from a page, use a function URL or a route",
        "a page of `https://evil.example` asked, so the request was refused: allow the origin in the "
        "CORS configuration of the route",
        "a page of another site asked, so the request was refused: only its links, and origins that a "
        "CORS configuration allows, may lead here",
    ]
