"""The Lambda API through the clients that people have: boto3, the AWS CLI, curl, http.client."""

import base64
import http.client
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]

from lambdabuild.local.functions import Program
from tests.environment import CLEAN
from tests.local.serving import Serving, serving

AWS = Path(sys.executable).with_name("aws")
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"
LIMIT = 6 * 1024 * 1024


@pytest.fixture(scope="module")
def server(
    executables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    directory = tmp_path_factory.mktemp("other-machine")
    op = executables["op"]
    variables = {"EQUALS": "4=4", "AWS_REGION": "mars", "PATH": "/usr/bin", "_HIDDEN": "1"}
    programs = [
        Program("op", op, timeout=20),
        Program("default", op),
        Program("ten", op, timeout=10),
        Program("hurried", op, timeout=1),
        Program("deaf", op, timeout=0.2),
        Program("hearing", executables["sigterm"], timeout=0.2),
        Program("concurrent", op),
        Program("bad-init", op, {"INIT": "exit"}),
        Program("slow-init", op, {"INIT": "600ms"}, timeout=0.3),
        Program("missing", str(directory / "nothing" / "bootstrap")),
        Program("foreign", _foreign(directory)),
        Program("env", op, variables),
        Program("caller", executables["caller"]),
    ]
    (directory / "nothing").mkdir()
    with serving({program.name: program for program in programs}, retries=2) as serves:
        yield serves


def _foreign(directory: Path) -> str:
    """Write an executable for a machine that this is not: the start of an ELF file for IBM's S/390."""
    path = directory / "bootstrap"
    header = b"\x7fELF\x02\x02\x01" + bytes(9) + b"\x00\x02\x00\x16\x00\x00\x00\x01"
    path.write_bytes(header.ljust(4096, b"\x00"))
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="module")
def client(server: Serving) -> Any:
    """Boto3, as a function or a script uses it."""
    return boto3.client(
        "lambda",
        endpoint_url=server.address,
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",  # noqa: S106 (nobody looks at it)
        config=Config(retries={"max_attempts": 0}, max_pool_connections=10),
    )


def run(client: Any, function: str, event: Any, **options: Any) -> tuple[Any, str, str]:
    """Invoke a function: return its answer, X-Amz-Function-Error, and the tail of its log."""
    told = client.invoke(
        FunctionName=function, Payload=json.dumps(event), LogType="Tail", **options
    )
    assert (told["StatusCode"], told["ExecutedVersion"]) == (200, "$LATEST")
    log = base64.b64decode(told["LogResult"]).decode()
    return json.loads(told["Payload"].read()), told.get("FunctionError", ""), log


def count(client: Any, function: str) -> int:
    """Return how many times the process of a function has counted."""
    answer, _, _ = run(client, function, {"Op": "count"})
    counted: int = answer["count"]
    return counted


def ending(log: str) -> tuple[str, ...]:
    """Return a log without its request ID and its durations, line by line."""
    lines = log.splitlines()
    assert lines[0].startswith("START RequestId: ")
    request_id = lines[0].split()[2]
    return tuple(line.replace(request_id, "ID") for line in lines)


def raw(
    server: Serving, method: str, path: str, body: Any = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """Send a request by http.client."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, names, encode_chunked=not isinstance(body, bytes | None))
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def test_c1_an_answer_has_the_exact_bytes(server: Serving) -> None:
    body = '{"Op":"echo","Value":{"grüße":["<&>","日本"],"n":1.50}}'.encode()
    response, content = raw(server, "POST", "/2015-03-31/functions/op/invocations", body)
    assert content == '{"grüße":["<&>","日本"],"n":1.50}'.encode()
    assert response.status == 200
    assert response.getheader("X-Amz-Executed-Version") == "$LATEST"
    assert response.getheader("X-Amz-Function-Error") is None
    assert response.getheader("X-Amz-Log-Result") is None
    assert response.getheader("Content-Type") == "application/json"
    assert uuid.UUID(response.getheader("x-amzn-RequestId"))


def test_c2_c7_one_process_answers_calls_in_turn_and_survives_an_error(client: Any) -> None:
    first = count(client, "default")
    assert count(client, "default") == first + 1
    run(client, "default", {"Op": "error", "Message": "no"})
    assert count(client, "default") == first + 2


def test_c3_no_payload_is_an_empty_object(client: Any) -> None:
    assert client.invoke(FunctionName="op")["Payload"].read() == b"{}"


def test_c4_nil_is_null(client: Any) -> None:
    told = client.invoke(FunctionName="op", Payload='{"Op":"nothing"}')
    assert told["Payload"].read() == b"null"


@pytest.mark.parametrize(
    ("op", "answer"),
    [
        ("error", {"errorMessage": "no", "errorType": "errorString"}),
        ("custom-error", {"errorMessage": "no", "errorType": "CustomError"}),
        (
            "response-error",
            {
                "errorMessage": "no",
                "errorType": "Chosen.Type",
                "stackTrace": [{"path": "chosen.go", "line": 7, "label": "Chosen"}],
            },
        ),
    ],
)
def test_c5_c6_a_returned_error_comes_as_it_was_posted(
    client: Any, op: str, answer: dict[str, Any]
) -> None:
    told, failed, log = run(client, "op", {"Op": op, "Message": "no"})
    assert (told, failed) == (answer, "Unhandled")
    assert "Status: error" not in log


def test_c8_c9_a_panic_comes_with_its_stack_and_ends_the_process(client: Any) -> None:
    count(client, "default")
    told, failed, _ = run(client, "default", {"Op": "panic", "Message": "oh"})
    assert (told["errorMessage"], told["errorType"], failed) == ("oh", "string", "Unhandled")
    assert "handle" in {frame["label"] for frame in told["stackTrace"]}
    assert count(client, "default") == 1


@pytest.mark.parametrize(
    ("event", "how"),
    [
        ({"Op": "fatal", "Message": "fatal!"}, "Runtime exited with error: exit status 1"),
        ({"Op": "exit", "Code": 0}, "Runtime exited without providing a reason"),
        ({"Op": "exit", "Code": 7}, "Runtime exited with error: exit status 7"),
        ({"Op": "kill"}, "Runtime exited with error: signal: killed"),
    ],
)
def test_c10_c11_c12_an_exit_is_told_in_the_answer_and_in_the_log(
    client: Any, event: dict[str, Any], how: str
) -> None:
    told, failed, log = run(client, "default", event)
    lines = ending(log)
    request_id = log.split()[2]
    assert (told, failed) == (
        {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: {how}"},
        "Unhandled",
    )
    *_, error, kind, end, report = lines
    assert (error, kind, end) == (
        f"RequestId: ID Error: {how}",
        "Runtime.ExitError",
        "END RequestId: ID",
    )
    assert report.startswith("REPORT RequestId: ID\tDuration: ")
    assert "\tStatus: error\tError Type: Runtime.ExitError" in report
    assert count(client, "default") == 1


def test_c13_c14_a_timeout_is_enforced_exactly_and_ends_the_process(client: Any) -> None:
    count(client, "hurried")
    began = time.monotonic()
    told, failed, log = run(client, "hurried", {"Op": "sleep", "Milliseconds": 5000})
    assert 0.9 < time.monotonic() - began < 1.6
    request_id = log.split()[2]
    message = f"RequestId: {request_id} Error: Task timed out after 1.00 seconds"
    assert (told, failed) == (
        {"errorType": "Sandbox.Timedout", "errorMessage": message},
        "Unhandled",
    )
    *_, timed_out, empty, end, report = ending(log)
    assert timed_out.endswith("Z ID Task timed out after 1.00 seconds")
    assert (empty, end) == ("", "END RequestId: ID")
    assert "\tDuration: 1000.00 ms\tBilled Duration: 1000 ms\t" in report
    assert "\tStatus: timeout" in report
    assert count(client, "hurried") == 1


def test_c15_only_who_asked_for_sigterm_hears_it(client: Any) -> None:
    for function, heard in (("hearing", True), ("deaf", False)):
        run(client, function, {"Op": "count"})
        told, _, log = run(client, function, {"Op": "sleep", "Milliseconds": 5000})
        assert told["errorType"] == "Sandbox.Timedout"
        assert ("Hello SIGTERM!" in log) is heard


def test_c16_a_failed_init_is_tried_once_more_and_then_reported(client: Any) -> None:
    told, failed, log = run(client, "bad-init", {})
    assert (told["errorType"], failed) == ("Runtime.ExitError", "Unhandled")
    assert told["errorMessage"].endswith("Error: Runtime exited with error: exit status 1")
    assert log.count("init is going to fail\n") == 2
    reports = [line for line in log.splitlines() if line.startswith("INIT_REPORT ")]
    assert ["Phase: init" in reports[0], "Phase: invoke" in reports[1]] == [True, True]
    assert all("\tStatus: error\tError Type: Runtime.ExitError" in line for line in reports)
    assert len(reports) == 2


def test_c17_c18_what_cannot_start_is_an_invalid_entrypoint(client: Any) -> None:
    for function, why in (
        ("missing", "no such file or directory"),
        ("foreign", "exec format error"),
    ):
        told, failed, log = run(client, function, {})
        assert (told["errorType"], failed) == ("Runtime.InvalidEntrypoint", "Unhandled")
        assert told["errorMessage"].endswith(f"/bootstrap: {why}")
        assert "Runtime.InvalidEntrypoint" in log


def test_c19_init_is_not_charged_to_the_timeout(client: Any) -> None:
    told, failed, log = run(client, "slow-init", {"Op": "echo", "Value": "well"})
    assert (told, failed) == ("well", "")
    assert float(log.partition("Init Duration: ")[2].partition(" ms")[0]) >= 600


def test_c20_both_outputs_are_logged_in_order(client: Any) -> None:
    _, _, log = run(client, "op", {"Op": "print"})
    lines = ending(log)
    start = lines.index("START RequestId: ID Version: $LATEST")
    assert lines[start + 1 : -1] == (
        "to stdout",
        "to stderr",
        "to stdout again",
        "without newline",
        "END RequestId: ID",
    )


def test_c21_raw_bytes_come_as_they_are(client: Any) -> None:
    told = client.invoke(FunctionName="op", Payload='{"Op":"read"}')
    assert told["Payload"].read() == b"raw \x00\xc3\xbf bytes".replace(b"\xc3\xbf", b"\xff")
    assert "FunctionError" not in told


def test_c22_a_reader_that_fails_half_way_is_an_error(client: Any) -> None:
    told, failed, _ = run(client, "op", {"Op": "read-half", "Message": "broken"})
    assert (told["errorMessage"], told["errorType"], failed) == (
        "broken",
        "errorString",
        "Unhandled",
    )


def test_c23_c24_a_response_may_have_6_mib_and_100_bytes(client: Any) -> None:
    told, failed, _ = run(client, "default", {"Op": "size", "Size": LIMIT + 100})
    assert (len(told), failed) == (LIMIT + 98, "")
    told, failed, _ = run(client, "default", {"Op": "size", "Size": LIMIT + 101})
    assert (told["errorType"], failed) == ("Function.ResponseSizeTooLarge", "Unhandled")
    assert told["errorMessage"] == (
        "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    )
    assert count(client, "default") == 1


def test_c25_c26_the_function_knows_its_invocation(client: Any) -> None:
    context = {
        "client": {"installation_id": "i", "app_title": "t"},
        "env": {"locale": "de"},
        "custom": {"nested": '{"a":1}'},
    }
    encoded = base64.b64encode(json.dumps(context).encode()).decode()
    told = client.invoke(
        FunctionName="op", Payload='{"Op":"context"}', ClientContext=encoded, Qualifier="$LATEST"
    )
    knows = json.loads(told["Payload"].read())
    headers = told["ResponseMetadata"]["HTTPHeaders"]
    assert knows["request_id"] == told["ResponseMetadata"]["RequestId"]
    assert knows["arn"] == f"{ARN}op:$LATEST"
    assert knows["client"]["custom"] == {"nested": '{"a":1}'}
    assert knows["client"]["env"] == {"locale": "de"}
    assert knows["client"]["Client"]["installation_id"] == "i"
    assert 0 <= knows["now_ms"] + 20_000 - knows["deadline_ms"] < 1500
    assert knows["trace"] == knows["environment_trace"] == headers["x-amzn-trace-id"]
    assert knows["trace"].startswith("Root=1-")
    assert (knows["name"], knows["version"], knows["memory"]) == ("op", "$LATEST", 128)
    unqualified, _, _ = run(client, "op", {"Op": "context"})
    assert unqualified["arn"] == f"{ARN}op"


def test_c27_the_environment_is_lambdas(
    client: Any, server: Serving, executables: dict[str, str]
) -> None:
    told, _, _ = run(client, "env", {"Op": "environment"})
    environment = dict(line.split("=", 1) for line in told["environment"])
    assert environment["EQUALS"] == "4=4"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["PATH"] == "/usr/bin"
    assert environment["AWS_ENDPOINT_URL_LAMBDA"] == server.address
    root = os.path.realpath(os.path.dirname(executables["op"]))
    assert os.path.realpath(told["directory"]) == root
    assert os.path.realpath(environment["LAMBDA_TASK_ROOT"]) == root
    assert not environment.keys() & {"AWS_EXECUTION_ENV", "HOME", "_HIDDEN", "VIRTUAL_ENV"}


@pytest.mark.parametrize(
    ("function", "qualifier", "arn"),
    [
        ("nobody", {}, "nobody:$LATEST"),
        ("op", {"Qualifier": "prod"}, "op:prod"),
        ("op:7", {}, "op:7"),
    ],
)
def test_c28_what_is_unknown_is_not_found(
    client: Any, function: str, qualifier: dict[str, str], arn: str
) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        client.invoke(FunctionName=function, **qualifier)
    told = caught.value.response
    assert told["Error"] == {
        "Message": f"Function not found: {ARN}{arn}",
        "Code": "ResourceNotFoundException",
    }
    assert (told["Type"], told["ResponseMetadata"]["HTTPStatusCode"]) == ("User", 404)


@pytest.mark.parametrize("payload", [b"not json", b'"\xff"'])
def test_c29_c30_what_is_no_json_is_refused(client: Any, payload: bytes) -> None:
    with pytest.raises(client.exceptions.InvalidRequestContentException) as caught:
        client.invoke(FunctionName="op", Payload=payload)
    told = caught.value.response
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 400
    start = "Could not parse request body into json: Could not parse payload into json: "
    assert told["Error"]["Message"].startswith(start)


def test_c31_c32_a_request_may_have_6_mib(client: Any) -> None:
    with pytest.raises(client.exceptions.RequestTooLargeException) as caught:
        client.invoke(FunctionName="op", Payload=b'"' + b"a" * LIMIT + b'"')
    told = caught.value.response
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert told["Error"]["Message"] == (
        "6291458 byte payload is too large for the RequestResponse invocation type "
        "(limit 6291456 bytes)"
    )
    payload = b'"' + b"a" * (LIMIT - 2) + b'"'
    assert client.invoke(FunctionName="op", Payload=payload)["Payload"].read() == payload


def test_c33_a_dry_run_does_not_run(client: Any) -> None:
    before = count(client, "ten")
    told = client.invoke(FunctionName="ten", Payload='{"Op":"count"}', InvocationType="DryRun")
    assert (told["StatusCode"], told["Payload"].read()) == (204, b"")
    assert count(client, "ten") == before + 1


def test_c34_an_event_is_answered_before_it_runs_to_its_end(
    client: Any, server: Serving, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    event = {"Op": "wait", "Message": str(gate)}
    told = client.invoke(FunctionName="op", Payload=json.dumps(event), InvocationType="Event")
    assert (told["StatusCode"], told["Payload"].read()) == (202, b"")
    assert "ExecutedVersion" not in told
    gate.touch()
    report = f"REPORT RequestId: {told['ResponseMetadata']['RequestId']}\t".encode()
    eventually(lambda: report in server.logged("op"))
    assert server.logged("op").count(report) == 1


def test_an_event_that_fails_is_tried_again_with_its_request_id(
    client: Any, server: Serving
) -> None:
    event = {"Op": "error", "Message": "no"}
    told = client.invoke(FunctionName="op", Payload=json.dumps(event), InvocationType="Event")
    report = f"REPORT RequestId: {told['ResponseMetadata']['RequestId']}\t".encode()
    eventually(lambda: server.logged("op").count(report) == 3)


def eventually(holds: Any) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    "name",
    [f"{ARN}op", "123456789012:function:op", f"{ARN}op:$LATEST", "op:$LATEST", "function:op"],
)
def test_c35_c36_a_function_is_known_by_all_its_names(client: Any, name: str) -> None:
    told, _, _ = run(client, name, {"Op": "context"})
    assert told["arn"] == f"{ARN}op{':$LATEST' if name.endswith('$LATEST') else ''}"


def test_c37_five_calls_run_at_the_same_time(client: Any) -> None:
    event = {"Op": "sleep", "Milliseconds": 800}
    began = time.monotonic()
    with ThreadPoolExecutor(5) as threads:
        done = list(threads.map(lambda _: run(client, "concurrent", event), range(5)))
    assert time.monotonic() - began < 2
    assert [(told, failed) for told, failed, _ in done] == [("slept", "")] * 5


def test_c38_a_long_error_message_keeps_the_process(client: Any) -> None:
    before = count(client, "default")
    told, failed, _ = run(client, "default", {"Op": "long-error", "Size": 100_000})
    assert (len(told["errorMessage"]), failed) == (100_000, "Unhandled")
    assert count(client, "default") == before + 1


def test_c39_a_request_may_come_in_chunks(server: Serving) -> None:
    response, content = raw(
        server,
        "POST",
        "/2015-03-31/functions/op/invocations",
        iter([b'{"Op":"ec', b'ho","Value":', b"[1,2]}"]),
        Transfer_Encoding="chunked",
    )
    assert (response.status, content) == (200, b"[1,2]")


def test_c40_curl_may_ask_before_it_sends(server: Serving) -> None:
    done = subprocess.run(
        [
            *(
                "curl",
                "-sv",
                "--max-time",
                "20",
                "-H",
                "Expect: 100-continue",
                "--data-binary",
                "@-",
            ),
            f"{server.address}/2015-03-31/functions/op/invocations",
        ],
        input=b'{"Op":"echo","Value":"' + b"a" * 100_000 + b'"}',
        capture_output=True,
        check=True,
    )
    assert done.stdout == b'"' + b"a" * 100_000 + b'"'
    assert b"< HTTP/1.1 100" in done.stderr


def test_curl_keeps_a_body_that_is_too_large(server: Serving, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(LIMIT + 1))
    done = subprocess.run(
        [
            *("curl", "-sv", "--max-time", "20", "-H", "Expect: 100-continue"),
            *("--data-binary", f"@{tmp_path / 'large'}"),
            f"{server.address}/2015-03-31/functions/op/invocations",
        ],
        capture_output=True,
        check=True,
    )
    assert b"< HTTP/1.1 413" in done.stderr
    assert b"< HTTP/1.1 100" not in done.stderr
    assert b"6291457 byte payload is too large" in done.stdout


def test_a_body_without_end_is_cut_off(server: Serving) -> None:
    response, content = raw(
        server,
        "POST",
        "/2015-03-31/functions/op/invocations",
        iter([bytes(1 << 20)] * 26),
        Transfer_Encoding="chunked",
    )
    assert response.status == 413
    assert response.getheader("x-amzn-ErrorType") == "RequestEntityTooLargeException"
    assert json.loads(content)["message"] == (
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    )


def test_c41_the_aws_cli_invokes_a_function(server: Serving, tmp_path: Path) -> None:
    environment = CLEAN | {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",  # all that version 1 of the CLI reads
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        # What `serve` tells people to paste.
        "AWS_ENDPOINT_URL_LAMBDA": server.address,
    }
    done = subprocess.run(
        [
            *(AWS, "lambda", "invoke", "--function-name", "op", "--log-type", "Tail"),
            *("--payload", '{"Op":"print"}', "answer.json"),
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=True,
        timeout=60,
    )
    told = json.loads(done.stdout)
    assert (told["StatusCode"], told["ExecutedVersion"]) == (200, "$LATEST")
    assert b"to stdout\nto stderr\n" in base64.b64decode(told["LogResult"])
    assert (tmp_path / "answer.json").read_bytes() == b'"printed"'


@pytest.mark.parametrize(("function", "seconds"), [("default", 3), ("ten", 10)])
def test_c44_the_function_knows_what_time_is_left(
    client: Any, function: str, seconds: float
) -> None:
    left, _, _ = run(client, function, {"Op": "remaining", "Milliseconds": 200})
    assert seconds * 1000 - 1500 < left <= seconds * 1000 - 200


def test_c45_functions_call_each_other_here(client: Any) -> None:
    inner = {"Function": "op", "Payload": {"Op": "echo", "Value": "deep"}}
    told, failed, _ = run(client, "caller", {"Function": "caller", "Payload": inner})
    assert failed == ""
    assert told == {"from": "caller", "answer": {"from": "op", "answer": "deep"}}


def test_s1_a_streamed_response_comes_in_pieces(client: Any) -> None:
    told = client.invoke_with_response_stream(
        FunctionName="op", Payload='{"Op":"read","Milliseconds":20}'
    )
    assert (told["StatusCode"], told["ExecutedVersion"]) == (200, "$LATEST")
    events = list(told["EventStream"])
    chunks = [event["PayloadChunk"]["Payload"] for event in events if "PayloadChunk" in event]
    assert b"".join(chunks) == b"raw \x00\xff bytes"
    assert events[-1] == {"InvokeComplete": {}}


def test_s2_a_stream_that_breaks_off_says_why(client: Any) -> None:
    told = client.invoke_with_response_stream(
        FunctionName="op", Payload='{"Op":"read-half","Message":"broken"}'
    )
    *chunks, last = told["EventStream"]
    assert b"".join(event["PayloadChunk"]["Payload"] for event in chunks) == b"partial-"
    complete = last["InvokeComplete"]
    assert complete["ErrorCode"] == "Unhandled"
    assert json.loads(complete["ErrorDetails"]) == {
        "errorMessage": "broken",
        "errorType": "errorString",
    }


def test_functions_are_listed(client: Any) -> None:
    listed = client.list_functions()["Functions"]
    assert {"op", "caller", "missing"} <= {function["FunctionName"] for function in listed}
    told = client.get_function(FunctionName="op")["Configuration"]
    assert (told["FunctionArn"], told["State"]) == (f"{ARN}op", "Active")
