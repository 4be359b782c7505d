"""Choose the event of a call: given, a sample, or what the function's handler takes."""

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from lambdabuild.core.build import Adapter
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Package
from lambdabuild.core.text import one_line, size
from lambdabuild.local.events.catalogue import (
    BY_NAME,
    TYPED,
    Event,
    Source,
    is_of_library,
    own_events,
    sources_of,
)
from lambdabuild.local.events.filling import Change, changed, compact, filled, nested
from lambdabuild.local.events.handlers.handlers import Handler, handler_of
from lambdabuild.local.events.handlers.packages import Packages
from lambdabuild.local.events.handlers.skeleton import skeleton
from lambdabuild.local.events.handlers.types import Named, Pointer, Type, shown
from lambdabuild.local.events.samples import Sample, library_of, parsed, sample
from lambdabuild.local.functions import PAYLOAD_LIMIT


class Wanted(NamedTuple):
    """What the command line says of an event."""

    data: bytes | None = None
    """JSON, as it was given."""
    origin: str = "--data"
    """Where that is from, for errors."""
    event: str | None = None
    """A source, a file of testdata, or a path; empty for what the handler takes."""
    inside: tuple[str, ...] = ()
    """The events that it comes in, from the inside out."""
    body: bytes | None = None
    records: int | None = None
    """How many."""
    changes: tuple[Change, ...] = ()

    @property
    def shapes(self) -> bool:
        """Whether an event is to be changed."""
        return (
            bool(self.inside or self.changes) or self.body is not None or self.records is not None
        )


class Subject(NamedTuple):
    """A function, and the packages that it is made of."""

    name: str
    graph: Mapping[str, Package]
    package: str
    """Its import path."""
    adapter: Adapter | None = None
    """What starts it, where it does not itself."""


class Taken(NamedTuple):
    """What a function's handler takes."""

    handler: Handler
    type: str
    """As Go writes it; empty where it takes nothing."""
    source: Source | None
    """What sends that; None for a type of the user's own."""
    sample: Sample


def event_of(wanted: Wanted, subject: Callable[[], Subject | None], working: str) -> Sample:
    """Return the event, and where it is from.

    `subject` is asked for only where it matters; it may return None where there is no function.
    """
    if wanted.data is not None:
        found = Sample(parsed(wanted.data, wanted.origin), wanted.origin)
        base = wanted.origin
    elif wanted.event:
        found, base = _sample(wanted.event, subject(), working), wanted.event
    elif wanted.event is not None or wanted.shapes:
        found, base = _of_handler(subject())
    else:
        return Sample({}, "nothing was given")
    if not wanted.shapes:
        return found
    return found._replace(event=_shaped(found.event, base, wanted, subject, working))


class Payload(NamedTuple):
    """An event as it is sent, and where it is from."""

    content: bytes
    origin: str


def payload_of(wanted: Wanted, subject: Callable[[], Subject | None], working: str) -> Payload:
    """Return the event as it is sent: data that was given, and is not changed, byte for byte."""
    found = event_of(wanted, subject, working)
    payload = compact(found.event)
    if wanted.data is not None and not wanted.shapes:
        payload = wanted.data
    if len(payload) > PAYLOAD_LIMIT:
        raise LambdabuildError(
            f"the event has {size(len(payload))}, and Lambda takes {PAYLOAD_LIMIT} bytes",
            hint="fewer records, with --count, or a smaller body",
        )
    return Payload(payload, found.origin)


def _sample(word: str, subject: Subject | None, working: str) -> Sample:
    """Return the sample that a word means to a function.

    eawsy's types have a narrower idea of some events than the samples of aws-lambda-go, which a module
    may have as well: there, one of our own comes first.
    """
    library = library_of(subject.graph) if subject is not None else None
    if subject is not None and subject.adapter is not None and word in own_events():
        library = None
    return sample(word, library, working)


def mismatch(wanted: Wanted, subject: Subject) -> str | None:
    """Return a sentence if a handler takes another event than the named one; None where it may fit."""
    outer = wanted.inside[-1] if wanted.inside else wanted.event
    source = BY_NAME.get(outer or "")
    if source is None:
        return None
    handler = handler_of(Packages(subject.graph), subject.package, subject.adapter)
    if handler is None or handler.input is None or not handler.known:
        return None
    known = _known(handler.input, Packages(subject.graph))
    expected = _sources(known)
    if not expected or source in expected or source.name not in TYPED:
        return None
    return (
        f"`{one_line(subject.name)}` takes {_in_go(known, subject.package)}: that is "
        f"`{expected[0].name}`, not `{source.name}`"
    )


def _shaped(
    event: Event,
    base: str,
    wanted: Wanted,
    subject: Callable[[], Subject | None],
    working: str,
) -> Event:
    """Return an event with the body in it, in the events that it comes in, changed."""
    count = wanted.records
    if not wanted.inside:
        event = filled(event, wanted.body, count, base)
    else:
        event = filled(event, wanted.body, None, base)
        about = subject()
        *before, last = wanted.inside
        for word in before:
            event = nested(event, _sample(word, about, working).event, word)
        event = nested(event, _sample(last, about, working).event, last, count)
    return changed(event, wanted.changes)


def _of_handler(subject: Subject | None) -> tuple[Sample, str]:
    if subject is None:
        raise LambdabuildError("which event is meant?", hint="`lambdabuild events` lists them")
    found = taken_by(subject)
    return found.sample, found.source.name if found.source is not None else found.type


def taken_by(subject: Subject) -> Taken:
    """Return what a function's handler takes, as its sources say."""
    packages = Packages(subject.graph)
    handler = handler_of(packages, subject.package, subject.adapter)
    name = one_line(subject.name)
    by_hand = "name the event, as in `--event sqs`, or give one with --data"
    if handler is None:
        raise LambdabuildError(
            f"what `{name}` takes is not seen in its sources: {_nothing_starts(subject.adapter)}",
            hint=by_hand,
        )
    if not handler.known:
        what = shown(handler.input) if handler.input is not None else "?"
        raise LambdabuildError(
            f"the handler of `{name}` takes any JSON"
            if what != "?"
            else f"what the handler of `{name}` takes is not seen in its sources",
            file=handler.file,
            line=handler.line,
            hint=by_hand,
        )
    if handler.input is None:
        return Taken(handler, "", None, Sample({}, "the handler takes no event"))
    known = _known(handler.input, packages)
    source = next(iter(_sources(known)), None)
    text = _in_go(handler.input, subject.package)
    if isinstance(known, Named) and is_of_library(known.package) and shown(known) not in text:
        text = f"{shown(known)} ({text})"
    if source is not None:
        try:
            return Taken(handler, text, source, _sample(source.name, subject, os.sep))
        except LambdabuildError:
            # It is in testdata alone, and that is not there.
            pass
    made = Sample(skeleton(known, packages), f"a skeleton of {text}")
    return Taken(handler, text, source, made)


def _nothing_starts(adapter: Adapter | None) -> str:
    if adapter is None:
        return "there is no call of lambda.Start"
    if adapter.handler is None:
        return "there is no call of runtime.HandleFunc or runtime.Handle"
    return f"there is no `{adapter.handler}`"


def _in_go(kind: Type, main: str) -> str:
    """Return a type as the function's own sources would write it, if with its package."""
    if isinstance(kind, Pointer):
        return f"*{_in_go(kind.element, main)}"
    if isinstance(kind, Named) and kind.package == main:
        kind = kind._replace(package="main")
    return shown(kind)


def _known(kind: Type, packages: Packages) -> Type:
    """Return what a type is another name for, where that is one of the library's."""
    if isinstance(kind, Pointer):
        kind = kind.element

    def is_of_one(named: Named) -> bool:
        return is_of_library(named.package)

    below = packages.underlying(kind, is_of_one)
    return below if isinstance(below, Named) and is_of_one(below) else kind


def _sources(kind: Type) -> tuple[Source, ...]:
    return sources_of(kind.package, kind.name) if isinstance(kind, Named) else ()
