"""What an answer says of the records of a batch."""

import json
from typing import Any

import pytest

from lambdabuild.local.events.batches import report
from lambdabuild.local.events.catalogue import own_events
from lambdabuild.local.events.filling import filled

OWN = own_events()


def told(name: str, count: int, answer: Any) -> list[str]:
    event = filled(OWN[name], None, count, name)
    return report(json.dumps(event).encode(), json.dumps(answer).encode())


def failures(*identifiers: object) -> dict[str, object]:
    return {"batchItemFailures": [{"itemIdentifier": one} for one in identifiers]}


def identifiers(name: str, count: int) -> list[str]:
    records = filled(OWN[name], None, count, name)["Records"]
    if name == "sqs":
        return [record["messageId"] for record in records]
    inner, key = (
        ("kinesis", "sequenceNumber") if name == "kinesis" else ("dynamodb", "SequenceNumber")
    )
    return [record[inner][key] for record in records]


@pytest.mark.parametrize("answer", [None, {}, failures(), {"batchItemFailures": None}, "x", 3])
def test_where_nothing_failed_nothing_is_told(answer: object) -> None:
    assert told("sqs", 3, answer) == []


def test_messages_that_failed_are_delivered_again() -> None:
    _, second, third = identifiers("sqs", 3)

    assert told("sqs", 3, failures(third, second)) == [
        "2 of 3 records failed:",
        f"  Records[2] ({third})",
        f"  Records[1] ({second})",
        "Lambda would deliver them again",
    ]


@pytest.mark.parametrize("name", ["kinesis", "dynamodb"])
def test_of_a_stream_all_from_the_first_failure_on_is_delivered_again(name: str) -> None:
    known = identifiers(name, 4)

    assert told(name, 4, failures(known[3], known[1])) == [
        "2 of 4 records failed:",
        f"  Records[3] ({known[3]})",
        f"  Records[1] ({known[1]})",
        "Lambda would deliver 3 records again: all from the first failure on",
    ]


def test_of_kafka_a_record_is_named_by_partition_and_offset() -> None:
    lines = told("kafka", 3, failures({"partition": "topic-0", "offset": 16}))

    assert lines[0] == "1 of 3 records failed:"
    assert lines[1].startswith("  records.topic-0[1] (")
    assert lines[2] == "Lambda would deliver 2 records again: all from the first failure on"


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (failures(""), "an itemIdentifier is missing or empty, so the whole batch fails"),
        (failures(None), "an itemIdentifier is missing or empty, so the whole batch fails"),
        ({"batchItemFailures": [{"id": "x"}]}, "an itemIdentifier is missing or empty, so the whole batch fails"),
        (failures("x"), "no record has the itemIdentifier `x`, so the whole batch fails"),
        (failures({"a": 1}), "no record has the itemIdentifier `{'a': 1}`, so the whole batch fails"),
        ({"batchItemFailures": "x"}, "batchItemFailures is no list, so the whole batch fails"),
    ],
)  # fmt: skip
def test_a_wrong_answer_fails_the_whole_batch(answer: object, line: str) -> None:
    assert told("sqs", 2, answer) == [line]


def test_many_failures_are_counted_not_all_named() -> None:
    lines = told("sqs", 30, failures(*identifiers("sqs", 30)))

    assert len(lines) == 1 + 20 + 1 + 1
    assert lines[-2:] == ["  and 10 more", "Lambda would deliver them again"]


def test_results_of_firehose_are_checked() -> None:
    records = filled(OWN["firehose"], None, 6, "firehose")["records"]
    ids = [record["recordId"] for record in records]
    results = [
        {"recordId": ids[0], "result": "Ok", "data": "YQ=="},
        {"recordId": ids[1], "result": "Dropped", "data": ""},
        {"recordId": ids[2], "result": "ProcessingFailed", "data": ""},
        {"recordId": ids[3], "result": "ok", "data": ""},
        {"recordId": ids[4], "result": "Ok", "data": "not base64"},
    ]

    assert told("firehose", 6, {"records": results}) == [
        "4 of 6 records failed:",
        "  records[2] (ProcessingFailed)",
        "  records[3] (result `ok` is none of Ok, Dropped, ProcessingFailed)",
        "  records[4] (its data is not base64)",
        "  records[5] (no result has its recordId)",
        "1 of 6 records dropped",
    ]
    assert told("firehose", 1, {}) == [
        "the answer has no `records`, so Firehose takes all for failed"
    ]


def test_what_is_no_json_says_nothing() -> None:
    assert report(b"{", b"{}") == []
    assert report(json.dumps(OWN["sqs"]).encode(), b"text") == []
