"""The page of `--html`, in a real browser, shows what the report says, and runs nothing else."""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from lambdabuild.core.artifact import Identity, Kind, Sidecar
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Activity, Report, Span, Status, StepResult
from lambdabuild.core.text import duration, size
from lambdabuild.output.page.html import Contents, page_text
from lambdabuild.output.page.origin import Origin
from lambdabuild.sizes.composition import ModuleSize, Sized
from tests.browser.runs import run_of
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
COMMIT = "0123456789ab" + "0" * 28
PAGE = f"https://github.com/acme/shop/commit/{COMMIT}"
FILE = f"https://github.com/acme/shop/blob/{COMMIT}/api/orders/main.go#L3"
ORIGIN = Origin(
    "2026-11-27T06:30:00Z", "0.1.0", "Linux x86_64", 2, COMMIT, "main", is_changed=True, page=PAGE,
    link=lambda _: FILE,
)  # fmt: skip


def prepared(
    steps: str, report: Report = RUN, origin: Origin = ORIGIN, contents: Sequence[Contents] = ()
) -> str:
    """Return the page of a report that shows what steps in JavaScript return that are run in it."""
    last = "</script>\n</body>"
    assert TEMPLATE.count(last) == TEMPLATE.count('"use strict";') == 1
    template = TEMPLATE.replace('"use strict";', f'"use strict";{WATCH}')
    template = template.replace(last, f"{REPORT % steps}</script>\n</body>")
    return page_text(template, report, relative, origin, contents)


def seen(
    directory: Path, steps: str, *flags: str, report: Report = RUN, origin: Origin = ORIGIN,
    injected: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Return what steps in JavaScript return that are run in the page of a report."""
    text = prepared(steps, report, origin).replace("</body>", f"{injected}</body>")
    return told(directory, text, *flags)


def told(directory: Path, text: str, *flags: str) -> dict[str, Any]:
    """Return the JSON that a page shows in a browser in the end."""
    file = directory / "page.html"
    file.write_text(text, "utf-8")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert browser, "no Chromium: `apt-get install chromium`, `brew install --cask chromium`"
    profile = f"--user-data-dir={directory / 'profile'}"
    done = subprocess.run(
        [browser, *FLAGS, profile, *flags, file.as_uri()],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    [shown] = re.findall(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    value: dict[str, Any] = json.loads(html.unescape(shown))
    return value


def test_the_page_shows_the_report_and_sorts_filters_and_zooms_it(tmp_path: Path) -> None:
    numbers = [0.0, 0.004, 0.994, 0.996, 1.26, 59.94, 59.96, 119.6, 3601.0]
    counts = [0, 999, 1000, 99_949, 99_999, 100_000, 123_456_789]
    steps = f"""
    const said = {{
      title: document.title, header: texts("header p"), failures: texts("#faults *"),
      rows: table(), heads: texts("#table th button"), links: texts("nav a:not([hidden])"),
      order: texts("h2"), legend: texts(".legend li"), bound: texts("#bound"),
      addresses: [...document.querySelectorAll("header a, #faults a")].map((a) => a.href),
      undrawn: texts("#undrawn"), lanes: texts(".lanes text"), bars: texts(".chart title"), axis: texts(".axis text"),
      lists: [...document.querySelectorAll("details")].map((details) =>
        [...details.children].flatMap((e) => e.tagName === "OL" ? [...e.children].map((li) => li.textContent) : e.textContent)), sizes: texts("#bars p, #bars tbody tr > :not(.bar)"),
      widths: [...document.querySelectorAll("#bars tr:nth-child(1) rect")].map((r) => r.getAttribute("width")),
      durations: {numbers}.map(duration), counts: {counts}.map(size),
    }};
    const heads = byId("table").tHead.rows[0].cells;
    const click = (column) => {{ heads[column].firstChild.click(); return names(); }};
    said.sorted = [click(3), click(3), click(0), click(0)];
    said.directions = [...heads].slice(0, 4).map((head) => head.getAttribute("aria-sort"));
    choose("filter", "FN-", "input");
    said.filtered = [names(), byId("count").textContent];
    choose("status", "failed", "change");
    choose("filter", "new", "input");
    said.chosen = [names(), byId("count").textContent];
    const width = () => document.querySelector(".chart").getBoundingClientRect().width;
    const before = width();
    choose("zoom", "4", "change");
    said.zoomed = Math.round(width() / before);
    document.querySelector(".chart .link rect").dispatchEvent(new Event("pointerover", {{ bubbles: true }}));
    said.pointed = byId("pointed").textContent;
    dispatchEvent(new Event("beforeprint"));
    said.printed = [...document.querySelectorAll("details")].map((details) => details.open);
    return {{ ...said, troubles, asked: asked() }};
    """
    link = "linking users-get: 9.0 s, from 10.00 s"
    build = "compiling net/http: 8.0 s, from 2.00 s"
    fetch = "restoring fn-10 from the cache: 0.25 s, from 1.00 s"
    store = "storing users-get linux/amd64 in the cache: 0.50 s, from 19.00 s"
    on_path = [f"{build}, on the critical path", f"{link}, on the critical path"]
    assert seen(tmp_path, steps) == {
        "title": "lambdabuild: built 1, up to date 2, failed 1 of 4 in 20.0 s",
        "header": [
            "failed built 1, up to date 2, failed 1 of 4 in 20.0 s",
            "main at 0123456789ab, with uncommitted changes, 2026-11-27 06:30:00 UTC",
            "go1.26.8, lambdabuild 0.1.0, 2 jobs, on Linux x86_64 with 2 processors", "",
        ],
        "addresses": [PAGE, FILE],
        "order": ["Failures", "Timeline", "Functions", "Sizes"],
        "bound": [
            "The critical path bounded this run: its 2 steps took 17.0 s of 20.0 s, and the longest "
            "was linking users-get (9.0 s).",
        ],
        "failures": [
            "orders did not build: in package example.com/shop/api/orders"
            "api/orders/main.go:3:9: undefined: token\n  have x",
            "orders did not build: in package example.com/shop/api/orders", "orders",
            "api/orders/main.go:3:9: undefined: token\n  have x", "api/orders/main.go:3:9",
        ],
        "heads": [
            "function", "target", "status", "size", "change", "compile", "link", "zip",
            "restoring from the cache", "storing in the cache", "why",
        ],
        "rows": [
            ["orders", "linux/amd64", "failed", "", "", "", "", "", "", "", "is new"],
            ["users-get", "linux/amd64", "built", "8.9 MB", "+0.9 MB", "0.25 s", "0.50 s",
             "3.7 MB", "", "0.50 s", "internal/a.go changed"],
            ["fn-10", "linux/amd64", "up to date", "900 B", "new", "", "", "", "0.25 s", "", ""],
            ["fn-9", "linux/amd64", "up to date", "90.0 kB", "", "", "", "", "", "", ""],
        ],
        "links": ["Failures", "Timeline", "Functions", "Sizes"],
        "legend": [
            " compiling: 1, 8.0 s together", " linking: 1, 9.0 s together",
            " restoring from the cache: 1, 0.25 s together",
            " storing in the cache: 1, 0.50 s together", " critical path", " lambdabuild",
        ],
        "undrawn": [],
        "lanes": ["2 at once", "critical path", "lambdabuild", "go 1", "cache 1"],
        "bars": [
            "2 jobs; at most 1 at once", *on_path, "run: 20.0 s, from 0.00 s", *on_path, fetch, store,
        ],
        "axis": [f"{mark} s" for mark in range(0, 20, 2)],
        "lists": [
            ["critical path: 2 steps, 17.0 s together",
             "Each waited for the one before it; in between, it waited for a free processor.",
             build, link],
            ["the pieces of work, longest first", link, build, store, fetch],
        ],
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
        "directions": ["descending", "none", "none", "none"],
        "filtered": [["fn-10", "fn-9"], "2 of 4"],
        "chosen": [["orders"], "1 of 4"],
        "zoomed": 4,
        "pointed": f"{link}, on the critical path",
        "printed": [True, True],
        "troubles": [],
        "asked": [],
    }  # fmt: skip


def test_the_code_of_each_executable_is_shown_by_module_and_package(tmp_path: Path) -> None:
    several = ModuleSize("std", None, 750, (Sized("runtime", 500), Sized("net/http", 250)))
    one = ModuleSize("x.dev/<b>", "v1.2.3", 250, (Sized("x.dev/<b>", 250),))
    contents = [
        Contents("users-get", "linux/amd64", keeps_all_methods=True, modules=(several, one)),
        Contents("orders", "linux/amd64", keeps_all_methods=False, modules=(one,) * 14),
    ]
    steps = """document.querySelectorAll("#contents details").forEach((d) => { d.open = true; });
    return { troubles, summaries: texts("#contents summary"), said: texts("#contents details p"),
      rows: texts("#contents details:first-of-type tr"),
      sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth };"""
    assert told(tmp_path, prepared(steps, contents=contents)) == {
        "troubles": [],
        "summaries": [
            "users-get: 1.0 kB of code, with all exported methods, called or not",
            "orders: 3.5 kB of code",
        ],
        "said": [
            "lambdabuild why --size users-get names the call that makes the linker keep them.",
            "and 2 modules more",
        ],
        "rows": [
            "std750 B75%", "runtime500 B50%", "net/http250 B25%", "x.dev/<b> v1.2.3250 B25%",
        ],
        "sideways": 0,
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
    origin = Origin(
        hostile, hostile, hostile, 2, hostile, hostile, page="javascript:document.title='taken'",
        link=lambda _: "javascript:document.title='taken'",
    )  # fmt: skip
    steps = """
    for (const link of document.links) if (!link.hash) link.click();
    return {
      rows: table().map((row) => [row[0], row.at(-1)]), titles: texts(".chart title").length, troubles,
      title: document.title, images: document.images.length, asked: asked(),
    };"""
    said = {
        "rows": [[shown, shown]], "titles": 1 + 2 * len(Activity), "troubles": [], "images": 0,
        "title": "lambdabuild: failed 1 of 1 in 20.0 s", "asked": [],
    }  # fmt: skip
    assert seen(tmp_path, steps, report=report, origin=origin) == said
    injected = (
        "<script>document.title='taken'</script><style>main { display: none }</style>"
        "<img src='https://example.com/x.png' onerror='document.title=1'>"
    )
    found = seen(tmp_path, steps, report=report, origin=origin, injected=injected)
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
  const faint = [...document.querySelectorAll("h1, h2, h3, p, a, code, time, button, label, output, pre, th, td, strong, li, summary, text")]
    .filter((e) => {
      const fill = e.tagName === "text" && e.parentElement.querySelector("rect");
      const ink = light(getComputedStyle(e)[e.tagName === "text" ? "fill" : "color"]);
      const ground = light(fill ? getComputedStyle(fill).fill : behind(e));
      return Math.max(ink, ground) / Math.min(ink, ground) < 4.5;
    }).map((e) => e.outerHTML);
"""


# Pages in frames: a window is never as narrow as a telephone. What a frame prefers is what the flag says.
FRAMES = """<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><body>
<script type="application/json" id="pages">%s</script><script>
const pages = JSON.parse(document.getElementById("pages").textContent);
const frames = pages.flatMap(([name, text]) => [390, 900, 1600].map((width) => {
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 900; frame.srcdoc = text; frame.name = `${name} at ${width}`;
  return frame;
}));
document.body.append(...frames);
addEventListener("load", () => {
  const told = frames.map((frame) => [frame.name, JSON.parse(frame.contentDocument.body.textContent)]);
  const made = Object.assign(document.createElement("pre"), { id: "seen" });
  made.textContent = JSON.stringify(Object.fromEntries(told));
  document.body.replaceChildren(made);
});
</script>"""


@pytest.mark.parametrize(("scheme", "ground"), [(0, "rgb(20, 23, 26)"), (1, "rgb(255, 255, 255)")])
def test_everything_can_be_read_and_reached_at_any_width_in_the_dark_too(
    tmp_path: Path, scheme: int, ground: str
) -> None:
    steps = f"""{CONTRASTS}
    // What scrolls within the page, and what is pressed, is reached by keyboard.
    const unreached = [...document.querySelectorAll("main *")]
      .filter((e) => ["auto", "scroll"].includes(getComputedStyle(e).overflowX) || e.tagName === "BUTTON")
      .filter((e) => e.tabIndex < 0).map((e) => e.outerHTML);
    const nodes = () => document.querySelectorAll("#drawn *").length;
    const first = nodes();
    const shown = () => [table().length, document.querySelectorAll("#sized tr").length];
    // What is drawn as one says how many it is.
    const drawn = texts(".chart > rect > title, .chart > svg:not(.use) > title").flatMap((text) =>
      [...text.matchAll(/ (\\d+) times/g)].map(([, number]) => Number(number)).concat(text.includes(" times") ? [] : 1));
    const marked = document.querySelectorAll(".chart .critical").length;
    const said = {{ faint, unreached, few: first < 3000, marked, pieces: drawn.reduce((a, b) => a + b, 0), shown: shown(), more: texts(".more:not([hidden])"),
      ground: getComputedStyle(document.body).backgroundColor,
      sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth }};
    const button = document.querySelector("#rest button");
    choose("filter", "fn17", "input");
    said.found = names().length;
    choose("filter", "", "input");
    button.click();
    said.all = [...shown(), button.getAttribute("aria-expanded"), button.textContent];
    button.click();
    said.again = nodes() === first;
    return said;"""
    named = step("a" * 200)
    odd = RUN._replace(results=(*LISTED, StepResult(named, Status.BUILT, size=9_000_000)))
    reports = {"odd": odd} | {str(number): run_of(number) for number in (18, 200, 2000)}
    pages = json.dumps([(name, prepared(steps, report)) for name, report in reports.items()])
    flags = (f"--blink-settings=preferredColorScheme={scheme}", "--window-size=1700,1000")
    found = told(tmp_path, FRAMES % pages.replace("<", "\\u003c"), *flags)
    expected: dict[str, Any] = {}
    for name, number, matches in (
        ("odd", 5, 0),
        ("18", 18, 1),
        ("200", 200, 11),
        ("2000", 2000, 20),
    ):
        shown = min(number, 20)
        sized = 4 if name == "odd" else shown
        nouns = ("functions", "executables") if number > 20 else ()
        pieces = 7 if name == "odd" else 3 * number + 5
        expected |= {
            f"{name} at {width}": {
                "faint": [], "unreached": [], "few": True, "pieces": pieces, "marked": 4 if name == "odd" else 0,
                "shown": [shown, sized],
                "more": [f"show all {number} {noun}" for noun in nouns], "ground": ground, "sideways": 0, "found": matches,
                "all": [number, sized, "true", "show the first 20"], "again": True,
            }
            for width in (390, 900, 1600)
        }  # fmt: skip
    assert found == expected
