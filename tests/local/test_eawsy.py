"""eawsy's programming model, in the executables that `lambdabuild` makes of fixtures/eawsy.

Most tests run an executable against a Runtime API that they script; the last ones have lambdabuild do all of it.
"""

import base64
import contextlib
import datetime as dt
import gzip
import http.client
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.environment import CLEAN, INSTALLED
from tests.local.project import Serve, serving
from tests.local.runtime_side import ARN, Process, run, sent

FIXTURE = Path(__file__).parents[2] / "fixtures" / "eawsy"
PATIENCE = 60.0
ZERO = "00000000-0000-0000-0000-000000000000"
OLD_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z)\t([^\t]+)\t(.*)")
SHIM_LINE = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}) (.*)")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """A server that has built all of fixtures/eawsy."""
    project = tmp_path_factory.mktemp("eawsy") / "project"
    ignored = shutil.ignore_patterns(".lambdabuild", "dist")
    shutil.copytree(FIXTURE, project, ignore=ignored)
    with serving(project, "--eager") as server:
        yield server


@pytest.fixture(scope="module")
def functions(server: Serve) -> Mapping[str, Path]:
    """The executables of all functions, by name."""
    names = sorted(path.name for path in (server.project / "api").iterdir())
    built = {name: server.project / f".lambdabuild/local/bin/{name}/bootstrap" for name in names}
    server.wait_for("all were built", lambda: all(path.exists() for path in built.values()))
    return built


def shim_text(line: str) -> str:
    """Return what was logged, without the time."""
    match = SHIM_LINE.fullmatch(line)
    assert match, line
    return match[2]


def shim_lines(process: Process) -> list[str]:
    """Return all that a process wrote, without the times."""
    return [shim_text(line) for line in process.lines]


@pytest.mark.parametrize(
    ("function", "event", "answer"),
    [
        ("echo", {"Foo": ["Bär", 1.5, None]}, {"Foo": ["Bär", 1.5, None]}),
        ("echo", None, None),
        ("typed", {"Foo": "Bar", "count": 2, "more": 0}, {"Foo": "Bar", "count": 2}),
        ("typed", None, None),
        ("number", 21, {"twice": 42}),
        ("raw", b' { "a" : "\\u00fc<" }\n', '{ "a" : "\\u00fc<" }'),
        ("logs", 0, None),
    ],
)
def test_an_event_is_decoded_as_what_the_handler_takes_and_the_result_encoded(
    functions: Mapping[str, Path], function: str, event: Any, answer: Any
) -> None:
    process = run(functions[function], sent(event))
    assert process.answer == answer
    assert process.posted[0].headers["content-type"] == "application/json"
    agents = {headers["user-agent"] for headers in [*process.asked, process.posted[0].headers]}
    assert [re.fullmatch(r"lambdabuild-eawsy/go1\.\d+.*", agent) is None for agent in agents] == [
        False
    ]


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        ("variable", "variable"),
        ("pointer", "pointer"),
        ("elsewhere", "elsewhere"),
        ("named", "run"),
    ],
)
def test_a_handler_may_be_a_variable_a_pointer_of_another_package_or_of_another_name(
    functions: Mapping[str, Path], function: str, answer: str
) -> None:
    assert run(functions[function], sent({})).answer == answer


def test_a_package_may_have_names_of_its_own_for_log_and_any_and_max(
    functions: Mapping[str, Path],
) -> None:
    process = run(functions["shadows"], sent({"log": "log "}))
    assert process.answer == {"Log": "log 1errorsjsonos{}closed"}


def test_an_event_of_another_type_is_an_error_and_the_process_goes_on(
    functions: Mapping[str, Path],
) -> None:
    process = run(functions["number"], sent("x"), sent(b"{"), sent(4))
    assert [(posted.path, posted.json) for posted in process.posted] == [
        (
            "invocation/id-1/error",
            {
                "errorMessage": "json: cannot unmarshal string into Go value of type int",
                "errorType": "UnmarshalTypeError",
            },
        ),
        (
            "invocation/id-2/error",
            {"errorMessage": "unexpected end of JSON input", "errorType": "SyntaxError"},
        ),
        ("invocation/id-3/response", {"twice": 8}),
    ]


def test_the_context_has_all_that_lambda_says(functions: Mapping[str, Path]) -> None:
    identity = {"cognitoIdentityId": "us-east-1:1", "cognitoIdentityPoolId": "us-east-1:2"}
    client = {
        "client": {
            "installation_id": "i",
            "app_title": "Läden",
            "app_version_name": "one",
            "app_version_code": "1",
            "app_package_name": "p",
        },
        "custom": {"text": "t", "nested": {"a": [1]}},
        "env": {"locale": "de"},
        "services": {},
    }
    process = run(
        functions["context"],
        sent(
            Trace_Id="Root=1;Sampled=1",
            Cognito_Identity=json.dumps(identity),
            Client_Context=json.dumps(client, ensure_ascii=False),
        ),
        sent(Trace_Id="Root=2", Client_Context="{}", Cognito_Identity='{"cognitoIdentityId":""}'),
        sent(),
    )
    every = {
        "function_name": "shop",
        "function_version": "7",
        "invoked_function_arn": ARN,
        "memory_limit_in_mb": "128",
        "log_group_name": "/aws/lambda/shop",
        "log_stream_name": "2026/11/27/[7]abc",
        # Python has an identity at all times.
        "identity": {"cognito_identity_id": "", "cognito_identity_pool_id": ""},
    }
    first, second, third = (posted.json for posted in process.posted)
    assert 50_000 < first.pop("remaining") <= 60_000
    assert first == {
        "context": every
        | {
            "aws_request_id": "id-1",
            "identity": {
                "cognito_identity_id": "us-east-1:1",
                "cognito_identity_pool_id": "us-east-1:2",
            },
            "client_context": {
                "client": client["client"],
                "custom": {"text": "t", "nested": '{"a": [1]}'},
                "env": {"locale": "de"},
            },
        },
        "trace": "Root=1;Sampled=1",
        "pid": third["pid"],
    }
    assert second["context"] == every | {
        "aws_request_id": "id-2",
        "client_context": {"custom": None, "env": None},
    }
    assert second["trace"] == "Root=2"
    assert third["context"] == every | {"aws_request_id": "id-3"}
    assert third["trace"] == ""


def test_a_context_that_makes_no_sense_is_an_error_or_zero(functions: Mapping[str, Path]) -> None:
    process = run(
        functions["context"],
        sent(Deadline_Ms="1000"),
        sent(Deadline_Ms="soon"),
        sent(Client_Context="{"),
        sent(Cognito_Identity="[]"),
        environment={"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "much"},
    )
    late, *errors = (posted.json for posted in process.posted)
    assert late["remaining"] == 0
    assert late["context"]["memory_limit_in_mb"] == "0"
    assert errors[0]["errorMessage"] == (
        'failed to parse the deadline: strconv.ParseInt: parsing "soon": invalid syntax'
    )
    assert [error["errorType"] for error in errors[1:]] == ["SyntaxError", "UnmarshalTypeError"]


@pytest.mark.parametrize(
    ("function", "event", "error_type", "message"),
    [
        ("failing", "", "errorString", "something bad happened"),
        ("failing", "custom", "CustomError", "custom \x7f"),
        ("failing", "result", "UnsupportedTypeError", "json: unsupported type: chan int"),
        ("custom", "Läden", "CustomError", "Läden"),
        ("value", 7, "Code", "code 7"),
    ],
)
def test_an_error_has_the_name_of_its_type_and_is_logged(
    functions: Mapping[str, Path], function: str, event: Any, error_type: str, message: str
) -> None:
    process = run(functions[function], sent(event))
    assert process.error == {"errorMessage": message, "errorType": error_type}
    cause = json.loads(process.posted[0].headers["lambda-runtime-function-xray-error-cause"])
    assert cause == {
        "working_directory": str(Path.cwd()),
        "exceptions": [{"type": error_type, "message": message, "stack": []}],
        "paths": [],
    }
    assert json.loads(shim_lines(process)[0]) == process.error
    assert len(process.asked) == 2


@pytest.mark.parametrize(("function", "event"), [("custom", ""), ("value", 0)])
def test_the_zero_value_of_a_type_that_is_an_error_is_none(
    functions: Mapping[str, Path], function: str, event: Any
) -> None:
    assert run(functions[function], sent(event)).answer == "no error"


@pytest.mark.parametrize(
    ("event", "code", "error_type", "message"),
    [
        ("text", "panic(evt)", "string", "text"),
        ("error", "panic(errors", "errorString", "an error"),
        ("pointer", "panic(&odd)", "Odd", "0x"),
        ("nil", "panic(nil)", "PanicNilError", "panic called with nil argument"),
        ("index", "[len(evt)]", "boundsError", "runtime error: index out of range [5] with "),
    ],
)
def test_a_panic_is_logged_with_its_stack_and_ends_the_process_once_it_is_told(
    functions: Mapping[str, Path], event: str, code: str, error_type: str, message: str
) -> None:
    process = run(functions["panics"], sent(event), sent(event))
    source = (FIXTURE / "api/panics/handler.go").read_text().splitlines()
    (line,) = (number for number, text in enumerate(source, 1) if code in text)
    told = process.error["errorMessage"]
    stack = [{"path": "panics/handler.go", "line": line, "label": "Handle"}]
    assert process.error == {"errorMessage": told, "errorType": error_type, "stackTrace": stack}
    assert told.startswith(message)
    assert (process.code, len(process.asked)) == (1, 1)

    cause = json.loads(process.posted[0].headers["lambda-runtime-function-xray-error-cause"])
    assert cause["paths"] == ["panics/handler.go"]
    assert cause["exceptions"] == [{"type": error_type, "message": told, "stack": stack}]
    first, empty, goroutine, *_, last = process.lines
    assert shim_text(first) == f"panic: {told}"
    assert not empty
    assert re.fullmatch(r"goroutine \d+ \[running\]:", goroutine)
    assert f"\texample.com/eawsy/api/panics/handler.go:{line} " in process.err
    assert shim_text(last) == "the handler panicked: the process exits, and Lambda starts another"


def test_lines_of_package_log_have_the_time_in_utc_and_arrive_whole(
    functions: Mapping[str, Path],
) -> None:
    process = run(functions["logs"], sent(100))
    *lines, end = shim_lines(process)
    assert lines == ["init", "Hello, World!", *["x"] * 100]
    assert end.endswith("/invocation/next: 410 Gone: gone")
    assert recent(process.lines[0][:26], "%Y/%m/%d %H:%M:%S.%f")


def recent(text: str, form: str) -> bool:
    """Tell whether a time, taken for UTC, is about now."""
    told = dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC)
    return abs((dt.datetime.now(dt.UTC) - told).total_seconds()) < 300


def test_what_a_package_has_set_in_package_log_stays(functions: Mapping[str, Path]) -> None:
    process = run(functions["elsewhere"], sent())
    assert process.lines[0] == "handlers: called"


def test_log_fatal_ends_the_process_without_an_answer(functions: Mapping[str, Path]) -> None:
    process = run(functions["fatal"], sent())
    assert (process.posted, process.code, shim_lines(process)) == ([], 1, ["Whoops!"])


def old_lines(process: Process) -> list[tuple[str, str]]:
    """Return the request ID and the text of each line that was logged as in 2016."""
    matches = [match for line in process.lines if (match := OLD_LINE.fullmatch(line))]
    assert all(recent(match[1][:19], "%Y-%m-%dT%H:%M:%S") for match in matches)
    return [(match[2], match[3]) for match in matches]


def test_a_handler_of_2016_answers_and_its_lines_have_the_request_id(
    functions: Mapping[str, Path],
) -> None:
    process = run(functions["old"], sent({"a": [1]}), sent("nothing"), sent("fail"))
    failed = {"errorMessage": "oh, snap", "errorType": "errorString"}
    assert [(posted.path, posted.json) for posted in process.posted] == [
        ("invocation/id-1/response", {"event": {"a": [1]}, "id": "id-1", "left": True}),
        ("invocation/id-2/response", None),
        ("invocation/id-3/error", failed),
    ]
    lines = old_lines(process)
    assert lines[:-1] == [
        (ZERO, "init"),
        ("id-1", "Hello, World!"),
        ("id-2", "Hello, World!"),
        ("id-3", "Hello, World!"),
        ("id-3", json.dumps(failed, separators=(",", ":"))),
    ]
    assert len(lines) == len(process.lines)


def test_a_handler_of_2016_that_panics_goes_on(functions: Mapping[str, Path]) -> None:
    process = run(functions["oldpanics"], sent(0), sent(2))
    error, second = process.posted
    assert (error.path, second.path) == ("invocation/id-1/error", "invocation/id-2/response")
    assert (error.json["errorMessage"], error.json["errorType"]) == ("call 1", "string")
    assert [frame["label"] for frame in error.json["stackTrace"]] == ["(*counter).HandleLambda"]
    assert second.json == 2
    assert old_lines(process)[0] == ("id-1", "call 1")
    assert re.fullmatch(r"goroutine \d+ \[running\]:", process.lines[1])


@pytest.mark.parametrize("function", ["unset", "unsetpointer", "oldunset"])
def test_a_handler_that_nobody_has_set_is_an_error_of_the_start(
    functions: Mapping[str, Path], function: str
) -> None:
    process = run(functions[function], sent())
    (posted,) = process.posted
    message = posted.json["errorMessage"]
    assert posted.path == "init/error"
    assert posted.json["errorType"] == "Runtime.HandlerNotFound"
    assert posted.headers["lambda-runtime-function-error-type"] == "Runtime.HandlerNotFound"
    assert function == "oldunset" or message == "runtime: symbol Handle is not a function"
    assert (process.code, process.asked) == (1, [])
    assert process.lines[-1].endswith(message)


def test_a_process_ends_where_the_api_fails(functions: Mapping[str, Path]) -> None:
    refused = run(functions["echo"], sent(), sent(), status=413)
    assert (refused.code, len(refused.asked), len(refused.posted)) == (1, 1, 1)
    (line,) = shim_lines(refused)
    assert line.endswith('/invocation/id-1/response: 413 Request Entity Too Large: {"status":"OK"}')
    gone = run(functions["echo"])
    assert (gone.code, len(gone.asked)) == (1, 1)
    nowhere = run(functions["echo"], environment={"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"})
    assert (nowhere.code, nowhere.asked) == (1, [])
    assert "connection refused" in nowhere.err


@pytest.mark.parametrize("function", ["echo", "unset", "old"])
def test_a_process_outside_of_lambda_says_what_it_is(
    functions: Mapping[str, Path], function: str
) -> None:
    process = run(functions[function], environment={"AWS_LAMBDA_RUNTIME_API": ""})
    assert process.code == 1
    assert process.lines[-1].endswith(
        "AWS_LAMBDA_RUNTIME_API is not set: this program runs in AWS Lambda, or by `lambdabuild invoke`"
    )


def test_a_proxy_is_not_asked_for_the_api(functions: Mapping[str, Path]) -> None:
    proxies = {"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}
    assert run(functions["variable"], sent(), environment=proxies).answer == "variable"


REQUEST = {
    "httpMethod": "PUT",
    "path": "/a/b",
    "body": "text",
    "requestContext": {
        "stage": "live",
        "identity": {"sourceIp": "192.0.2.1"},
        "authorizer": {"claims": {"sub": "me"}},
    },
}


def test_requests_of_api_gateway_are_served_over_http(functions: Mapping[str, Path]) -> None:
    answer = run(functions["net"], sent(REQUEST)).answer
    assert answer["statusCode"] == 418
    assert answer["body"] == "PUT /a/b"
    assert answer["headers"]["Content-Type"] == "text/plain"


def test_a_request_of_api_gateway_is_decoded(functions: Mapping[str, Path]) -> None:
    answer = run(functions["gateway"], sent(REQUEST)).answer
    assert answer == ["/a/b", "live", "192.0.2.1", {"sub": "me"}]


LOGS = {
    "logGroup": "g",
    "logEvents": [{"id": "1", "timestamp": 1_500_000_000_123, "message": "m"}],
}
PACKED = base64.b64encode(gzip.compress(json.dumps(LOGS).encode())).decode()


@pytest.mark.parametrize(
    ("name", "event", "decoded"),
    [
        (
            "cloudwatchlogs",
            {"awslogs": {"data": PACKED}},
            {
                "awslogs": [
                    {
                        "LogGroup": "g",
                        "LogEvent": {
                            "ID": "1",
                            "Message": "m",
                            "Timestamp": "2017-07-14T02:40:00.123Z",
                        },
                    }
                ]
            },
        ),
        (
            "dynamodbstreams",
            {
                "Records": [
                    {
                        "eventID": "1",
                        "dynamodb": {
                            "ApproximateCreationDateTime": 1_500_000_000,
                            "SequenceNumber": "2",
                            "Keys": {"Id": {"S": "x"}},
                        },
                    }
                ]
            },
            {
                "Records": [
                    {
                        "EventID": "1",
                        "DynamoDB": {
                            "SequenceNumber": "2",
                            "Keys": {"Id": {"S": "x"}},
                            "ApproximateCreationDateTime": "2017-07-14T02:40:00Z",
                        },
                    }
                ]
            },
        ),
        (
            "kinesisfirehose",
            {
                "deliveryStreamArn": "arn",
                "records": [
                    {
                        "recordId": "1",
                        "approximateArrivalTimestamp": 1_500_000_000_500,
                        "data": "eA==",
                    }
                ],
            },
            {
                "DeliveryStreamARN": "arn",
                "Records": [
                    {
                        "RecordID": "1",
                        "Data": "eA==",
                        "ApproximateArrivalTimestamp": "2017-07-14T02:40:00.5Z",
                    }
                ],
            },
        ),
        (
            "kinesisstreams",
            {
                "Records": [
                    {
                        "eventID": "1",
                        "kinesis": {
                            "partitionKey": "k",
                            "approximateArrivalTimestamp": 1_500_000_000.5,
                            "data": "eA==",
                        },
                    }
                ]
            },
            {
                "Records": [
                    {
                        "EventID": "1",
                        "Kinesis": {
                            "PartitionKey": "k",
                            "Data": "eA==",
                            "ApproximateArrivalTimestamp": "2017-07-14T02:40:00.5Z",
                        },
                    }
                ]
            },
        ),
        (
            "s3",
            {
                "Records": [
                    {"eventName": "e", "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}
                ]
            },
            {
                "Records": [
                    {"EventName": "e", "S3": {"Bucket": {"Name": "b"}, "Object": {"Key": "k"}}}
                ]
            },
        ),
        (
            "ses",
            {
                "Records": [
                    {
                        "eventSource": "aws:ses",
                        "ses": {
                            "mail": {
                                "messageId": "1",
                                "commonHeaders": {
                                    "date": "Wed, 7 Oct 2015 12:34:56 -0700",
                                    "subject": "s",
                                    "from": ["a"],
                                },
                            }
                        },
                    }
                ]
            },
            {
                "Records": [
                    {
                        "EventSource": "aws:ses",
                        "SES": {
                            "Mail": {
                                "MessageID": "1",
                                "CommonHeaders": {
                                    "Subject": "s",
                                    "From": ["a"],
                                    "Date": "2015-10-07T19:34:56Z",
                                },
                            }
                        },
                    }
                ]
            },
        ),
    ],
)
def test_events_that_go_1_10_ceased_to_decode_are_decoded(
    functions: Mapping[str, Path], name: str, event: Any, decoded: Any
) -> None:
    assert run(functions["events"], sent({"type": name, "event": event})).answer == decoded


def test_serve_passes_on_what_a_client_says_of_itself(server: Serve) -> None:
    context = base64.b64encode(b'{"client":{"app_title":"t"},"custom":{"k":"v"}}').decode()
    connection = http.client.HTTPConnection(
        server.address.removeprefix("http://"), timeout=PATIENCE
    )
    with contextlib.closing(connection):
        path = "/2015-03-31/functions/context/invocations"
        connection.request("POST", path, b"{}", {"X-Amz-Client-Context": context})
        said = json.loads(connection.getresponse().read())["context"]
    assert said["client_context"]["client"]["app_title"] == "t"
    assert said["client_context"]["custom"] == {"k": "v"}
    assert said["function_name"] == "context"
    assert said["memory_limit_in_mb"] == "128"


def invoke(server: Serve, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["lambdabuild", "invoke", *arguments],
        check=False,
        cwd=server.project,
        env=CLEAN | {"PATH": INSTALLED},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_invoke_calls_a_handler_and_shows_what_it_logs(server: Serve) -> None:
    done = invoke(server, "logs", "--data", "1")
    assert (done.returncode, done.stdout) == (0, "null\n"), done.stderr
    start, *lines, end, _ = done.stderr.splitlines()[-5:]
    assert start.startswith("START RequestId: ")
    assert [line.split(" ", 2)[2] for line in lines] == ["Hello, World!", "x"]
    assert end.startswith("END RequestId: ")


def test_invoke_sends_a_sample_to_a_handler_of_another_package_s_type(server: Serve) -> None:
    done = invoke(server, "net", "--event", "rest")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["statusCode"] == 418


def test_invoke_shows_an_error_a_panic_and_a_handler_that_is_not_set(server: Serve) -> None:
    failed = invoke(server, "failing", "--data", '"custom"')
    assert failed.returncode == 1
    assert json.loads(failed.stdout) == {"errorMessage": "custom \x7f", "errorType": "CustomError"}
    panicked = invoke(server, "panics", "--data", '"index"')
    assert panicked.returncode == 1
    assert json.loads(panicked.stdout)["errorType"] == "boundsError"
    unset = invoke(server, "unset")
    assert unset.returncode == 1
    assert json.loads(unset.stdout) == {
        "errorMessage": "runtime: symbol Handle is not a function",
        "errorType": "Runtime.HandlerNotFound",
    }
