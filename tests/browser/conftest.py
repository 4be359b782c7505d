"""Start one browser for all tests, and write the pages they open."""

from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path

import pytest

from lambdabuild.core.model import Diagnostic, Report, Status, StepResult
from lambdabuild.core.spans import Activity, Span
from lambdabuild.output.page import page_text
from tests.browser.chromium import Browser
from tests.unit.values import PROJECT, function, relative, step

TEMPLATE = resources.files("lambdabuild").joinpath("page.html").read_text("utf-8")
T0 = 1_700_000_000.0

Write = Callable[..., Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests on one worker: they share the browser."""
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser, with a profile of its own."""
    with Browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


def result(name: str, status: Status = Status.BUILT, size: int | None = None) -> StepResult:
    """Return what became of a function; it took as many seconds as its name has letters."""
    took = float(len(name)) if status is Status.BUILT else None
    errors: tuple[Diagnostic, ...] = ()
    if status is Status.FAILED:
        package = function(name).package
        errors = (Diagnostic(package, "undefined: token", f"{PROJECT}/api/a.go", 3, 9),)
    return StepResult(
        step(name), status, f"{name}.go changed", size=size, previous_size=size and size - 100_000,
        link_seconds=took, seconds=took, errors=errors,
    )  # fmt: skip


RESULTS = (
    result("users-get", size=9_500_000),
    result("fn-10", size=10_200_000),
    result("fn-9", Status.UP_TO_DATE, size=900_000),
    result("orders", Status.FAILED),
)
SPANS = (
    Span(Activity.RUN, "", T0, T0 + 20),
    Span(Activity.COMPILE, "net/http", T0 + 2, T0 + 10, critical=True),
    Span(Activity.LINK, "users-get", T0 + 10, T0 + 19, critical=True),
    Span(Activity.LINK, "fn-10", T0 + 10, T0 + 15),
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the page of a run, and return where it is."""

    def make(
        results: Sequence[StepResult] = RESULTS,
        spans: Sequence[Span] = SPANS,
        template: str = TEMPLATE,
    ) -> Path:
        ok = not any(item.status is Status.FAILED for item in results)
        report = Report(ok, 20.0, "go1.26.8", 2, tuple(results), spans=tuple(spans))
        path = tmp_path / "page.html"
        path.write_text(page_text(template, report, relative), "utf-8")
        return path

    return make
