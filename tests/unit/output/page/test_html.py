"""The page is its template, with the report in it as JSON; the script draws nothing else."""

import json
import re
from html.parser import HTMLParser
from importlib import resources

from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Activity, Report, Span, Status, StepResult
from lambdabuild.output.page.bounds import WORDS, bound, busy
from lambdabuild.output.page.html import Contents, page_text, page_value
from lambdabuild.output.page.origin import Origin
from lambdabuild.output.report import report_value
from lambdabuild.sizes.composition import ModuleSize, Sized
from tests.unit import values
from tests.unit.values import PROJECT, function, relative, step

TEMPLATE = resources.files("lambdabuild").joinpath("page.html").read_text("utf-8")
T0 = 1_700_000_000.0
ORIGIN = Origin("2026-11-27T06:30:00Z", "0.1.0", "Linux x86_64", 2)


class Reader(HTMLParser):
    """Read a page as a browser would: which elements there are, with which attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, ...]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.elements.append((f"/{tag}",))


def filled(text: str) -> Report:
    """Return a report that has a text wherever one comes from outside."""
    named = function("a")._replace(name=text, package=text, directory=f"{PROJECT}/{text}")
    error = Diagnostic(text, text, f"{PROJECT}/{text}", 1, 1)
    result = StepResult(step("a")._replace(function=named), Status.FAILED, text, errors=(error,))
    spans = tuple(Span(activity, text, T0, T0 + 1, critical=True) for activity in Activity)
    gone = (values.artifact()._replace(function=text),)
    return Report(False, 1.0, text, 1, (result,), gone, spans=spans)


HOSTILE = st.sampled_from(
    [
        "</script><script>alert(1)</script>",
        "<!-- <script>",
        "{{policy}}{{data}}",
        "\x00\x1b\u2028\udce9",
    ]
)


@given(st.text(st.characters()) | HOSTILE)
def test_whatever_is_in_names_the_page_has_the_elements_of_its_template(text: str) -> None:
    report = filled(text)
    origin = Origin(
        text, text, text, 2, text, text, is_changed=True, page=text, link=lambda _: text
    )
    page = page_text(TEMPLATE, report, relative, origin)
    assert Reader(page).elements == Reader(TEMPLATE).elements
    [data] = re.findall('<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data) == page_value(report, relative, origin)
    page.encode("utf-8")


def test_the_data_are_the_report_with_what_only_people_read() -> None:
    error = Diagnostic("shop/a", "undefined: x\n\thave \x1b[1m", f"{PROJECT}/api/a.go", 3, 9)
    results = (
        StepResult(step("b"), Status.BUILT, size=9, previous_size=7, seconds=0.5),
        StepResult(step("a"), Status.FAILED, errors=(error,)),
        StepResult(step("silent"), Status.FAILED),
    )
    spans = (
        Span(Activity.RUN, "", T0, T0 + 3),
        Span(Activity.LINK, "b", T0 + 1, T0 + 2.25, critical=True),
    )
    gone = (values.artifact("old"),)
    report = Report(False, 3.0, "go1.26.8", 2, results, gone, spans=spans)
    told = report_value(report, relative)
    for item, previous in zip(told["functions"], (None, 7, None), strict=True):
        del item["errors"]
        item["previous_size"] = previous
    link = {
        "activity": "link", "name": "b", "start": 1.0, "seconds": 1.25, "critical": True, "depth": 0,
    }  # fmt: skip
    run = {
        "activity": "run", "name": "", "start": 0.0, "seconds": 3.0, "critical": False, "depth": 0,
    }  # fmt: skip
    assert page_value(report, relative, ORIGIN) == told | {
        "summary": "built 1, failed 2 of 3 in 3.0 s",
        "origin": {
            "moment": "2026-11-27T06:30:00Z",
            "version": "0.1.0",
            "machine": "Linux x86_64",
            "processors": 2,
            "commit": None,
            "branch": None,
            "is_changed": False,
            "page": None,
        },
        "bound": bound(spans, 2, 2)._asdict(),
        "busy": busy(spans, 2),
        "words": {activity.value: told for activity, told in WORDS.items()},
        "contents": [],
        "removed": ["old"],
        "failures": [
            [
                "`a` did not build: in package shop/a",
                *("api/a.go:3:9: undefined: x", r"  have \x1b[1m"),
            ],
            ["`silent` did not build: `go build` failed"],
        ],
        "failures_left_out": 0,
        "lanes": [
            {"name": "critical path", "depth": 1, "spans": [link]},
            {"name": "lambdabuild", "depth": 1, "spans": [run]},
            {"name": "go 1", "depth": 1, "spans": [link]},
        ],
    }


def test_of_the_code_of_executables_what_is_large_is_shown() -> None:
    packages = tuple(Sized(f"m0/p{n}", 10 - n) for n in range(9))
    small = (ModuleSize(f"m{n}", None, 1, (Sized(f"m{n}\x1b", 1),)) for n in range(1, 20))
    modules = (ModuleSize("m0", "v1.2.3", 54, packages), *small)
    contents = Contents("a", "linux/arm64", keeps_all_methods=True, modules=modules)
    report = Report(True, 1.0, "go1.26.8", 2, ())
    [value] = page_value(report, relative, ORIGIN, [contents])["contents"]
    first, second, *others = value.pop("modules")
    assert value == {
        "name": "a", "target": "linux/arm64", "keeps_all_methods": True, "code": 73,
        "modules_left_out": 8,
    }  # fmt: skip
    assert first == {
        "name": "m0 v1.2.3", "size": 54, "packages": [package._asdict() for package in packages[:5]],
    }  # fmt: skip
    assert second == {"name": "m1", "size": 1, "packages": [{"name": r"m1\x1b", "size": 1}]}
    assert len(others) == 10


def test_places_have_their_address_on_the_web_where_there_is_one() -> None:
    def link(error: Diagnostic) -> str | None:
        return f"https://example.com/{error.line}" if error.line else None

    errors = tuple(
        Diagnostic("shop/a", message, file and f"{PROJECT}/{file}", line, 9)
        for message, file, line in [
            ("one: a\n\tb", "api/a.go", 3),
            ("two", "api/\x1b.go", 4),
            ("three", "api/b.go", None),
            ("four", None, None),
        ]
    )
    report = Report(False, 3.0, "go", 2, (StepResult(step("a"), Status.FAILED, errors=errors),))
    [[_, *lines]] = page_value(report, relative, ORIGIN._replace(link=link))["failures"]
    assert lines == [
        ["api/a.go:3:9", "https://example.com/3", ": one: a"], "  b",
        [r"api/\x1b.go:4:9", "https://example.com/4", ": two"], "api/b.go:9: three", "four",
    ]  # fmt: skip


def test_errors_without_end_are_cut_off() -> None:
    def failed(number: int) -> StepResult:
        name = f"fn-{number}"
        errors = (name + "x" * 5000, *(f"{name} {n}" for n in range(29)))
        return StepResult(
            step(name), Status.FAILED, errors=tuple(Diagnostic(name, e) for e in errors)
        )

    report = Report(False, 1.0, "go1.26.8", 2, tuple(map(failed, range(300))))
    value = page_value(report, relative, ORIGIN)
    assert (len(value["failures"]), value["failures_left_out"]) == (200, 100)
    heading, first, *more, last = value["failures"][0]
    assert heading == "`fn-0` did not build: in package fn-0"
    assert (first, last) == (f"fn-0{'x' * 3996}…", "and 10 more")
    assert more == [f"fn-0 {n}" for n in range(19)]
