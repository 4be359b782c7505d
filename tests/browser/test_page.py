"""The page is whole without network and script, and sorts, filters and zooms with script."""

import json
from pathlib import Path
from typing import Any

import pytest

from lambdabuild.core.model import Status
from lambdabuild.core.spans import Activity, Span
from tests.browser.chromium import Browser, Page
from tests.browser.conftest import T0, TEMPLATE, Write, result

HOSTILE = "</script></title><script>document.title='taken'</script><img src=x onerror=alert(1)>"

NAMES = "[...document.querySelectorAll('#table tbody tr:not([hidden])')].map(r => r.cells[0].textContent)"
COUNT = "document.getElementById('count').textContent"


def head(name: str) -> str:
    """Return the selector of a column's button."""
    columns = ["function", "target", "status", "size", "change", "compile", "link"]
    return f"#table th:nth-child({columns.index(name) + 1}) button"


def choose(page: Page, identifier: str, value: str) -> None:
    """Choose from a list as the browser does: it sets the value and tells the page."""
    place = f"document.getElementById({json.dumps(identifier)})"
    page.evaluate(
        f"{place}.value = {json.dumps(value)}; {place}.dispatchEvent(new Event('change'))"
    )


def test_a_click_on_a_heading_sorts_and_another_one_turns_it_around(
    browser: Browser, write: Write
) -> None:
    page = browser.page(write())
    assert page.evaluate(NAMES) == ["orders", "users-get", "fn-10", "fn-9"]
    # Numbers go by their value, not their text, and what has none comes last both times.
    page.click(head("size"))
    assert page.evaluate(NAMES) == ["fn-10", "users-get", "fn-9", "orders"]
    page.click(head("size"))
    assert page.evaluate(NAMES) == ["fn-9", "users-get", "fn-10", "orders"]
    page.click(head("function"))
    assert page.evaluate(NAMES) == ["fn-9", "fn-10", "orders", "users-get"]
    page.click(head("function"))
    assert page.evaluate(NAMES) == ["users-get", "orders", "fn-10", "fn-9"]
    sorted_by = "[...document.querySelectorAll('#table thead th')].map(h => h.ariaSort).slice(0, 4)"
    assert page.evaluate(sorted_by) == ["descending", "none", "none", "none"]


def test_what_is_typed_and_chosen_filters_the_rows(browser: Browser, write: Write) -> None:
    page = browser.page(write())
    assert page.evaluate(COUNT) == "4"
    page.click("#filter")
    page.type("FN-")
    assert (page.evaluate(NAMES), page.evaluate(COUNT)) == (["fn-10", "fn-9"], "2 of 4")
    choose(page, "status", "up to date")
    assert (page.evaluate(NAMES), page.evaluate(COUNT)) == (["fn-9"], "1 of 4")
    page.click(head("size"))
    assert page.evaluate(NAMES) == ["fn-9"]
    page.evaluate("document.getElementById('filter').select()")
    page.type("orders.go")
    choose(page, "status", "")
    assert page.evaluate(NAMES) == ["orders"]
    offered = "[...document.getElementById('status').options].map(o => o.textContent)"
    assert page.evaluate(offered) == ["all", "built", "up to date", "failed"]


def test_the_timeline_zooms_and_tells_what_is_pointed_at(browser: Browser, write: Write) -> None:
    page = browser.page(write())
    width = "document.querySelector('.chart').getBoundingClientRect().width"
    before = page.evaluate(width)
    choose(page, "zoom", "x4")
    assert page.evaluate(width) == pytest.approx(4 * before, rel=0.01)
    choose(page, "zoom", "")
    titles = "[...document.querySelectorAll('.chart .link title')]"
    bar = f"{titles}.findLast(t => t.textContent.startsWith('link users-get')).parentElement"
    x, y = page.evaluate(
        f"(e => {{ e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();"
        f" return [b.x + b.width / 2, b.y + b.height / 2]; }})({bar})"
    )
    page.mouse("mouseMoved", x, y)
    assert page.evaluate("document.getElementById('pointed').textContent") == (
        "link users-get: 9.0 s, from 10.00 s, on the critical path"
    )


def troubles(page: Page) -> list[Any]:
    """Return everything a page logged, threw, or said in a box of its own."""
    return page.happened(
        *("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"),
        "Page.javascriptDialogOpening",
    )


def requested(page: Page) -> list[str]:
    """Return what a page asked for, but for itself and what it holds."""
    sent = [event["request"]["url"] for event in page.happened("Network.requestWillBeSent")]
    return [url for url in sent[1:] if not url.startswith("data:")]


def test_names_run_nothing_and_the_page_asks_for_nothing(browser: Browser, write: Write) -> None:
    step = result("a").step
    hostile = step._replace(function=step.function._replace(name=HOSTILE))
    spans = [Span(activity, HOSTILE, T0, T0 + 1, critical=True) for activity in Activity]
    page = browser.page(write([result("a")._replace(step=hostile, reason=HOSTILE)], spans))
    page.click(head("link"))
    assert page.evaluate(NAMES) == [HOSTILE]
    assert page.evaluate("[document.title, document.scripts.length, document.images.length]") == [
        "lambdabuild: built 1 of 1 in 20.0 s", 1, 0,
    ]  # fmt: skip
    assert (troubles(page), requested(page)) == ([], [])


def test_markup_that_came_through_would_still_run_nothing(browser: Browser, write: Write) -> None:
    injected = "<script>document.title='taken'</script><img src='https://example.com/x.png'>"
    style = "<style>body { display: none }</style>"
    path = write()
    path.write_text(path.read_text("utf-8").replace("<main>", f"<main>{injected}{style}"), "utf-8")
    page = browser.page(path)
    assert (
        page.evaluate("document.title")
        == "lambdabuild: built 2, up to date 1, failed 1 of 4 in 20.0 s"
    )
    assert page.evaluate("getComputedStyle(document.body).display") == "block"
    assert {"blocked" in event["entry"]["text"] or "violates" in event["entry"]["text"]
            for event in page.happened("Log.entryAdded")} == {True}  # fmt: skip
    assert page.evaluate("document.images[0].naturalWidth") == 0


def test_without_script_all_of_it_can_be_read(browser: Browser, write: Write) -> None:
    page = browser.page(write(), scripts=False)
    assert page.evaluate(NAMES) == ["orders", "users-get", "fn-10", "fn-9"]
    hidden = "[...document.querySelectorAll('.controls')].map(e => getComputedStyle(e).display)"
    assert page.evaluate(hidden) == ["none", "none"]
    text = page.evaluate("document.body.innerText")
    assert "api/a.go:3:9: undefined: token" in text
    assert "+0.1 MB" in text


def test_where_a_viewer_forbids_styles_too_the_drawings_keep_their_colours(
    browser: Browser, write: Write
) -> None:
    # As Jenkins serves what a job archived, with a policy beside the page's own.
    strict = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    page = browser.page(write(template=TEMPLATE.replace("<head>", f"<head>{strict}")))
    assert page.evaluate("document.styleSheets.length") == 0
    assert "orders" in page.evaluate("document.body.innerText")
    fill = "getComputedStyle(document.querySelector('.chart .{} rect')).fill"
    assert page.evaluate(fill.format("link")) == "rgb(242, 166, 90)"
    assert page.evaluate(fill.format("compile")) == "rgb(122, 166, 216)"
    box = "document.querySelector('{}').getBoundingClientRect()"
    names, chart = box.format(".lanes"), box.format(".chart")
    assert page.evaluate(f"[{chart}.width > 1000, {chart}.y - {names}.y]") == [True, 0]


CONTRASTS = """
(() => {
  const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = (c) => {
    const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    const own = getComputedStyle(e).backgroundColor;
    return own === "rgba(0, 0, 0, 0)" ? behind(e.parentElement) : own;
  };
  const least = {};
  for (const e of document.querySelectorAll("h1, h2, h3, p, a, pre, th, td, td span, strong, li, summary, text")) {
    const style = getComputedStyle(e);
    const ink = e.tagName === "text" ? style.fill : style.color;
    const fill = e.tagName === "text" && e.parentElement.querySelector("rect");
    const [a, b] = [light(ink), light(fill ? getComputedStyle(fill).fill : behind(e))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) least[`${e.tagName} ${e.className.baseVal ?? e.className}`] = contrast;
  }
  return least;
})()
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everything_written_stands_out_from_what_is_behind_it(
    browser: Browser, write: Write, dark: bool
) -> None:
    page = browser.page(write(), dark=dark)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")
    # WCAG 2.2, 1.4.3: a contrast of 4.5 to 1.
    assert page.evaluate(CONTRASTS) == {}


def test_on_a_telephone_only_the_wide_parts_scroll_sideways(browser: Browser, write: Write) -> None:
    long = [result("a" * 200, size=9_000_000), result("orders", Status.FAILED)]
    page = browser.page(write(long), width=400)
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    bar = "document.querySelector('.sizes .bar svg').getBoundingClientRect().width"
    assert page.evaluate(bar) > 300


def test_on_paper_there_is_nothing_to_press_and_everything_to_see(
    browser: Browser, write: Write
) -> None:
    names = [f"fn-{number}" for number in range(30)]
    page = browser.page(write([result(name, size=1_000_000) for name in names]), dark=True)
    page.call("Page.printToPDF")
    assert page.evaluate("[...document.querySelectorAll('details')].every(d => d.open)")
    page.call("Emulation.setEmulatedMedia", media="print", features=[])
    seen = "[...document.querySelectorAll('.controls, nav')].map(e => getComputedStyle(e).display)"
    assert page.evaluate(seen) == ["none"] * 3


def test_a_thousand_functions_can_be_sorted_and_filtered(browser: Browser, write: Write) -> None:
    results = [result(f"fn-{n:04}", size=5_000_000 + n * 7919 % 1_000_000) for n in range(1000)]
    spans = [
        Span(Activity.LINK, f"fn-{n:04}", T0 + n * 0.3, T0 + n * 0.3 + 0.5) for n in range(1000)
    ]
    path: Path = write(results, spans)
    page = browser.page(path)
    assert page.evaluate("document.querySelectorAll('.chart .link title').length") == 1000
    page.click(head("size"))
    largest = sorted(results, key=lambda item: -(item.size or 0))
    assert page.evaluate(NAMES) == [item.step.function.name for item in largest]
    page.click("#filter")
    page.type("fn-007")
    assert page.evaluate(COUNT) == "10 of 1000"
    assert (troubles(page), requested(page)) == ([], [])
