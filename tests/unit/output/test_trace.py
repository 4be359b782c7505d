"""A trace has every span once, and on each of its lanes spans nest."""

import json
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from lambdabuild.core.result import Activity, Span
from lambdabuild.output.trace import CLOCKS, lanes, trace_text

T0 = 1_700_000_000.0
STAGES = {
    Activity.RUN, Activity.SURVEY, Activity.GIT, Activity.GO_LIST, Activity.RESTORE,
    Activity.GO_BUILD, Activity.PUBLISH,
}  # fmt: skip

# Few moments, some of them hardly apart, so that many spans touch, nest and overlap.
moments = st.builds(
    lambda whole, rest: T0 + whole + rest,
    st.integers(0, 6),
    st.sampled_from([0.0, 0.0, 0.5, CLOCKS / 2, -CLOCKS / 2, 1e-7, 0.9 * CLOCKS]),
)
spans = st.lists(
    st.builds(
        Span,
        activity=st.sampled_from(Activity),
        name=st.sampled_from(["", "users-get", "net/http", '"</script>\x00ü\ud800']),
        start=moments,
        end=moments,
        critical=st.booleans(),
    ),
    max_size=14,
)


def events(trace: str, phase: str = "X") -> list[dict[str, Any]]:
    return [event for event in json.loads(trace)["traceEvents"] if event["ph"] == phase]


def lane_names(trace: str) -> dict[int, str]:
    return {
        event["tid"]: event["args"]["name"]
        for event in events(trace, "M")
        if event["name"] == "thread_name"
    }


def by_lane(trace: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    found = events(trace)
    for thread, name in lane_names(trace).items():
        yield name, [event for event in found if event["tid"] == thread]


def nest(one: tuple[int, int], other: tuple[int, int]) -> bool:
    (a, b), (c, d) = one, other
    return b <= c or d <= a or a <= c <= d <= b or c <= a <= b <= d


@given(spans)
@example([])
@example([Span(Activity.RUN, "", T0, T0 + 9), Span(Activity.PUBLISH, "", T0 + 8.9999, T0 + 9)])
def test_on_every_lane_spans_nest_and_never_overlap(items: list[Span]) -> None:
    trace = trace_text(items)
    assert all(event["ts"] >= 0 and event["dur"] >= 0 for event in events(trace))
    for name, lane in by_lane(trace):
        ranges = [(event["ts"], event["ts"] + event["dur"]) for event in lane]
        for one, other in combinations(ranges, 2):
            assert nest(one, other)
            if not name.startswith("lambdabuild"):
                assert one[1] <= other[0] or other[1] <= one[0]


@given(spans)
def test_every_span_is_there_once_and_what_is_critical_on_its_own_lane_as_well(
    items: list[Span],
) -> None:
    seen = [], []  # type: tuple[list[tuple[str, str]], list[tuple[str, str]]]
    for name, lane in by_lane(trace_text(items)):
        seen[name.startswith("critical path")].extend(
            (event["args"]["activity"], event["args"].get("name", "")) for event in lane
        )
    assert sorted(seen[0]) == sorted((s.activity.value, s.name) for s in items)
    assert sorted(seen[1]) == sorted((s.activity.value, s.name) for s in items if s.critical)


@given(spans)
def test_a_span_is_where_it_was_but_for_what_was_cut(items: list[Span]) -> None:
    origin = min((span.start for span in items), default=0.0)
    moved = 1e6 * (CLOCKS + 2e-6) * len(items)
    for span in items:
        start = (span.start - origin) * 1e6
        end = max(start, (span.end - origin) * 1e6)
        assert any(
            abs(event["ts"] - start) <= moved and abs(event["ts"] + event["dur"] - end) <= moved
            for event in events(trace_text(items))
            if event["cat"] == span.activity.value
        )


@given(spans)
def test_there_are_no_more_lanes_than_were_busy_at_once(items: list[Span]) -> None:
    working = [s for s in items if s.activity not in STAGES and s.end > s.start]
    for group, activities in (
        ("go", {Activity.COMPILE, Activity.LINK}),
        ("zip", {Activity.PACK}),
        ("cache", {Activity.FETCH, Activity.STORE}),
    ):
        mine = [s for s in working if s.activity in activities]
        most = max((sum(s.start <= m.start < s.end for s in mine) for m in mine), default=0)
        found = [
            lane
            for lane in lanes(working)
            if lane.name.startswith(f"{group} ") and not lane.name.startswith("critical")
        ]
        assert len(found) == most


def test_a_run_reads_from_its_lanes() -> None:
    trace = trace_text(
        [
            Span(Activity.RUN, "", T0, T0 + 10),
            Span(Activity.SURVEY, "", T0 + 0.5, T0 + 2),
            Span(Activity.GO_LIST, "", T0 + 1, T0 + 1.5),
            Span(Activity.GO_BUILD, "linux/amd64", T0 + 2, T0 + 9),
            Span(Activity.COMPILE, "net/http", T0 + 3, T0 + 5, critical=True),
            Span(Activity.COMPILE, "runtime", T0 + 2.5, T0 + 4),
            Span(Activity.LINK, "users-get", T0 + 5, T0 + 8.25, critical=True),
            Span(Activity.PACK, "users-get", T0 + 8.25, T0 + 8.5),
            Span(Activity.STORE, "users-get", T0 + 8.5, T0 + 8.75),
        ],
        {"go": "go1.26.8"},
    )
    read = {
        name: [(e["name"], e["cat"], e["ts"], e["dur"]) for e in lane]
        for name, lane in by_lane(trace)
    }
    assert read == {
        "critical path": [
            ("net/http", "compile,critical path", 3_000_000, 2_000_000),
            ("users-get", "link,critical path", 5_000_000, 3_250_000),
        ],
        "lambdabuild": [
            ("run", "run", 0, 10_000_000),
            ("survey", "survey", 500_000, 1_500_000),
            ("go list", "go list", 1_000_000, 500_000),
            ("linux/amd64", "go build", 2_000_000, 7_000_000),
        ],
        "go 1": [
            ("runtime", "compile", 2_500_000, 1_500_000),
            ("users-get", "link", 5_000_000, 3_250_000),
        ],
        "go 2": [("net/http", "compile", 3_000_000, 2_000_000)],
        "zip 1": [("users-get", "pack", 8_250_000, 250_000)],
        "cache 1": [("users-get", "store", 8_500_000, 250_000)],
    }
    assert json.loads(trace)["otherData"] == {"go": "go1.26.8"}
    assert [e["args"].get("critical") for e in events(trace) if e["name"] == "net/http"] == [
        True,
        True,
    ]
    order = [
        e["args"]["sort_index"] for e in events(trace, "M") if e["name"] == "thread_sort_index"
    ]
    assert order == sorted(order)


def test_builds_that_go_on_side_by_side_have_a_lane_each() -> None:
    trace = trace_text(
        [
            Span(Activity.GO_BUILD, "one", T0, T0 + 4),
            Span(Activity.GO_BUILD, "two", T0 + 1, T0 + 5),
            Span(Activity.PUBLISH, "", T0 + 5, T0 + 6),
        ]
    )
    assert {name: [e["name"] for e in lane] for name, lane in by_lane(trace)} == {
        "lambdabuild": ["one", "publish"],
        "lambdabuild 2": ["two"],
    }


def test_any_name_can_be_written_as_utf_8() -> None:
    trace = trace_text([Span(Activity.LINK, "caf\udce9", T0, T0)])
    assert trace.isascii()
