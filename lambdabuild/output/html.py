"""Write a run as one web page: the report's JSON, and the page's own script that draws it."""

import base64
import hashlib
import re
from typing import Any

from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Report, Status
from lambdabuild.core.text import to_json, visible
from lambdabuild.output.lanes import Lane, lanes
from lambdabuild.output.report import Fault, Relative, faults, report_value, summary

_FAULTS = 200
"""How many faults are shown with their errors."""
_SAID = 4000
"""How many characters of one error are shown."""
_ERRORS = 20
"""How many errors of one package are shown; Go itself stops at ten, but for those of loading."""


def page_text(template: str, report: Report, relative: Relative) -> str:
    """Return the page of a run.

    `template` is `page.html` of this package: `{{data}}` stands for the JSON, `{{policy}}` for a
    Content-Security-Policy that allows its one style and its one script, and nothing to be loaded.
    """
    # Without markup in the JSON, nothing that others wrote can end the element around it.
    json = to_json(page_value(report, relative), indent=None)
    data = json.translate({ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&"})
    return template.replace("{{policy}}", _policy(template)).replace("{{data}}", data)


def page_value(report: Report, relative: Relative) -> dict[str, Any]:
    r"""Return the values that the page draws, with `\x1b` for what cannot be seen.

    They are those of `--report`, except that errors are in `failures`: a list for each package, of
    its heading and its lines. The times in `lanes` are seconds since the first span started.
    """
    value = report_value(report, relative)
    before = {(r.step.function.name, str(r.step.target)): r.previous_size for r in report.results}
    origin = min((span.start for span in report.spans), default=0.0)
    found = _faults(report)
    more = {
        "summary": summary(report),
        "functions": [
            {key: item[key] for key in item if key != "errors"}
            | {"previous_size": before[item["name"], item["target"]]}
            for item in value["functions"]
        ],
        "removed": [artifact.function for artifact in report.removed],
        "failures": [_lines(fault, relative) for fault in found[:_FAULTS]],
        "failures_left_out": max(0, len(found) - _FAULTS),
        "lanes": [_lane_value(lane, origin) for lane in lanes(report.spans)],
    }
    made: dict[str, Any] = _shown(value | more)
    return made


def _policy(template: str) -> str:
    rules = ["default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'"]
    for tag in ("style", "script"):
        [own] = re.findall(rf"<{tag}>(.*?)</{tag}>", template, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        rules.append(f"{tag}-src 'sha256-{digest}'")
    return "; ".join(rules)


def _faults(report: Report) -> list[Fault]:
    failed = [result for result in report.results if result.status is Status.FAILED]
    silent = tuple(result.step.function.name for result in failed if not result.errors)
    return [*faults(failed), *([Fault(None, silent, ())] if silent else [])]


def _lines(fault: Fault, relative: Relative) -> list[str]:
    errors = tuple(_shortened(error) for error in fault.errors[:_ERRORS])
    lines = [line.removeprefix("  ") for line in fault._replace(errors=errors).lines(relative)]
    left = len(fault.errors) - _ERRORS
    return [*lines, f"and {left} more"] if left > 0 else lines


def _shortened(error: Diagnostic) -> Diagnostic:
    if len(error.message) <= _SAID:
        return error
    return error._replace(message=f"{error.message[:_SAID]}…")


def _lane_value(lane: Lane, origin: float) -> dict[str, Any]:
    spans = [
        {
            "activity": span.activity.value,
            "name": span.name,
            "start": round(span.start - origin, 6),
            "seconds": round(span.seconds, 6),
            "critical": span.critical,
            "depth": depth,
        }
        for span, depth in lane.placed
    ]
    return {"name": lane.name, "depth": lane.depth, "spans": spans}


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value
