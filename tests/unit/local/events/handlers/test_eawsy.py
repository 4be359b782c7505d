"""What handlers for eawsy's runtimes take."""

import pytest

from lambdabuild.core.build import Adapter
from lambdabuild.local.events.handlers.handlers import Handler, handler_of
from lambdabuild.local.events.handlers.libraries import EAWSY_EVENTS
from lambdabuild.local.events.handlers.types import shown
from lambdabuild.survey.eawsy.libraries import CORE, REGISTRY
from tests.unit.local.events.handlers.gopackages import MAIN, packages_of

PROXY = "github.com/eawsy/aws-lambda-go-net/service/lambda/runtime/net/apigatewayproxy"
SHIM = Adapter("eawsy/aws-lambda-go-shim", "Handle")
OLD = Adapter("eawsy/aws-lambda-go")
HEAD = f"""package main

import (
	"encoding/json"

	"{CORE}"
	"{EAWSY_EVENTS}/s3evt"
	"{PROXY}"
	"example.com/handlers"
)

type Order struct{{ ID string }}

func order(evt *Order, ctx *runtime.Context) (interface{{}}, error) {{ return nil, nil }}

"""
OF_OLD = HEAD.replace(CORE, REGISTRY)
OTHERS = {
    "example.com/handlers": f"""package handlers

import (
	"encoding/json"

	"{CORE}"
)

type User struct{{ Name string }}

func Users(evt User, ctx *runtime.Context) (string, error) {{ return "", nil }}

func Wrap(handle interface{{}}) func(json.RawMessage, *runtime.Context) (interface{{}}, error) {{ return nil }}
""",
    PROXY: f"""package apigatewayproxy

import (
	"encoding/json"

	"{CORE}"
	"{EAWSY_EVENTS}/apigatewayproxyevt"
)

type Handler func(json.RawMessage, *runtime.Context) (*Response, error)

type Server struct{{}}

func New(ln net.Listener, types []string) *Server {{ return nil }}

func (s *Server) Handle(evt json.RawMessage, ctx *runtime.Context) (*Response, error) {{
	event := new(apigatewayproxyevt.Event)
	return nil, json.Unmarshal(evt, &event)
}}
""",
    REGISTRY: """package runtime

import "encoding/json"

type Context struct{}

type HandlerFunc func(json.RawMessage, *Context) (interface{}, error)

func (f HandlerFunc) HandleLambda(evt json.RawMessage, ctx *Context) (interface{}, error) { return f(evt, ctx) }

func HandleFunc(handle HandlerFunc) { Handle(handle) }

func Handle(handler Handler) {}
""",
    f"{EAWSY_EVENTS}/s3evt": "package s3evt\n\ntype Event struct{ Records []string }\n",
    CORE: "package runtime\n\ntype Context struct{}\n",
}


def found(source: str, adapter: Adapter) -> Handler | None:
    return handler_of(packages_of({MAIN: source, **OTHERS}), MAIN, adapter)


def taken(source: str, adapter: Adapter) -> str | None:
    """Return the type that a handler takes; None where it says nothing of the event."""
    handler = found(source, adapter)
    assert handler is not None
    return shown(handler.input) if handler.known and handler.input is not None else None


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("func Handle(evt *Order, ctx *runtime.Context) (Order, error) { return *evt, nil }", "*f.Order"),
        ("func Handle(evt s3evt.Event, ctx *runtime.Context) (string, error) { return", "s3evt.Event"),
        ("func Handle(evt string, ctx *runtime.Context) (string, *Custom) { return evt, nil }", "string"),
        ("var Handle = func(evt []Order, ctx *runtime.Context) (string, error) { return", "[]f.Order"),
        ("var Handle func(Order, *runtime.Context) (string, error)", "f.Order"),
        ("var Handle *func(Order, *runtime.Context) (string, error)", "f.Order"),
        ("var Handle = order", "*f.Order"),
        ("var handle = order\n\nvar Handle = &handle", "*f.Order"),
        ("type of func(Order, *runtime.Context) (string, error)\n\nvar Handle of = nil", "f.Order"),
        ("var (\n\tA = 1\n\tHandle = handlers.Users\n)", "handlers.User"),
        ("var Handle = handlers.Wrap(order)", "*f.Order"),
        ("var Handle handlers.Any\n\nfunc init() { Handle = handlers.Wrap(handlers.Users) }", "handlers.User"),
        ("var Handle apigatewayproxy.Handler", "apigatewayproxyevt.Event"),
        ("var Handle = apigatewayproxy.New(ln, nil).Handle", "apigatewayproxyevt.Event"),
        ("var Handle = proxy()\n\nfunc proxy() func(json.RawMessage, *runtime.Context) (interface{}, error) {\n"
         "\treturn apigatewayproxy.New(ln, nil).Handle\n}", "apigatewayproxyevt.Event"),
        ("func Handle(evt interface{}, ctx *runtime.Context) (string, error) { return", None),
        ("func Handle(evt json.RawMessage, ctx *runtime.Context) (string, error) { return", None),
    ],
)  # fmt: skip
def test_the_first_parameter_of_the_symbol_is_the_event(declared: str, kind: str | None) -> None:
    assert taken(HEAD + declared + "\n", SHIM) == kind


def test_the_symbol_may_have_another_name_and_its_place_is_told() -> None:
    source = HEAD + "func Handle() {}\n\nvar Run = handlers.Users\n"
    handler = found(source, SHIM._replace(handler="Run"))

    assert handler is not None
    assert handler.input is not None
    assert shown(handler.input) == "handlers.User"
    assert (handler.file, handler.line) == (f"/{MAIN}/main.go", source.count("\n"))


def test_without_the_symbol_there_is_no_handler() -> None:
    assert found(HEAD + "func handle() {}\n", SHIM) is None


def test_what_a_library_starts_by_itself_is_no_matter_of_a_symbol() -> None:
    source = HEAD.replace("import (", 'import (\n\t"github.com/aws/aws-lambda-go/lambda"')
    declared = "func Handle(evt interface{}, ctx *runtime.Context) (string, error) { return }\n"

    assert taken(f"{source}{declared}func unused() {{ lambda.Start(order) }}\n", SHIM) is None


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("runtime.HandleFunc(func(evt json.RawMessage, ctx *runtime.Context) (interface{}, error) { return nil, nil })", None),
        ("runtime.HandleFunc(handlers.Wrap(order))", "*f.Order"),
        ("runtime.HandleFunc(one)", "f.Order"),
        ("runtime.Handle(runtime.HandlerFunc(one))", "f.Order"),
        ("runtime.Handle(&service{})", "s3evt.Event"),
        ("s := service{}\nruntime.HandleFunc(s.HandleLambda)", "s3evt.Event"),
        ("runtime.HandleFunc(several)", None),
        ("runtime.HandleFunc(func(evt json.RawMessage, ctx *runtime.Context) (interface{}, error) {\n"
         "\tvar event []string\n\treturn nil, json.Unmarshal([]byte(evt), &event)\n})", "[]string"),
    ],
)  # fmt: skip
def test_a_handler_that_is_registered_may_decode_its_event(
    statement: str, kind: str | None
) -> None:
    source = (
        OF_OLD
        + """
func one(evt json.RawMessage, ctx *runtime.Context) (interface{}, error) {
	var order Order
	if err := json.Unmarshal(evt, &order); err != nil {
		return nil, err
	}
	var other string
	return order, json.Unmarshal(order.ID, &other)
}

func several(evt json.RawMessage, ctx *runtime.Context) (interface{}, error) {
	var order Order
	var name string
	if json.Unmarshal(evt, &name) == nil {
		return name, nil
	}
	return order, json.Unmarshal(evt, &order)
}

type service struct{}

func (s *service) HandleLambda(evt json.RawMessage, ctx *runtime.Context) (interface{}, error) {
	event := s3evt.Event{}
	return nil, json.Unmarshal(evt, &event)
}

func main() {}
"""
    )
    assert taken(f"{source}\nfunc init() {{\n{statement}\n}}\n", OLD) == kind


def test_nothing_may_be_registered() -> None:
    assert found(OF_OLD + "func main() {}\n", OLD) is None
