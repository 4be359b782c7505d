"""Show a run on GitHub Actions: annotations at the errors, and a summary of the job."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Report, Status, StepResult
from lambdabuild.core.text import duration, inert, size, size_change, some, visible
from lambdabuild.output.report import (
    Relative,
    faults,
    functions_of,
    imported,
    is_outside,
    place_of,
    slowest_first,
)
from lambdabuild.output.report import summary as result_line

_SHOWN = 20
"""Rows of what was built that are not folded away."""
_SLOWEST = 10

# GitHub takes no summary above 1 MiB for a step, and a step may run lambdabuild more than once.
# https://docs.github.com/actions/reference/workflow-commands#step-isolation-and-limits
_FAULTS_LIMIT = 100_000
_WARNINGS_LIMIT = 25_000
_TABLE_LIMIT = 200_000
_REMOVED_LIMIT = 25_000
_LONGEST_LINE = 1_000
"""All in bytes of UTF-8, but for the last, in characters."""


def annotations(
    results: Iterable[StepResult], relative: Relative, warnings: Iterable[str] = ()
) -> list[str]:
    """Return the lines that make GitHub show each error where it is, and the warnings.

    `relative` gives the path of a file from the top of the repository. Of the errors of one step
    GitHub shows ten; so the first of each file come first. The lines may go to stdout or stderr.

    https://docs.github.com/actions/reference/workflow-commands
    """
    functions = functions_of(results)
    files: dict[str, list[Diagnostic]] = {}
    for error in sorted(functions, key=lambda error: error.file is None):
        files.setdefault(error.file or error.message, []).append(error)
    lines = []
    for error in filter(None, chain(*zip_longest(*files.values()))):
        title = f"{some(functions[error], 3, quote='')} did not build"
        lines.append(error_command(error, title, relative))
    return lines + [command("warning", warning) for warning in warnings]


def refusal(error: LambdabuildError, relative: Relative) -> str:
    """Return the line that makes GitHub show why a run could not go on, where that is to be fixed."""
    shown = Diagnostic(None, str(error), error.file, error.line, error.column)
    return error_command(shown, "lambdabuild stopped", relative)


def refusal_summary(error: LambdabuildError) -> str:
    """Return why a run could not go on as Markdown; it ends in a newline."""
    shown, _ = _fenced(visible(f"error: {error}").splitlines())
    return "\n".join(["## ❌ lambdabuild stopped", "", *shown, ""])


def command(name: str, message: str, **properties: str | int | None) -> str:
    """Return a workflow command, such as `error`; properties that are None are left out.

    Escaped is what the runner unescapes: in a value, also what ends it.
    https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    """
    listed = ",".join(
        f"{key}={_escaped(str(value)).replace(':', '%3A').replace(',', '%2C')}"
        for key, value in properties.items()
        # The runner ignores what is empty.
        if value is not None and value != ""
    )
    return f"::{name}{' ' if listed else ''}{listed}::{_escaped(message or 'no message')}"


def _escaped(text: str) -> str:
    # Where commands are stopped, the runner looks for those of its older form in the whole line.
    return inert(visible(text)).replace("%", "%25").replace("\n", "%0A")


def error_command(error: Diagnostic, title: str, relative: Relative) -> str:
    """Return the line that makes GitHub show an error where it is, under a title."""
    if error.file is None:
        return command("error", error.message, title=title)
    path = relative(error.file)
    if is_outside(path):
        # Of the module cache, say: there is no file in the repository to show it at.
        return command("error", f"{place_of(error, relative)}: {error.message}", title=title)
    column = error.column if error.line is not None else None
    return command("error", error.message, file=path, line=error.line, col=column, title=title)


def summary(
    report: Report, relative: Relative, *, warnings: Sequence[str] = (), title: str = "lambdabuild"
) -> str:
    """Return a run as Markdown, for the file that GITHUB_STEP_SUMMARY names; it ends in a newline.

    It stays below 400 kB, whatever was built. `title` may name the shard, say.
    """
    line = f"{_line(title)}: {result_line(report)}"
    did_nothing = all(result.status is Status.UP_TO_DATE for result in report.results)
    if did_nothing and not report.removed and not warnings:
        return f"{line}\n"
    removed = [_line(relative(artifact.path)) for artifact in report.removed]
    gone = f"Removed {len(removed)}, as their functions are gone"
    sections = (
        [f"## {'✅' if report.ok else '❌'} {line}"],
        [_line(report.complaint)] if report.complaint is not None else [],
        _failures(report, relative),
        _listed("Warnings", [_line(warning) for warning in warnings], _WARNINGS_LIMIT),
        _built(report),
        _slowest(report),
        _restored(report),
        _listed(gone, removed, _REMOVED_LIMIT, folded=True),
        [f"{_line(report.go)}, {report.jobs} jobs at once"],
    )
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _failures(report: Report, relative: Relative) -> list[str]:
    lines: list[str] = []
    for fault in faults(report.results):
        lines += [*fault.lines(relative), ""]
    if not lines:
        return []
    shown, left = _fenced(lines[:-1])
    more = ["", f"{left} more lines are in the log"] if left else []
    return ["### Did not build", "", *shown, *more]


def _fenced(lines: Iterable[str]) -> tuple[list[str], int]:
    """Return the lines that fit in a block of code that they cannot end, and how many do not.

    https://spec.commonmark.org/0.31.2/#fenced-code-blocks
    """
    shown, left = _within([_cut(line) for line in lines], _FAULTS_LIMIT)
    runs = (len(run) for line in shown for run in re.findall(r"`+", line))
    fence = "`" * max(3, max(runs, default=0) + 1)
    return [f"{fence}text", *shown, fence], left


def _table(head: str, texts: int, rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table whose first `texts` columns are aligned left, and the rest right."""
    columns = head.split()
    ruler = [":--" if number < texts else "--:" for number in range(len(columns))]
    cells = (columns, ruler, *([_text(cell) for cell in row] for row in rows))
    return [f"| {' | '.join(line)} |" for line in cells]


def _built(report: Report) -> list[str]:
    """Return the table of what is there now, by name; of many, most are folded away."""
    kinds = {Status.BUILT, Status.RESTORED, Status.UNCHANGED}
    made = [
        (r.step.function.name, str(r.step.target), r) for r in report.results if r.status in kinds
    ]
    if not made:
        return []
    cells = [
        (
            *(name, target, r.status.value, _size(r.size)),
            *(size_change(r.previous_size, r.size), _size(r.zip.identity.size if r.zip else None)),
        )
        for name, target, r in sorted(made, key=lambda item: item[:2])
    ]
    head = "function target status size change zip"
    lines = ["### Built", "", *_table(head, 3, cells[:_SHOWN])]
    if len(cells) <= _SHOWN:
        return lines
    shown, left = _within(_table(head, 3, cells[_SHOWN:]), _TABLE_LIMIT)
    more = ["", f"{left} more are in the report that `--report` writes"] if left else []
    return [*lines, "", *_folded(f"{len(cells) - _SHOWN} more", [*shown, *more])]


def _size(count: int | None) -> str:
    return "" if count is None else size(count)


def _slowest(report: Report) -> list[str]:
    timed = [r for r in report.results if r.seconds and r.status is not Status.RESTORED]
    if not timed:
        return []
    cells = []
    for result in slowest_first(timed)[:_SLOWEST]:
        times = (result.seconds, result.compile_seconds, result.link_seconds)
        shown = ("" if seconds is None else duration(seconds) for seconds in times)
        cells.append((result.step.function.name, str(result.step.target), *shown))
    lines = ["### Slowest", "", *_table("function target time compile link", 2, cells)]
    if beside := imported(report):
        lines += ["", f"Compiled beside them: {beside.words}, {duration(beside.seconds)}"]
    return lines


def _restored(report: Report) -> list[str]:
    """Report how many of those that were not up to date came from the caches."""
    stale = [result for result in report.results if result.status is not Status.UP_TO_DATE]
    restored = [result for result in stale if result.status is Status.RESTORED]
    if not restored:
        return []
    total = size(sum(result.size or 0 for result in restored))
    return [f"From the cache: {len(restored)} of {len(stale)}, {total}"]


def _listed(title: str, items: Sequence[str], limit: int, *, folded: bool = False) -> list[str]:
    if not items:
        return []
    shown, left = _within([f"- {item}" for item in items], limit)
    lines = [*shown, *([f"- and {left} more"] if left else [])]
    return _folded(title, lines) if folded else [f"### {title}", "", *lines]


def _folded(title: str, lines: Iterable[str]) -> list[str]:
    # Without the empty lines, what is between would be no Markdown.
    return ["<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>"]


def _within(lines: Sequence[str], limit: int) -> tuple[Sequence[str], int]:
    """Return as many of the lines as fit in `limit` bytes, and how many are left."""
    used = 0
    for number, line in enumerate(lines):
        used += len(line.encode("utf-8", "replace")) + 1
        if used > limit:
            return lines[:number], len(lines) - number
    return lines, 0


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…"


def _text(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line, also in a table."""
    line = _cut(visible(" ".join(text.split())))
    return re.sub(r"([\\`*_{}\[\]<>()#!|~&$])", r"\\\1", line)


def _line(text: str) -> str:
    """Return it for the beginning of a line, where it could be a list, a rule or a heading."""
    return re.sub(r"^([0-9]*)([-+=]|\.(?= |$))", r"\1\\\2", _text(text))
