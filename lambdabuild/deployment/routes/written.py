"""Routes as people write them: `GET /users/{id}`."""

import re
from collections.abc import Iterator

from lambdabuild.deployment.routes.apis import ANY, DEFAULT

METHODS = (ANY, "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
PARAMETER = re.compile(r"\{([^{}+]+)(\+?)\}")
"""A segment that is a parameter; with a `+` it is greedy and takes all that follows."""


class RouteError(Exception):
    """A route is not written as API Gateway takes it: what is wrong, and what helps."""


def read_route(text: str) -> tuple[str, str]:
    """Return the method and the path of a route; without a method it is that of all.

    Raises:
        RouteError: it is none; the arguments say why, and what to write.

    """
    words = text.split()
    method, path = (ANY, *words) if len(words) == 1 else (words if len(words) == 2 else ("", ""))  # noqa: PLR2004
    if not path:
        raise RouteError("is not a method and a path", "write `GET /users/{id}`")
    if method not in METHODS:
        raise RouteError(f"has the method `{method}`", f"use one of {', '.join(METHODS)}")
    if path == DEFAULT:
        return ANY, path
    if not path.startswith("/"):
        raise RouteError("has a path that does not begin with `/`", f"write `{method} /{path}`")
    for problem in _problems(path):
        raise RouteError(*problem)
    return method, path


def _problems(path: str) -> Iterator[tuple[str, str]]:
    segments = segments_of(path)
    for segment in segments[:-1]:
        if (match := PARAMETER.fullmatch(segment)) and match[2]:
            yield (
                f"has `{segment}` before the end of its path",
                "a parameter with `+` takes all that follows: let it be the last",
            )
    for segment in segments:
        if ("{" in segment or "}" in segment) and not PARAMETER.fullmatch(segment):
            yield (
                f"has the segment `{segment}`",
                "a parameter is a whole segment, such as `/users/{id}`",
            )


def segments_of(path: str) -> list[str]:
    """Return the segments of a path; a slash at its end makes no difference to API Gateway."""
    bare = path.removeprefix("/").removesuffix("/")
    return bare.split("/") if bare else []
