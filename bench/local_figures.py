"""List the figures of functions that run on this machine; a part of the table."""

from dataclasses import replace

from bench import edits, local
from bench.contestants import WATCH_FUNCTION
from bench.model import MIB, Contestant, Figure, Metric, Term, longer_by, stated, within
from bench.scenarios import (
    CALLED,
    CALLED_AT_ONCE,
    CALLED_FIRST,
    CALLED_OFTEN,
    SERVED_500,
    WATCHED,
)

SERVE = Contestant(
    name="serve",
    what=f"`lambdabuild serve`, by one client that makes {local.SEQUENTIAL} calls",
    command=local.command,
    outputs=lambda _: [],
    measure=local.calling,
    session=local.serving,
)
ECHO = replace(
    SERVE,
    name="h11",
    what="a server of h11 alone, which answers the same client with what it gets",
    command=local.echo_command,
    session=local.echoing,
)
SERVE_AT_ONCE = replace(
    SERVE,
    name="serve-at-once",
    what=f"`lambdabuild serve` with `concurrency = 2`, by {local.CLIENTS} clients in one process "
    f"that make {local.CONCURRENT:,} calls together; one that fails fails the run",
    measure=local.calling_at_once,
    session=local.serving_two_instances,
    workspace=SERVE.name,
)
SERVE_FIRST = replace(
    SERVE,
    name="serve-first",
    what="`lambdabuild serve --eager`; the process alone is timed from its start until it asks for "
    "an event",
    measure=local.calling_first(),
    session=local.serving_all,
    workspace=SERVE.name,
)
SERVE_SAVED = replace(
    SERVE,
    name="serve-saved",
    what="`lambdabuild serve`, from just before one function's main.go is saved until a call is "
    "answered by the new code",
    measure=local.saving(edits.FUNCTION),
    workspace=SERVE.name,
)
SERVE_OFTEN = replace(
    SERVE,
    name="serve-often",
    what=f"`lambdabuild serve`, its own process, over {local.GROWING:,} calls",
    measure=local.growing,
    workspace=SERVE.name,
)
SERVE_IDLE = replace(
    SERVE,
    name="serve-idle",
    what="`lambdabuild serve`, its whole process tree, in a minute in which nothing happens",
    measure=local.resting,
    session=local.serving_in_rest,
)

LOCAL_FIGURES = (
    Figure(
        name="serve-call",
        what="serve, one call of a function that runs, beyond an echo by h11 alone",
        scenario=CALLED,
        this=Term(SERVE, Metric.CALL),
        against=Term(ECHO, Metric.CALL),
        target=longer_by(at_most=0.001, digits=2),
    ),
    Figure(
        name="serve-rate",
        what="serve, 8 clients, one function of 2 instances, calls a second",
        scenario=CALLED_AT_ONCE,
        this=Term(SERVE_AT_ONCE, Metric.RATE),
        against=None,
        target=stated(),
    ),
    Figure(
        name="serve-first-call",
        what="serve, first call of a built function, beyond the start of its process",
        scenario=CALLED_FIRST,
        this=Term(SERVE_FIRST, Metric.CALL),
        against=Term(SERVE_FIRST, Metric.START),
        target=longer_by(at_most=0.050),
    ),
    Figure(
        name="serve-save",
        what="serve, from save to first response of the new code, beyond watch from save to new "
        "bootstrap",
        scenario=WATCHED,
        this=Term(SERVE_SAVED, Metric.WALL),
        against=Term(WATCH_FUNCTION, Metric.WALL),
        target=longer_by(at_most=0.060),
    ),
    Figure(
        name="serve-save-stale",
        what="serve, calls right after a save that the old code answered",
        scenario=WATCHED,
        this=Term(SERVE_SAVED, Metric.STALE),
        against=None,
        target=within(Metric.STALE, 0),
    ),
    Figure(
        name="serve-growth",
        what="serve, growth of memory over 10,000 calls (RSS)",
        scenario=CALLED_OFTEN,
        this=Term(SERVE_OFTEN, Metric.GROWTH),
        against=None,
        target=within(Metric.GROWTH, 5 * MIB),
    ),
    Figure(
        name="serve-idle-memory",
        what="serve, N = 500, none called, memory (RSS)",
        scenario=SERVED_500,
        this=Term(SERVE_IDLE, Metric.RESIDENT),
        against=None,
        target=within(Metric.RESIDENT, 60 * MIB),
    ),
    Figure(
        name="serve-idle-cpu",
        what="serve, N = 500, none called, CPU in an idle minute, of a core",
        scenario=SERVED_500,
        this=Term(SERVE_IDLE, Metric.IDLE_CPU),
        against=None,
        target=within(Metric.IDLE_CPU, 0.005),
    ),
)
