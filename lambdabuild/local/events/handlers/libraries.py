"""Which functions of which libraries start a handler, or serve HTTP as one."""

from collections.abc import Mapping

from lambdabuild.local.events.handlers.types import Named
from lambdabuild.survey.eawsy.libraries import EVENTS as EAWSY_LIBRARY
from lambdabuild.survey.eawsy.libraries import REGISTRY

LIBRARY = "github.com/aws/aws-lambda-go"
EVENTS = f"{LIBRARY}/events"
EAWSY_EVENTS = f"{EAWSY_LIBRARY}/service/lambda/runtime/event"
"""Has a package for each source of events."""
_PROXY = "github.com/eawsy/aws-lambda-go-net/service/lambda/runtime/net/apigatewayproxy"
_PROXIED = Named(f"{EAWSY_EVENTS}/apigatewayproxyevt", "Event")

# By package and function: which argument is the handler.
# https://github.com/aws/aws-lambda-go/blob/main/lambda/entry.go
STARTS: Mapping[str, Mapping[str, int]] = {
    f"{LIBRARY}/lambda": {
        "Start": 0,
        "StartWithOptions": 0,
        "StartWithContext": 1,
        "StartHandler": 0,
        "StartHandlerFunc": 0,
        "StartHandlerWithContext": 1,
    },
    REGISTRY: {"Handle": 0, "HandleFunc": 0},
}
# What takes any http.Handler, and which event it makes a request of.
SERVERS: Mapping[tuple[str, str], Named] = {
    (f"{LIBRARY}/lambdaurl", "Start"): Named(EVENTS, "LambdaFunctionURLRequest"),
    ("github.com/akrylysov/algnhsa", "ListenAndServe"): Named(EVENTS, "APIGatewayProxyRequest"),
    ("github.com/apex/gateway", "ListenAndServe"): Named(EVENTS, "APIGatewayProxyRequest"),
    ("github.com/apex/gateway/v2", "ListenAndServe"): Named(EVENTS, "APIGatewayV2HTTPRequest"),
    (_PROXY, "New"): _PROXIED,
}
STARTING = frozenset([*STARTS, *(path for path, _ in SERVERS)])
"""The packages of both."""
WORDS = frozenset([*(n for names in STARTS.values() for n in names), *(n for _, n in SERVERS)])
"""The functions of both."""
METHODS = ("Invoke", "HandleLambda")
"""By these a value is a handler of bytes: of aws-lambda-go, of eawsy/aws-lambda-go."""
KNOWN_HANDLERS: Mapping[Named, Named] = {Named(_PROXY, "Handler"): _PROXIED}
"""Types of handlers that say less than is known of them, and what those take."""
