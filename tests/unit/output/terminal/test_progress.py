"""The progress of a build: what is counted, what is shown at which width, and how long it may take."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.build import Batch, Event
from lambdabuild.core.result import Pace
from lambdabuild.core.text import columns
from lambdabuild.output.terminal.progress import Progress, about
from tests.unit.values import ARM64, batch, step

USERS, CARTS = step("users-get"), step("carts")
U, C = USERS.function.package, CARTS.function.package
TOGETHER = batch(USERS, CARTS)
GRAPH = {
    "runtime": [],
    "fmt": ["runtime"],
    "net/http": ["fmt", "runtime"],
    "m/auth": ["fmt"],
    U: ["net/http", "m/auth", "fmt", "runtime"],
    C: ["fmt", "runtime"],
}
PAST = Pace(
    {"runtime": 4.0, "fmt": 2.0, "net/http": 10.0, "m/auth": 2.0},
    {("users-get", "linux/amd64"): 3.0, ("carts", "linux/amd64"): 1.0},
)


def event(kind: str, tool: str, package: str, at: float = 0.0, of: Batch = TOGETHER) -> Event:
    return Event(of, kind, tool, package, at)


def progress(*batches: Batch, jobs: int = 1, pace: Callable[[], Pace] = Pace) -> Progress:
    return Progress.of(batches or [TOGETHER], 0.0, jobs=jobs, pace=pace)


def compiled(package: str, start: float, end: float) -> list[Event]:
    return [event("start", "compile", package, start), event("done", "compile", package, end)]


def test_progress_counts_what_happened_and_nothing_else() -> None:
    made = progress()
    assert made.heading(0.5) == "0 of 2 linked, 0.50 s"
    for one in (
        event("start", "compile", "m/auth", 1.0),
        event("start", "compile", C, 1.2),
        event("done", "compile", "m/auth", 2.0),
        event("failed", "compile", C, 2.1),
        event("start", "link", U, 2.5),
    ):
        made.take(one)
    assert made.heading(3.0) == "1 package compiled, 0 of 2 linked, 3.0 s"
    assert made.working == {(TOGETHER.number, "link", U): 2.5}
    made.take(event("done", "link", U, 4.0))
    made.take(event("current", "link", C, 4.0))
    assert made.heading(130.0) == "1 package compiled, 2 of 2 linked, 2 min 10 s"
    assert made.working == {}


def test_a_link_that_failed_is_not_counted() -> None:
    made = progress()
    made.take(event("start", "link", U))
    made.take(event("failed", "link", U))
    assert (made.linked, made.working) == (0, {})


@given(
    st.lists(
        st.builds(
            event,
            st.sampled_from(["start", "done", "failed", "current"]),
            st.sampled_from(["compile", "link"]),
            st.sampled_from(sorted(GRAPH)),
            st.floats(0, 9),
        )
    ),
    st.integers(0, 9),
    st.integers(30, 120),
)
def test_progress_counts_any_events_in_whatever_order(
    events: list[Event], known: int, width: int
) -> None:
    made = progress(pace=lambda: PAST)
    for number, one in enumerate(events):
        if number == known:
            made.expect(TOGETHER.number, GRAPH)
        made.take(one)
        assert columns(made.heading(9.0 + number, width, bar=True)) < width
    last = {(one.tool, one.package): one.kind for one in events}
    assert made.compiled == sum((e.tool, e.kind) == ("compile", "done") for e in events)
    assert made.done == {
        (0, e.package) for e in events if e.tool == "link" and e.kind in {"done", "current"}
    }
    assert {key[1:] for key in made.working} == {k for k, kind in last.items() if kind == "start"}
    assert {package for _, package in made.ready} <= GRAPH.keys()


def test_what_is_compiled_or_linked_has_all_that_it_imports() -> None:
    made = progress()
    made.expect(TOGETHER.number, GRAPH)
    assert made.heading(1.0) == "0 of 6 packages, 0 of 2 linked, 1.0 s"
    # Nothing is heard of what comes from Go's cache.
    made.take(event("start", "compile", "m/auth"))
    assert made.heading(1.0) == "2 of 6 packages, 0 of 2 linked, 1.0 s"
    made.take(event("done", "compile", "m/auth"))
    made.take(event("start", "link", C))
    assert made.heading(1.0) == "4 of 6 packages, 0 of 2 linked, 1.0 s"
    made.take(event("current", "link", U))
    assert made.heading(1.0) == "6 of 6 packages, 1 of 2 linked, 1.0 s"


def test_what_was_heard_before_the_packages_were_known_counts_as_well() -> None:
    made = progress()
    for one in [*compiled("fmt", 0, 1), event("start", "compile", "net/http", 1)]:
        made.take(one)
    made.expect(TOGETHER.number, {})
    assert made.packages is None
    made.expect(TOGETHER.number, GRAPH)
    assert {package for _, package in made.ready} == {"runtime", "fmt"}


def test_the_first_batch_of_another_target_is_taken_to_need_as_many_packages() -> None:
    arm = batch(step("users-get", target=ARM64), number=1)
    nested = batch(step("nested"), number=2)
    made = progress(TOGETHER, arm, nested)
    made.expect(0, GRAPH)
    assert made.packages == 12
    made.expect(1, {U: ["fmt"], "fmt": []})
    assert made.packages == 8
    made.expect(2, {"m/nested": ["fmt"], "fmt": []})
    assert made.packages == 10


def test_what_is_in_work_is_shown_longest_first_and_the_rest_is_counted() -> None:
    made = progress()
    made.take(event("start", "compile", "net/http", 2.0))
    made.take(event("start", "link", U, 1.0))
    made.take(event("start", "compile", "fmt", 3.0))
    names = {(TOGETHER.number, U): "users-get"}
    shown = ["linking users-get 2.5 s", "compiling net/http 1.5 s", "compiling fmt 0.50 s"]
    assert made.lines(3.5, names, 8) == shown
    assert made.lines(3.5, names, 3) == shown
    assert made.lines(3.5, names, 1) == [*shown[:1], "and 2 more"]


def test_long_names_of_what_is_in_work_are_folded() -> None:
    made = progress()
    made.take(event("start", "compile", "example.com/shop/internal/reconciliation", 2.0))
    (line,) = made.lines(3.5, {}, 8, 40)
    assert line == "compiling example.co…nciliation 1.5 s"
    assert len(f"  {line}") < 40


def cold() -> Progress:
    """Return a build with an empty cache, eight seconds after it began."""
    made = progress(jobs=2, pace=lambda: PAST)
    made.expect(TOGETHER.number, GRAPH)
    for one in [
        *compiled("runtime", 0, 4),
        *compiled("fmt", 4, 6),
        event("start", "compile", "net/http", 6),
        *compiled("m/auth", 6, 8),
    ]:
        made.take(one)
    return made


def test_the_time_left_is_what_earlier_runs_took() -> None:
    # Of net/http two seconds are over, of ten; two links of 4 s together are made by two.
    assert cold().left(8.0) == pytest.approx(8 / (10 / 8) + 4 / 2)


def test_a_busy_machine_takes_longer() -> None:
    made = progress(pace=lambda: PAST)
    made.expect(TOGETHER.number, GRAPH)
    for one in [*compiled("runtime", 0, 8), *compiled("fmt", 8, 13)]:
        made.take(one)
    # Twice as long so far: 14 s for 7, with the second that counts for doubt.
    assert made.left(13.0) == pytest.approx(2 * 12 + 4)


def test_what_the_cache_has_takes_no_time() -> None:
    made = progress(pace=lambda: PAST)
    made.expect(TOGETHER.number, GRAPH)
    made.take(event("start", "compile", U, 2.0))
    assert made.left(2.0) == pytest.approx(4)


@pytest.mark.parametrize(
    "past",
    [
        Pace(),
        PAST._replace(imports={"fmt": 1.0}),
        PAST._replace(functions={}),
    ],
)
def test_without_enough_of_a_past_no_time_is_told(past: Pace) -> None:
    made = progress(pace=lambda: past)
    made.expect(TOGETHER.number, GRAPH)
    made.take(event("start", "compile", "fmt", 2.0))
    assert made.left(9.0) is None


def test_the_past_is_read_once_and_only_in_a_build_that_takes_a_while() -> None:
    read = []

    def pace() -> Pace:
        read.append(1)
        return PAST

    made = progress(pace=pace)
    made.expect(TOGETHER.number, GRAPH)
    made.heading(0.1)
    made.heading(1.9)
    assert read == []
    made.heading(3.0)
    made.heading(9.0)
    assert read == [1]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (40, "3 of 6 packages, 0 of 2 linked"),
        (60, "3 of 6 packages, 0 of 2 linked, 8.0 s, about 10 s left"),
        (100, "━━━━━━━━━─────────── 3 of 6 packages, 0 of 2 linked, 8.0 s, about 10 s left"),
        (200, "━━━━━━━━━─────────── 3 of 6 packages, 0 of 2 linked, 8.0 s, about 10 s left"),
    ],
)
def test_a_heading_has_what_there_is_room_for(width: int, shown: str) -> None:
    assert cold().heading(8.0, width, bar=True) == shown


def test_without_room_for_both_the_packages_give_way_to_the_links() -> None:
    made = cold()
    assert made.heading(8.0, 30) == "3 of 6 packages, 8.0 s"
    made.take(event("done", "link", C, 8.0))
    assert made.heading(8.0, 30) == "1 of 2 linked, 8.0 s"


def test_a_bar_never_goes_back() -> None:
    made = cold()
    before = made.heading(8.0, 100, bar=True).count("━")
    made.take(event("failed", "compile", "net/http", 60.0))
    assert made.heading(60.0, 100, bar=True).count("━") >= before


def test_where_nothing_is_linked_nothing_is_told_of_links() -> None:
    made = Progress.of([TOGETHER], 0.0, links=False)
    assert made.heading(1.0, 100) == "0 packages compiled, 1.0 s"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (1, "a few seconds"),
        (5, "about 5 s"),
        (38, "about 40 s"),
        (56, "about 55 s"),
        (58, "about 1 min"),
        (100, "about 2 min"),
    ],
)
def test_an_estimate_is_told_as_one(seconds: float, told: str) -> None:
    assert about(seconds) == told
