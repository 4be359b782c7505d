"""Write a run as one web page: the report's JSON, and the page's own script that draws it."""

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from lambdabuild.core.result import Report, Status
from lambdabuild.core.text import to_json, visible
from lambdabuild.output.page.bounds import WORDS, bound, busy
from lambdabuild.output.page.origin import Origin
from lambdabuild.output.report import Fault, Relative, faults, place_of, report_value, summary
from lambdabuild.sizes.composition import ModuleSize

_FAULTS = 200
"""Faults that are shown with their errors."""
_ERRORS = 20
"""Errors of one package that are shown; Go itself stops at ten, but for those of loading."""
_MODULES = 12
"""Modules of one executable that are shown, the largest."""
_PACKAGES = 5
"""Packages of one module that are shown, the largest."""
_MESSAGE = 4000
"""Characters of one error that are shown."""


class Contents(NamedTuple):
    """How much code an executable has of each module."""

    name: str
    target: str
    keeps_all_methods: bool | None
    modules: tuple[ModuleSize, ...]


def page_text(
    template: str,
    report: Report,
    relative: Relative,
    origin: Origin,
    contents: Sequence[Contents] = (),
) -> str:
    """Return the page of a run.

    `template` is `page.html` of this package: `{{data}}` stands for the JSON, `{{policy}}` for a
    Content-Security-Policy that allows its one style and its one script, and nothing to be loaded.
    """
    # Without markup in the JSON, nothing that others wrote can end the element around it.
    json = to_json(page_value(report, relative, origin, contents), indent=None)
    data = json.translate({ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&"})
    rules = ["default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'"]
    for tag in ("style", "script"):
        [own] = re.findall(rf"<{tag}>(.*?)</{tag}>", template, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        rules.append(f"{tag}-src 'sha256-{digest}'")
    return template.replace("{{policy}}", "; ".join(rules)).replace("{{data}}", data)


def page_value(
    report: Report, relative: Relative, origin: Origin, contents: Sequence[Contents] = ()
) -> dict[str, Any]:
    r"""Return the values that the page draws, with `\x1b` for what cannot be seen.

    They are those of `--report`, except that errors are in `failures`: a list for each package, of
    its heading and its lines; those with an address on the web are a list of the place, its address
    and the rest. The times in `lanes` are seconds since the first span started.
    """
    from lambdabuild.output.trace import lanes

    value = report_value(report, relative)
    before = {(r.step.function.name, str(r.step.target)): r.previous_size for r in report.results}
    begin = min((span.start for span in report.spans), default=0.0)
    failed = [result for result in report.results if result.status is Status.FAILED]
    found = faults(failed)
    if silent := tuple(result.step.function.name for result in failed if not result.errors):
        found.append(Fault(None, silent, ()))
    more = {
        "summary": summary(report),
        "origin": {key: item for key, item in origin._asdict().items() if key != "link"},
        "bound": bound(report.spans, report.jobs, origin.processors)._asdict(),
        "busy": busy(report.spans, report.jobs),
        "words": {activity.value: told for activity, told in WORDS.items()},
        "functions": [
            {key: item[key] for key in item if key != "errors"}
            | {"previous_size": before[item["name"], item["target"]]}
            for item in value["functions"]
        ],
        "contents": [_contents(item) for item in contents],
        "removed": [artifact.function for artifact in report.removed],
        "failures": [_lines(fault, relative, origin) for fault in found[:_FAULTS]],
        "failures_left_out": max(0, len(found) - _FAULTS),
        "lanes": [
            {
                "name": lane.name,
                "depth": 1 + max(depth for _, depth in lane.placed),
                "spans": [
                    {
                        "activity": span.activity.value,
                        "name": span.name,
                        "start": round(span.start - begin, 6),
                        "seconds": round(span.seconds, 6),
                        "critical": span.critical,
                        "depth": depth,
                    }
                    for span, depth in lane.placed
                ],
            }
            for lane in lanes(report.spans)
        ],
    }
    made: dict[str, Any] = _visible(value | more)
    return made


def _contents(item: Contents) -> dict[str, Any]:
    """Return what the page shows of the code of one executable: what is large."""
    return item._asdict() | {
        "code": sum(module.size for module in item.modules),
        "modules": [
            {
                "name": f"{module.path} {module.version or ''}".rstrip(),
                "size": module.size,
                "packages": [package._asdict() for package in module.packages[:_PACKAGES]],
            }
            for module in item.modules[:_MODULES]
        ],
        "modules_left_out": max(0, len(item.modules) - _MODULES),
    }


def _lines(fault: Fault, relative: Relative, origin: Origin) -> list[str | list[str]]:
    errors = tuple(
        error._replace(message=f"{error.message[:_MESSAGE]}…")
        if len(error.message) > _MESSAGE
        else error
        for error in fault.errors[:_ERRORS]
    )
    heading, *lines = fault._replace(errors=errors).lines(relative)
    addresses = {place_of(e, relative): link for e in errors if (link := origin.link(e))}
    linked = [_linked(line.removeprefix("  "), addresses) for line in lines]
    left = len(fault.errors) - _ERRORS
    return [heading, *linked, *([f"and {left} more"] if left > 0 else [])]


def _linked(line: str, addresses: dict[str, str]) -> str | list[str]:
    place, colon, rest = line.partition(": ")
    return [place, addresses[place], colon + rest] if place in addresses else line


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {key: _visible(item) for key, item in value.items()}
    return [_visible(item) for item in value] if isinstance(value, list) else value
