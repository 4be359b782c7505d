"""The page of `--html`, in a real browser, shows what the report says, and runs nothing else."""

import html
import json
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from lambdabuild.core.artifact import Identity, Kind, Sidecar
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Activity, Report, Span, Status, StepResult
from lambdabuild.core.text import duration, size
from lambdabuild.output.html import page_text
from tests.unit.values import PROJECT, function, relative, step

TEMPLATE = resources.files("lambdabuild").joinpath("page.html").read_text("utf-8")
BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Whatever a page asks for, nothing is found.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom"),
)
WATCH = """
const troubles = [];
addEventListener("error", (event) => troubles.push(event.message ?? event.target.outerHTML), true);
addEventListener("securitypolicyviolation", (event) => troubles.push(event.violatedDirective));
const texts = (selector) => [...document.querySelectorAll(selector)].map((e) => e.textContent);
const table = () => [...byId("table").tBodies[0].rows].filter((r) => !r.hidden)
  .map((r) => [...r.cells].map((c) => c.textContent));
const names = () => table().map(([name]) => name);
const choose = (id, value, kind) => { byId(id).value = value; byId(id).dispatchEvent(new Event(kind)); };
// What a policy kept back is here, too.
const asked = () => performance.getEntriesByType("resource").map((entry) => entry.name);
"""
REPORT = """addEventListener("load", () => {
  const seen = JSON.stringify((() => { %s })());
  document.body.replaceChildren(html("pre", { id: "seen" }, seen));
});"""

T0 = 1_700_000_000.0
LISTED = (
    StepResult(
        step("orders"), Status.FAILED, "is new", seconds=0.1,
        errors=(
            Diagnostic(
                function("orders").package, "undefined: token\n\thave x",
                f"{PROJECT}/api/orders/main.go", 3, 9,
            ),
        ),
    ),
    StepResult(
        step("users-get"), Status.BUILT, "internal/a.go changed", size=8_900_000,
        previous_size=8_000_000, compile_seconds=0.25, link_seconds=0.5, seconds=0.75,
        zip=Sidecar(Kind.ZIP, "dist/a.zip", "00", Identity(1, 3_700_000, 3, 4), ""),
    ),
    StepResult(step("fn-10"), Status.UP_TO_DATE, size=900),
    StepResult(step("fn-9"), Status.UP_TO_DATE, size=90_000, previous_size=90_000),
)  # fmt: skip
SPANS = (
    Span(Activity.RUN, "", T0, T0 + 20),
    Span(Activity.COMPILE, "net/http", T0 + 2, T0 + 10, critical=True),
    Span(Activity.LINK, "users-get", T0 + 10, T0 + 19, critical=True),
    Span(Activity.FETCH, "fn-10", T0 + 1, T0 + 1.25),
    Span(Activity.STORE, "users-get linux/amd64", T0 + 19, T0 + 19.5),
)
RUN = Report(False, 20.0, "go1.26.8", 2, LISTED, spans=SPANS)


def seen(
    directory: Path, steps: str, *flags: str, report: Report = RUN, injected: str = ""
) -> dict[str, Any]:
    """Return what steps in JavaScript return that are run in the page of a report."""
    last = "</script>\n</body>"
    assert TEMPLATE.count(last) == TEMPLATE.count('"use strict";') == 1
    template = TEMPLATE.replace('"use strict";', f'"use strict";{WATCH}')
    template = template.replace(last, f"{REPORT % steps}</script>\n</body>")
    file = directory / "page.html"
    text = page_text(template, report, relative).replace("</body>", f"{injected}</body>")
    file.write_text(text, "utf-8")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert browser, "no Chromium: `apt-get install chromium`, `brew install --cask chromium`"
    profile = f"--user-data-dir={directory / 'profile'}"
    done = subprocess.run(
        [browser, *FLAGS, profile, *flags, file.as_uri()],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    [told] = re.findall(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    value: dict[str, Any] = json.loads(html.unescape(told))
    return value


def test_the_page_shows_the_report_and_sorts_filters_and_zooms_it(tmp_path: Path) -> None:
    numbers = [0.0, 0.004, 0.994, 0.996, 1.26, 59.94, 59.96, 119.6, 3601.0]
    counts = [0, 999, 1000, 99_949, 99_999, 100_000, 123_456_789]
    steps = f"""
    const said = {{
      title: document.title, header: texts("header p"), failures: texts("#faults *"),
      rows: table(), links: texts("nav a:not([hidden])"), legend: texts(".legend li"),
      undrawn: texts("#undrawn"), lanes: texts(".lanes text"), bars: texts(".chart title"), axis: texts(".axis text"),
      path: texts("details li"), sizes: texts("#bars p, #bars tbody tr > :not(.bar)"),
      widths: [...document.querySelectorAll("#bars tr:nth-child(1) rect")].map((r) => r.getAttribute("width")),
      durations: {numbers}.map(duration), counts: {counts}.map(size),
    }};
    const heads = byId("table").tHead.rows[0].cells;
    const click = (column) => {{ heads[column].firstChild.click(); return names(); }};
    said.sorted = [click(3), click(3), click(0), click(0)];
    said.order = [...heads].slice(0, 4).map((head) => head.getAttribute("aria-sort"));
    choose("filter", "FN-", "input");
    said.filtered = [names(), byId("count").textContent];
    choose("status", "failed", "change");
    choose("filter", "new", "input");
    said.chosen = [names(), byId("count").textContent];
    const width = () => document.querySelector(".chart").getBoundingClientRect().width;
    const before = width();
    choose("zoom", "x4", "change");
    said.zoomed = Math.round(width() / before);
    document.querySelector(".chart .link rect").dispatchEvent(new Event("pointerover", {{ bubbles: true }}));
    said.pointed = byId("pointed").textContent;
    dispatchEvent(new Event("beforeprint"));
    said.printed = [...document.querySelectorAll("details")].map((details) => details.open);
    return {{ ...said, troubles, asked: asked() }};
    """
    link = "link users-get: 9.0 s, from 10.00 s"
    build = "compile net/http: 8.0 s, from 2.00 s"
    on_path = [f"{build}, on the critical path", f"{link}, on the critical path"]
    assert seen(tmp_path, steps) == {
        "title": "lambdabuild: built 1, up to date 2, failed 1 of 4 in 20.0 s",
        "header": [
            "failed built 1, up to date 2, failed 1 of 4 in 20.0 s", "go1.26.8, 2 jobs", "",
        ],
        "failures": [
            "`orders` did not build: in package example.com/shop/api/orders"
            "api/orders/main.go:3:9: undefined: token\n  have x",
            "`orders` did not build: in package example.com/shop/api/orders",
            "api/orders/main.go:3:9: undefined: token\n  have x",
        ],
        "rows": [
            ["orders", "linux/amd64", "failed", "", "", "", "", "", "", "is new"],
            ["users-get", "linux/amd64", "built", "8.9 MB", "+0.9 MB", "0.25 s", "0.50 s",
             "3.7 MB", "stored 0.50 s", "internal/a.go changed"],
            ["fn-10", "linux/amd64", "up to date", "900 B", "new", "", "", "", "fetched 0.25 s", ""],
            ["fn-9", "linux/amd64", "up to date", "90.0 kB", "", "", "", "", "", ""],
        ],
        "links": ["Failures", "Functions", "Timeline", "Sizes"],
        "legend": [
            " compile: 1, 8.0 s together", " link: 1, 9.0 s together", " fetch: 1, 0.25 s together",
            " store: 1, 0.50 s together", " critical path", " lambdabuild",
        ],
        "undrawn": [],
        "lanes": ["critical path", "lambdabuild", "go 1", "cache 1"],
        "bars": [
            *on_path, "run: 20.0 s, from 0.00 s", *on_path,
            "fetch fn-10: 0.25 s, from 1.00 s",
            "store users-get linux/amd64: 0.50 s, from 19.00 s",
        ],
        "axis": [f"{mark} s" for mark in range(0, 20, 2)],
        "path": [build, link],
        "sizes": [
            "3 executables, 9.0 MB together", "users-get", "8.9 MB", "+0.9 MB (+11.3%)",
            "fn-9", "90.0 kB", "", "fn-10", "900 B", "new",
        ],
        "widths": ["89.888%", "10.112%"],
        "durations": [duration(number) for number in numbers],
        "counts": [size(number) for number in counts],
        # Numbers go by their value, not their text, and what has none comes last both times.
        "sorted": [
            ["users-get", "fn-9", "fn-10", "orders"], ["fn-10", "fn-9", "users-get", "orders"],
            ["fn-9", "fn-10", "orders", "users-get"], ["users-get", "orders", "fn-10", "fn-9"],
        ],
        "order": ["descending", "none", "none", "none"],
        "filtered": [["fn-10", "fn-9"], "2 of 4"],
        "chosen": [["orders"], "1 of 4"],
        "zoomed": 4,
        "pointed": f"{link}, on the critical path",
        "printed": [True],
        "troubles": [],
        "asked": [],
    }  # fmt: skip


def test_names_and_errors_are_text_and_markup_that_came_through_would_run_nothing(
    tmp_path: Path,
) -> None:
    hostile = "</script></title><script>document.title='taken'</script><img src=x>\x1b\u202e\udce9"
    shown = hostile.removesuffix("\x1b\u202e\udce9") + r"\x1b\u202e\udce9"
    named = function("a")._replace(name=hostile, package=hostile, directory=hostile)
    errors = (Diagnostic(hostile, hostile, hostile, 1, 1),)
    result = StepResult(step("a")._replace(function=named), Status.FAILED, hostile, errors=errors)
    spans = tuple(Span(activity, hostile, T0, T0 + 1, critical=True) for activity in Activity)
    report = RUN._replace(results=(result,), spans=spans)
    steps = """return {
      rows: table().map((row) => [row[0], row[9]]), titles: texts(".chart title").length, troubles,
      title: document.title, images: document.images.length, asked: asked(),
    };"""
    said = {
        "rows": [[shown, shown]], "titles": 2 * len(Activity), "troubles": [], "images": 0,
        "title": "lambdabuild: failed 1 of 1 in 20.0 s", "asked": [],
    }  # fmt: skip
    assert seen(tmp_path, steps, report=report) == said
    injected = (
        "<script>document.title='taken'</script><style>main { display: none }</style>"
        "<img src='https://example.com/x.png' onerror='document.title=1'>"
    )
    found = seen(tmp_path, steps, report=report, injected=injected)
    refused = ["img-src", "script-src-attr", "script-src-elem", "style-src-elem"]
    assert {*refused} <= {*found["troubles"]}
    asked = ["https://example.com/x.png"]
    assert found == said | {"images": 1, "asked": asked, "troubles": found["troubles"]}


# WCAG 2.2, 1.4.3: a contrast of 4.5 to 1.
CONTRASTS = """
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).map((v) => v / 255);
    const [r, g, b] = parts.map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const behind = (e) => {
    const own = getComputedStyle(e).backgroundColor;
    return own === "rgba(0, 0, 0, 0)" ? behind(e.parentElement) : own;
  };
  const faint = [...document.querySelectorAll("h1, h2, h3, p, a, pre, th, td, strong, li, summary, text")]
    .filter((e) => {
      const fill = e.tagName === "text" && e.parentElement.querySelector("rect");
      const ink = light(getComputedStyle(e)[e.tagName === "text" ? "fill" : "color"]);
      const ground = light(fill ? getComputedStyle(fill).fill : behind(e));
      return Math.max(ink, ground) / Math.min(ink, ground) < 4.5;
    }).map((e) => e.outerHTML);
"""


@pytest.mark.parametrize(("scheme", "ground"), [(0, "rgb(20, 23, 26)"), (1, "rgb(255, 255, 255)")])
def test_everything_can_be_read_in_the_dark_and_on_a_telephone(
    tmp_path: Path, scheme: int, ground: str
) -> None:
    steps = f"""{CONTRASTS}
    return {{
      faint, ground: getComputedStyle(document.body).backgroundColor,
      sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    }};"""
    named = step("a" * 200)
    report = RUN._replace(results=(*LISTED, StepResult(named, Status.BUILT, size=9_000_000)))
    flags = (f"--blink-settings=preferredColorScheme={scheme}", "--window-size=500,900")
    assert seen(tmp_path, steps, *flags, report=report) == {
        "faint": [], "ground": ground, "sideways": 0,
    }  # fmt: skip
