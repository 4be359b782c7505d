"""Read the routes of SAM: events of functions, and the APIs that they belong to.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-api.html
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-httpapi.html
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from lambdabuild.deployment.routes.apis import (
    ANY,
    DEFAULT,
    HTTP,
    IAM,
    REQUEST,
    REST,
    TOKEN,
    Api,
    Authorizer,
    Cors,
    Route,
)
from lambdabuild.deployment.routes.openapi import routes_in
from lambdabuild.deployment.routes.reading import (
    cors_of,
    function_in,
    is_true,
    jwt_authorizer,
    lambda_authorizer,
    reference,
    said,
    sources_of,
    table,
    variables,
    words,
)

Include = Callable[[str], object]
"""Returns what a file beside the template holds; None for one that is elsewhere."""
_KINDS = {"AWS::Serverless::Api": REST, "AWS::Serverless::HttpApi": HTTP}
_EVENTS = {"Api": REST, "HttpApi": HTTP}
_IMPLICIT = {REST: ("ServerlessRestApi", "Prod"), HTTP: ("ServerlessHttpApi", DEFAULT)}
_GLOBALS = {REST: "Api", HTTP: "HttpApi"}


class _Known(NamedTuple):
    """An API with what holds for all its routes."""

    api: Api
    authorizers: Mapping[str, Authorizer]
    default: str = ""
    needs_key: bool = False


class SamApis:
    """The APIs of a template."""

    def __init__(
        self, template: Mapping[str, Any], resolve: Callable[[Any], Any], include: Include
    ) -> None:
        """Let `resolve` put the default of a parameter in the place of a reference to it."""
        self._resolve = resolve
        self._globals = table(template.get("Globals"))
        self._known: dict[str, _Known] = {}
        self.defined: dict[str, list[Route]] = defaultdict(list)
        """The routes of OpenAPI definitions, by the resource of their function."""
        for name, resource in table(template.get("Resources")).items():
            kind = _KINDS.get(said(table(resource).get("Type")))
            if kind is not None:
                own = self._with_globals(kind, table(table(resource).get("Properties")))
                known = self._api(kind, name, own)
                self._known[name] = known
                for function, route in routes_in(_definition(own, include), known.api):
                    self.defined[function].append(route)

    def routes_of(self, properties: Mapping[str, Any]) -> Iterator[Route]:
        """Yield the routes that the events of a function are."""
        for event in map(table, table(properties.get("Events")).values()):
            kind = _EVENTS.get(said(event.get("Type")))
            if kind is not None:
                own = table(event.get("Properties"))
                path = said(self._resolve(own.get("Path")))
                if not path and kind == HTTP and "Path" not in own:
                    path = DEFAULT
                if path:
                    yield self._route(kind, path, own)

    def _route(self, kind: str, path: str, own: Mapping[str, Any]) -> Route:
        named = own.get("RestApiId") if kind == REST else own.get("ApiId")
        known = self._of(kind, reference(named) or said(named))
        auth = table(own.get("Auth"))
        return Route(
            ANY if path == DEFAULT else said(self._resolve(own.get("Method"))).upper() or ANY,
            path,
            known.api,
            _demanded(known, auth),
            payload=said(own.get("PayloadFormatVersion")),
            needs_key=is_true(auth.get("ApiKeyRequired", known.needs_key)),
        )

    def _of(self, kind: str, name: str) -> _Known:
        """Return the API of that name, or else the one that SAM makes for events without any."""
        if name in self._known:
            return self._known[name]
        implicit, stage = _IMPLICIT[kind]
        name = name or implicit
        known = self._api(kind, name, self._with_globals(kind, {}))
        if name == implicit:
            known = known._replace(api=known.api._replace(stage=stage))
        self._known[name] = known
        return known

    def _with_globals(self, kind: str, own: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the properties of an API over those that all have."""
        shared = table(self._globals.get(_GLOBALS[kind]))
        merged = {**shared, **own}
        for name, value in shared.items():
            if isinstance(value, dict) and isinstance(own.get(name), dict):
                merged[name] = {**value, **own[name]}
        return merged

    def _api(self, kind: str, name: str, own: Mapping[str, Any]) -> _Known:
        auth = table(own.get("Auth"))
        default = said(auth.get("DefaultAuthorizer"))
        cors = cors_of(own.get("Cors" if kind == REST else "CorsConfiguration"))
        if cors is not None and kind == REST:
            guarded = default and is_true(auth.get("AddDefaultAuthorizerToCorsPreflight", True))
            cors = cors._replace(preflight_is_authorized=bool(guarded))
        types = own.get("BinaryMediaTypes")
        api = Api(
            kind,
            name,
            said(self._resolve(own.get("StageName"))) or _IMPLICIT[kind][1],
            variables(own.get("Variables" if kind == REST else "StageVariables")),
            cors,
            words(types) if isinstance(types, list) else None,
        )
        found = {
            str(word): _authorizer(kind, table(value))
            for word, value in table(auth.get("Authorizers")).items()
        }
        return _Known(api, found, default, is_true(auth.get("ApiKeyRequired")))


def url_of(properties: Mapping[str, Any]) -> Cors | None:
    """Return what a function URL says of CORS; None where there is no URL."""
    own = properties.get("FunctionUrlConfig")
    if not isinstance(own, dict):
        return None
    return cors_of(own["Cors"]) if own.get("Cors") else Cors()


def _definition(own: Mapping[str, Any], include: Include) -> Mapping[str, Any]:
    """Return an API's OpenAPI definition, from the template or from a file beside it."""
    body = table(own.get("DefinitionBody"))
    place: object = own.get("DefinitionUri")
    transform = table(body.get("Fn::Transform"))
    if said(transform.get("Name")) == "AWS::Include":
        place = table(transform.get("Parameters")).get("Location")
    elif body:
        return body
    path = said(place)
    return table(include(path)) if path and "://" not in path else {}


def _demanded(known: _Known, auth: Mapping[str, Any]) -> Authorizer | None:
    name = said(auth.get("Authorizer")) or known.default
    if name == "AWS_IAM":
        return Authorizer(IAM)
    found = known.authorizers.get(name)
    scopes = words(auth.get("AuthorizationScopes"))
    return found._replace(scopes=scopes) if found and scopes else found


def _authorizer(kind: str, own: Mapping[str, Any]) -> Authorizer:
    identity = table(own.get("Identity"))
    pattern = identity.get("ValidationExpression")
    header = said(identity.get("Header"))
    sources = (
        *([f"header.{header}"] if header else ()),
        *(f"header.{name}" for name in words(identity.get("Headers"))),
        *(f"querystring.{name}" for name in words(identity.get("QueryStrings"))),
        *(f"stage.{name}" for name in words(identity.get("StageVariables"))),
        *(f"context.{name}" for name in words(identity.get("Context"))),
        *sources_of(own.get("IdentitySource")),
    )
    if "FunctionArn" not in own:
        return jwt_authorizer(sources, own.get("AuthorizationScopes"), pattern)
    asks = said(own.get("FunctionPayloadType")).upper()
    return lambda_authorizer(
        REQUEST if asks == "REQUEST" or kind == HTTP else TOKEN,
        function_in(own["FunctionArn"]) or reference(own["FunctionArn"]),
        sources,
        # What an HTTP API names as a source, it demands.
        ttl=identity.get("ReauthorizeEvery") if kind == REST else None,
        pattern=pattern,
        payload=own.get("AuthorizerPayloadFormatVersion"),
        simple=own.get("EnableSimpleResponses"),
    )
