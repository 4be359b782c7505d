"""Runs of any size, as a machine with a few jobs would have them."""

from lambdabuild.core.result import Activity, Report, Span, Status, StepResult
from tests.unit.values import step

T0 = 1_700_000_000.0


def run_of(functions: int, jobs: int = 2) -> Report:
    """Return the report of a run that compiled, linked and stored so many functions."""
    moments = [T0 + 1.5] * jobs
    spans, results = [], []
    for number in range(functions):
        name = f"area{number % 20}-fn{number}"
        made, lane = step(name), moments.index(min(moments))
        begin = moments[lane]
        compiled, linked = 0.01 + number % 7 / 100, 0.2 + number * 37 % 11 / 50
        moments[lane] = end = begin + compiled + linked
        spans += [
            Span(Activity.COMPILE, made.function.package, begin, begin + compiled),
            Span(Activity.LINK, name, begin + compiled, end),
            Span(Activity.STORE, f"{name} {made.target}", end, end + 0.05),
        ]
        results.append(
            StepResult(
                made, Status.BUILT, "not built before", size=6_000_000 + number * 7919 % 900_000,
                compile_seconds=compiled, link_seconds=linked, seconds=compiled + linked,
            )
        )  # fmt: skip
    last = max(moments)
    spans[-2] = spans[-2]._replace(critical=True)
    spans += [
        Span(Activity.RUN, "", T0, last + 0.5),
        Span(Activity.SURVEY, "", T0 + 0.1, T0 + 1.2),
        Span(Activity.GO_LIST, "", T0 + 0.2, T0 + 1.1),
        Span(Activity.GO_BUILD, "linux/amd64", T0 + 1.3, last + 0.2),
        Span(Activity.PUBLISH, "", last + 0.2, last + 0.4),
    ]
    return Report(True, last + 0.5 - T0, "go1.26.8", jobs, tuple(results), spans=tuple(spans))
