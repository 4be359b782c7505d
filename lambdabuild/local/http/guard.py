"""Who may ask: no web page of another site, whatever name it has given this machine.

A page can make a browser send requests here: across sites, or under a name of its own that it has let
point to this machine (DNS rebinding). Browsers say so in `Host`, `Origin` and `Sec-Fetch-Site`.
https://developer.mozilla.org/en-US/docs/Glossary/Fetch_metadata_request_header
"""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from lambdabuild.local.http.messages import Request

_FROM_CONTAINERS = "host.docker.internal"
"""What Docker calls the machine that it runs on."""
_REBINDING = "a web page may have given this machine a name of its own"


def nobody(_: str) -> bool:
    """Allow no origin."""
    return False


def refusal(
    request: Request,
    bound: str = "127.0.0.1",
    *,
    for_browsers: bool = False,
    allows: Callable[[str], bool] = nobody,
) -> str | None:
    """Return why a request is refused, with the remedy; None if it may pass.

    Args:
        request: its headers are looked at, and its method.
        bound: the address or name that the server listens at.
        for_browsers: a page of this machine may ask, and be navigated to from others: a function URL or
            a route. The Lambda API is for programs.
        allows: whether an origin is allowed by the configuration of CORS.

    """
    host = request.headers.get("Host")
    if not is_ours(host, bound):
        return (
            f"`{host}` is not a name of this server, so the request was refused: {_REBINDING}; "
            f"use http://localhost or http://127.0.0.1"
        )
    for origin in request.headers.all("Origin"):
        if origin.lower() == f"http://{host.lower()}":
            continue
        if not for_browsers:
            return (
                f"a page of {_shown(origin)} asked, so the request was refused: "
                f"only programs may use this address; from a page, use a function URL or a route"
            )
        if not (_is_loopback_origin(origin) or allows(origin)):
            return (
                f"a page of {_shown(origin)} asked, so the request was refused: "
                f"allow the origin in the CORS configuration of the route"
            )
    if (
        request.headers.get("Sec-Fetch-Site").lower() == "cross-site"
        and not (for_browsers and "Origin" in request.headers)
        and not (for_browsers and _is_navigation(request))
    ):
        return (
            "a page of another site asked, so the request was refused: "
            "only its links, and origins that a CORS configuration allows, may lead here"
        )
    return None


def is_ours(host: str, bound: str) -> bool:
    """Tell whether `Host` names a server that listens at `bound`; it may have a port.

    A loopback address answers to the names of the loopback alone. Another one also answers to itself,
    and to any IP address: a name that was made to point here is none.
    """
    name = _name(host)
    if not name:
        return False
    if name in {"localhost", _FROM_CONTAINERS} or name.endswith(".localhost"):
        return True
    if is_loopback(name):
        return True
    if is_loopback(bound) or bound.lower() == "localhost":
        return False
    return name == bound.lower() or _address(name) is not None


def is_loopback(name: str) -> bool:
    """Tell whether a name is an IP address that leads nowhere but here."""
    address = _address(name)
    return address is not None and address.is_loopback


def _is_loopback_origin(origin: str) -> bool:
    """Tell whether a page comes from a server on this machine: a front end that is worked on."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    name = _name(parts.netloc)
    return parts.scheme in {"http", "https"} and (
        name == "localhost" or name.endswith(".localhost") or is_loopback(name)
    )


def _is_navigation(request: Request) -> bool:
    """Tell whether a person follows a link or a redirect, in a window and not in a frame."""
    return (
        request.method in {"GET", "HEAD"}
        and request.headers.get("Sec-Fetch-Mode").lower() == "navigate"
        and request.headers.get("Sec-Fetch-Dest").lower() == "document"
    )


def _name(host: str) -> str:
    """Return a host without port, brackets and final dot, in lower case; empty if it is none."""
    if host.startswith("["):
        name, bracket, rest = host[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        well = bracket and colon in {"", ":"}
    else:
        name, _, port = host.partition(":")
        well = True
    if not well or (port and not (port.isascii() and port.isdecimal())):
        return ""
    return name.lower().removesuffix(".")


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _shown(origin: str) -> str:
    return "no origin" if origin == "null" else f"`{origin}`"
