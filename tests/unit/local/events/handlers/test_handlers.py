"""What a handler takes, however it is handed to lambda.Start."""

import pytest

from lambdabuild.local.events.handlers.handlers import Handler, handler_of
from lambdabuild.local.events.handlers.types import shown
from tests.unit.local.events.handlers.gopackages import MAIN, packages_of

HEAD = """package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"example.com/wrap"
)

"""
WRAP = """package wrap

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

type Request = events.APIGatewayProxyRequest

type Endpoint func(context.Context, Request) (any, error)

func Handle(status int, endpoint Endpoint) func(context.Context, Request) (any, error) {
	return nil
}

func Any(handler interface{}) interface{} { return handler }

func Raw(handler any) func(context.Context, json.RawMessage) (any, error) { return nil }

func JSON[In, Out any](handler func(context.Context, In) (Out, error)) func(context.Context, In) (Out, error) {
	return handler
}

type Middleware func(next any) any

func Chain(all ...Middleware) Middleware { return nil }

type Adapter struct{ inner }

type inner struct{}

func New(router any) *Adapter { return nil }

func (i *inner) Proxy(ctx context.Context, request events.APIGatewayV2HTTPRequest) (any, error) {
	return nil, nil
}

func Run(name string, handler any) {
	println(name)
	lambda.Start(handler)
}

type App[T any] struct{ handle func(context.Context, T) error }

func (a *App[T]) Handle(ctx context.Context, event T) error { return nil }

type Bytes struct{}

func (Bytes) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return nil, nil }
"""
SERVICE = """
type service struct{ handle func(context.Context, events.KinesisEvent) error }

func (s service) sqs(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	return events.SQSEventResponse{}, nil
}

func newService() (*service, error) { return nil, nil }

func s3(ctx context.Context, event *events.S3Event) error { return nil }

var kept = s3

func options() []lambda.Option { return nil }
"""


def found(main: str) -> Handler | None:
    return handler_of(packages_of({MAIN: HEAD + SERVICE + main, "example.com/wrap": WRAP}), MAIN)


def main(statements: str) -> str:
    return f"\nfunc main() {{\n{statements}\n}}\n"


@pytest.mark.parametrize(
    ("statements", "taken"),
    [
        ("lambda.Start(s3)", "*events.S3Event"),
        ("lambda.Start(kept)", "*events.S3Event"),
        ("lambda.Start(service{}.sqs)", "events.SQSEvent"),
        ("lambda.Start((&service{}).sqs)", "events.SQSEvent"),
        ("s := service{}\nlambda.Start(s.sqs)", "events.SQSEvent"),
        ("s := &service{\n\thandle: nil,\n}\nlambda.Start(s.sqs)", "events.SQSEvent"),
        ("var s service\nlambda.Start(s.sqs)", "events.SQSEvent"),
        ("var s = new(service)\nlambda.Start(s.sqs)", "events.SQSEvent"),
        ("s, err := newService()\nif err != nil {\n\tpanic(err)\n}\nlambda.Start(s.sqs)", "events.SQSEvent"),
        ("lambda.Start(service{}.handle)", "events.KinesisEvent"),
        ("lambda.Start(func(ctx context.Context, event events.SNSEvent) error { return nil })", "events.SNSEvent"),
        ("lambda.Start(func(event events.SNSEvent) error {\n\treturn nil\n})", "events.SNSEvent"),
        ("handler := func(_ context.Context, e events.KafkaEvent) error { return nil }\nlambda.Start(handler)", "events.KafkaEvent"),
        ('lambda.StartWithOptions(s3, lambda.WithSetIndent("", " "))', "*events.S3Event"),
        ("lambda.StartWithContext(context.Background(), s3)", "*events.S3Event"),
        ("lambda.StartHandler(lambda.NewHandler(s3))", "*events.S3Event"),
        ("lambda.StartHandler(lambda.NewHandlerWithOptions(s3, options()...))", "*events.S3Event"),
        ("lambda.StartHandlerFunc(s3)", "*events.S3Event"),
        ("lambda.Start(wrap.Handle(200, nil))", "wrap.Request"),
        ("lambda.Start(wrap.Any(s3))", "*events.S3Event"),
        ("lambda.Start(wrap.Any(wrap.Any(service{}.sqs)))", "events.SQSEvent"),
        ("lambda.Start(wrap.Raw(s3))", "*events.S3Event"),
        ('lambda.Start(wrap.JSON(func(ctx context.Context, event events.SESEvent) (string, error) { return "", nil }))', "events.SESEvent"),
        ("lambda.Start(wrap.JSON[events.SESEvent, string](nil))", "events.SESEvent"),
        ("lambda.Start(wrap.Chain(nil, nil)(s3))", "*events.S3Event"),
        ("h := wrap.Any(s3)\nh = wrap.Any(h)\nlambda.Start(h)", "*events.S3Event"),
        ("lambda.Start(wrap.New(nil).Proxy)", "events.APIGatewayV2HTTPRequest"),
        ("adapter := wrap.New(nil)\nlambda.Start(adapter.Proxy)", "events.APIGatewayV2HTTPRequest"),
        ('wrap.Run("f", s3)', "*events.S3Event"),
        ("app := wrap.App[events.SQSEvent]{}\nlambda.Start(app.Handle)", "events.SQSEvent"),
        ("if true {\n\tlambda.Start(wrap.Bytes{})\n} else {\n\tlambda.Start(s3)\n}", "*events.S3Event"),
        ("go func() { println(1) }()\nlambda.Start(s3)", "*events.S3Event"),
    ],
)  # fmt: skip
def test_the_type_is_found_however_the_handler_is_written(statements: str, taken: str) -> None:
    handler = found(main(statements))

    assert handler is not None
    assert handler.input is not None
    assert (shown(handler.input), handler.known) == (taken, True)


def test_a_handler_may_take_nothing() -> None:
    for signature in ("func() error", "func(ctx context.Context) error"):
        handler = found(main(f"lambda.Start({signature} {{ return nil }})"))

        assert handler is not None
        assert (handler.input, handler.known) == (None, True)


@pytest.mark.parametrize(
    "statements",
    [
        "lambda.StartHandler(wrap.Bytes{})",
        "lambda.Start(func(ctx context.Context, event json.RawMessage) error { return nil })",
        "lambda.Start(func(ctx context.Context, event any) error { return nil })",
        "lambda.Start(func(ctx context.Context, event []byte) error { return nil })",
        "lambda.Start(somewhere.Else)",
    ],
)
def test_any_json_is_no_type_of_an_event(statements: str) -> None:
    handler = found(main(statements))

    assert handler is not None
    assert not handler.known


@pytest.mark.parametrize(
    "statements",
    [
        "lambda.StartHandler(decoding{})",
        "lambda.StartHandler(&decoding{})",
        "lambda.Start(decoding{}.Invoke)",
        "lambda.Start(func(ctx context.Context, event json.RawMessage) error {\n"
        "\tvar order events.SQSEvent\n\treturn json.Unmarshal(event, &order)\n})",
    ],
)
def test_bytes_may_be_decoded_in_the_handler(statements: str) -> None:
    declared = """
type decoding struct{}

func (decoding) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	event := new(events.SQSEvent)
	return nil, json.Unmarshal(payload, &event)
}
"""
    handler = found(declared + main(statements))

    assert handler is not None
    assert handler.input is not None
    assert (shown(handler.input), handler.known) == ("events.SQSEvent", True)


def test_without_a_start_there_is_no_handler() -> None:
    source = HEAD + SERVICE + main('println("lambda.Start(s3)") // lambda.Start(s3)')

    assert handler_of(packages_of({MAIN: source}), MAIN) is None


def test_a_variable_of_the_package_may_be_set_in_init() -> None:
    declared = """
var handler any

func init() {
	s := service{}
	handler = wrap.Any(s.sqs)
}
"""
    handler = found(declared + main("lambda.Start(handler)"))

    assert handler is not None
    assert handler.input is not None
    assert shown(handler.input) == "events.SQSEvent"


def test_what_another_function_starts_with_the_same_library_does_not_count() -> None:
    other = HEAD.replace("package main", "package main // another") + SERVICE
    packages = packages_of(
        {
            "example.com/a": other + main('wrap.Run("a", s3)'),
            MAIN: HEAD + SERVICE + main('wrap.Run("f", service{}.sqs)'),
            "example.com/wrap": WRAP,
        }
    )
    handler = handler_of(packages, MAIN)

    assert handler is not None
    assert handler.input is not None
    assert shown(handler.input) == "events.SQSEvent"


def test_the_place_of_the_start_is_told() -> None:
    source = HEAD + SERVICE + main("\n\nlambda.Start(s3)")
    handler = handler_of(packages_of({MAIN: source}), MAIN)

    assert handler is not None
    (line,) = (n for n, text in enumerate(source.split("\n"), 1) if "lambda.Start" in text)
    assert (handler.file, handler.line) == (f"/{MAIN}/main.go", line)


def test_an_import_may_have_another_name() -> None:
    source = """package main

import (
	"context"

	ev "github.com/aws/aws-lambda-go/events"
	runtime "github.com/aws/aws-lambda-go/lambda"
)

func handle(ctx context.Context, event ev.SQSEvent) error { return nil }

func main() { runtime.Start(handle) }
"""
    handler = handler_of(packages_of({MAIN: source}), MAIN)

    assert handler is not None
    assert handler.input is not None
    assert shown(handler.input) == "events.SQSEvent"


def test_servers_of_http_handlers_say_which_event_they_take() -> None:
    source = """package main

import "github.com/aws/aws-lambda-go/lambdaurl"

func main() { lambdaurl.Start(nil) }
"""
    url = "package lambdaurl\n\nfunc Start(handler any) {}\n"
    packages = packages_of({MAIN: source, "github.com/aws/aws-lambda-go/lambdaurl": url})
    handler = handler_of(packages, MAIN)

    assert handler is not None
    assert handler.input is not None
    assert shown(handler.input) == "events.LambdaFunctionURLRequest"
