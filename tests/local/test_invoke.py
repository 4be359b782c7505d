"""`lambdabuild invoke` as a person runs it: real builds, real processes."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.environment import CLEAN, INSTALLED
from tests.local.conftest import FIXTURE
from tests.projects import write

PATIENCE = 60.0
"""Seconds for what takes a moment on a machine with nothing else to do."""

ECHO = """package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(ctx context.Context, event json.RawMessage) (any, error) {
		var op struct{ Fail, Env, Print string; Sleep, Exit int; Pid bool }
		_ = json.Unmarshal(event, &op)
		if op.Print != "" {
			fmt.Println(op.Print)
		}
		if op.Pid {
			fmt.Println("pid " + strconv.Itoa(os.Getpid()))
		}
		time.Sleep(time.Duration(op.Sleep) * time.Second)
		if op.Exit != 0 {
			os.Exit(op.Exit)
		}
		if op.Fail != "" {
			return nil, errors.New(op.Fail)
		}
		if op.Env != "" {
			return os.Getenv(op.Env), nil
		}
		return event, nil
	})
}
"""
BATCH = """package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func handle(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	var response events.SQSEventResponse
	for n, message := range event.Records {
		if message.Body == "bad" && n > 0 {
			failure := events.SQSBatchItemFailure{ItemIdentifier: message.MessageId}
			response.BatchItemFailures = append(response.BatchItemFailures, failure)
		}
	}
	return response, nil
}

func main() { lambda.Start(handle) }
"""
ORDER = """package main

import "github.com/aws/aws-lambda-go/lambda"

type Order struct {
	ID    string   `json:"id"`
	Items []string `json:"items"`
}

func main() {
	lambda.Start(func(order Order) (map[string]any, error) {
		return map[string]any{"id": order.ID, "version": "one"}, nil
	})
}
"""


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Project:
    path: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, stdin: bytes = b"", code: int | None = None) -> Result:
        done = subprocess.run(
            ["lambdabuild", *arguments],
            check=False,
            cwd=self.path,
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=PATIENCE * 3,
        )
        result = Result(done.returncode, done.stdout, done.stderr.decode())
        assert code is None or result.code == code, result
        return result

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            ["lambdabuild", *arguments],
            cwd=self.path,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    path = tmp_path_factory.mktemp("invoke") / "project"
    write(path, {"api/echo/main.go": ECHO, "api/batch/main.go": BATCH, "api/order/main.go": ORDER})
    shutil.copytree(FIXTURE / "api/caller", path / "api/caller")
    other = {"x86_64": "arm64", "amd64": "arm64"}.get(os.uname().machine, "amd64")
    write(path, {
        f"api/elsewhere/main_{other}.go": ORDER,
        "lambdabuild.toml": f'[functions.elsewhere]\narchitecture = "{other}"\n',
    })  # fmt: skip
    for name in ("go.mod", "go.sum"):
        shutil.copy(FIXTURE / name, path / name)
    return Project(path, CLEAN | {"PATH": INSTALLED, "AWS_EC2_METADATA_DISABLED": "true"})


def test_the_response_is_on_stdout_and_the_log_on_stderr(project: Project) -> None:
    data = '{ "a": "ü", "print": "hello" }'
    result = project.run("invoke", "echo", "--data", data, code=0)

    # The RawMessage is compacted by Go.
    assert result.out == '{"a":"ü","print":"hello"}\n'.encode()
    start, hello, end, report, *_ = result.err.splitlines()[-4:]
    assert start.startswith("START RequestId: ")
    assert hello == "hello"
    assert end.startswith("END RequestId: ")
    assert report.startswith("REPORT RequestId: ")
    by_path = project.run(
        "invoke", "api/echo", "--no-log", "--data-file", "-", stdin=b"[1]", code=0
    )
    assert (by_path.out, by_path.err) == (b"[1]\n", "")


def test_what_a_function_fails_with_is_its_response_and_the_exit_code_is_1(
    project: Project,
) -> None:
    failed = project.run("invoke", "ech*", "--data", '{"fail": "no"}', code=1)
    assert failed.json == {"errorMessage": "no", "errorType": "errorString"}
    exited = project.run("invoke", "echo", "--data", '{"exit": 3}', code=1)
    assert exited.json["errorType"] == "Runtime.ExitError"
    slow = project.run("invoke", "echo", "--timeout", "0.2", "--data", '{"sleep": 30}', code=1)
    assert slow.json["errorType"] == "Sandbox.Timedout"
    assert "Status: timeout" in slow.err


def test_a_batch_of_what_the_handler_takes_tells_which_records_failed(project: Project) -> None:
    result = project.run("invoke", "batch", "--event", "--body", "bad", "--count", "3", code=0)
    second, third = (one["itemIdentifier"] for one in result.json["batchItemFailures"])

    assert result.err.splitlines()[-4:] == [
        "2 of 3 records failed:",
        f"  Records[1] ({second})",
        f"  Records[2] ({third})",
        "Lambda would deliver them again",
    ]
    assert "event: events/testdata/sqs-event.json of aws-lambda-go@v1.54.0" in result.err


def test_a_call_is_repeated_after_an_edit_and_the_difference_told(project: Project) -> None:
    result = project.run("invoke", "order", "--event", "--set", "id=7", code=0)
    assert result.json == {"id": "7", "version": "one"}
    source = project.path / "api/order/main.go"
    source.write_text(ORDER.replace('"one"', '"two"'))
    again = project.run("invoke", "--replay", "last", code=0)
    source.write_text(ORDER)

    assert again.json == {"id": "7", "version": "two"}
    head, *lines = again.err.splitlines()[-5:]
    assert head.startswith("the response differs from that of call ")
    assert lines == ['   "id": "7",', '-  "version": "one"', '+  "version": "two"', " }"]
    listed = project.run("events", "--calls", code=0).out.decode().splitlines()
    assert listed[0].split() == ["id", "function", "when", "took", "payload", "ended"]
    assert listed[-1].split()[1] == "order"


def test_what_does_not_build_is_told_in_the_compiler_s_words(project: Project) -> None:
    source = project.path / "api/order/main.go"
    source.write_text(ORDER.replace('"one"', "undefined"))
    result = project.run("invoke", "order", code=1)
    source.write_text(ORDER)

    assert result.out == b""
    assert "api/order/main.go:" in result.err
    assert "undefined: undefined" in result.err


def test_what_cannot_be_started_is_told_before_anything_is_built(project: Project) -> None:
    unknown = project.run("invoke", "eco", code=2)
    assert unknown.err == "error: no function matches `eco`\n  hint: did you mean `echo`?\n"
    elsewhere = project.run("invoke", "elsewhere", code=2)
    assert elsewhere.err.startswith(
        "error: `elsewhere` is not built for this machine: build constraints exclude all its Go files "
    )
    bad = project.run("invoke", "echo", "--data", '{"a": }', code=2)
    assert bad.err.startswith("error: --data is not JSON: expecting value at column 7\n")
    nobody = project.run("invoke", "--event", "echo", code=2)
    assert "`echo` is taken for the event: write NAME before --event" in nobody.err


def test_variables_of_a_file_and_dummies_for_credentials_reach_the_function(
    project: Project,
) -> None:
    (project.path / "some.env").write_text('TABLE="from a file"\n')
    data = '{"env": "TABLE"}'
    assert (
        project.run("invoke", "echo", "--env-file", "some.env", "--data", data).json
        == "from a file"
    )
    data = '{"env": "AWS_SECRET_ACCESS_KEY"}'
    assert project.run("invoke", "echo", "--no-credentials", "--data", data).json == "test"


def test_what_a_function_calls_runs_here_as_well(project: Project) -> None:
    data = '{"function": "order", "payload": {"id": "7"}}'
    result = project.run("invoke", "caller", "--data", data, code=0)

    assert result.json == {"from": "order", "answer": {"id": "7", "version": "one"}}
    inner = [line for line in result.err.splitlines() if line.startswith("order: ")]
    assert [line.split()[1] for line in inner] == ["START", "END", "REPORT"]
    unknown = project.run("invoke", "caller", "--data", '{"function": "nope"}', code=1)
    assert "Function not found" in unknown.json["errorMessage"]


def test_ctrl_c_ends_the_function_as_well(project: Project) -> None:
    running = project.start(
        "invoke", "echo", "--data", '{"pid": true, "sleep": 600}', "--timeout", "900"
    )
    assert running.stderr is not None
    pid = 0
    for line in running.stderr:
        if line.startswith(b"pid "):
            pid = int(line.split()[1])
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=PATIENCE)

    assert running.returncode == 130
    assert out == b""
    assert b"interrupted" in err
    wait_until_gone(pid)


@pytest.fixture(scope="module")
def serving(project: Project) -> Iterator["subprocess.Popen[bytes]"]:
    """A `serve` of some functions of the project that runs."""
    serve = project.start("serve", "--port", "0", "echo", "order")
    deadline = time.monotonic() + PATIENCE
    while not (project.path / ".lambdabuild/local/serve.json").exists():
        assert time.monotonic() < deadline
        assert serve.poll() is None, serve.communicate()
        time.sleep(0.02)
    yield serve
    if serve.poll() is None:
        os.killpg(serve.pid, signal.SIGKILL)
    serve.communicate()


def test_a_serve_that_runs_is_used_and_one_that_was_killed_is_not(
    project: Project, serving: "subprocess.Popen[bytes]"
) -> None:
    data = '{"pid": true, "print": "hello"}'
    first = project.run("invoke", "echo", "--data", data, code=0)
    second = project.run("invoke", "echo", "--data", data, code=0)
    assert pid_in(first) == pid_in(second)
    assert "hello" in second.err.splitlines()
    failed = project.run("invoke", "echo", "--data", '{"fail": "no"}', code=1)
    assert failed.json["errorMessage"] == "no"
    unknown = project.run("invoke", "eco", code=2)
    assert unknown.err == "error: no function matches `eco`\n  hint: did you mean `echo`?\n"
    source = project.path / "api/order/main.go"
    source.write_text(ORDER.replace('"one"', "undefined"))
    broken = project.run("invoke", "order", code=1)
    source.write_text(ORDER)
    assert broken.out == b""
    assert "undefined: undefined" in broken.err
    # It serves others: the function is started for the call.
    sample = project.run("invoke", "api/batch", "--event", code=0)
    assert sample.json == {"batchItemFailures": None}

    serving.kill()
    serving.communicate()
    third = project.run("invoke", "echo", "--data", data, code=0)
    assert pid_in(third) != pid_in(second)


def test_clean_removes_the_calls_that_were_kept(project: Project) -> None:
    project.run("invoke", "echo", code=0)
    assert (project.path / ".lambdabuild/calls").is_dir()
    project.run("clean", code=0)
    assert not (project.path / ".lambdabuild").exists()


def pid_in(result: Result) -> str:
    (line,) = (line for line in result.err.splitlines() if line.startswith("pid "))
    return line


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")
