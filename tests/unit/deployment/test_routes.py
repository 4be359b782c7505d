"""Routes, APIs, authorizers and CORS, as deployment files declare them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdabuild.deployment.declared import Deployment
from lambdabuild.deployment.reader import find, read
from lambdabuild.deployment.routes.apis import Api, Authorizer, Cors, Route
from lambdabuild.deployment.routes.openapi import routes_in
from lambdabuild.deployment.routes.sam import SamApis
from lambdabuild.deployment.routes.serverless import ServerlessApis

Read = Callable[..., Deployment]
HEADER = ("header.Authorization",)
FUNCTION = "{Runtime: provided.al2023, Handler: bootstrap}"


@pytest.fixture
def read_files(tmp_path: Path) -> Read:
    def read_all(**texts: str) -> Deployment:
        for name, text in texts.items():
            (tmp_path / name).write_text(text, "utf-8")
        return read(find(str(tmp_path))[0])

    return read_all


def routes_of(deployment: Deployment) -> dict[str, tuple[Route, ...]]:
    return {function.name: tuple(function.routes) for function in deployment.functions}


SAM = f"""\
Globals:
  Function: {FUNCTION}
  Api:
    BinaryMediaTypes: ["image~1png", "*~1*"]
    Cors: "'https://shop.example'"
  HttpApi:
    StageVariables: {{TABLE: users}}
    CorsConfiguration:
      AllowOrigins: ["https://shop.example"]
      AllowHeaders: [Content-Type]
      AllowMethods: [GET, POST]
      ExposeHeaders: [X-Total]
      MaxAge: 600
      AllowCredentials: true
Parameters:
  Stage: {{Type: String, Default: live}}
Resources:
  Guard: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: guard}}}}
  Rest:
    Type: AWS::Serverless::Api
    Properties:
      StageName: !Ref Stage
      Variables: {{TABLE: orders, URL: !Sub "${{X}}"}}
      Cors: {{AllowOrigin: "'*'", AllowMethods: "'GET,PUT'", MaxAge: "'60'"}}
      Auth:
        DefaultAuthorizer: Token
        Authorizers:
          Token:
            FunctionArn: !GetAtt Guard.Arn
            Identity: {{Header: X-Token, ValidationExpression: "^ada", ReauthorizeEvery: 0}}
          Request:
            FunctionPayloadType: REQUEST
            FunctionArn: !Sub "arn:aws:lambda:${{AWS::Region}}:1:function:${{Guard.Arn}}"
            Identity: {{Headers: [A], QueryStrings: [b], StageVariables: [c], Context: [path], ReauthorizeEvery: 0}}
          Pool: {{UserPoolArn: !GetAtt Pool.Arn}}
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: prod
      Auth:
        Authorizers:
          Jwt:
            IdentitySource: $request.header.X-Jwt
            JwtConfiguration: {{issuer: "https://issuer.example", audience: [shop]}}
          Simple:
            FunctionArn: !GetAtt Guard.Arn
            AuthorizerPayloadFormatVersion: 2.0
            EnableSimpleResponses: true
            Identity: {{Headers: [X-User]}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: f
      FunctionUrlConfig: {{AuthType: NONE}}
      Events:
        A: {{Type: Api, Properties: {{Path: /a, Method: get, RestApiId: !Ref Rest}}}}
        B: {{Type: Api, Properties: {{Path: /b, Method: put, RestApiId: !Ref Rest, Auth: {{Authorizer: Request}}}}}}
        C: {{Type: Api, Properties: {{Path: /c, Method: any, RestApiId: !Ref Rest, Auth: {{Authorizer: NONE, ApiKeyRequired: true}}}}}}
        D: {{Type: Api, Properties: {{Path: /d, Method: get, RestApiId: !Ref Rest, Auth: {{Authorizer: Pool}}}}}}
        E: {{Type: Api, Properties: {{Path: /e, Method: get, Auth: {{Authorizer: AWS_IAM}}}}}}
        F: {{Type: HttpApi, Properties: {{Path: /f, Method: post, ApiId: !Ref Http, PayloadFormatVersion: "1.0"}}}}
        G: {{Type: HttpApi, Properties: {{Path: /g, Method: get, ApiId: !Ref Http, Auth: {{Authorizer: Jwt, AuthorizationScopes: [read]}}}}}}
        H: {{Type: HttpApi, Properties: {{Path: /h, Method: get, ApiId: !Ref Http, Auth: {{Authorizer: Simple}}}}}}
        I: {{Type: HttpApi}}
        J: {{Type: HttpApi, Properties: {{Path: !Sub "/${{X}}"}}}}
"""


def test_sam_has_apis_of_its_own_and_of_the_template(read_files: Read) -> None:
    deployment = read_files(**{"template.yaml": SAM})
    rest = Api(
        "rest",
        "Rest",
        "live",
        (("TABLE", "orders"),),
        Cors(("*",), ("GET", "PUT"), max_age=60, preflight_is_authorized=True),
        ("image~1png", "*~1*"),
    )
    cors = Cors(
        ("https://shop.example",), ("GET", "POST"), ("Content-Type",), ("X-Total",), 600, True
    )
    implicit = Api(
        *("rest", "ServerlessRestApi", "Prod"),
        cors=Cors(("https://shop.example",)),
        binary_types=("image~1png", "*~1*"),
    )
    http = Api("http", "Http", "prod", (("TABLE", "users"),), cors)
    sources = ("header.A", "querystring.b", "stage.c", "context.path")
    jwt = Authorizer("jwt", sources=("header.X-Jwt",), scopes=("read",))
    simple = Authorizer("request", "Guard", ("header.X-User",), payload="2.0", simple=True)
    assert routes_of(deployment)["F"] == (
        Route("GET", "/a", rest, Authorizer("token", "Guard", ("header.X-Token",), pattern="^ada")),
        Route("PUT", "/b", rest, Authorizer("request", "Guard", sources, required=False)),
        Route("ANY", "/c", rest, needs_key=True),
        Route("GET", "/d", rest, Authorizer("jwt", sources=HEADER)),
        Route("GET", "/e", implicit, Authorizer("iam")),
        Route("POST", "/f", http, payload="1.0"),
        Route("GET", "/g", http, jwt),
        Route("GET", "/h", http, simple),
        Route(
            *("ANY", "$default"),
            http._replace(name="ServerlessHttpApi", stage="$default"),
        ),
    )
    guard, function = sorted(deployment.functions, key=lambda one: one.name, reverse=True)
    assert (function.url, guard.url) == (Cors(), None)


OPENAPI = """\
openapi: 3.0.1
x-amazon-apigateway-binary-media-types: ["image/*"]
security: [{guard: []}]
components:
  securitySchemes:
    key: {type: apiKey, name: x-api-key, in: header}
    signed: {type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: awsSigv4}
    guard:
      type: apiKey
      name: X-Token
      in: header
      x-amazon-apigateway-authtype: custom
      x-amazon-apigateway-authorizer:
        type: token
        authorizerUri: {Fn::Sub: "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Guard.Arn}/invocations"}
        identityValidationExpression: "^ada"
paths:
  /users/{id}:
    get:
      x-amazon-apigateway-integration: &f
        type: aws_proxy
        httpMethod: POST
        uri: {Fn::Sub: "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${F.Arn}/invocations"}
    put:
      security: [{key: []}, {signed: []}]
      x-amazon-apigateway-integration: *f
    options:
      security: []
      x-amazon-apigateway-integration:
        type: mock
        responses:
          default:
            responseParameters:
              method.response.header.Access-Control-Allow-Origin: "'https://shop.example'"
              method.response.header.Access-Control-Allow-Headers: "'Content-Type,X-Token'"
  /{proxy+}:
    x-amazon-apigateway-any-method:
      security: []
      x-amazon-apigateway-integration: *f
  /elsewhere:
    get:
      x-amazon-apigateway-integration: {type: http_proxy, uri: "https://example.com"}
"""
GUARD = Authorizer("token", "Guard", ("header.X-Token",), pattern="^ada")
DEFINED = Api("rest", "Shop", "prod", binary_types=("image/*",))
SHOP = f"""\
Globals: {{Function: {FUNCTION}}}
Resources:
  F: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: f}}}}
  Shop:
    Type: AWS::Serverless::Api
    Properties:
      StageName: prod
"""


@pytest.mark.parametrize(
    "definition",
    [
        "      DefinitionBody:\n" + "".join(f"        {line}\n" for line in OPENAPI.splitlines()),
        "      DefinitionUri: ./api.yaml\n",
        "      DefinitionBody: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: api.yaml}}}\n",
    ],
    ids=["body", "uri", "include"],
)
def test_a_definition_of_openapi_has_routes(read_files: Read, definition: str) -> None:
    deployment = read_files(**{"template.yaml": SHOP + definition, "api.yaml": OPENAPI})
    cors = Cors(("https://shop.example",), headers=("Content-Type", "X-Token"))
    assert routes_of(deployment)["F"] == (
        Route("GET", "/users/{id}", DEFINED._replace(cors=cors), GUARD),
        Route("PUT", "/users/{id}", DEFINED._replace(cors=cors), Authorizer("iam"), needs_key=True),
        Route("ANY", "/{proxy+}", DEFINED),
    )
    assert deployment.unreadable == ()


def test_a_definition_that_cannot_be_read_is_named_and_one_elsewhere_is_not(
    read_files: Read, tmp_path: Path
) -> None:
    there = read_files(
        **{"template.yaml": f"{SHOP}      DefinitionUri: api.yaml\n", "api.yaml": "[x"}
    )
    assert [path for path, _ in there.unreadable] == [str(tmp_path / "api.yaml")]
    for place in ("s3://bucket/api.yaml", "gone.yaml", "/etc/passwd", "."):
        text = f"{SHOP}      DefinitionUri: {place}\n"
        assert read_files(**{"template.yaml": text}).unreadable == ()


def test_a_definition_of_an_http_api_has_defaults_cors_and_formats() -> None:
    uri = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:1:function:users-get/invocations"
    definition = {
        "x-amazon-apigateway-cors": {"allowOrigins": ["*"], "maxAge": 5},
        "components": {
            "securitySchemes": {
                "jwt": {
                    "x-amazon-apigateway-authorizer": {
                        "type": "jwt",
                        "identitySource": "$request.header.Authorization",
                    }
                },
                "own": {
                    "x-amazon-apigateway-authorizer": {
                        "type": "request",
                        "authorizerUri": uri,
                        "identitySource": "$request.header.A, $request.querystring.b",
                        "enableSimpleResponses": True,
                        "authorizerPayloadFormatVersion": "2.0",
                        "authorizerResultTtlInSeconds": 0,
                    }
                },
            }
        },
        "paths": {
            "/$default": {
                "x-amazon-apigateway-any-method": {
                    "security": [{"jwt": ["read"]}],
                    "x-amazon-apigateway-integration": {"uri": uri, "payloadFormatVersion": "1.0"},
                }
            },
            "/own": {
                "get": {
                    "security": [{"own": []}],
                    "x-amazon-apigateway-integration": {"uri": uri, "payloadFormatVersion": 2.0},
                }
            },
        },
    }
    api = Api("http", "Shop", "$default", cors=Cors(("*",), max_age=5))
    jwt = Authorizer("jwt", sources=HEADER, scopes=("read",))
    own = Authorizer(
        *("request", "users-get", ("header.A", "querystring.b")), payload="2.0", simple=True
    )
    assert list(routes_in(definition, Api("http", "Shop", "$default"))) == [
        ("users-get", Route("ANY", "$default", api, jwt, payload="1.0")),
        ("users-get", Route("GET", "/own", api, own, payload="2.0")),
    ]


SERVICE = """\
service: shop
provider:
  name: aws
  runtime: provided.al2023
  stage: live
  apiGateway: {binaryMediaTypes: ['image/*']}
  httpApi:
    payload: '1.0'
    cors: true
    authorizers:
      jwt: {identitySource: $request.header.Authorization, issuerUrl: x, audience: y}
      own: {type: request, functionName: guard, identitySource: [$request.header.A], enableSimpleResponses: true}
functions:
  guard: {handler: bootstrap}
  f:
    handler: bootstrap
    url: {cors: {allowedOrigins: ['https://a.example']}}
    events:
      - http: GET a/{id}
      - http: {method: post, path: /b, cors: true, private: true, authorizer: guard}
      - http: {method: get, path: c, authorizer: {name: guard, type: request, resultTtlInSeconds: 0, identitySource: method.request.header.A}}
      - http: {method: get, path: d, authorizer: {arn: 'arn:aws:cognito-idp:x', scopes: [read]}, cors: {origin: 'https://a.example', headers: [X]}}
      - http: {method: get, path: e, authorizer: aws_iam}
      - httpApi: '*'
      - httpApi: {method: '*', path: /f, authorizer: {name: jwt, scopes: [read]}}
      - httpApi: {method: get, path: /g, authorizer: own}
      - httpApi: {method: get, path: /h, authorizer: {type: aws_iam}}
      - alb: {listenerArn: x, priority: 7, multiValueHeaders: true, conditions: {path: [/i/*, /j], method: [GET]}}
      - alb: {listenerArn: x}
      - http: {method: get, path: '${self:custom.path}'}
"""


def test_a_service_has_an_api_of_each_kind(read_files: Read) -> None:
    deployment = read_files(**{"serverless.yml": SERVICE})
    rest = Api("rest", "shop", "live", binary_types=("image/*",))
    defaults = (
        *("Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token"),
        *("X-Amz-User-Agent", "X-Amzn-Trace-Id"),
    )
    methods = ("OPTIONS", "GET", "POST", "PUT", "DELETE", "PATCH")
    http = Api("http", "shop", "$default", cors=Cors(("*",), methods, defaults))
    own = Authorizer("request", "guard", ("header.A",), payload="2.0", simple=True)
    with_cors = rest._replace(cors=Cors(("*",), headers=defaults))
    of_one = rest._replace(cors=Cors(("https://a.example",), headers=("X",)))
    assert routes_of(deployment)["f"] == (
        Route("GET", "/a/{id}", rest),
        Route("POST", "/b", with_cors, Authorizer("token", "guard", HEADER), needs_key=True),
        Route("GET", "/c", rest, Authorizer("request", "guard", ("header.A",), required=False)),
        Route("GET", "/d", of_one, Authorizer("jwt", sources=HEADER, scopes=("read",))),
        Route("GET", "/e", rest, Authorizer("iam")),
        Route("ANY", "$default", http, payload="1.0"),
        Route("ANY", "/f", http, Authorizer("jwt", sources=HEADER, scopes=("read",)), "1.0"),
        Route("GET", "/g", http, own, "1.0"),
        Route("GET", "/h", http, Authorizer("iam"), "1.0"),
        Route("GET", "/i/*", Api("alb", "x"), multi_value=True, priority=7),
        Route("GET", "/j", Api("alb", "x"), multi_value=True, priority=7),
        Route("ANY", "*", Api("alb", "x"), priority=1 << 31),
    )
    function = next(one for one in deployment.functions if one.name == "f")
    assert function.url == Cors(("https://a.example",), methods, defaults)


WORDS = [
    *("Events", "Properties", "Type", "Api", "HttpApi", "Path", "Method", "Auth", "Authorizers"),
    *("AWS::Serverless::Api", "AWS::Serverless::HttpApi", "Resources", "Globals", "Cors", "X"),
    *("DefinitionBody", "paths", "get", "x-amazon-apigateway-integration", "uri", "Fn::GetAtt"),
    *("security", "FunctionArn", "Identity", "Headers", "http", "httpApi", "alb", "conditions"),
    *("path", "authorizer", "name", "type", "provider", "events", "cors", "Fn::Transform", "Name"),
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([*WORDS, "/x", "'*'"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=30,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(VALUES, VALUES)
def test_nothing_that_a_file_holds_is_raised(value: Any, other: Any) -> None:
    table = value if isinstance(value, dict) else {"X": value}
    own = other if isinstance(other, dict) else {"Events": other, "events": other}
    for template in (table, {"Resources": {"A": table}, "Globals": other}):
        list(SamApis(template, lambda item: item, lambda _: other).routes_of(own))
    list(ServerlessApis(table).routes_of(own))
    list(routes_in(table, Api("http")))
    json.dumps(str(value))
