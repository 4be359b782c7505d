from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Activity, Pace, Report, Span, Status, StepResult
from lambdabuild.output.report import report_value
from lambdabuild.state.trends import (
    TREND_HEAD,
    Run,
    Timed,
    TrendRow,
    change,
    history_value,
    last_sizes,
    named,
    pace_of,
    recorded_seconds,
    run_of,
    sparkline,
    table,
    times_of,
    trend_rows,
)
from tests.unit.values import ARM64, relative, reports, step

AMD, ARM = "linux/amd64", "linux/arm64"


def built(
    name: str = "a",
    link: float | None = 0.5,
    compiled: float | None = None,
    *,
    target: str = AMD,
    status: str = "built",
    size: int | None = 8_000_000,
) -> Timed:
    seconds = round((compiled or 0) + (link or 0), 3)
    return Timed(name, target, status, seconds, compiled, link, size)


def restored(name: str = "a", *, target: str = AMD, size: int = 8_000_000) -> Timed:
    return Timed(name, target, "restored", None, None, None, size)


def runs(*noted: Timed | tuple[Timed, ...]) -> list[Run]:
    """Return a run for each argument, a minute apart."""
    of_each = [(one,) if isinstance(one, Timed) else one for one in noted]
    return [
        Run(f"2025-11-21T10:{number:02}:00Z", "go1.26.8", functions)
        for number, functions in enumerate(of_each)
    ]


def test_a_run_notes_what_was_built_restored_or_failed_by_name_then_target() -> None:
    report = Report(
        False,
        2.0,
        "go1.26.8",
        2,
        (
            StepResult(step("c"), Status.UP_TO_DATE, size=1),
            StepResult(step("b"), Status.FAILED, size=2, compile_seconds=0.25, seconds=0.25),
            StepResult(step("b", target=ARM64), Status.CANCELLED),
            StepResult(step("a", target=ARM64), Status.RESTORED, size=3, seconds=0.1),
            StepResult(
                step("a"),
                Status.BUILT,
                size=4,
                compile_seconds=0.1004,
                link_seconds=0.2,
                seconds=0.3004,
            ),
            StepResult(step("d"), Status.UNCHANGED, size=5, seconds=0.0),
        ),
    )
    assert run_of(report, "2025-11-21T10:00:00Z") == Run(
        "2025-11-21T10:00:00Z",
        "go1.26.8",
        (
            Timed("a", AMD, "built", 0.3, 0.1, 0.2, 4),
            Timed("a", ARM, "restored", None, None, None, 3),
            Timed("b", AMD, "failed", 0.25, 0.25, None, 2),
            Timed("d", AMD, "unchanged", 0.0, None, None, 5),
        ),
    )


@pytest.mark.parametrize("status", [Status.UP_TO_DATE, Status.CANCELLED])
def test_a_run_that_built_nothing_is_not_noted(status: Status) -> None:
    assert run_of(Report(True, 1, "go1.26.8", 2, (StepResult(step(), status),)), "now") is None
    assert run_of(Report(True, 1, "go1.26.8", 2, ()), "now") is None


@pytest.mark.parametrize(
    ("known", "seconds"),
    [
        # The median of the last five, not of the six.
        ([built(link=s) for s in (9, 1, 2, 3, 4, 5)], 3),
        # Compiling counts where most builds compile.
        ([built(link=2, compiled=c) for c in (1, 1, None)], 3),
        ([built(link=2, compiled=c) for c in (1, None, None)], 2),
        # What was found to be current was not linked, what failed neither.
        ([built(link=2), *[built(link=None, compiled=0.1, status="unchanged")] * 5], 2),
        ([built(link=2), *[built(link=None, compiled=0.1, status="failed")] * 5], 2),
        ([built(link=None, compiled=0.1, status="failed")], 0.1),
        ([built(link=2), *[restored()] * 9], 2),
        ([built(link=None), built(link=2), built(link=None)], 2),
    ],
)
def test_the_time_to_expect_is_that_of_the_last_builds_that_linked(
    known: list[Timed], seconds: float
) -> None:
    assert recorded_seconds(runs(*known)) == {"a": seconds}


def test_a_function_without_a_known_time_is_not_among_the_recorded() -> None:
    assert recorded_seconds(runs(restored(), built(link=None))) == {}
    assert recorded_seconds([]) == {}


def test_the_targets_of_a_function_are_built_by_one_machine_and_add_up() -> None:
    both = (built(link=2), built(link=3, target=ARM))
    assert recorded_seconds(runs(both, built("b", 7))) == {"a": 5, "b": 7}
    assert recorded_seconds(runs((built(link=2), restored(target=ARM)))) == {"a": 4}


def report_json(*functions: dict[str, Any]) -> dict[str, Any]:
    return {"schema": 1, "functions": list(functions)}


def timed_json(name: str, seconds: float | None, status: str = "built") -> dict[str, Any]:
    return {"name": name, "status": status, "seconds": seconds}


def test_a_report_tells_the_time_of_what_it_built() -> None:
    told = report_json(
        timed_json("a", 1.5),
        timed_json("a", 2),
        timed_json("b", None, "up-to-date"),
        timed_json("c", 0.0),
        timed_json("d", 3),
        timed_json("d", None, "up-to-date"),
        timed_json("e", 0.2, "restored"),
    )
    assert times_of(told) == {"a": 3.5, "d": 6}


@settings(max_examples=20)
@given(reports)
def test_the_times_of_any_report_can_be_read(made: Report) -> None:
    names = {result.step.function.name for result in made.results}
    assert times_of(report_value(made, relative)).keys() <= names


@pytest.mark.parametrize(
    "value",
    [
        None, [], "a", 3, {}, {"schema": 1}, {"schema": 2, "functions": []},
        {"schema": 1, "functions": None}, report_json({"name": "a"}),
        {"schema": 1, "functions": ["a"]}, report_json(timed_json("a", "1")),  # type: ignore[arg-type]
        report_json(timed_json("a", float("inf"))),
    ],
)  # fmt: skip
def test_what_has_no_times_is_refused(value: Any) -> None:
    with pytest.raises(LambdabuildError) as refused:
        times_of(value, "times.json")
    assert str(refused.value) == (
        "there are no times in this file\n"
        "  at: times.json\n"
        "  hint: give a report, as `--report FILE` and `lambdabuild merge-reports` write it"
    )


def test_the_last_size_is_that_of_the_last_executable_that_was_made_or_fetched() -> None:
    known = runs(
        (built(size=1), built(size=2, target=ARM), built("b", size=3)),
        (restored(size=4), built(size=5, target=ARM, status="failed")),
        built("b", size=None),
    )
    assert last_sizes(known) == {("a", AMD): 4, ("a", ARM): 2, ("b", AMD): 3}


def test_names_and_globs_mean_functions_of_the_history() -> None:
    known = runs((built("users-get"), built("users-get", target=ARM)), built("orders-list"))
    assert named(known, ()) == ["orders-list", "users-get"]
    assert named(known, ["users-*"]) == ["users-get"]
    assert named(known, ["users-get", "*-list"]) == ["orders-list", "users-get"]
    with pytest.raises(LambdabuildError) as refused:
        named(known, ["orders-list", "user-get"])
    assert refused.value.message == "no function in the history matches `user-get`"
    assert refused.value.hint == "did you mean `users-get`?"


def test_trends_tell_times_and_sizes_the_slowest_first() -> None:
    known = runs(
        (built("a", 1.0, size=8_000_000), built("b", 2.0), built("a", 3.0, target=ARM)),
        (built("a", 1.0, size=8_500_000), restored("b"), built("c", None, status="failed")),
        (built("a", 1.12, size=9_000_000), built("b", None, 9.0, status="failed", size=7)),
    )
    assert trend_rows(known) == [
        TrendRow("a", ARM, 1, 3.0, 3.0, 8_000_000, 8_000_000, (3.0,)),
        TrendRow("b", AMD, 3, 2.0, 2.0, 8_000_000, 8_000_000, (2.0,)),
        TrendRow("a", AMD, 3, 1.12, 1.0, 9_000_000, 8_000_000, (1.0, 1.0, 1.12)),
        TrendRow("c", AMD, 1, None, None, None, None, (), "no times yet: failed"),
    ]
    assert [row.name for row in trend_rows(known, ["a"])] == ["a", "a"]
    assert trend_rows(known, []) == []


def test_a_function_without_times_says_why() -> None:
    known = runs(
        (restored("a"), built("b", None, status="failed"), built("c", None)),
        (built("a", None, status="failed"), restored("b"), restored("d"), built("d")),
    )
    assert {row.name: row.untimed for row in trend_rows(known)} == {
        "a": "no times yet: restored",
        "b": "no times yet: restored",
        "c": "",
        "d": "",
    }


def test_imports_have_a_time_of_their_own_and_functions_have_none_twice() -> None:
    made = StepResult(step("a"), Status.BUILT, size=4, seconds=0.3)
    spans = (
        Span(Activity.COMPILE, "net/http", 1.0, 4.1004),
        Span(Activity.COMPILE, step("a").function.package, 4.0, 5.0),
        Span(Activity.LINK, "a", 5.0, 6.0),
    )
    noted = run_of(Report(True, 9.0, "go1.26.8", 2, (made,), spans=spans), "t")
    assert noted is not None
    assert noted.imports == {"net/http": 3.1}


def test_the_pace_is_that_of_the_last_compiles_and_of_the_usual_links() -> None:
    earlier, later = runs(built("a", 1.0), (built("a", 3.0), restored("b"), built("c", None, 1.0)))
    known = [
        earlier._replace(imports={"fmt": 1.0, "net/http": 9.0}),
        later._replace(imports={"fmt": 2.0}),
    ]
    assert pace_of(known) == Pace({"fmt": 2.0, "net/http": 9.0}, {("a", AMD): 2.0})
    assert pace_of([]) == Pace()


def test_a_trend_is_of_the_last_twenty_builds() -> None:
    (row,) = trend_rows(runs(*[built(link=n, size=n) for n in range(1, 31)]))
    assert row.times == tuple(range(11, 31))
    assert (row.runs, row.median, row.first_size, row.size) == (30, 20.5, 11, 30)


def test_the_table_has_a_cell_for_every_heading() -> None:
    rows = [
        TrendRow("a", AMD, 3, 1.12, 1.0, 9_000_000, 8_000_000, (1.0, 1.0, 1.12)),
        TrendRow("c", AMD, 1, None, None, 9_000_000, None, (), "no times yet"),
    ]
    assert table(rows) == [
        ("a", AMD, "3", "1.1 s", "1.0 s", "+12 %", "9.0 MB", "+1.0 MB", "▇▇█"),
        ("c", AMD, "1", "", "", "", "9.0 MB", "", "no times yet"),
    ]
    assert {len(cells) for cells in table(rows)} == {len(TREND_HEAD)}


@pytest.mark.parametrize(
    ("last", "usual", "text"),
    [(1.12, 1, "+12 %"), (0.5, 1, "-50 %"), (1.004, 1, ""), (1, 1, ""), (1, None, ""),
     (None, 1, ""), (1, 0, "")],
)  # fmt: skip
def test_a_change_is_that_of_the_last_against_the_median(
    last: float | None, usual: float | None, text: str
) -> None:
    assert change(last, usual) == text


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([0, 0], "▁▁"),
        ([3], "█"),
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([10, 9.9], "██"),
    ],
)
def test_a_sparkline_begins_at_nothing(values: list[float], line: str) -> None:
    assert sparkline(values) == line


@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_a_sparkline_rises_where_the_values_rise(values: list[float]) -> None:
    line = sparkline(values)
    assert len(line) == len(values)
    in_order = [bar for _, bar in sorted(zip(values, line, strict=True))]
    assert in_order == sorted(in_order)


def test_the_history_as_json_has_the_runs_of_each_function() -> None:
    known = runs(
        (built("b", 2.0, 0.5), built("a", 1.0)), restored("a", target=ARM), built("b", 3.0)
    )
    row = {"status": "built", "compile_seconds": None, "size": 8_000_000}
    assert history_value(known, ["b"]) == {
        "schema": 1,
        "functions": [
            {
                "name": "b",
                "target": AMD,
                "runs": [
                    row
                    | {"time": "2025-11-21T10:00:00Z", "seconds": 2.5, "link_seconds": 2.0}
                    | {"compile_seconds": 0.5},
                    row | {"time": "2025-11-21T10:02:00Z", "seconds": 3.0, "link_seconds": 3.0},
                ],
            }
        ],
    }
    everything = history_value(known)["functions"]
    assert [(f["name"], f["target"]) for f in everything] == [("a", AMD), ("a", ARM), ("b", AMD)]
