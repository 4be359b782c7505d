"""Which route a request takes; no I/O.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
"""

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from lambdabuild.deployment.routes.apis import ALB, ANY, DEFAULT, HTTP, REST
from lambdabuild.deployment.routes.apis import Route as Declared
from lambdabuild.deployment.routes.written import PARAMETER, segments_of

_STATIC, _ONE, _GREEDY, _LAST = range(4)


class Route(NamedTuple):
    """A route, with the function that it leads to."""

    function: str
    """The name that lambdabuild gives it."""
    declared: Declared
    where: str = ""
    """What says so, for people: `lambdabuild.toml`, `template.yaml:12`."""

    def __str__(self) -> str:
        return f"{self.declared.method} {self.declared.path}"

    @property
    def kind(self) -> str:
        return self.declared.api.kind


class Match(NamedTuple):
    """A route with what its parameters took."""

    route: Route
    parameters: dict[str, str]
    """Decoded by an HTTP API, as sent by a REST API."""


class _Shape(NamedTuple):
    """A route as it is compared."""

    route: Route
    kinds: tuple[int, ...]
    """Of each segment: the smaller, the sooner."""
    words: tuple[str, ...]
    """A static segment, or the name of a parameter."""

    def matches(self, segments: Sequence[str]) -> dict[str, str] | None:
        """Return what the parameters take, or None."""
        if self.kinds == (_LAST,):
            return {}
        greedy = self.kinds[-1:] == (_GREEDY,)
        count = len(self.kinds)
        if len(segments) < count or (len(segments) > count and not greedy):
            return None
        taken = {}
        for kind, word, segment in zip(self.kinds, self.words, segments, strict=False):
            if kind == _STATIC:
                if segment != word and unquote(segment) != word:
                    return None
            elif not segment:
                return None
            elif kind == _ONE:
                taken[word] = segment
        if greedy:
            taken[self.words[-1]] = "/".join(segments[count - 1 :])
        return taken


class Routes:
    """The routes of a project: what they are, and which one a request takes."""

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        """Routes of load balancers are tried in their order; those of API Gateway by how exact they are."""
        self.all = tuple(routes)
        self._balanced = [(route, _pattern(route)) for route in self.all if route.kind == ALB]
        self._by_first: dict[str | None, list[_Shape]] = defaultdict(list)
        for route in self.all:
            if route.kind != ALB:
                shape = _shape(route)
                first = shape.words[0] if shape.kinds[:1] == (_STATIC,) else None
                self._by_first[first].append(shape)

    def find(self, method: str, path: str) -> Match | None:
        """Return the route that a request takes, if any does.

        The path decides before the method, a static segment before a parameter, that before a greedy
        one, and `$default` comes last. A route whose method is another does not count: a request
        then goes to the next one that fits, as measured on AWS for REST APIs.
        """
        best: tuple[tuple[int, ...], bool] | None = None
        found: Match | None = None
        for shape, taken in self._fitting(path):
            declared = shape.route.declared
            if declared.method not in {ANY, method}:
                continue
            rank = shape.kinds, declared.method == ANY
            if best is None or rank < best:
                best, found = rank, Match(shape.route, taken)
        if found is not None:
            return found
        for route, pattern in self._balanced:
            if pattern.fullmatch(path) and route.declared.method in {ANY, method}:
                return Match(route, {})
        return None

    def at(self, path: str) -> list[Route]:
        """Return the routes of a path, whatever their method, the most exact first."""
        shapes = sorted(self._fitting(path), key=lambda item: item[0].kinds)
        balanced = [route for route, pattern in self._balanced if pattern.fullmatch(path)]
        return [*(shape.route for shape, _ in shapes), *balanced]

    def _fitting(self, path: str) -> Iterator[tuple[_Shape, dict[str, str]]]:
        sent = segments_of(path)
        # An HTTP API decodes the path before it looks for a route: there, `%2F` parts segments.
        decoded = segments_of(unquote(path)) if "%" in path else sent
        firsts: dict[str | None, None] = {None: None}
        for segments in (sent, decoded):
            if segments:
                firsts |= {segments[0]: None, unquote(segments[0]): None}
        firsts |= {"": None} if not sent else {}
        for first in firsts:
            for shape in self._by_first.get(first, ()):
                taken = shape.matches(decoded if shape.route.kind == HTTP else sent)
                if taken is not None:
                    yield shape, taken


def _shape(route: Route) -> _Shape:
    path = route.declared.path
    if path == DEFAULT:
        return _Shape(route, (_LAST,), ("",))
    kinds, words = [], []
    for segment in segments_of(path):
        parameter = PARAMETER.fullmatch(segment)
        kinds.append(_STATIC if parameter is None else _GREEDY if parameter[2] else _ONE)
        words.append(segment if parameter is None else parameter[1])
    return _Shape(route, tuple(kinds), tuple(words))


def _pattern(route: Route) -> re.Pattern[str]:
    """Return a load balancer's pattern: `*` is any text, slashes too, and `?` one character.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
    """
    glob = PARAMETER.sub("*", route.declared.path).replace("[", "[[]")
    return re.compile(fnmatch.translate(glob))


def collisions(routes: Iterable[Route]) -> Iterator[tuple[Route, Route]]:
    """Yield pairs of routes of which only the first is ever taken, and that lead to two functions."""
    known: dict[tuple[object, ...], Route] = {}
    for route in routes:
        declared = route.declared
        if route.kind == ALB:
            place: tuple[object, ...] = (ALB, declared.method, declared.path)
        else:
            shape = _shape(route)
            names = tuple(
                word if kind == _STATIC else ""
                for kind, word in zip(shape.kinds, shape.words, strict=True)
            )
            place = (REST, declared.method, shape.kinds, names)
        first = known.setdefault(place, route)
        if first.function != route.function:
            yield first, route
