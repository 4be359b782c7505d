"""Show a run to GitLab: the issues of its code-quality report, each at its place.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import StepResult
from lambdabuild.core.text import some, to_json, visible
from lambdabuild.output.report import Relative, functions_of, is_outside, place_of

PIPELINE = ".gitlab-ci.yml"
"""Where the command line is, and the image that it runs in."""


class Issue(NamedTuple):
    """One issue of the report."""

    path: str
    """From the top of the repository."""
    line: int
    check: str
    severity: str
    """`info`, `minor`, `major`, `critical` or `blocker`."""
    message: str
    more: str = ""
    """What it costs, or how to mend it; no part of what it is known by."""


def issue(
    check: str, severity: str, error: Diagnostic, relative: Relative, fallback: str, more: str = ""
) -> Issue:
    """Return the issue of an error; it is shown at `fallback` if it is nowhere in the repository.

    `relative` gives the path of a file from the top of the repository, and so is `fallback`.
    """
    if error.file is None:
        return Issue(fallback, 1, check, severity, error.message, more)
    path = relative(error.file)
    if is_outside(path):
        # Of the module cache, say.
        message = f"{place_of(error, relative)}: {error.message}"
        return Issue(fallback, 1, check, severity, message, more)
    return Issue(path, error.line or 1, check, severity, error.message, more)


def build_issues(results: Iterable[StepResult], relative: Relative) -> list[Issue]:
    """Return an issue for each error of a build, whatever the number of functions that it costs."""
    results = list(results)
    directories = {r.step.function.name: r.step.function.directory for r in results}
    return [
        issue(
            "build",
            "blocker",
            error,
            relative,
            relative(directories[names[0]]),
            f"{some(names, 3)} did not build" + (f"; hint: {error.hint}" if error.hint else ""),
        )
        for error, names in functions_of(results).items()
    ]


def refusal_issue(error: LambdabuildError, relative: Relative) -> Issue:
    """Return the issue of a run that could not start."""
    shown = Diagnostic(None, error.message, error.file, error.line)
    more = [f"at: {place}" for place in error.at if error.file is None]
    more += [f"hint: {error.hint}"] if error.hint else []
    return issue("start", "blocker", shown, relative, PIPELINE, "; ".join(more))


def code_quality_text(issues: Iterable[Issue]) -> str:
    """Return the report: of equal issues, the fingerprints are equal, wherever their lines move to."""
    known: Counter[str] = Counter()
    values = []
    for item in sorted(set(issues)):
        name = f"{item.check}\0{item.path}\0{item.message}"
        known[name] += 1
        told = "; ".join(filter(None, (item.message, item.more)))
        values.append(
            {
                "description": visible(" ".join(told.split())),
                "check_name": f"lambdabuild/{item.check}",
                "fingerprint": _digest(f"{name}\0{known[name]}"),
                "severity": item.severity,
                "location": {"path": item.path, "lines": {"begin": item.line}},
            }
        )
    return to_json(values)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
