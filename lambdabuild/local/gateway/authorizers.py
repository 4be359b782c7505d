"""What an authorizer is asked, and with which identity; no I/O.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

import re
from typing import Any
from urllib.parse import unquote

from lambdabuild.deployment.routes.apis import FORMAT_2, HTTP, TOKEN, Authorizer
from lambdabuild.local.functions import ACCOUNT
from lambdabuild.local.payloads import v1, v2
from lambdabuild.local.payloads.incoming import Incoming, grouped_query


def method_arn(incoming: Incoming, place: v1.Place) -> str:
    """Return the ARN of the method that is called, which policies are about."""
    request, api = incoming.request, place.route.api
    return (
        f"arn:aws:execute-api:{incoming.region}:{ACCOUNT}:{place.api_id}/{api.stage}"
        f"/{request.method}/{request.path.removeprefix('/')}"
    )


def identity(authorizer: Authorizer, incoming: Incoming, place: v1.Place) -> list[str] | None:
    """Return what the sources of an identity hold; None if one of them holds nothing, or another form."""
    values = [_value(source, incoming, place) for source in authorizer.sources]
    found = [value for value in values if value]
    if len(found) < len(values):
        return None
    if authorizer.pattern and not _fits(authorizer.pattern, found):
        return None
    return found


def _fits(pattern: str, values: list[str]) -> bool:
    try:
        return all(re.match(pattern, value) for value in values)
    except re.error:
        # Java's expressions know more than Python's: such a one decides nothing here.
        return True


def _value(source: str, incoming: Incoming, place: v1.Place) -> str:
    where, _, name = source.partition(".")
    request = incoming.request
    match where:
        case "header":
            return request.headers.get(name)
        case "querystring":
            return next(iter(grouped_query(request.query).get(name, ())), "")
        case "stage":
            return dict(place.route.api.stage_variables).get(name, "")
        case "context":
            known = {
                "httpMethod": request.method,
                "path": request.path,
                "resourcePath": place.route.path,
                "routeKey": place.key,
                "stage": place.route.api.stage,
                "identity.sourceIp": request.peer,
                "domainName": request.host,
            }
            return known.get(name, "")
    return ""


def question(
    authorizer: Authorizer, incoming: Incoming, place: v1.Place, values: list[str] | None
) -> dict[str, Any]:
    """Return the event that an authorizer gets; `values` are its identity."""
    arn = method_arn(incoming, place)
    if authorizer.kind == TOKEN:
        return {
            "type": "TOKEN",
            "methodArn": arn,
            "authorizationToken": values[0] if values else "",
        }
    if place.route.api.kind != HTTP or authorizer.payload != FORMAT_2:
        asked = v1.authorizer_event(incoming, place, arn)
        if values and place.route.api.kind == HTTP:
            token = ",".join(values)
            asked |= {"identitySource": token, "authorizationToken": token}
        return asked
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": arn,
        "identitySource": values,
        **{
            name: value
            for name, value in http_event(incoming, place).items()
            if name not in {"version", "body", "isBase64Encoded"}
        },
    }


def http_event(incoming: Incoming, place: v1.Place) -> dict[str, Any]:
    """Return the event of an HTTP API in payload format 2.0: there, the path is decoded.

    https://github.com/honojs/hono/issues/2156
    """
    api = place.route.api
    return v2.event(
        incoming.request._replace(path=unquote(incoming.request.path)),
        request_id=incoming.extended_id,
        trace_id=incoming.trace_id,
        now=incoming.now,
        api_id=place.api_id,
        account=ACCOUNT,
        route_key=place.key,
        stage=api.stage,
        path_parameters=place.parameters,
        stage_variables=dict(api.stage_variables),
        authorizer=place.authorizer,
        cookie_header=False,
    )
