"""What Go worked on is read from its action graph, which is documented nowhere."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.result import Activity, Span
from lambdabuild.golang.action_graph import Actions, parse_actions, parse_dependencies
from lambdabuild.golang.output import Timing

MAIN = "example.com/m/api/a"
LIB = "example.com/m/lib"

# What both wrote for a module of two packages of which one had been edited; all but the actions of
# these, and of one package that came from the cache, was taken out, and fields that say nothing here.
GO_1_26 = """[
  {"ID": 0, "Mode": "link-install", "Package": "example.com/m/api/a", "Deps": [1],
   "TimeStart": "2026-11-21T18:05:11.504468529+05:30",
   "TimeDone": "2026-11-21T18:05:11.50498361+05:30", "Cmd": null},
  {"ID": 1, "Mode": "link", "Package": "example.com/m/api/a", "Deps": [2, 3, 4],
   "TimeStart": "2026-11-21T18:05:11.368134547+05:30",
   "TimeDone": "2026-11-21T18:05:11.504431614+05:30", "Cmd": ["link"], "CmdReal": 125805421},
  {"ID": 2, "Mode": "build", "Package": "example.com/m/api/a", "Deps": [3, 4, 5, 6],
   "TimeStart": "2026-11-21T18:05:11.356943112+05:30",
   "TimeDone": "2026-11-21T18:05:11.368119759+05:30", "Cmd": ["compile"], "CmdReal": 10273447},
  {"ID": 3, "Mode": "build", "Package": "example.com/m/lib", "Deps": [7],
   "TimeStart": "2026-11-21T18:05:11.310245706+05:30",
   "TimeDone": "2026-11-21T18:05:11.333208788+05:30", "Cmd": ["compile"], "CmdReal": 18853313},
  {"ID": 4, "Mode": "build", "Package": "runtime", "Deps": [8],
   "TimeStart": "2026-11-21T18:05:11.356410339+05:30",
   "TimeDone": "2026-11-21T18:05:11.356419685+05:30", "Cmd": null},
  {"ID": 5, "Mode": "build check cache", "Package": "example.com/m/api/a", "Deps": [3, 4],
   "TimeStart": "2026-11-21T18:05:11.356422099+05:30",
   "TimeDone": "2026-11-21T18:05:11.35693708+05:30", "Cmd": null},
  {"ID": 6, "Mode": "nop", "Package": "", "Deps": [3, 4],
   "TimeStart": "2026-11-21T18:05:11.356576772+05:30",
   "TimeDone": "2026-11-21T18:05:11.356577103+05:30", "Cmd": null},
  {"ID": 7, "Mode": "build check cache", "Package": "example.com/m/lib",
   "TimeStart": "2026-11-21T18:05:11.30463645+05:30",
   "TimeDone": "2026-11-21T18:05:11.31024341+05:30", "Cmd": null},
  {"ID": 8, "Mode": "build check cache", "Package": "runtime",
   "TimeStart": "2026-11-21T18:05:11.333698934+05:30",
   "TimeDone": "2026-11-21T18:05:11.356005255+05:30", "Cmd": null}
]"""
GO_1_22 = """[
  {"ID": 0, "Mode": "link-install", "Package": "example.com/m/api/a", "Deps": [1],
   "TimeStart": "2026-11-21T18:05:12.017241791+05:30",
   "TimeDone": "2026-11-21T18:05:12.018047873+05:30", "Cmd": null},
  {"ID": 1, "Mode": "link", "Package": "example.com/m/api/a", "Deps": [2, 3, 4],
   "TimeStart": "2026-11-21T18:05:11.913700435+05:30",
   "TimeDone": "2026-11-21T18:05:12.017225259+05:30", "Cmd": ["link"], "CmdReal": 94218073},
  {"ID": 2, "Mode": "build", "Package": "example.com/m/api/a", "Deps": [3, 4, 5],
   "TimeStart": "2026-11-21T18:05:11.904085345+05:30",
   "TimeDone": "2026-11-21T18:05:11.913687433+05:30", "Cmd": ["compile"], "CmdReal": 8397830},
  {"ID": 3, "Mode": "build", "Package": "example.com/m/lib",
   "TimeStart": "2026-11-21T18:05:11.873154135+05:30",
   "TimeDone": "2026-11-21T18:05:11.884403662+05:30", "Cmd": ["compile"], "CmdReal": 6667252},
  {"ID": 4, "Mode": "build", "Package": "runtime",
   "TimeStart": "2026-11-21T18:05:11.887890959+05:30",
   "TimeDone": "2026-11-21T18:05:11.904078323+05:30", "Cmd": null},
  {"ID": 5, "Mode": "nop", "Package": "", "Deps": [3, 4],
   "TimeStart": "2026-11-21T18:05:11.904084088+05:30",
   "TimeDone": "2026-11-21T18:05:11.904084174+05:30", "Cmd": null}
]"""


@pytest.mark.parametrize(
    ("graph", "spans"),
    [
        (
            GO_1_26,
            [
                (Activity.LINK, "a", 0.368134, 0.504431, True),
                (Activity.COMPILE, MAIN, 0.356943, 0.368119, True),
                (Activity.COMPILE, LIB, 0.310245, 0.333208, False),
            ],
        ),
        (
            GO_1_22,
            [
                (Activity.LINK, "a", 0.913700, 1.017225, True),
                (Activity.COMPILE, MAIN, 0.904085, 0.913687, True),
                (Activity.COMPILE, LIB, 0.873154, 0.884403, False),
            ],
        ),
    ],
    ids=["newest", "oldest"],
)
def test_what_was_executed_is_told_from_what_came_from_the_cache(
    graph: str, spans: list[tuple[Activity, str, float, float, bool]]
) -> None:
    at = dt.datetime(2026, 11, 21, 12, 35, 11, tzinfo=dt.UTC)
    found = parse_actions(graph, {MAIN: "a"})
    assert [(s.activity, s.name, s.critical) for s in found.spans] == [
        (activity, name, critical) for activity, name, _, _, critical in spans
    ]
    for span, (_, _, start, end, _) in zip(found.spans, spans, strict=True):
        assert span.start - at.timestamp() == pytest.approx(start, abs=1e-5)
        assert span.end - at.timestamp() == pytest.approx(end, abs=1e-5)
    assert found.timings.keys() == {MAIN, LIB, "runtime"}
    link, compiled, shared = found.spans
    assert found.timings[MAIN] == Timing(compiled.seconds, link.seconds)
    assert found.timings[LIB] == Timing(shared.seconds, None)


def moment(second: float) -> str:
    return (dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=second)).isoformat()


def action(
    mode: str, package: str, start: float, end: float, *deps: int, ran: bool = True
) -> dict[str, Any]:
    return {
        "Mode": mode, "Package": package, "TimeStart": moment(start), "TimeDone": moment(end),
        "Deps": list(deps), "Cmd": ["x"] if ran else None,
    }  # fmt: skip


def critical(actions: list[Any]) -> list[str]:
    return [span.name for span in parse_actions(json.dumps(actions)).spans if span.critical]


def test_the_critical_path_is_the_chain_that_the_end_of_the_build_waited_for() -> None:
    assert critical(
        [
            action("go build", "", 20, 20, 1, 2, ran=False),
            action("link", "early", 8, 9, 3, 4),
            action("link", "late", 11, 20, 5, 4),
            action("build", "early", 7, 8, 6),
            action("build", "quick", 0, 1),
            action("nop", "", 10.5, 10.5, 7, ran=False),
            action("build", "shared", 0, 7),
            action("build", "late", 7, 10.5, 6, 4),
        ]
    ) == ["late", "shared", "late"]


def test_actions_that_depend_on_each_other_end_the_path() -> None:
    assert critical([action("build", "a", 0, 3, 1), action("link", "b", 1, 2, 0, 1, 99)]) == [
        "a",
        "b",
    ]


def test_cgo_is_compiling_too() -> None:
    graph = [action("cgo run", "net", 1, 2), action("cgo compile /tmp/x.c", "net", 2, 3)]
    found = parse_actions(json.dumps(graph))
    assert [(s.activity, s.name) for s in found.spans] == [(Activity.COMPILE, "net")] * 2
    assert found.timings == {}


def test_what_never_began_or_never_ended_is_left_out_and_the_others_stay() -> None:
    zero = "0001-01-01T00:00:00Z"
    graph: list[Any] = [
        action("build", "whole", 1, 3),
        {**action("build", "not begun", 0, 0), "TimeStart": zero, "TimeDone": zero},
        {**action("link", "stopped", 1, 2), "TimeDone": zero},
        {**action("link", "no zone", 1, 2), "TimeDone": "2026-01-01T00:00:00"},
        {**action("link", "soon", 1, 2), "TimeDone": "soon"},
        {"Mode": "link", "Package": "no time"},
        *(None, "x", []),
    ]
    found = parse_actions(json.dumps(graph))
    assert found.timings == {"whole": Timing(2.0, None)}
    assert [span.name for span in found.spans] == ["whole"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
fields = {
    "Mode": st.sampled_from(["build", "link", "cgo run", "nop"]) | json_values,
    "Package": st.sampled_from([MAIN, LIB]) | json_values,
    "TimeStart": st.sampled_from(["2026-11-21T04:53:47.5+01:00", "0001-01-01T00:00:00Z"])
    | json_values,
    "TimeDone": st.sampled_from(["2026-11-21T03:53:48.123456789Z", "9999-12-31T23:59:59-23:59"])
    | json_values,
    "Cmd": st.just(["x"]) | json_values,
    "Deps": st.lists(st.integers(0, 4)) | json_values,
}


@given(json_values | st.lists(st.fixed_dictionaries({}, optional=fields) | json_values, max_size=6))
def test_any_json_is_an_action_graph_or_none_at_all(value: object) -> None:
    found = parse_actions(json.dumps(value), {MAIN: "a"})
    assert all(isinstance(package, str) for package in found.timings)
    assert all(isinstance(timing, Timing) for timing in found.timings.values())
    assert all(isinstance(span, Span) and span.seconds >= 0 for span in found.spans)


@pytest.mark.parametrize("text", ["", "{", "[{]", "nonsense", "[" * 100_000, "\ufeff[]"])
def test_what_is_no_json_is_no_action_graph(text: str) -> None:
    assert parse_actions(text) == Actions({}, ())


def test_a_build_s_packages_are_known_before_they_have_times() -> None:
    actions = [
        {"Mode": "link", "Package": MAIN, "Deps": [1, 2, 3]},
        {"Mode": "build", "Package": MAIN, "Deps": [2, 3, 4, 99]},
        {"Mode": "build", "Package": LIB, "Deps": [3]},
        {"Mode": "build", "Package": "runtime", "Deps": None},
        {"Mode": "build check cache", "Package": MAIN, "Deps": [2]},
    ]
    assert parse_dependencies(json.dumps(actions)) == {
        MAIN: [LIB, "runtime"],
        LIB: ["runtime"],
        "runtime": [],
    }


@pytest.mark.parametrize("text", ["", "{}", "3", '[{"Mode": "build"}]', "[3]", "[" * 100_000])
def test_what_is_no_graph_has_no_packages(text: str) -> None:
    assert parse_dependencies(text) == {}
