"""Where routes come from: the tables of functions in lambdabuild.toml, and deployment files."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.config.options import FILE_NAME, LocalSettings
from lambdabuild.config.settings import Settings
from lambdabuild.core.build import Function
from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.paths import Paths
from lambdabuild.deployment.declared import Declared, Deployment
from lambdabuild.deployment.matching import Source, match
from lambdabuild.deployment.routes.apis import (
    ALB,
    DEFAULT,
    FORMAT_1,
    FORMAT_2,
    HTTP,
    JWT,
    REQUEST,
    REST,
    TOKEN,
    Api,
    Authorizer,
    Cors,
)
from lambdabuild.deployment.routes.apis import Route as DeclaredRoute
from lambdabuild.local.gateway.routes import Route, collisions

_MULTI_VALUE = "alb-multi-value"
_STAGES = {REST: "local", HTTP: DEFAULT}
_HEADERS = (
    "Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Security-Token", "X-Api-Key",
)  # fmt: skip
"""What pages may send where lambdabuild.toml names their origins."""


class Found(NamedTuple):
    """The routes of a project."""

    routes: tuple[Route, ...] = ()
    urls: Mapping[str, Cors] = {}
    """What function URLs allow of CORS, by function; as deployment files declare them."""
    warnings: tuple[tuple[str, str], ...] = ()
    """What people should know, and what helps."""
    deployed: Mapping[str, str] = {}
    """The functions by the other names that they have there: FunctionName, a logical ID, a key."""


def routes_of(
    settings: Settings, deployment: Deployment, functions: Sequence[Function], paths: Paths
) -> Found:
    """Return the routes of functions: those of its table, else those that deployment files declare.

    `deployment` has to be read anew: what the state remembers of deployment files is without routes.
    """
    names = [function.name for function in functions]
    source = settings.config.source or FILE_NAME
    written = [
        route for name in names for route in _of_table(name, settings.local_of(name), names, source)
    ]
    for first, other in collisions(written):
        raise LambdabuildError(
            f"`{first.function}` and `{other.function}` both have the route `{other}`",
            at=[source],
            hint="take it from one of them",
        )
    own = {route.function for route in written}
    meant = _meant(deployment.functions, functions, paths)
    known = _names_by_file(deployment.functions, meant)
    declared: list[Route] = []
    warnings: dict[tuple[str, str], None] = {}
    urls: dict[str, Cors] = {}
    for item, name in zip(deployment.functions, meant, strict=True):
        if name is None:
            continue
        if item.url is not None:
            urls.setdefault(name, item.url)
        if name not in own:
            for route in _of_file(item, name, known[item.file], paths):
                declared.append(route)
                if warning := _unknown_authorizer(route, names):
                    warnings[warning] = None
    declared.sort(key=lambda route: route.declared.priority)
    kept = [_with_known_authorizer(route, names) for route in _once([*written, *declared])]
    for first, other in collisions(kept):
        if first.function not in own:
            warnings[_collision(first, other)] = None
    return Found(tuple(kept), urls, tuple(warnings), _deployed(deployment.functions, meant, names))


def _of_table(
    name: str, local: LocalSettings, names: Sequence[str], source: str
) -> Iterator[Route]:
    """Yield the routes of a function's table."""
    event = local.event or REST
    kind = ALB if event == _MULTI_VALUE else event
    for method, path in local.routes:
        if path == DEFAULT and kind != HTTP:
            raise LambdabuildError(
                f"the route `$default` of `{name}` is one of HTTP APIs, and its event is `{event}`",
                at=[source],
                hint='set `event = "http"`, or write `/{proxy+}` and `/`'
                if kind == REST
                else 'set `event = "http"`, or write `/*`',
            )
        cors = Cors(local.cors, headers=_HEADERS) if local.cors and kind != ALB else None
        yield Route(
            name,
            DeclaredRoute(
                method,
                path,
                Api(kind, "lambdabuild", _STAGES.get(kind, ""), cors=cors),
                _authorizer(name, local.authorizer, kind, names, source),
                payload=FORMAT_2 if kind == HTTP else "",
                multi_value=event == _MULTI_VALUE,
            ),
            source,
        )


def _authorizer(
    name: str, written: tuple[str, str] | None, kind: str, names: Sequence[str], source: str
) -> Authorizer | None:
    if written is None or kind == ALB:
        return None
    sort, function = written
    source_of_token = ("header.Authorization",)
    if sort == "JWT":
        return Authorizer(JWT, sources=source_of_token)
    if function not in names:
        raise LambdabuildError(
            f"the authorizer `{function}` of `{name}` is not a function here",
            at=[source],
            hint=did_you_mean(function, names) or "`lambdabuild list` names them all",
        )
    if function == name:
        # At the top level it is for all the others.
        return None
    if kind == HTTP:
        if sort == "TOKEN":
            raise LambdabuildError(
                f"the authorizer of `{name}` is a TOKEN authorizer, which HTTP APIs do not have",
                at=[source],
                hint=f'write `authorizer = "{function}"`',
            )
        sources = () if sort == "REQUEST" else source_of_token
        return Authorizer(REQUEST, function, sources, payload=FORMAT_2, simple=None)
    if sort == "REQUEST":
        return Authorizer(REQUEST, function, required=False, payload=FORMAT_1)
    return Authorizer(TOKEN, function, source_of_token)


def _meant(
    declared: Iterable[Declared], functions: Sequence[Function], paths: Paths
) -> list[str | None]:
    """Return the function that each declaration is of; None where that cannot be told."""
    outputs: dict[str, str] = {}
    for function in functions:
        for out in paths.outputs:
            path = os.path.join(out, function.name)
            outputs |= {path: function.name, f"{path}.zip": function.name}
    sources = [Source(function.name, function.directory) for function in functions]
    return match(declared, sources, outputs)


def _deployed(
    declared: Sequence[Declared], meant: Sequence[str | None], names: Sequence[str]
) -> dict[str, str]:
    """Return the functions by the names that only deployment files give them."""
    deployed: dict[str, str] = {}
    for item, name in zip(declared, meant, strict=True):
        for other in (item.deployed_as, item.name):
            if name is not None and other and other not in names:
                deployed.setdefault(other, name)
    return deployed


def _names_by_file(
    declared: Sequence[Declared], meant: Sequence[str | None]
) -> Mapping[str, Mapping[str, str]]:
    """Return the functions of each file by what the file calls them."""
    known: dict[str, dict[str, str]] = defaultdict(dict)
    for item, name in zip(declared, meant, strict=True):
        if name is not None:
            known[item.file][item.name] = name
            if item.deployed_as:
                known[item.file].setdefault(item.deployed_as, name)
    return known


def _of_file(item: Declared, name: str, known: Mapping[str, str], paths: Paths) -> Iterator[Route]:
    place = f"{paths.relative(item.file)}{f':{item.line}' if item.line else ''}"
    for said in item.routes:
        authorizer = said.authorizer
        if authorizer is not None and authorizer.function in known:
            authorizer = authorizer._replace(function=known[authorizer.function])
        yield Route(name, said._replace(authorizer=authorizer), place)


def _unknown_authorizer(route: Route, names: Sequence[str]) -> tuple[str, str] | None:
    authorizer = route.declared.authorizer
    if authorizer is None or authorizer.kind not in {TOKEN, REQUEST}:
        return None
    if authorizer.function in names:
        return None
    called = f"`{authorizer.function}`" if authorizer.function else "an authorizer"
    message = f"{route.where}: {called} decides who may call `{route}`, and is not a function here"
    return (
        f"{message}: requests pass it by",
        "give the function that is meant this name in lambdabuild.toml, under [functions]",
    )


def _with_known_authorizer(route: Route, names: Sequence[str]) -> Route:
    """Return a route whose authorizer has no function, if it is none of those here."""
    authorizer = route.declared.authorizer
    if authorizer is None or not authorizer.function or authorizer.function in names:
        return route
    return route._replace(
        declared=route.declared._replace(authorizer=authorizer._replace(function=""))
    )


def _once(routes: Iterable[Route]) -> Iterator[Route]:
    """Yield each route once: the same function may be declared in several files."""
    seen = set()
    for route in routes:
        key = (route.function, route.declared.method, route.declared.path)
        if key not in seen:
            seen.add(key)
            yield route


def _collision(first: Route, other: Route) -> tuple[str, str]:
    places = f"`{first.function}` ({first.where}) and `{other.function}` ({other.where})"
    return (
        f"{places} both have the route `{other}`; it leads to the first",
        "give one of them another route in lambdabuild.toml, with `route` under [functions]",
    )
