"""HTTP routes, the APIs that they belong to, and what these demand of a request."""

from typing import NamedTuple

REST = "rest"
"""A REST API of API Gateway: payload format 1.0, as 96 of 100 handlers in Go take it."""
HTTP = "http"
"""An HTTP API of API Gateway."""
ALB = "alb"
"""An Application Load Balancer."""
ANY = "ANY"
"""Every method."""
DEFAULT = "$default"
"""The path of the route that takes what no other does, and the stage of an HTTP API that has no name."""
FORMAT_1, FORMAT_2 = "1.0", "2.0"
TOKEN, REQUEST, JWT, IAM = "token", "request", "jwt", "iam"


class Cors(NamedTuple):
    """Which pages of other origins may call an API.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
    """

    origins: tuple[str, ...] = ()
    """`*`, `https://*`, or whole origins."""
    methods: tuple[str, ...] = ()
    """None: those of the routes with the path."""
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: int | None = None
    """Seconds."""
    credentials: bool = False
    preflight_is_authorized: bool = False
    """SAM puts the default authorizer before OPTIONS as well, unless it is told not to."""


class Authorizer(NamedTuple):
    """What decides whether a request reaches a function.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
    """

    kind: str
    """TOKEN, REQUEST, JWT or IAM."""
    function: str = ""
    """Of TOKEN and REQUEST; empty where the file does not say it in a way that can be read."""
    sources: tuple[str, ...] = ()
    """Where the identity is: `header.Authorization`, `querystring.token`, `stage.name`, `context.path`."""
    required: bool = True
    """A request without its identity gets 401: so it is wherever results are cached, which is the default."""
    pattern: str = ""
    """A regular expression that a token has to match."""
    payload: str = FORMAT_1
    simple: bool | None = False
    """Answers `isAuthorized` in place of a policy; None: either will do."""
    scopes: tuple[str, ...] = ()
    """Of a JWT: one of them is enough."""


class Api(NamedTuple):
    """Where a route belongs."""

    kind: str = REST
    """REST, HTTP or ALB."""
    name: str = ""
    """What the file calls it."""
    stage: str = ""
    stage_variables: tuple[tuple[str, str], ...] = ()
    cors: Cors | None = None
    binary_types: tuple[str, ...] | None = None
    """Content types that go in base64; None where nobody said."""


class Route(NamedTuple):
    """An HTTP route that reaches a function: `GET /users/{id}`; ANY for every method."""

    method: str
    path: str
    """As API Gateway has it: `/users/{id}`, `/files/{proxy+}`, `$default`; a load balancer has `/files/*`."""
    api: Api = Api()
    authorizer: Authorizer | None = None
    payload: str = ""
    """FORMAT_1 or FORMAT_2 of an HTTP API."""
    needs_key: bool = False
    """A request without `x-api-key` gets 403."""
    multi_value: bool = False
    """The target group of a load balancer has multi-value headers."""
    priority: int = 0
    """Of a load balancer's rule: the least is tried first."""
