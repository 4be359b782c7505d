"""Make an event of a sample: bodies, more records, one event in another, single values."""

import base64
import copy
import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.text import one_line
from lambdabuild.local.events.catalogue import Event
from lambdabuild.local.events.records import (
    KINDS,
    batch_of,
    kind_of,
    numbered,
    packed_logs,
    text_of,
    unpacked_logs,
)

MOST_RECORDS = 10_000
"""The largest batch that Lambda delivers, of any source.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
"""
_STEP = re.compile(r"""\.?([^.\[\]"]+)|\[(\d+|\*)\]|\["((?:[^"\\]|\\.)*)"\]""")


def compact(event: Event) -> bytes:
    """Return an event as it is sent."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def filled(event: Event, body: bytes | None, count: int | None, what: str) -> Event:
    """Return an event with a body in each record, and as many records as asked for.

    With a body and no count there is one. Other records than the first have ids of their own, which
    are the same each time. `what` is the event's name, for errors.
    """
    if body is None and count is None:
        return event
    event = copy.deepcopy(event)
    if isinstance(event, dict) and isinstance(event.get("awslogs"), dict):
        _fill_logs(event["awslogs"], body, 1 if count is None else count)
        return event
    batch = batch_of(event)
    kind = kind_of(batch[0]) if batch else ""
    if count is not None and not 1 <= count <= MOST_RECORDS:
        raise LambdabuildError(f"--count is a whole number from 1 to {MOST_RECORDS}, not {count}")
    if not kind:
        if count is not None and count != 1:
            raise LambdabuildError(f"--count is for records, and `{what}` has none")
        return event if body is None else _with_body(event, body, what)
    first = batch[0]
    if body is not None:
        fill = KINDS[kind].fill
        if fill is None:
            raise _no_body(what)
        fill(first, body)
    batch[:] = [numbered(first, number + 1) for number in range(count or 1)]
    return event


def _no_body(what: str) -> LambdabuildError:
    return LambdabuildError(
        f"`{what}` has no body",
        hint="--set changes any value, as in --set 'Records[0].s3.object.key=\"a.jpg\"'; "
        "--data gives the whole event",
    )


def _fill_logs(packed: dict[str, Any], body: bytes | None, count: int) -> None:
    value = unpacked_logs(packed["data"])
    (first, *_) = value["logEvents"]
    if body is not None:
        first["message"] = text_of(body, "a log event")
    value["logEvents"] = [
        {**first, "id": str(int(first["id"]) + number).zfill(len(first["id"]))}
        for number in range(count)
    ]
    packed["data"] = packed_logs(value)


def _with_body(event: Event, body: bytes, what: str) -> Event:
    if not isinstance(event, dict):
        raise _no_body(what)
    if "detail-type" in event:
        try:
            event["detail"] = json.loads(body)
        except ValueError as error:
            raise LambdabuildError(
                "the body of an event of EventBridge is its detail, which is JSON",
                hint="""such as --body '{"id": "1"}'""",
            ) from error
        return event
    if "requestContext" not in event or {"routeArn", "methodArn"} & set(event):
        raise _no_body(what)
    try:
        event["body"], event["isBase64Encoded"] = body.decode(), False
    except UnicodeDecodeError:
        event["body"], event["isBase64Encoded"] = base64.b64encode(body).decode(), True
    _tell_size(event, len(body))
    return _posted(event)


def _tell_size(event: dict[str, Any], size: int) -> None:
    for kind in ("headers", "multiValueHeaders"):
        headers: dict[str, Any] = event.get(kind) or {}
        for name, value in headers.items():
            if name.lower() == "content-length":
                headers[name] = [str(size)] if isinstance(value, list) else str(size)


def _posted(event: dict[str, Any]) -> dict[str, Any]:
    """Return a request that has a body: of GET and HEAD it is a POST."""
    context: dict[str, Any] = event["requestContext"]
    http: dict[str, Any] = context.get("http") or {}
    for holder, name in ((event, "httpMethod"), (context, "httpMethod"), (http, "method")):
        if holder.get(name) in {"GET", "HEAD"}:
            holder[name] = "POST"
    return event


def texts_of(event: Event) -> list[bytes]:
    """Return what another service gets of an event: of SNS each notification, else all of it.

    https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    """
    batch = batch_of(event)
    if not batch or kind_of(batch[0]) != "sns":
        return [compact(event)]
    renamed = {"SigningCertUrl": "SigningCertURL", "UnsubscribeUrl": "UnsubscribeURL"}
    return [
        compact({renamed.get(name, name): value for name, value in record["Sns"].items()})
        for record in batch
    ]


def nested(inner: Event, outer: Event, what: str, count: int | None = None) -> Event:
    """Return `outer` with the JSON text of another event as its body.

    The notifications of an event of SNS become records of their own.
    """
    texts = texts_of(inner)
    made = filled(outer, texts[0], count, what)
    batch = batch_of(made)
    for text in texts[1:]:
        further = batch_of(filled(outer, text, 1, what))
        start = len(batch)
        batch += [numbered(record, start + n + 1) for n, record in enumerate(further)]
    return made


class Change(NamedTuple):
    """A value to set: what `--set PATH=VALUE` says."""

    path: str
    value: Any
    text: str = ""
    """The value as it was written."""


def parse_change(text: str) -> Change:
    """Return what `PATH=VALUE` says; a value that is no JSON is a text."""
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise LambdabuildError(
            f"`--set {one_line(text)}` names no value",
            hint="write PATH=VALUE, as in --set 'Records[0].body=hello'",
        )
    try:
        return Change(path, json.loads(value), value)
    except ValueError:
        return Change(path, value, value)


def changed(event: Event, changes: Iterable[Change]) -> Event:
    """Return an event with other values; objects on the way to them are made where they are missing.

    Where a text is, a number or an object becomes one: `body={"id": 1}`, `id=7`.
    """
    for change in changes:
        steps = _steps(change.path)
        event = _set(copy.deepcopy(event), steps, change)
    return event


Step = str | int | None
"""A name, an index, or None for every element."""


def _steps(path: str) -> list[Step]:
    steps: list[Step] = []
    place = 0
    while place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            raise LambdabuildError(
                f"`{one_line(path)}` is no path: `{one_line(path[place:])}` is not understood",
                hint='names are divided by dots, indexes are in brackets: Records[0].body, a["b.c"]',
            )
        name, index, quoted = match.groups()
        if index is not None:
            steps.append(None if index == "*" else int(index))
        else:
            steps.append(name if name is not None else re.sub(r"\\(.)", r"\1", quoted))
        place = match.end()
    return steps


def _set(value: Any, steps: list[Step], change: Change) -> Any:
    if not steps:
        is_text = isinstance(value, str) and change.value is not None
        return change.text if is_text and not isinstance(change.value, str) else change.value
    step, *rest = steps
    if isinstance(step, str):
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise _misled(change, f"`{step}` is a name, and that is no object")
        value[step] = _set(value.get(step), rest, change)
        return value
    if not isinstance(value, list):
        raise _misled(change, "an index is for a list, and that is none")
    if step is not None and step >= len(value):
        raise _misled(change, f"there is no [{step}] in a list of {len(value)}")
    for index in range(len(value)) if step is None else (step,):
        value[index] = _set(value[index], rest, change)
    return value


def _misled(change: Change, why: str) -> LambdabuildError:
    return LambdabuildError(
        f"`--set {one_line(change.path)}` leads nowhere: {why}",
        hint="`lambdabuild events TYPE` prints the event",
    )
