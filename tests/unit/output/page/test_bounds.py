"""What bounded a run is told in a sentence, and how busy its jobs were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.result import Activity, Span
from lambdabuild.output.page.bounds import Bound, bound, busy, words

T0 = 1_700_000_000.0
BUILD, LINK, LIST = Activity.COMPILE, Activity.LINK, Activity.GO_LIST


def span(activity: Activity, start: float, end: float, name: str = "", *, on: bool = False) -> Span:
    """Return a span, `on` the critical path or not; times are from the run's start."""
    return Span(activity, name, T0 + start, T0 + end, on)


RUN = span(Activity.RUN, 0, 10)
BUSY = (RUN, span(LINK, 1, 10, "a"), span(LINK, 1, 10, "b", on=True))
MOSTLY_BUSY = (RUN, span(LINK, 2, 9, "a"), span(LINK, 2, 8, "b"))
LONG = (
    RUN,
    span(BUILD, 1, 4, "net/http", on=True),
    span(LINK, 4, 9, "users-get", on=True),
    span(LINK, 4, 5, "a"),
)
MIXED = (RUN, span(LIST, 0, 3), span(Activity.GO_BUILD, 4, 10), span(LINK, 5, 9, "a", on=True))
SURVEY = (RUN, span(Activity.SURVEY, 0, 9), span(LIST, 1, 8))
RESTORED = (
    RUN,
    span(Activity.RESTORE, 0, 6),
    span(Activity.FETCH, 1, 3, "a"),
    span(Activity.PUBLISH, 6, 10),
)


@pytest.mark.parametrize(
    ("spans", "jobs", "processors", "expected"),
    [
        ((), 2, 2, Bound("", by_path=False)),
        (BUSY, 2, 2,
         Bound("The processors bounded this run: both jobs were busy 90% of the time.", by_path=True)),
        (BUSY, 1, 1,
         Bound("The processors bounded this run: the job was busy 100% of the time.", by_path=True)),
        (BUSY, 2, 8,
         Bound("The number of jobs bounded this run: both jobs were busy 90% of the time, and there "
               "are 8 processors (`--jobs`).", by_path=True)),
        (MOSTLY_BUSY, 2, 2,
         Bound("The processors bounded this run: both jobs were busy 65% of the time.", by_path=False)),
        ((*MOSTLY_BUSY, span(BUILD, 2, 8, "net", on=True)), 3, 3,
         Bound("The critical path bounded this run: compiling net took 6.0 s of 10.0 s.", by_path=True)),
        (LONG, 2, 2,
         Bound("The critical path bounded this run: its 2 steps took 8.0 s of 10.0 s, and the longest "
               "was linking users-get (5.0 s).", by_path=True)),
        (MIXED, 2, 2,
         Bound("No single thing bounded this run: both jobs were busy 20% of the time, and 3.0 s of "
               "10.0 s went into `go list`.", by_path=False)),
        ((*MIXED, span(LINK, 5, 6, "b")), 8, 8,
         Bound("No single thing bounded this run: the 8 jobs were busy 6% of the time, and 3.0 s of "
               "10.0 s went into `go list`.", by_path=False)),
        (SURVEY, 2, 2, Bound("Most of this run went into `go list`: 7.0 s of 10.0 s.", by_path=False)),
        (RESTORED, 2, 2,
         Bound("Most of this run went into restoring from the cache: 6.0 s of 10.0 s.", by_path=False)),
        ((RUN, span(LIST, 0, 4), span(Activity.SURVEY, 0, 7)), 2, 2,
         Bound("Of this run, 4.0 s of 10.0 s went into `go list`.", by_path=False)),
    ],
)  # fmt: skip
def test_the_largest_share_of_a_run_is_named(
    spans: tuple[Span, ...], jobs: int, processors: int, expected: Bound
) -> None:
    assert bound(spans, jobs, processors) == expected


def test_jobs_are_counted_piece_by_piece() -> None:
    spans = (RUN, span(BUILD, 0, 5, "a"), span(LINK, 2.5, 10, "a"), span(LINK, 5, 10, "b"))
    assert busy(spans, 2) == {
        "jobs": 2, "compile": [1.0] * 120 + [0.0] * 120, "link": [0.0] * 60 + [1.0] * 60 + [2.0] * 120,
    }  # fmt: skip


@given(
    st.lists(
        st.builds(
            span, st.sampled_from(Activity), st.integers(0, 9), st.integers(0, 9), st.just("a"),
            on=st.booleans(),
        )
    ),
    st.integers(1, 4),
)  # fmt: skip
def test_whatever_ran_when_no_more_is_counted_than_ran(spans: list[Span], jobs: int) -> None:
    # A clock that was put back makes a span end before it starts.
    value = busy(spans, jobs)
    extent = [moment for one in spans for moment in (one.start, max(one.start, one.end))]
    width = max(1e-6, max(extent, default=0) - min(extent, default=0)) / len(value["link"])
    for activity in (BUILD, LINK):
        ran = sum(max(0.0, one.seconds) for one in spans if one.activity is activity)
        assert sum(value[activity.value]) * width == pytest.approx(ran, rel=0.05, abs=0.01)
    sentence, by_path = bound(spans, jobs, jobs)
    assert bool(sentence) == bool(spans)
    assert not by_path or any(one.critical for one in spans)


@pytest.mark.parametrize(
    ("activity", "name", "expected"),
    [
        (LINK, "users-get", "linking users-get"),
        (Activity.STORE, "a\nb", r"storing a\nb in the cache"),
        (Activity.GO_BUILD, "linux/amd64", "go build linux/amd64"),
        (LIST, "", "go list"),
        (BUILD, "{}", "compiling {}"),
    ],
)
def test_a_span_is_told_in_words(activity: Activity, name: str, expected: str) -> None:
    assert words(span(activity, 0, 1, name)) == expected
