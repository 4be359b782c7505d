"""Know the records of an event: where their bodies are, and what tells them apart."""

import base64
import copy
import gzip
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.events.catalogue import Event

Record = dict[str, Any]


class Kind(NamedTuple):
    """What is to be known of the records of one source."""

    fill: Callable[[Record, bytes], None] | None
    """Puts a body into a record; None where there is none."""
    renew: Callable[[Record, int], None]
    """Makes a copy another record: the number is from 1."""
    identifier: Callable[[Record], str] | None = None
    """Returns what an answer calls a record that failed."""


def kind_of(record: Record) -> str:
    """Return the source of a record; empty where it is none that is known."""
    source = str(record.get("eventSource") or record.get("EventSource") or "")
    source = source.removeprefix("aws:")
    marks = {"Sns": "sns", "dynamodb": "dynamodb", "kinesis": "kinesis", "s3": "s3", "ses": "ses"}
    found = next((name for mark, name in marks.items() if mark in record), source)
    if found in KINDS:
        return found
    if "recordId" in record and "data" in record:
        return "firehose"
    if "topic" in record and "value" in record:
        return "kafka"
    if "data" in record and ("messageID" in record or "basicProperties" in record):
        return "mq"
    return ""


def batch_of(event: Event) -> list[Record]:
    """Return the records of an event, as the list that is in it; empty where it has none."""
    if not isinstance(event, dict):
        return []
    for name in ("Records", "records", "messages", "rmqMessagesByQueue"):
        found = event.get(name)
        if isinstance(found, dict):
            found = next(iter(found.values()), None)
        if isinstance(found, list) and found and all(isinstance(one, dict) for one in found):
            return found
    return []


def all_records(event: Event) -> list[tuple[str, Record]]:
    """Return every record of an event with where it is: `Records[0]`."""
    if not isinstance(event, dict):
        return []
    found: list[tuple[str, Record]] = []
    for name in ("Records", "records", "messages", "rmqMessagesByQueue"):
        below = event.get(name)
        lists = {name: below} if isinstance(below, list) else {}
        if isinstance(below, dict):
            lists = {f"{name}.{key}": value for key, value in below.items()}
        for place, records in lists.items():
            if isinstance(records, list):
                found += [
                    (f"{place}[{n}]", r) for n, r in enumerate(records) if isinstance(r, dict)
                ]
    return found


def text_of(body: bytes, what: str) -> str:
    """Return a body as text; an error says what cannot hold bytes."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise LambdabuildError(f"the body of {what} is text, and this is not UTF-8") from error


def _fill_sqs(record: Record, body: bytes) -> None:
    record["body"] = text_of(body, "a message of SQS")
    record["md5OfBody"] = hashlib.md5(body, usedforsecurity=False).hexdigest()


def _renew_sqs(record: Record, number: int) -> None:
    record["messageId"] = _identity(record.get("messageId"), number)
    record["receiptHandle"] = f"{record.get('receiptHandle', '')}-{number}"
    attributes = record.get("attributes", {})
    if "SequenceNumber" in attributes:
        attributes["SequenceNumber"] = _counted_up(attributes["SequenceNumber"], number)


def _fill_sns(record: Record, body: bytes) -> None:
    record["Sns"]["Message"] = text_of(body, "a notification of SNS")


def _renew_sns(record: Record, number: int) -> None:
    record["Sns"]["MessageId"] = _identity(record["Sns"].get("MessageId"), number)


def _in_base64(body: bytes) -> str:
    return base64.b64encode(body).decode()


def _fill_kinesis(record: Record, body: bytes) -> None:
    record["kinesis"]["data"] = _in_base64(body)


def _renew_kinesis(record: Record, number: int) -> None:
    inner = record["kinesis"]
    inner["sequenceNumber"] = _counted_up(inner.get("sequenceNumber", "0"), number)
    shard = str(record.get("eventID", "shardId-000000000000")).partition(":")[0]
    record["eventID"] = f"{shard}:{inner['sequenceNumber']}"


def _fill_data(record: Record, body: bytes) -> None:
    record["data"] = _in_base64(body)


def _renew_firehose(record: Record, number: int) -> None:
    identity = str(record.get("recordId", "0"))
    record["recordId"] = (
        _counted_up(identity, number) if identity.isdecimal() else f"{identity}-{number}"
    )


def _fill_kafka(record: Record, body: bytes) -> None:
    record["value"] = _in_base64(body)


def _renew_kafka(record: Record, number: int) -> None:
    record["offset"] = int(record.get("offset", 0)) + number - 1


def _renew_mq(record: Record, number: int) -> None:
    if "messageID" in record:
        record["messageID"] = f"{record['messageID']}-{number}"


def _fill_dynamodb(record: Record, body: bytes) -> None:
    try:
        item = json.loads(body)
    except ValueError:
        item = None
    if not isinstance(item, dict):
        raise LambdabuildError(
            "the body of a DynamoDB record is the new item: an object of JSON",
            hint="""such as --body '{"id": "1", "count": 2}'""",
        )
    image = item if item and all(map(is_attribute, item.values())) else attribute(item)["M"]
    change = record["dynamodb"]
    keys = {name: image[name] for name in change.get("Keys", {}) if name in image}
    change["Keys"] = keys or dict(list(image.items())[:1])
    change["NewImage"] = image
    change.pop("OldImage", None)
    record["eventName"] = "INSERT"


def _renew_dynamodb(record: Record, number: int) -> None:
    record["eventID"] = _identity(record.get("eventID"), number).replace("-", "")
    change = record["dynamodb"]
    change["SequenceNumber"] = _counted_up(change.get("SequenceNumber", "0"), number)


def _renew_s3(record: Record, number: int) -> None:
    object_ = record["s3"]["object"]
    stem, dot, extension = str(object_.get("key", "")).rpartition(".")
    object_["key"] = f"{stem}-{number}.{extension}" if dot else f"{extension}-{number}"
    object_["sequencer"] = f"{object_.get('sequencer', '')}{number:04X}"


def _renew_ses(record: Record, number: int) -> None:
    mail = record["ses"]["mail"]
    mail["messageId"] = f"{mail.get('messageId', '')}{number}"


KINDS: Mapping[str, Kind] = {
    "sqs": Kind(_fill_sqs, _renew_sqs, lambda r: str(r.get("messageId"))),
    "sns": Kind(_fill_sns, _renew_sns),
    "kinesis": Kind(
        _fill_kinesis, _renew_kinesis, lambda r: str(r["kinesis"].get("sequenceNumber"))
    ),
    "dynamodb": Kind(
        _fill_dynamodb, _renew_dynamodb, lambda r: str(r["dynamodb"].get("SequenceNumber"))
    ),
    "firehose": Kind(_fill_data, _renew_firehose, lambda r: str(r.get("recordId"))),
    "kafka": Kind(_fill_kafka, _renew_kafka),
    "mq": Kind(_fill_data, _renew_mq),
    "s3": Kind(None, _renew_s3),
    "ses": Kind(None, _renew_ses),
}


def numbered(record: Record, number: int) -> Record:
    """Return a record as the one of a number from 1: the first as it is, others with ids of their own."""
    made = copy.deepcopy(record)
    if number > 1:
        KINDS[kind_of(record)].renew(made, number)
    return made


def _identity(before: object, number: int) -> str:
    """Return a UUID that follows from another id, the same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{before} {number}"))


def _counted_up(before: object, number: int) -> str:
    """Return a number of a sequence, as text of the same length."""
    text = str(before)
    if not text.isdecimal():
        return f"{text}{number}"
    return str(int(text) + number - 1).zfill(len(text))


def is_attribute(value: object) -> bool:
    """Return whether a value is one as DynamoDB has it: `{"S": "text"}`."""
    kinds = {"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"}
    return isinstance(value, dict) and len(value) == 1 and set(value) <= kinds


def attribute(value: Any) -> dict[str, Any]:
    """Return a JSON value as DynamoDB has it.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
    """
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float):
        return {"N": json.dumps(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, list):
        return {"L": [attribute(one) for one in value]}
    return {"M": {name: attribute(one) for name, one in value.items()}}


def packed_logs(value: Any) -> str:
    """Return log data as CloudWatch Logs sends it: gzip, in base64; the same each time."""
    text = json.dumps(value, separators=(",", ":"))
    return _in_base64(gzip.compress(text.encode(), mtime=0))


def unpacked_logs(data: str) -> Any:
    """Return log data that CloudWatch Logs has packed."""
    return json.loads(gzip.decompress(base64.b64decode(data)))
