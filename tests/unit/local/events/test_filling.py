"""Bodies, more records, events in events, single values."""

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.events.catalogue import SOURCES, own_events
from lambdabuild.local.events.filling import changed, compact, filled, nested, parse_change
from lambdabuild.local.events.records import all_records, attribute, kind_of, unpacked_logs

OWN = own_events()
QUEUES = ("sqs", "sns", "kinesis", "dynamodb", "firehose", "kafka")


def body_in(event: Any) -> bytes:
    """Return the body of an event's last record, as its source has it."""
    if "awslogs" in event:
        return str(unpacked_logs(event["awslogs"]["data"])["logEvents"][-1]["message"]).encode()
    (_, record) = all_records(event)[-1]
    match kind_of(record):
        case "sqs":
            return str(record["body"]).encode()
        case "sns":
            return str(record["Sns"]["Message"]).encode()
        case "kinesis":
            return base64.b64decode(record["kinesis"]["data"])
        case "kafka":
            return base64.b64decode(record["value"])
        case "firehose":
            return base64.b64decode(record["data"])
        case kind:
            raise AssertionError(kind)


@pytest.mark.parametrize("name", ["sqs", "sns", "kinesis", "firehose", "kafka", "logs"])
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_body_comes_out_as_it_went_in(name: str, text: str) -> None:
    event = filled(OWN[name], text.encode(), 3, name)

    assert body_in(event) == text.encode()
    assert json.loads(compact(event)) == event


@given(body=st.binary())
def test_bytes_fit_where_the_body_is_base64(body: bytes) -> None:
    for name in ("kinesis", "firehose", "kafka"):
        assert body_in(filled(OWN[name], body, None, name)) == body
    for name in ("rest", "http", "url", "alb", "websocket"):
        event = filled(OWN[name], body, None, name)
        text = event["body"]
        assert (base64.b64decode(text) if event["isBase64Encoded"] else text.encode()) == body


def test_bytes_that_are_no_text_do_not_fit_into_one() -> None:
    for name in ("sqs", "sns", "logs"):
        with pytest.raises(LambdabuildError, match="not UTF-8"):
            filled(OWN[name], b"\xff", None, name)


@pytest.mark.parametrize("name", QUEUES)
@given(count=st.integers(1, 30))
def test_as_many_records_come_as_asked_for_each_with_ids_of_its_own(name: str, count: int) -> None:
    records = [record for _, record in all_records(filled(OWN[name], None, count, name))]

    assert len(records) == count
    assert len({json.dumps(record, sort_keys=True) for record in records}) == count
    assert filled(OWN[name], None, count, name) == filled(OWN[name], None, count, name)


def test_a_sample_is_left_as_it_was() -> None:
    before = json.dumps(OWN)
    for source in SOURCES:
        if source.name in QUEUES:
            filled(OWN[source.name], b"{}", 2, source.name)
    changed(OWN["sqs"], [parse_change("Records[0].body=1")])
    nested(OWN["s3"], OWN["sns"], "sns")

    assert json.dumps(OWN) == before


def test_ids_follow_from_each_other_where_they_are_a_sequence() -> None:
    kinesis = filled(OWN["kinesis"], None, 2, "kinesis")["Records"]
    first, second = (record["kinesis"]["sequenceNumber"] for record in kinesis)
    assert int(second) == int(first) + 1
    assert kinesis[1]["eventID"].endswith(f":{second}")
    kafka = filled(OWN["kafka"], None, 3, "kafka")["records"]["topic-0"]
    assert [record["offset"] for record in kafka] == [15, 16, 17]
    s3 = filled(OWN["s3"], None, 2, "s3")["Records"]
    assert [r["s3"]["object"]["key"] for r in s3] == [
        "uploads/a+photo.jpg",
        "uploads/a+photo-2.jpg",
    ]


def test_sqs_has_the_digest_of_its_body() -> None:
    (record,) = filled(OWN["sqs"], "höflich".encode(), None, "sqs")["Records"]

    assert record["md5OfBody"] == hashlib.md5("höflich".encode()).hexdigest()  # noqa: S324
    body = OWN["sqs"]["Records"][0]
    assert body["md5OfBody"] == hashlib.md5(body["body"].encode()).hexdigest()  # noqa: S324


def test_dynamodb_gets_an_item_in_plain_json_or_in_its_own() -> None:
    plain = b'{"id": "7", "n": 1.5, "t": true, "l": [null, {"a": "b"}]}'
    (record,) = filled(OWN["dynamodb"], plain, None, "dynamodb")["Records"]
    image = {
        "id": {"S": "7"},
        "n": {"N": "1.5"},
        "t": {"BOOL": True},
        "l": {"L": [{"NULL": True}, {"M": {"a": {"S": "b"}}}]},
    }
    assert record["dynamodb"]["NewImage"] == image
    assert record["dynamodb"]["Keys"] == {"id": {"S": "7"}}
    again = filled(OWN["dynamodb"], json.dumps(image).encode(), None, "dynamodb")["Records"][0]
    assert again["dynamodb"]["NewImage"] == image
    with pytest.raises(LambdabuildError, match="the new item: an object of JSON"):
        filled(OWN["dynamodb"], b"text", None, "dynamodb")


def test_attributes_of_nothing_are_attributes() -> None:
    assert attribute({}) == {"M": {}}
    assert attribute([]) == {"L": []}


def test_a_request_with_a_body_is_no_get() -> None:
    for name, place in (("rest", ("httpMethod",)), ("http", ("requestContext", "http", "method"))):
        event = filled(OWN[name], b"{}", None, name)
        for step in place:
            event = event[step]
        assert event == "POST"


def test_the_detail_of_eventbridge_is_json() -> None:
    assert filled(OWN["eventbridge"], b'{"a": 1}', None, "eventbridge")["detail"] == {"a": 1}
    with pytest.raises(LambdabuildError, match="its detail, which is JSON"):
        filled(OWN["eventbridge"], b"a", None, "eventbridge")


@pytest.mark.parametrize("name", ["s3", "ses", "appsync", "cognito", "token-authorizer"])
def test_what_has_no_body_says_so(name: str) -> None:
    with pytest.raises(LambdabuildError, match="has no body"):
        filled(OWN[name], b"a", None, name)


def test_a_number_of_records_needs_records() -> None:
    with pytest.raises(LambdabuildError, match="--count is for records, and `rest` has none"):
        filled(OWN["rest"], None, 2, "rest")
    with pytest.raises(LambdabuildError, match="from 1 to 10000, not 10001"):
        filled(OWN["sqs"], None, 10_001, "sqs")


@pytest.mark.parametrize("name", ["sqs", "sns", "kinesis", "firehose", "kafka", "logs", "rest"])
def test_an_event_is_the_body_of_another(name: str) -> None:
    event = nested(OWN["s3"], OWN[name], name)
    body = event["body"].encode() if name == "rest" else body_in(event)

    assert json.loads(body) == OWN["s3"]


def test_a_notification_arrives_in_a_queue_as_sns_sends_it() -> None:
    inside = nested(OWN["s3"], OWN["sns"], "sns", 2)
    messages = nested(inside, OWN["sqs"], "sqs")["Records"]

    assert len(messages) == 2
    assert len({message["messageId"] for message in messages}) == 2
    bodies = [json.loads(message["body"]) for message in messages]
    assert [json.loads(body["Message"]) for body in bodies] == [OWN["s3"], OWN["s3"]]
    assert {"Type", "MessageId", "TopicArn", "SigningCertURL", "UnsubscribeURL"} <= set(bodies[0])
    assert bodies[0]["MessageId"] != bodies[1]["MessageId"]


@pytest.mark.parametrize(
    ("change", "path", "value"),
    [
        ("Records[0].body=hello", ("Records", 0, "body"), "hello"),
        ("Records[0].body=", ("Records", 0, "body"), ""),
        ("Records[0].attributes.n=3", ("Records", 0, "attributes", "n"), 3),
        ('Records[0].body="3"', ("Records", 0, "body"), "3"),
        ("Records[0].body=3", ("Records", 0, "body"), "3"),
        ('Records[0].body={"id": 1}', ("Records", 0, "body"), '{"id": 1}'),
        ("Records[0].body=null", ("Records", 0, "body"), None),
        ('Records[0]["a.b"]=[1]', ("Records", 0, "a.b"), [1]),
        ("a.b.c=true", ("a", "b", "c"), True),
        ("Records=null", ("Records",), None),
        ("Records[*].x=a=b", ("Records", 0, "x"), "a=b"),
        ("detail-type=x", ("detail-type",), "x"),
    ],
)
def test_any_value_can_be_set(change: str, path: tuple[str | int, ...], value: object) -> None:
    event = changed(OWN["sqs"], [parse_change(change)])
    for step in path:
        event = event[step]

    assert event == value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("Records", "`--set Records` names no value"),
        ("=1", "`--set =1` names no value"),
        ("Records[1].body=x", "there is no [1] in a list of 1"),
        ("Records.body=x", "`body` is a name, and that is no object"),
        ("Records[0][0]=x", "an index is for a list, and that is none"),
        ("Records[x]=x", "`Records[x]` is no path: `[x]` is not understood"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(change: str, message: str) -> None:
    with pytest.raises(LambdabuildError) as caught:
        changed(OWN["sqs"], [parse_change(change)])

    assert message in str(caught.value)
