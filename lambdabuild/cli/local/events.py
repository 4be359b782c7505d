"""Show the events that can be injected: what there is, a sample, what a handler takes, kept calls."""

import os
import time

from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.text import one_line, size
from lambdabuild.invoke import look
from lambdabuild.local.events.catalogue import BY_NAME, SOURCES
from lambdabuild.local.events.samples import library_of, names_of
from lambdabuild.local.events.wanted import Subject, Wanted, event_of, taken_by
from lambdabuild.local.recording.calls import Calls
from lambdabuild.output.streams import print_columns, print_json
from lambdabuild.state.store import Home
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import overview


def list_events() -> None:
    """Print every event that there is a name for."""
    rows = [(source.name, source.about, ", ".join(source.types[:1])) for source in SOURCES]
    print_columns(("event", "from", "handler takes"), rows)


def list_calls(session: Session) -> None:
    """Print the calls that are kept, oldest first."""
    calls = Calls(session.paths.project).listed()
    if not calls:
        session.tools.console.say("no call was kept yet: `lambdabuild invoke NAME` keeps each")
    print_columns(
        ("id", "function", "when", "took", "payload", "ended"),
        [
            (
                call.id,
                call.function,
                time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(call.time)),
                f"{call.seconds * 1000:.0f} ms",
                size(call.payload_size),
                (call.error_type or "failed") if call.failed else "ok",
            )
            for call in calls
        ],
    )


def show_event(session: Session, word: str, wanted: Wanted) -> None:
    """Print the event that a word means: of a source, a file, or a function's handler.

    stdout has its JSON alone, stderr where it is from.
    """
    console, working = session.tools.console, session.paths.working
    if _names_event(word, working):
        found = event_of(wanted._replace(event=word), lambda: _anything(session), working)
        console.say(f"{one_line(word)}: {found.origin}")
    else:
        subject = _function(session, word)
        if subject is None:
            found = event_of(wanted._replace(event=word), lambda: _anything(session), working)
            console.say(f"{one_line(word)}: {found.origin}")
        else:
            _tell(session, subject)
            found = event_of(wanted._replace(event=""), lambda: subject, working)
    print_json(found.event)


def _names_event(word: str, working: str) -> bool:
    return word in BY_NAME or (
        word.endswith(".json") and os.path.isfile(os.path.join(working, word))
    )


def _anything(session: Session) -> Subject | None:
    """Return some function that is built with the library; None where nothing can be loaded."""
    home = Home(session.paths.project, session.tools.environment, session.paths.home)
    try:
        there = overview(session, (), home.load(), time.time_ns())
    except LambdabuildError:
        return None
    graphs = there.discovery.graphs.values()
    graph = next((graph for graph in graphs if library_of(graph) is not None), None)
    return Subject("", graph, "") if graph is not None else None


def _function(session: Session, word: str) -> Subject | None:
    """Return the function of a name; None where the word is a file of the library's testdata."""
    try:
        return look(session, word)
    except LambdabuildError as error:
        anything = _anything(session)
        names = names_of(library_of(anything.graph)) if anything is not None else []
        if word.removesuffix(".json") in names:
            return None
        near = did_you_mean(word, [*BY_NAME, *names])
        if near is not None and error.message.startswith("no function matches"):
            raise LambdabuildError(
                f"there is no event and no function `{one_line(word)}`", hint=near
            ) from error
        raise


def _tell(session: Session, subject: Subject) -> None:
    """Say what the handler of a function takes, and where that is seen."""
    console, relative = session.tools.console, session.paths.relative
    taken = taken_by(subject)
    what = taken.type or "no event"
    of = f": {taken.source.name}" if taken.source is not None else ""
    place = f"{relative(taken.handler.file)}:{taken.handler.line}"
    console.say(f"{one_line(subject.name)} takes {what}{of} ({place})")
    if taken.type:
        console.say(f"this is {taken.sample.origin}")
