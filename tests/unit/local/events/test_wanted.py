"""Which event a command line means."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lambdabuild.core.build import Adapter
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Module, Package
from lambdabuild.local.events.catalogue import BY_NAME, BY_TYPE, SOURCES, own_events
from lambdabuild.local.events.filling import parse_change
from lambdabuild.local.events.handlers.libraries import EAWSY_EVENTS, LIBRARY
from lambdabuild.local.events.samples import library_of, names_of, parsed, sample
from lambdabuild.local.events.wanted import (
    Subject,
    Wanted,
    event_of,
    mismatch,
    payload_of,
    taken_by,
)
from tests.projects import write

MAIN = "example.com/f"


@dataclass(slots=True)
class Project:
    """A function, and the library that it is built with, in a directory."""

    path: Path

    def subject(self, main: str) -> Subject:
        write(self.path, {"main.go": main, "library/events/testdata/sqs-event.json": '{"from": "testdata"}',
                          "library/events/testdata/lex-event.json": '{"bot": {}}'})  # fmt: skip
        module = Module(LIBRARY, str(self.path / "library"), "v1.54.0", main=False)

        def package(
            path: str, directory: str, files: tuple[str, ...], imports: tuple[str, ...]
        ) -> Package:
            name = path.rpartition("/")[2] if path != MAIN else "main"
            return Package(
                path, name, str(self.path / directory), files, (), imports,
                module if path.startswith(LIBRARY) else None, path != MAIN, (), local=path == MAIN,
            )  # fmt: skip

        start = f"{LIBRARY}/lambda"
        graph = {
            MAIN: package(MAIN, ".", ("main.go",), (start,)),
            start: package(start, "library/lambda", (), ()),
        }
        return Subject("f", graph, MAIN)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def main_taking(kind: str, more: str = "") -> str:
    return (
        f'package main\n\nimport (\n\t"context"\n\t"{LIBRARY}/events"\n\t"{LIBRARY}/cfn"\n'
        f'\t"{LIBRARY}/lambda"\n)\n\n{more}\n\n'
        f"func main() {{ lambda.Start(func(ctx context.Context, event {kind}) error {{ return nil }}) }}\n"
    )


def chosen(wanted: Wanted, subject: Subject | None = None, working: str = "/") -> Any:
    return event_of(wanted, lambda: subject, working).event


def test_without_anything_the_event_is_an_empty_object() -> None:
    assert payload_of(Wanted(), lambda: None, "/").content == b"{}"


def test_data_is_sent_byte_for_byte() -> None:
    given = '{ "a":1.0,\n"ü": "\\u00fc"}'.encode()
    assert payload_of(Wanted(given), lambda: None, "/").content == given
    changed = Wanted(given, changes=(parse_change("a=2"),))
    assert payload_of(changed, lambda: None, "/").content == '{"a":2,"ü":"ü"}'.encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{'a': 1}", "--data is not JSON: expecting property name enclosed in double quotes at column 2"),
        (b'{\n  "a": }', "--data is not JSON: expecting value at line 2, column 8"),
        (b"hello", "--data is not JSON: expecting value at column 1"),
        (b"", "--data is not JSON: expecting value at column 1"),
        (b'"\xff"', "--data is not UTF-8: byte 2"),
        (b"NaN", "--data is not JSON: it has no `NaN`"),
        (b"[" * 200_000, "--data is nested too deeply"),
    ],
)  # fmt: skip
def test_data_that_is_no_json_is_refused_with_the_place(content: bytes, message: str) -> None:
    with pytest.raises(LambdabuildError) as caught:
        parsed(content, "--data")

    assert caught.value.message.startswith(message)


def test_the_library_s_sample_comes_before_ours(project: Project) -> None:
    subject = project.subject(main_taking("events.SQSEvent"))
    found = event_of(Wanted(event="sqs"), lambda: subject, "/")

    assert found == (
        {"from": "testdata"},
        "events/testdata/sqs-event.json of aws-lambda-go@v1.54.0",
    )
    assert chosen(Wanted(event="sns"), subject) == own_events()["sns"]
    assert chosen(Wanted(event="sqs")) == own_events()["sqs"]


def test_a_file_of_testdata_and_a_file_of_one_s_own_are_events(project: Project) -> None:
    subject = project.subject(main_taking("events.SQSEvent"))
    (project.path / "mine.json").write_text('{"mine": 1}')
    (project.path / "sqs").write_text('{"mine": 2}')
    working = str(project.path)

    assert chosen(Wanted(event="lex-event"), subject) == {"bot": {}}
    assert chosen(Wanted(event="lex-event.json"), subject) == {"bot": {}}
    assert chosen(Wanted(event="mine.json"), subject, working) == {"mine": 1}
    assert chosen(Wanted(event="./sqs"), subject, working) == {"mine": 2}
    assert chosen(Wanted(event="sqs"), subject, working) == {"from": "testdata"}


def test_an_unknown_event_is_told_with_what_was_meant(project: Project) -> None:
    library = library_of(project.subject("package main").graph)
    with pytest.raises(LambdabuildError) as caught:
        sample("sqz", library, "/")
    assert str(caught.value) == "there is no event `sqz`\n  hint: did you mean `sqs`?"
    with pytest.raises(LambdabuildError, match="lex-event"):
        sample("lex-evnt", library, "/")
    with pytest.raises(LambdabuildError, match="go mod vendor"):
        sample("connect", library, "/")
    with pytest.raises(LambdabuildError, match="nothing here is built with that"):
        sample("connect", None, "/")


def test_a_library_without_testdata_has_no_names(project: Project) -> None:
    library = library_of(project.subject("package main").graph)
    assert names_of(library) == ["lex-event", "sqs-event"]
    assert library is not None
    assert names_of(library._replace(testdata="/nowhere")) == []
    assert library_of({}) is None


@pytest.mark.parametrize(
    ("kind", "source", "shown"),
    [
        ("events.SQSEvent", "sqs", "events.SQSEvent"),
        ("*events.S3Event", "s3", "*events.S3Event"),
        ("events.APIGatewayProxyRequest", "rest", "events.APIGatewayProxyRequest"),
        ("events.CloudWatchEvent", "eventbridge", "events.CloudWatchEvent"),
        ("cfn.Event", "cloudformation", "cfn.Event"),
        ("Mine", "sns", "events.SNSEvent (main.Mine)"),
        ("Also", "sns", "events.SNSEvent (main.Also)"),
    ],
)
def test_the_handler_s_type_names_its_source(
    project: Project, kind: str, source: str, shown: str
) -> None:
    more = "type Mine = events.SNSEvent\n\ntype Also Mine"
    taken = taken_by(project.subject(main_taking(kind, more)))

    assert taken.source == BY_NAME[source]
    assert taken.type == shown


def test_a_type_of_one_s_own_gets_a_skeleton(project: Project) -> None:
    more = 'type Order struct {\n\tID string `json:"id"`\n}'
    subject = project.subject(main_taking("Order", more))

    assert taken_by(subject).source is None
    assert chosen(Wanted(event=""), subject) == {"id": ""}
    assert chosen(Wanted(changes=(parse_change("id=7"),)), subject) == {"id": "7"}


def test_a_handler_that_takes_nothing_gets_an_empty_object(project: Project) -> None:
    main = f'package main\n\nimport "{LIBRARY}/lambda"\n\nfunc f() error {{ return nil }}\n\nfunc main() {{ lambda.Start(f) }}\n'
    assert chosen(Wanted(event=""), project.subject(main)) == {}


def test_where_the_type_says_nothing_the_event_has_to_be_named(project: Project) -> None:
    with pytest.raises(LambdabuildError) as caught:
        taken_by(project.subject(main_taking("any")))
    assert caught.value.message == "the handler of `f` takes any JSON"
    assert (caught.value.file, caught.value.line) == (f"{project.path}/main.go", 12)
    with pytest.raises(LambdabuildError, match=r"no call of lambda\.Start"):
        taken_by(project.subject("package main\n\nfunc main() {}\n"))


def test_flags_that_shape_an_event_take_the_handler_s(project: Project) -> None:
    subject = project.subject(main_taking("events.SNSEvent"))
    event = chosen(Wanted(body=b"hi", records=2), subject)

    assert [record["Sns"]["Message"] for record in event["Records"]] == ["hi", "hi"]


@pytest.mark.parametrize(
    ("kind", "wanted", "message"),
    [
        ("events.SQSEvent", Wanted(event="sqs"), None),
        ("events.SQSEvent", Wanted(event="s3", inside=("sns", "sqs")), None),
        ("events.SQSEvent", Wanted(event=""), None),
        ("events.SQSEvent", Wanted(event="lex-event"), None),
        ("events.SQSEvent", Wanted(event="appsync"), None),
        ("events.EventBridgeEvent", Wanted(event="schedule"), None),
        ("any", Wanted(event="sqs"), None),
        ("Order", Wanted(event="sqs"), None),
        ("*events.SQSEvent", Wanted(event="schedule"), "`f` takes events.SQSEvent: that is `sqs`, not `schedule`"),
        ("events.SNSEvent", Wanted(event="sns", inside=("sqs",)), "`f` takes events.SNSEvent: that is `sns`, not `sqs`"),
    ],
)  # fmt: skip
def test_an_event_that_the_handler_does_not_take_is_told(
    project: Project, kind: str, wanted: Wanted, message: str | None
) -> None:
    subject = project.subject(main_taking(kind, "type Order struct{ ID string }"))
    assert mismatch(wanted, subject) == message


SHIM = Adapter("eawsy/aws-lambda-go-shim", "Handle")
OLD = Adapter("eawsy/aws-lambda-go")


def handling(kind: str) -> str:
    package = kind.lstrip("*").partition(".")[0]
    return (
        f'package main\n\nimport "{EAWSY_EVENTS}/{package}"\n\n'
        f'func Handle(evt {kind}, ctx *runtime.Context) (string, error) {{ return "", nil }}\n'
    )


@pytest.mark.parametrize(
    ("kind", "sources"),
    [
        ("*s3evt.Event", ("s3",)),
        ("kinesisfirehoseevt.Input", ("firehose",)),
        ("*cognitosyncevt.Event", ("cognito-sync",)),
        ("*cloudwatchschedevt.Event", ("schedule", "eventbridge")),
        ("*apigatewayauthorizerevt.Event", ("token-authorizer", "request-authorizer")),
    ],
)
def test_a_type_of_eawsy_names_its_source_and_gets_a_sample_of_ours(
    project: Project, kind: str, sources: tuple[str, ...]
) -> None:
    subject = project.subject(handling(kind))._replace(adapter=SHIM)
    taken = taken_by(subject)

    assert taken.source == BY_NAME[sources[0]]
    assert taken.type == kind
    assert taken.sample == (own_events()[sources[0]], "lambdabuild's own")
    assert [mismatch(Wanted(event=source), subject) for source in sources] == [None] * len(sources)
    assert mismatch(Wanted(event="sqs"), subject) == (
        f"`f` takes {kind.lstrip('*')}: that is `{sources[0]}`, not `sqs`"
    )


def test_for_eawsy_samples_of_aws_lambda_go_come_after_ours(project: Project) -> None:
    subject = project.subject(handling("s3evt.Event"))._replace(adapter=SHIM)

    assert chosen(Wanted(event="sqs"), subject) == own_events()["sqs"]
    assert chosen(Wanted(event="s3", inside=("sqs",)), subject).keys() == {"Records"}
    assert chosen(Wanted(event="lex"), subject) == {"bot": {}}


def test_it_is_told_what_a_function_for_eawsy_does_not_have(project: Project) -> None:
    subject = project.subject("package main\n\nfunc main() {}\n")
    for adapter, message in (
        (SHIM, "there is no `Handle`"),
        (OLD, r"there is no call of runtime\.HandleFunc or runtime\.Handle"),
    ):
        with pytest.raises(LambdabuildError, match=message):
            taken_by(subject._replace(adapter=adapter))


def test_records_are_counted_in_the_outermost_event() -> None:
    wanted = Wanted(event="rest", inside=("sns", "kinesis"), body=b"hi", records=3)
    records = chosen(wanted)["Records"]

    assert len(records) == 3
    assert {"kinesis"} <= set(records[0])


def test_what_is_larger_than_lambda_takes_is_refused() -> None:
    with pytest.raises(LambdabuildError, match="Lambda takes 6291456 bytes"):
        payload_of(Wanted(event="sqs", body=b"a" * 1_000_000, records=7), lambda: None, "/")


def test_names_and_types_of_sources_are_distinct_and_each_of_the_twenty_has_a_sample() -> None:
    assert len(BY_NAME) == len(SOURCES)
    of_aws = {kind for kind in BY_TYPE if not kind.partition(".")[0].endswith("evt")}
    assert len(of_aws) == sum(len(source.types) for source in SOURCES)
    assert own_events().keys() <= BY_NAME.keys()
    without = {source.name for source in SOURCES if not source.samples} - own_events().keys()
    assert without == set()
    assert json.dumps(own_events())
