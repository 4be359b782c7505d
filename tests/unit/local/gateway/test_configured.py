"""Where routes come from, and what people are told of them."""

from pathlib import Path
from typing import Any

import pytest

from lambdabuild.config.file import parse_config
from lambdabuild.config.settings import Settings
from lambdabuild.core.build import Function
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.paths import Paths
from lambdabuild.deployment.reader import read
from lambdabuild.deployment.routes.apis import Api, Authorizer, Cors
from lambdabuild.deployment.routes.apis import Route as Declared
from lambdabuild.local.gateway.configured import Found, routes_of
from lambdabuild.local.gateway.routes import Route

NAMES = ("authorize", "orders-get", "users-get", "users-list")


class Project:
    """A project with these functions, a configuration and deployment files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.functions = [
            Function(name, "", str(directory / "api" / name.replace("-", "/")), str(directory))
            for name in NAMES
        ]

    def found(self, toml: str = "", **files: str) -> Found:
        settings = Settings(parse_config(toml, "lambdabuild.toml"))
        for name, text in files.items():
            (self.directory / name).write_text(text, "utf-8")
        deployment = read([str(self.directory / name) for name in files])
        return routes_of(settings, deployment, self.functions, self.paths)

    @property
    def paths(self) -> Paths:
        top = str(self.directory)
        return Paths(top, top, str(self.directory / "dist"), "dist")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def shown(found: Found) -> list[str]:
    return [f"{route.kind} {route}: {route.function} ({route.where})" for route in found.routes]


def test_a_table_says_one_route_or_several_and_the_event(project: Project) -> None:
    found = project.found(
        """\
event = "http"
[functions."users-get"]
route = "GET /users/{id}"
[functions."orders-get"]
route = ["/orders/{proxy+}", "GET /orders"]
event = "rest"
[functions."users-list"]
route = "ANY /users*"
event = "alb-multi-value"
"""
    )
    rest = Api("rest", "lambdabuild", "local")
    assert set(found.routes) == {
        Route(
            "users-get",
            Declared("GET", "/users/{id}", Api("http", "lambdabuild", "$default"), payload="2.0"),
            "lambdabuild.toml",
        ),
        Route("orders-get", Declared("ANY", "/orders/{proxy+}", rest), "lambdabuild.toml"),
        Route("orders-get", Declared("GET", "/orders", rest), "lambdabuild.toml"),
        Route(
            "users-list",
            Declared("ANY", "/users*", Api("alb", "lambdabuild"), multi_value=True),
            "lambdabuild.toml",
        ),
    }
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("event", "written", "authorizer"),
    [
        ("rest", "authorize", Authorizer("token", "authorize", ("header.Authorization",))),
        ("rest", "TOKEN authorize", Authorizer("token", "authorize", ("header.Authorization",))),
        ("rest", "REQUEST authorize", Authorizer("request", "authorize", required=False)),
        (
            "http",
            "authorize",
            Authorizer(
                "request", "authorize", ("header.Authorization",), payload="2.0", simple=None
            ),
        ),
        (
            "http",
            "REQUEST authorize",
            Authorizer("request", "authorize", payload="2.0", simple=None),
        ),
        ("http", "JWT", Authorizer("jwt", sources=("header.Authorization",))),
        ("alb", "authorize", None),
    ],
)
def test_a_table_names_an_authorizer(
    project: Project, event: str, written: str, authorizer: Authorizer | None
) -> None:
    found = project.found(
        f"""\
authorizer = "{written}"
event = "{event}"
[functions."users-get"]
route = "GET /users"
[functions.authorize]
route = "GET /authorize"
"""
    )
    by_function = {route.function: route.declared.authorizer for route in found.routes}
    own = None if authorizer and authorizer.function else authorizer
    assert by_function == {"users-get": authorizer, "authorize": own}


def test_a_table_names_origins(project: Project) -> None:
    found = project.found(
        '[functions."users-get"]\nroute = "GET /users"\ncors = ["https://a.example", "*"]\n'
    )
    cors = found.routes[0].declared.api.cors
    assert cors is not None
    assert (cors.origins, "Authorization" in cors.headers) == (("https://a.example", "*"), True)


@pytest.mark.parametrize(
    ("toml", "message", "hint"),
    [
        ('[functions.a]\nroute = "get /"', "has the method `get`", "GET"),
        ('[functions.a]\nroute = ["GET /a", "x y z"]', "not a method and a path", "GET /users"),
        ('event = "htttp"', "calls no function by HTTP", "did you mean `http`?"),
        ('authorizer = "FOO authorize"', "not the name of a function", "JWT"),
        ('cors = "example.com"', "not an origin", "http://localhost:5173"),
        ('cors = ["https://a/"]', "not an origin", "http://localhost:5173"),
        ('route = "GET /"', "not a key", "is for one function"),
        (
            '[functions."users-get"]\nroute = "$default"',
            "the route `$default` of `users-get` is one of HTTP APIs",
            'event = "http"',
        ),
        (
            '[functions."users-get"]\nroute = "GET /"\nauthorizer = "autorize"',
            "the authorizer `autorize` of `users-get` is not a function here",
            "did you mean `authorize`?",
        ),
        (
            'event = "http"\n[functions."users-get"]\nroute = "GET /"\nauthorizer = "TOKEN authorize"',
            "which HTTP APIs do not have",
            'authorizer = "authorize"',
        ),
        (
            '[functions."users-get"]\nroute = "GET /{id}"\n'
            '[functions."users-list"]\nroute = "GET /{name}"',
            "`users-get` and `users-list` both have the route `GET /{name}`",
            "take it from one of them",
        ),
    ],
)
def test_what_a_table_has_wrong_is_an_error_with_a_remedy(
    project: Project, toml: str, message: str, hint: str
) -> None:
    with pytest.raises(LambdabuildError) as caught:
        project.found(toml)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert any("lambdabuild.toml" in place for place in caught.value.at)


TEMPLATE = """\
Globals:
  Function: {Runtime: provided.al2023, Handler: bootstrap}
Resources:
  Shop:
    Type: AWS::Serverless::Api
    Properties:
      StageName: prod
      Auth:
        DefaultAuthorizer: Own
        Authorizers:
          Own: {FunctionArn: !GetAtt Guard.Arn}
          Other: {FunctionArn: !GetAtt Elsewhere.Arn}
  Guard:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: dist/authorize/, FunctionName: shop-guard}
  UsersGetFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: api/users/get
      FunctionUrlConfig: {AuthType: NONE, Cors: {AllowOrigins: ["https://a.example"]}}
      Events:
        Get: {Type: Api, Properties: {Path: '/users/{id}', Method: get, RestApiId: !Ref Shop}}
        Put:
          Type: Api
          Properties:
            Path: /users/{id}
            Method: put
            RestApiId: !Ref Shop
            Auth: {Authorizer: Other}
"""


def test_deployment_files_say_routes_and_their_authorizers(project: Project) -> None:
    found = project.found(**{"template.yaml": TEMPLATE})
    assert shown(found) == [
        "rest GET /users/{id}: users-get (template.yaml:16)",
        "rest PUT /users/{id}: users-get (template.yaml:16)",
    ]
    get, put = (route.declared.authorizer for route in found.routes)
    assert get == Authorizer("token", "authorize", ("header.Authorization",))
    assert put == Authorizer("token", "", ("header.Authorization",))
    assert [message for message, _ in found.warnings] == [
        "template.yaml:16: `Elsewhere` decides who may call `PUT /users/{id}`, and is not a function "
        "here: requests pass it by"
    ]
    assert found.urls == {"users-get": Cors(("https://a.example",))}
    assert found.deployed == {
        "shop-guard": "authorize",
        "Guard": "authorize",
        "UsersGetFunction": "users-get",
    }


def test_a_table_beats_deployment_files(project: Project) -> None:
    found = project.found(
        '[functions."users-get"]\nroute = "GET /own"\nevent = "http"\n',
        **{"template.yaml": TEMPLATE},
    )
    assert shown(found) == ["http GET /own: users-get (lambdabuild.toml)"]


SERVICE = """\
provider: {name: aws, runtime: provided.al2023}
functions:
  users-list:
    handler: bootstrap
    events:
      - httpApi: 'GET /users/{name}'
      - alb: {priority: 2, conditions: {path: /b}}
      - alb: {priority: 1, conditions: {path: [/a, /b]}}
"""


def test_a_route_of_two_functions_leads_to_the_first_and_is_told(project: Project) -> None:
    found = project.found(**{"template.yaml": TEMPLATE, "serverless.yml": SERVICE})
    assert [message for message, _ in found.warnings if "both" in message] == [
        "`users-list` (serverless.yml:3) and `users-get` (template.yaml:16) both have the route "
        "`GET /users/{id}`; it leads to the first"
    ]


def test_rules_of_a_load_balancer_come_by_priority_and_each_place_once(project: Project) -> None:
    found = project.found(**{"serverless.yml": SERVICE})
    assert [str(route) for route in found.routes if route.kind == "alb"] == ["ANY /a", "ANY /b"]


def test_the_same_function_in_two_files_is_no_contradiction(project: Project) -> None:
    found = project.found(**{"template.yaml": TEMPLATE, "template.packaged.yaml": TEMPLATE})
    assert len(found.routes) == 2
    assert not any("both" in message for message, _ in found.warnings)


def test_a_project_without_routes_has_none(project: Project) -> None:
    assert project.found() == Found()


def test_the_default_is_an_http_api_s_alone(project: Project) -> None:
    found: Any = project.found(
        '[functions."users-get"]\nroute = ["$default", "GET /a"]\nevent = "http"\n'
    )
    assert shown(found) == [
        "http ANY $default: users-get (lambdabuild.toml)",
        "http GET /a: users-get (lambdabuild.toml)",
    ]
