"""Write a run as one web page that needs nothing else: no network, no script, not even styles."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence

from lambdabuild.core.model import Diagnostic, Report, Status, StepResult
from lambdabuild.core.spans import Activity, Span
from lambdabuild.core.text import duration, size, size_change
from lambdabuild.output.chart import timeline
from lambdabuild.output.markup import escaped
from lambdabuild.output.report import Fault, Relative, faults, summary

_FAULTS = 200
"""How many faults are shown with their errors."""
_SAID = 4000
"""How many characters of one error are shown."""
_ERRORS = 20
"""How many errors of one package are shown; Go itself stops at ten, but for those of loading."""
_LARGEST = 20
"""How many sizes are shown at first."""

_HEAD = (
    *(("function", ""), ("target", ""), ("status", ""), ("size", "number"), ("change", "number")),
    *(("compile", "number"), ("link", "number"), ("zip", "number"), ("cache", ""), ("why", "")),
)
_KEPT = "#7aa6d8"
_GROWN = "#d1242f"
_WORDS = {Status.UP_TO_DATE: "up to date"}


def page_text(template: str, report: Report, relative: Relative) -> str:
    """Return the page of a run.

    `template` is `page.html` of this package: `{{name}}` stands for a part, and what it has in
    `<style>` and `<script>` is all that the page lets a browser apply and run.
    """
    parts = {
        "policy": _policy(template),
        "title": escaped(summary(report)),
        "result": _result(report),
        "contents": _contents(report),
        "failures": _failures(report, relative),
        "statuses": _statuses(report),
        "head": "".join(_heading(name, kind) for name, kind in _HEAD),
        "functions": _functions(report, relative),
        "timeline": timeline(report.spans),
        "sizes": _sizes(report),
    }
    # In one pass: what a part holds is never taken for a placeholder.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def _policy(template: str) -> str:
    """Return a Content-Security-Policy under which nothing but the template's own code runs.

    Should anything of a function's name or an error ever come through as markup, it loads nothing
    and runs nothing.
    """
    rules = ["default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'"]
    for tag in ("style", "script"):
        own = re.findall(rf"<{tag}>(.*?)</{tag}>", template, re.DOTALL)
        digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in own)
        sources = (f"'sha256-{digest.decode()}'" for digest in digests)
        rules.append(" ".join([f"{tag}-src", *sources]))
    return "; ".join(rules)


def _result(report: Report) -> str:
    kind = "good" if report.ok else "bad"
    word = "done" if report.ok else "failed"
    jobs = f"{report.jobs} job{'s' if report.jobs != 1 else ''}"
    share = ""
    if report.share is not None:
        share = f", shard {report.share.index} of {report.share.count}"
    removed = ""
    if report.removed:
        names = ", ".join(f"<code>{escaped(item.function)}</code>" for item in report.removed)
        removed = f"<p>Removed, for their functions went away: {names}</p>"
    return (
        f'<p class="result {kind}"><strong>{word}</strong> {escaped(summary(report))}</p>'
        f"<p>{escaped(report.go)}, {jobs}{share}</p>{removed}"
    )


def _contents(report: Report) -> str:
    failed = any(result.status is Status.FAILED for result in report.results)
    names = (*(["Failures"] if failed else []), "Functions", "Timeline", "Sizes")
    return " ".join(f'<a href="#{name.lower()}">{name}</a>' for name in names)


def _failures(report: Report, relative: Relative) -> str:
    failed = [result for result in report.results if result.status is Status.FAILED]
    if not failed:
        return ""
    found = [_fault(fault, relative) for fault in faults(failed)[:_FAULTS]]
    silent = [result.step.function.name for result in failed if not result.errors]
    if silent:
        found.append(_fault(Fault(None, tuple(silent), ()), relative))
    left = len(faults(failed)) - _FAULTS
    more = f"<p>{left} more are in the report (--report).</p>" if left > 0 else ""
    return (
        f'<section aria-labelledby="failures"><h2 id="failures">Failures</h2>'
        f"{''.join(found)}{more}</section>"
    )


def _fault(fault: Fault, relative: Relative) -> str:
    errors = tuple(_shortened(error) for error in fault.errors[:_ERRORS])
    heading, *lines = fault._replace(errors=errors).lines(relative)
    if len(fault.errors) > _ERRORS:
        lines.append(f"  and {len(fault.errors) - _ERRORS} more")
    said = escaped("\n".join(line.removeprefix("  ") for line in lines))
    body = f'<pre tabindex="0">{said}</pre>' if said else ""
    return f'<article class="fault"><h3>{escaped(heading)}</h3>{body}</article>'


def _shortened(error: Diagnostic) -> Diagnostic:
    if len(error.message) <= _SAID:
        return error
    return error._replace(message=f"{error.message[:_SAID]}…")


def _statuses(report: Report) -> str:
    there = [status for status in Status if any(r.status is status for r in report.results)]
    return "".join(f"<option>{_WORDS.get(status, status.value)}</option>" for status in there)


def _heading(name: str, kind: str) -> str:
    number = ' class="number"' if kind else ""
    return f'<th scope="col"{number}>{name}</th>'


def _functions(report: Report, relative: Relative) -> str:
    """Return the rows of the table: failures first, then what took longest."""
    transfers = _transfers(report.spans)
    ordered = sorted(
        report.results,
        key=lambda r: (
            r.status is not Status.FAILED, -(r.seconds or 0), r.step.function.name, str(r.step.target),
        ),
    )  # fmt: skip
    return "\n".join(_function(result, transfers, relative) for result in ordered)


def _transfers(spans: Sequence[Span]) -> Mapping[str, str]:
    """Return what went to and from the caches for each function, in words."""
    verbs = {Activity.FETCH: "fetched", Activity.STORE: "stored"}
    said: dict[str, list[str]] = {}
    for span in spans:
        if verb := verbs.get(span.activity):
            said.setdefault(span.name, []).append(f"{verb} {duration(span.seconds)}")
    return {name: ", ".join(words) for name, words in said.items()}


def _function(result: StepResult, transfers: Mapping[str, str], relative: Relative) -> str:
    step = result.step
    name, target, status = step.function.name, str(step.target), result.status.value
    grown = None
    if result.size is not None and result.previous_size is not None:
        grown = result.size - result.previous_size
    packed = result.zip.identity.size if result.zip is not None else None
    where = escaped(relative(step.function.directory))
    cells = (
        f'<th scope="row" title="{where}">{escaped(name)}</th>',
        f"<td>{escaped(target)}</td>",
        f'<td><span class="{status}">{_WORDS.get(result.status, status)}</span></td>',
        _number(result.size, _bytes(result.size)),
        _number(grown, size_change(result.previous_size, result.size)),
        _number(result.compile_seconds, _seconds(result.compile_seconds)),
        _number(result.link_seconds, _seconds(result.link_seconds)),
        _number(packed, _bytes(packed)),
        f"<td>{transfers.get(f'{name} {target}') or transfers.get(name, '')}</td>",
        f'<td class="why">{escaped(result.reason or "")}</td>',
    )
    return f"<tr>{''.join(cells)}</tr>"


def _number(value: float | None, text: str) -> str:
    data = "" if value is None else f' data-v="{round(value, 3)}"'
    return f'<td class="number"{data}>{text}</td>'


def _bytes(count: int | None) -> str:
    return "" if count is None else size(count)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"


def _sizes(report: Report) -> str:
    sized = [r for r in report.results if r.size is not None]
    if not sized:
        return "<p>There are no executables.</p>"
    sized.sort(key=lambda r: (-(r.size or 0), r.step.function.name, str(r.step.target)))
    targets = len({r.step.target for r in sized}) > 1
    most = max(r.size or 0 for r in sized) or 1
    rows = [_bar(result, most, targets=targets) for result in sized]
    total = size(sum(r.size or 0 for r in sized))
    more = ""
    if len(rows) > _LARGEST:
        more = (
            f"<details><summary>{len(rows) - _LARGEST} smaller ones</summary>"
            f"{_bars(rows[_LARGEST:])}</details>"
        )
    count = f"{len(rows)} executable{'s' if len(rows) != 1 else ''}"
    return f"<p>{count}, {total} together</p>{_bars(rows[:_LARGEST])}{more}"


def _bars(rows: Sequence[str]) -> str:
    head = _heading("function", "") + _heading("size", "number") + _heading("change", "number")
    body = "\n".join(rows)
    return (
        f'<table class="sizes"><thead><tr>{head}<td></td></tr></thead><tbody>{body}</tbody></table>'
    )


def _bar(result: StepResult, most: int, *, targets: bool) -> str:
    now, before = result.size or 0, result.previous_size
    name = result.step.function.name
    shown = f"{name} {result.step.target}" if targets else name
    kept = now if before is None else min(now, before)
    bar = f'<rect width="{kept / most:.2%}" height="12" fill="{_KEPT}"/>'
    if now > kept:
        place = f'x="{kept / most:.2%}" width="{(now - kept) / most:.2%}"'
        bar += f'<rect {place} height="12" fill="{_GROWN}"/>'
    return (
        f'<tr><th scope="row">{escaped(shown)}</th><td class="number">{size(now)}</td>'
        f'<td class="number">{_change(before, now)}</td><td class="bar" aria-hidden="true">'
        f'<svg width="100%" height="12">{bar}</svg></td></tr>'
    )


def _change(before: int | None, now: int) -> str:
    text = size_change(before, now)
    return f"{text} ({now / before - 1:+.1%})" if before and before != now else text
