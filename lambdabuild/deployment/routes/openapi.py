"""Read OpenAPI definitions with the extensions of API Gateway.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lambdabuild.deployment.routes.apis import (
    ANY,
    DEFAULT,
    HTTP,
    IAM,
    REST,
    Api,
    Authorizer,
    Cors,
    Route,
)
from lambdabuild.deployment.routes.reading import (
    cors_of,
    function_in,
    jwt_authorizer,
    lambda_authorizer,
    said,
    sources_of,
    table,
    words,
)

_ANY = "x-amazon-apigateway-any-method"
_INTEGRATION = "x-amazon-apigateway-integration"
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", _ANY})


def routes_in(definition: Mapping[str, Any], api: Api) -> Iterator[tuple[str, Route]]:
    """Yield the routes of a definition, each with the resource or the name of its function."""
    api = _completed(definition, api)
    known = authorizers_in(definition, api.kind)
    for path, item in table(definition.get("paths")).items():
        operations = table(item)
        options = _mocked_cors(table(operations.get("options")))
        own = api._replace(cors=options) if options and api.kind == REST else api
        for word, value in operations.items():
            operation = table(value)
            integration = table(operation.get(_INTEGRATION))
            function = function_in(integration.get("uri"))
            if word.lower() not in _METHODS or not function:
                continue
            security = operation.get("security", definition.get("security"))
            yield (
                function,
                Route(
                    ANY if word.lower() == _ANY else word.upper(),
                    DEFAULT if path.strip("/") == DEFAULT else path,
                    own,
                    _demanded(security, known),
                    payload=said(integration.get("payloadFormatVersion")),
                    needs_key=_needs_key(security, definition),
                ),
            )


def _completed(definition: Mapping[str, Any], api: Api) -> Api:
    """Return an API with what its definition says of all of it."""
    types = definition.get("x-amazon-apigateway-binary-media-types")
    if isinstance(types, list) and api.binary_types is None:
        api = api._replace(binary_types=words(types))
    cors = definition.get("x-amazon-apigateway-cors")
    if cors is not None and api.cors is None and api.kind == HTTP:
        api = api._replace(cors=cors_of(cors))
    return api


def _schemes(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    components = table(definition.get("components"))
    return {
        **table(definition.get("securityDefinitions")),
        **table(components.get("securitySchemes")),
    }


def authorizers_in(definition: Mapping[str, Any], kind: str) -> dict[str, Authorizer]:
    """Return the authorizers of a definition by name."""
    found = {}
    for name, value in _schemes(definition).items():
        scheme = table(value)
        own = table(scheme.get("x-amazon-apigateway-authorizer"))
        if said(scheme.get("x-amazon-apigateway-authtype")).lower() == "awssigv4":
            found[name] = Authorizer(IAM)
        elif own:
            found[name] = _authorizer(own, scheme, kind)
    return found


def _authorizer(own: Mapping[str, Any], scheme: Mapping[str, Any], kind: str) -> Authorizer:
    sources = sources_of(own.get("identitySource"))
    header = said(scheme.get("name"))
    if not sources and header and said(scheme.get("in")) == "header":
        sources = (f"header.{header}",)
    sort = said(own.get("type")).lower()
    pattern = own.get("identityValidationExpression")
    if sort in {"jwt", "cognito_user_pools"}:
        return jwt_authorizer(sources, pattern=pattern)
    return lambda_authorizer(
        sort or "token",
        function_in(own.get("authorizerUri")),
        sources,
        ttl=own.get("authorizerResultTtlInSeconds") if kind == REST else None,
        pattern=pattern,
        payload=own.get("authorizerPayloadFormatVersion", "2.0" if kind == HTTP else "1.0"),
        simple=own.get("enableSimpleResponses"),
    )


def _demanded(security: object, known: Mapping[str, Authorizer]) -> Authorizer | None:
    """Return the authorizer of an operation: the first of its schemes that is one."""
    for demand in security if isinstance(security, list) else ():
        for name, scopes in table(demand).items():
            if name in known:
                return known[name]._replace(scopes=words(scopes))
    return None


def _needs_key(security: object, definition: Mapping[str, Any]) -> bool:
    schemes = _schemes(definition)
    names = {
        name
        for demand in (security if isinstance(security, list) else ())
        for name in table(demand)
    }
    return any(
        said(table(schemes.get(name)).get("name")).lower() == "x-api-key"
        and "x-amazon-apigateway-authorizer" not in table(schemes.get(name))
        for name in names
    )


def _mocked_cors(options: Mapping[str, Any]) -> Cors | None:
    """Return what the mock at OPTIONS says of CORS, which is how a REST API has it."""
    integration = table(options.get(_INTEGRATION))
    if said(integration.get("type")).lower() != "mock":
        return None
    for answer in table(integration.get("responses")).values():
        if cors := cors_of_parameters(table(table(answer).get("responseParameters"))):
            return cors
    return None


def cors_of_parameters(parameters: Mapping[str, Any]) -> Cors | None:
    """Return the CORS configuration that the parameters of a mocked response make."""
    start = "method.response.header.access-control-"
    named = {
        name.lower().removeprefix(start).replace("-", ""): value
        for name, value in parameters.items()
        if name.lower().startswith(start)
    }
    return cors_of(named) if "alloworigin" in named else None
