"""The events that there are, held against aws-lambda-go itself and against real handlers."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lambdabuild.golang.toolchain import find_go
from lambdabuild.local.events.catalogue import SOURCES, own_events
from lambdabuild.local.events.samples import Library, names_of
from tests.environment import CLEAN, INSTALLED
from tests.local.conftest import FIXTURE, FLAGS
from tests.projects import write

ROOT = Path(__file__).parents[2]
TYPES = {source.name: source.types for source in SOURCES if source.types}

DECODE = """package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/events"
)

var made = map[string]func() any{
%s
}

// Takes {"source": {"type": event}}; prints what does not decode, or does not come out again.
func main() {
	var given map[string]map[string]json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	_ = cfn.Event{}
	for source, events := range given {
		for kind, event := range events {
			value := made[kind]()
			decoder := json.NewDecoder(bytes.NewReader(event))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(value); err != nil {
				fmt.Printf("%%s: %%s: %%v\\n", source, kind, err)
			}
			if _, err := json.Marshal(value); err != nil {
				fmt.Printf("%%s: %%s: %%v\\n", source, kind, err)
			}
		}
	}
}
"""


def run(*arguments: str, code: int = 0, directory: Path) -> tuple[str, str]:
    done = subprocess.run(
        ["lambdabuild", *arguments],
        check=False,
        cwd=directory,
        env=CLEAN | {"PATH": INSTALLED},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, done
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A program that reads events into the library's types, and says what does not fit."""
    directory = tmp_path_factory.mktemp("decoder")
    for name in ("go.mod", "go.sum"):
        shutil.copy(FIXTURE / name, directory / name)
    kinds = sorted({kind for kinds in TYPES.values() for kind in kinds})
    cases = "\n".join(
        f'\t"{kind}": func() any {{ return new({kind if "." in kind else f"events.{kind}"}) }},'
        for kind in kinds
    )
    (directory / "main.go").write_text(DECODE % cases)
    executable = str(directory / "decoder")
    subprocess.run(
        [find_go(os.environ), "build", *FLAGS, f"-o={executable}", "."],
        cwd=directory,
        env=CLEAN | {"CGO_ENABLED": "0"},
        check=True,
        timeout=280,
    )
    return executable


def misfits(decoder: str, events: dict[str, Any]) -> list[str]:
    given = {
        name: dict.fromkeys(TYPES[name], event) for name, event in events.items() if name in TYPES
    }
    done = subprocess.run(
        [decoder], input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()


# What AWS sends, and aws-lambda-go 1.54 has no field for.
UNREAD = {
    "url": {"routeKey", "stage"},
    "request-authorizer": {
        *("domainName", "domainPrefix", "extendedRequestId", "protocol"),
        *("requestTime", "requestTimeEpoch", "userAgent"),
    },
}


def without(value: Any, names: set[str]) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: without(inner, names) for name, inner in value.items() if name not in names}


def test_our_events_are_what_the_types_of_the_library_read(decoder: str) -> None:
    events = {name: without(event, UNREAD.get(name, set())) for name, event in own_events().items()}

    assert misfits(decoder, events) == []


def test_every_source_with_a_sample_has_one_in_the_library(decoder: str) -> None:
    testdata = Path(module_directory()) / "events" / "testdata"
    there = names_of(Library("", str(testdata)))
    samples = {source.name: source.samples for source in SOURCES if source.samples}
    missing = {name: files for name, files in samples.items() if files[0] not in there}
    assert missing == {}
    # Those that are responses, or belong to no type, are not offered.
    events = {
        name: json.loads((testdata / f"{files[0]}.json").read_text())
        for name, files in samples.items()
    }
    assert [line for line in misfits(decoder, events) if "unknown field" not in line] == []


def module_directory() -> str:
    done = subprocess.run(
        [find_go(os.environ), "list", "-m", "-f={{.Dir}}", "github.com/aws/aws-lambda-go"],
        cwd=FIXTURE,
        env=CLEAN,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "shop"
    shutil.copytree(ROOT / "fixtures/shop", path)
    return path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("users-get", "users-get takes events.APIGatewayV2HTTPRequest (httpx.Request): http (api/users/get/main.go:40)"),
        ("api/catalog/index", "catalog-index takes events.DynamoDBEvent: dynamodb (api/catalog/index/main.go:44)"),
        ("reports-daily", "reports-daily takes events.EventBridgeEvent: eventbridge (api/reports/daily/main.go:35)"),
    ],
)  # fmt: skip
def test_what_a_handler_takes_is_told_and_printed(shop: Path, name: str, said: str) -> None:
    out, err = run("events", name, directory=shop)

    assert err.splitlines()[0] == said
    assert isinstance(json.loads(out), dict)


def test_a_sample_is_printed_as_json_with_what_flags_change(shop: Path) -> None:
    out, err = run("events", "sqs", "--count", "2", "--body", "hello", directory=shop)

    assert [record["body"] for record in json.loads(out)["Records"]] == ["hello", "hello"]
    assert err == "sqs: events/testdata/sqs-event.json of aws-lambda-go@v1.54.0\n"
    out, err = run("events", "sqss", code=2, directory=shop)
    assert err == "error: there is no event and no function `sqss`\n  hint: did you mean `sqs`?\n"


TAKING = """package main

import (
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() { lambda.Start(func(event events.%s) error { return nil }) }
"""


def test_where_the_library_is_vendored_events_are_ours_or_made_of_its_types(tmp_path: Path) -> None:
    files = {f"api/{name.lower()}/main.go": TAKING % name for name in ("SQSEvent", "ConnectEvent")}
    write(tmp_path, files)
    for name in ("go.mod", "go.sum"):
        shutil.copy(FIXTURE / name, tmp_path / name)
    go = find_go(os.environ)
    subprocess.run([go, "mod", "vendor"], cwd=tmp_path, env=CLEAN, check=True, timeout=120)

    out, err = run("events", "sqsevent", directory=tmp_path)
    assert json.loads(out) == own_events()["sqs"]
    assert err.splitlines()[-1] == "this is lambdabuild's own"
    out, err = run("events", "connectevent", directory=tmp_path)
    assert err.splitlines()[-1] == "this is a skeleton of events.ConnectEvent"
    assert json.loads(out)["Details"]["ContactData"]["ContactId"] == ""


def test_without_a_project_there_are_events_of_our_own(tmp_path: Path) -> None:
    out, err = run("events", "s3", "--in", "sqs", directory=tmp_path)

    (record,) = json.loads(out)["Records"]
    assert json.loads(record["body"]) == own_events()["s3"]
    assert err == "s3: lambdabuild's own\n"
    out, err = run("events", directory=tmp_path)
    assert [line.split()[0] for line in out.splitlines()[1:]] == [s.name for s in SOURCES]
    out, err = run("events", "--calls", directory=tmp_path)
    assert (out, err) == ("", "no call was kept yet: `lambdabuild invoke NAME` keeps each\n")


@pytest.fixture(scope="module")
def eawsy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "eawsy"
    shutil.copytree(ROOT / "fixtures/eawsy", path)
    return path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("typed", "typed takes *main.Event (api/typed/handler.go:12)"),
        ("gateway", "gateway takes *apigatewayproxyevt.Event: rest (api/gateway/handler.go:9)"),
        ("net", "net takes apigatewayproxyevt.Event: rest (api/net/handler.go:12)"),
        ("old", "old takes string (api/old/handler.go:25)"),
    ],
)
def test_what_a_handler_for_eawsy_takes_is_told(eawsy: Path, name: str, said: str) -> None:
    _, err = run("events", name, directory=eawsy)

    assert err.splitlines()[0] == said


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("apigatewayproxy", "rest"),
        ("cloudwatchlogs", "logs"),
        ("dynamodbstreams", "dynamodb"),
        ("kinesisfirehose", "firehose"),
        ("kinesisstreams", "kinesis"),
        ("s3", "s3"),
        ("ses", "ses"),
    ],
)
def test_our_events_are_what_types_of_eawsy_read(eawsy: Path, kind: str, source: str) -> None:
    event = json.dumps({"Type": kind, "Event": own_events()[source]})
    out, _ = run("invoke", "events", "--data", event, directory=eawsy)

    assert json.loads(out)


def test_the_event_that_a_handler_for_eawsy_takes_is_sent(eawsy: Path) -> None:
    out, err = run("invoke", "net", "--event", directory=eawsy)

    assert json.loads(out)["body"] == "GET /hello/world"
    assert "event: lambdabuild's own\n" in err
    _, err = run("invoke", "net", "--event", "sqs", directory=eawsy)
    assert "warning: `net` takes apigatewayproxyevt.Event: that is `rest`, not `sqs`\n" in err
