"""Tell which records of a batch an answer reports as failed, as Lambda would take it.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
"""

import base64
import json
from collections.abc import Collection, Sequence
from typing import Any

from lambdabuild.core.text import counted, one_line
from lambdabuild.local.events.records import KINDS, Record, all_records, kind_of

_MOST = 20
"""Records that are named."""
_ORDERED = {"kinesis", "dynamodb", "kafka"}
"""Of these, all that follows the first failure is delivered again."""


def report(payload: bytes, response: bytes) -> list[str]:
    """Return lines that say which records of an event failed; none where all is well.

    `payload` and `response` are as they were sent.
    """
    try:
        event, answer = json.loads(payload), json.loads(response)
    except ValueError:
        return []
    records = all_records(event)
    if not records or not isinstance(answer, dict):
        return []
    kind = kind_of(records[0][1])
    if kind == "firehose":
        return _transformed(records, answer)
    if "batchItemFailures" in answer and kind in {"sqs", "kinesis", "dynamodb", "kafka"}:
        return _failed(kind, records, answer["batchItemFailures"])
    return []


def _failed(kind: str, records: Sequence[tuple[str, Record]], failures: Any) -> list[str]:
    if failures in (None, []):
        return []
    whole = "so the whole batch fails"
    if not isinstance(failures, list):
        return [f"batchItemFailures is no list, {whole}"]
    known = {_identifier(kind, record): (place, record) for place, record in records}
    wrong: list[str] = []
    failed: dict[str, str] = {}
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        key = identifier if isinstance(identifier, str) else json.dumps(identifier, sort_keys=True)
        if not identifier:
            wrong.append(f"an itemIdentifier is missing or empty, {whole}")
        elif key not in known:
            what = one_line(str(identifier))
            wrong.append(f"no record has the itemIdentifier `{what}`, {whole}")
        else:
            failed[known[key][0]] = str(identifier)
    lines = list(dict.fromkeys(wrong))
    if failed:
        lines.append(f"{len(failed)} of {counted(len(records), 'record')} failed:")
        lines += _named(failed)
        if not wrong and kind in _ORDERED:
            again = _from_first(records, set(failed))
            lines.append(
                f"Lambda would deliver {counted(again, 'record')} again: all from the first failure on"
            )
        elif not wrong:
            lines.append(f"Lambda would deliver {'it' if len(failed) == 1 else 'them'} again")
    return lines


def _from_first(records: Sequence[tuple[str, Record]], failed: Collection[str]) -> int:
    """Return how many records follow the first that failed, with it, in each shard or partition."""
    begun: set[str] = set()
    count = 0
    for place, _ in records:
        shard = place.rpartition("[")[0]
        if place in failed:
            begun.add(shard)
        count += shard in begun
    return count


def _identifier(kind: str, record: Record) -> str:
    identify = KINDS[kind].identifier
    if identify is not None:
        return identify(record)
    # https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
    name = f"{record.get('topic')}-{record.get('partition')}"
    return json.dumps({"offset": record.get("offset"), "partition": name}, sort_keys=True)


def _named(failed: dict[str, str]) -> list[str]:
    lines = [f"  {one_line(place)} ({one_line(what)})" for place, what in failed.items()]
    return lines[:_MOST] + ([f"  and {len(lines) - _MOST} more"] if len(lines) > _MOST else [])


def _transformed(records: Sequence[tuple[str, Record]], answer: dict[str, Any]) -> list[str]:
    results = answer.get("records")
    if not isinstance(results, list):
        return ["the answer has no `records`, so Firehose takes all for failed"]
    by_id = {str(r.get("recordId")): r for r in results if isinstance(r, dict)}
    failed: dict[str, str] = {}
    dropped = 0
    for place, record in records:
        result = by_id.get(str(record.get("recordId")))
        if result is None:
            failed[place] = "no result has its recordId"
        elif result.get("result") == "Dropped":
            dropped += 1
        elif result.get("result") == "ProcessingFailed":
            failed[place] = "ProcessingFailed"
        elif result.get("result") != "Ok":
            failed[place] = (
                f"result `{result.get('result')}` is none of Ok, Dropped, ProcessingFailed"
            )
        elif not _is_base64(result.get("data")):
            failed[place] = "its data is not base64"
    lines = []
    if failed:
        lines.append(f"{len(failed)} of {counted(len(records), 'record')} failed:")
        lines += _named(failed)
    if dropped:
        lines.append(f"{dropped} of {counted(len(records), 'record')} dropped")
    return lines


def _is_base64(data: object) -> bool:
    if not isinstance(data, str):
        return False
    try:
        base64.b64decode(data, validate=True)
    except ValueError:
        return False
    return True
