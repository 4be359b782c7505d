"""The page says what the report says, whatever the names and errors in it are."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.model import (
    Companion,
    Diagnostic,
    Identity,
    Kind,
    Report,
    Share,
    Status,
    StepResult,
)
from lambdabuild.core.spans import Activity, Span
from lambdabuild.output.chart import MOST, timeline
from lambdabuild.output.markup import escaped
from lambdabuild.output.page import page_text
from tests.unit import values
from tests.unit.values import PROJECT, function, relative, step

TEMPLATE = resources.files("lambdabuild").joinpath("page.html").read_text("utf-8")
T0 = 1_700_000_000.0
HOSTILE = (
    "</script><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</title></svg></pre></table><h1>",
    "<!-- {{functions}} -->",
    "&lt;b&gt; &amp",
    "\x00\x1b[31mred\x07\x85",
    "caf\udce9",
    "\u202egnp.txt\u2066",
)
VOID = {"meta", "link", "input"}


class Reader(HTMLParser):
    """Read a page as a browser would; every element has to be closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    @property
    def said(self) -> str:
        return "\n".join(text for tag, text in self.texts if tag not in {"script", "style"})


def page(*results: StepResult, spans: Sequence[Span] = ()) -> str:
    ok = not any(result.status is Status.FAILED for result in results)
    report = Report(ok, 2.5, "go1.26.8", 2, results, spans=tuple(spans))
    return page_text(TEMPLATE, report, relative)


def table(text: str) -> list[list[str]]:
    """Return the cells of the table of functions, markup taken out."""
    body = re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL)[0]
    return [
        [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", body)
    ]


def zipped(size: int) -> Companion:
    return Companion(Kind.ZIP, "dist/a.zip", "00", Identity(1, size, 3, 4), "")


UNDEFINED = Diagnostic(
    function("orders").package, "undefined: token\n\thave x", f"{PROJECT}/api/orders/main.go", 3, 9
)
BUILT = StepResult(
    step("users-get"), Status.BUILT, "internal/a.go changed", size=8_900_000,
    previous_size=8_000_000, compile_seconds=0.25, link_seconds=0.5, seconds=0.75,
    zip=zipped(3_700_000),
)  # fmt: skip
FAILED = StepResult(step("orders"), Status.FAILED, "is new", seconds=0.1, errors=(UNDEFINED,))
CURRENT = StepResult(step("carts"), Status.UP_TO_DATE, size=900)


def test_the_table_has_failures_first_and_then_what_took_longest() -> None:
    spans = [
        Span(Activity.FETCH, "carts", T0, T0 + 0.25),
        Span(Activity.STORE, "users-get linux/amd64", T0, T0 + 0.5),
    ]
    assert table(page(CURRENT, BUILT, FAILED, spans=spans)) == [
        ["orders", "linux/amd64", "failed", "", "", "", "", "", "", "is new"],
        [
            "users-get", "linux/amd64", "built", "8.9 MB", "+0.9 MB", "0.25 s", "0.50 s", "3.7 MB",
            "stored 0.50 s", "internal/a.go changed",
        ],
        ["carts", "linux/amd64", "up to date", "900 B", "new", "", "", "", "fetched 0.25 s", ""],
    ]  # fmt: skip


def test_failures_come_before_the_table_with_their_errors() -> None:
    text = page(BUILT, FAILED)
    said = Reader(text).said
    assert "failed" in said
    assert "built 1, failed 1 of 2 in 2.5 s" in said
    assert (
        "`orders` did not build: in package example.com/shop/api/orders\n"
        "api/orders/main.go:3:9: undefined: token\n  have x" in said
    )
    assert text.index("undefined: token") < text.index("<tbody>")
    assert "Failures" not in Reader(page(BUILT)).said


def test_a_shard_says_which_it_is() -> None:
    report = Report(True, 1.0, "go1.26.8", 2, (BUILT,), share=Share(2, 4, 18, "x"))
    assert "go1.26.8, 2 jobs, shard 2 of 4" in Reader(page_text(TEMPLATE, report, relative)).said


def test_sizes_are_drawn_largest_first_with_what_they_grew_by() -> None:
    text = page(CURRENT, BUILT)
    sizes = text[text.index('<table class="sizes">') :]
    assert "2 executables, 8.9 MB together" in text
    names = re.findall(r'<th scope="row">(.*?)</th>', sizes)
    assert names == ["users-get", "carts"]
    assert "+0.9 MB (+11.3%)" in sizes
    assert re.findall(r'<rect (?:x="([\d.]+%)" )?width="([\d.]+%)"', sizes)[:2] == [
        ("", "89.89%"),
        ("89.89%", "10.11%"),
    ]


def test_the_timeline_has_every_span_and_marks_the_critical_path() -> None:
    text = timeline(
        [
            Span(Activity.RUN, "", T0, T0 + 10),
            Span(Activity.COMPILE, "net/http", T0 + 1, T0 + 4),
            Span(Activity.COMPILE, "runtime", T0 + 2, T0 + 5, critical=True),
            Span(Activity.LINK, "users-get", T0 + 5, T0 + 5.01, critical=True),
        ]
    )
    read = Reader(text)
    assert [text for tag, text in read.texts if tag == "title"] == [
        "compile runtime: 3.0 s, from 2.00 s, on the critical path",
        "link users-get: 0.01 s, from 5.00 s, on the critical path",
        "run: 10.0 s, from 0.00 s",
        "compile net/http: 3.0 s, from 1.00 s",
        "link users-get: 0.01 s, from 5.00 s, on the critical path",
        "compile runtime: 3.0 s, from 2.00 s, on the critical path",
    ]
    assert "critical path: 2 steps, 3.0 s together" in read.said
    assert [text for tag, text in read.texts if tag == "li"][-2:] == [
        "compile runtime: 3.0 s, from 2.00 s",
        "link users-get: 0.01 s, from 5.00 s",
    ]
    assert 'x="20.000%"' in text


@pytest.mark.parametrize(
    ("seconds", "marks"),
    [
        (10, ["0 s", "1 s", "2 s", "3 s", "4 s", "5 s", "6 s", "7 s", "8 s", "9 s"]),
        (87, ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s", "70 s", "80 s"]),
        (0.9, ["0.0 s", "0.1 s", "0.2 s", "0.3 s", "0.4 s", "0.5 s", "0.6 s", "0.7 s", "0.8 s"]),
        (3.4, ["0.0 s", "0.5 s", "1.0 s", "1.5 s", "2.0 s", "2.5 s", "3.0 s"]),
    ],
)
def test_the_axis_is_in_round_seconds(seconds: float, marks: list[str]) -> None:
    text = timeline([Span(Activity.RUN, "", 0.0, seconds)])
    axis = re.findall(r'<g class="axis".*?</g>', text)[0]
    assert re.findall(r">([\d.]+ s)<", axis) == marks


def filled(text: str) -> str:
    """Return a page that has a text wherever one comes from outside."""
    name = function("a")._replace(name=text, package=text, directory=f"{PROJECT}/{text}")
    there = step("a")._replace(function=name)
    error = Diagnostic(text, text, f"{PROJECT}/{text}", 1, 1)
    results = (
        StepResult(there, Status.FAILED, text, errors=(error,)),
        StepResult(there, Status.BUILT, text, size=5, seconds=1.0),
    )
    spans = [Span(activity, text, T0, T0 + 1, critical=True) for activity in Activity]
    gone = values.artifact()._replace(function=text)
    report = Report(False, 1.0, text, 1, results, (gone,), spans=tuple(spans))
    return page_text(TEMPLATE, report, relative)


@pytest.mark.parametrize("text", HOSTILE)
def test_names_and_errors_are_never_markup(text: str) -> None:
    made, plain = filled(text), filled("x")
    made.encode("utf-8")
    assert [tag for tag, _ in Reader(made).elements] == [tag for tag, _ in Reader(plain).elements]
    # Each span has a title and a label twice; then there are the list, the table and the errors.
    assert Reader(made).said.count(html_of(text)) > 30


def html_of(text: str) -> str:
    """Return how a text is shown."""
    shown = {
        HOSTILE[5]: "\\x00\\x1b[31mred\\x07\\x85",
        HOSTILE[6]: "caf\\udce9",
        HOSTILE[7]: "\\u202egnp.txt\\u2066",
    }
    return shown.get(text, text)


@given(st.text(st.characters()))
def test_any_text_is_one_text_in_html(text: str) -> None:
    read = Reader(f'<p title="{escaped(text)}">{escaped(text)}</p>')
    assert [tag for tag, _ in read.elements] == ["p"]
    assert "".join(data for _, data in read.texts) == read.elements[0][1]["title"]


@given(values.reports, st.booleans())
def test_any_report_makes_a_whole_page(report: Report, timed: bool) -> None:
    spans = (Span(Activity.RUN, "", T0, T0),) if timed else ()
    read = Reader(page_text(TEMPLATE, report._replace(spans=spans), relative))
    assert "{{" not in read.said
    assert len({a["id"] for _, a in read.elements if "id" in a}) == sum(
        "id" in a for _, a in read.elements
    )


def test_nothing_is_asked_of_the_network_and_only_the_pages_own_code_may_run() -> None:
    text = page(FAILED, BUILT, spans=[Span(Activity.RUN, "", T0, T0 + 1)])
    read = Reader(text)
    loaded = [
        (tag, name, value)
        for tag, attributes in read.elements
        for name, value in attributes.items()
        if name in {"src", "href", "action", "srcset", "data"} or name.startswith("on")
        if not (value or "").startswith("#")
    ]
    assert loaded == [("link", "href", "data:,")]
    assert not any("style" in attributes for _, attributes in read.elements)
    assert "url(" not in text
    assert "@import" not in text
    policy = next(a["content"] for t, a in read.elements if t == "meta" and "http-equiv" in a)
    assert re.sub(r"'sha256-[^']{44}'", "own", str(policy)) == (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        "style-src own; script-src own"
    )


def test_every_header_and_figure_says_what_it_is_to_who_cannot_see_it() -> None:
    read = Reader(page(FAILED, BUILT, spans=[Span(Activity.RUN, "", T0, T0 + 1)]))
    heads = [attributes for tag, attributes in read.elements if tag == "th"]
    assert all(attributes.get("scope") in {"col", "row"} for attributes in heads)
    named = {a["id"] for _, a in read.elements if "id" in a}
    assert {a["aria-labelledby"] for _, a in read.elements if "aria-labelledby" in a} <= named
    assert all(
        a.get("role") != "img" or a.get("aria-label") for tag, a in read.elements if tag == "svg"
    )


def test_the_page_of_a_thousand_functions_stays_small() -> None:
    names = [f"department-{n // 50}-service-function-{n:04}" for n in range(1000)]
    results = [
        StepResult(
            step(name), Status.FAILED, "internal/some/package/file.go changed",
            compile_seconds=0.12345, seconds=0.5, errors=(
                Diagnostic(function(name).package, "undefined: token " * 10_000),
            ) * 500,
        )
        if n % 2
        else BUILT._replace(step=step(name))
        for n, name in enumerate(names)
    ]  # fmt: skip
    spans = [
        Span(activity, name, T0 + n * 0.3, T0 + n * 0.3 + 0.29)
        for n, name in enumerate(names)
        for activity in (Activity.COMPILE, Activity.LINK, Activity.PACK, Activity.STORE)
    ]
    text = page(*results, spans=spans)
    assert len(text.encode()) < 2_000_000
    assert f"The {4000 - MOST} shortest are not drawn" in text
