"""Write what a run reports: JSON, trace, page, GitHub's summary, and the history of builds."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lambdabuild import __version__
from lambdabuild.config.options import Request
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.paths import Paths
from lambdabuild.core.result import Report, Status, StepResult
from lambdabuild.core.text import to_json
from lambdabuild.output import annotating
from lambdabuild.output.report import report_value
from lambdabuild.state.store import Home
from lambdabuild.survey.session import Session
from lambdabuild.system.links import check_file, write_whole
from lambdabuild.system.machine import processors

if TYPE_CHECKING:
    from lambdabuild.output.page.html import Contents
    from lambdabuild.output.page.origin import Origin

_EXAMINED = 50
"""Executables of which the page shows what is in them, the largest."""


def write_outlets(session: Session, request: Request, report: Report) -> None:
    """Write the requested files, and annotations and a summary where this runs on GitHub."""
    # The report first: it lists what was built, even if another file cannot be written.
    writers: list[tuple[str | None, str, Callable[[], str]]] = [
        (request.report, "report", lambda: to_json(report_value(report, session.paths.relative))),
        (request.code_quality, "code-quality report", lambda: _code_quality(session, report)),
        (request.trace, "trace", lambda: _trace(report)),
        (request.html, "page", lambda: _page(session, report)),
    ]
    written: list[str] = []
    for path, what, make in writers:
        if path is not None:
            try:
                write_file(session.paths, path, what, make())
            except LambdabuildError as error:
                error.reported = tuple(written)
                raise
            written.append(path)
    if annotating.runs_there(session.tools.environment):
        _tell_github(session, report)


def write_file(paths: Paths, path: str, what: str, text: str, *, built: bool = True) -> None:
    """Write a file below the working directory; `built` is whether functions were built before."""
    full = Path(paths.working, path)
    check_file(os.path.normpath(full), paths.project)
    try:
        full.parent.mkdir(parents=True, exist_ok=True)
        # What of a name is no text is written as Python shows it.
        write_whole(str(full), text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise LambdabuildError(
            f"cannot write the {what} `{path}`: {error.strerror}",
            hint=f"the functions are built; only the {what} is missing" if built else None,
        ) from error


def _code_quality(session: Session, report: Report) -> str:
    from lambdabuild.output.code_quality import build_issues, code_quality_text

    relative = annotating.from_repository(session.tools.environment, session.paths.working)
    return code_quality_text(build_issues(report.results, relative))


def _trace(report: Report) -> str:
    from lambdabuild.output.trace import trace_text

    return trace_text(report.spans, {"go": report.go})


def _page(session: Session, report: Report) -> str:
    # Not where it is not asked for.
    from importlib import resources

    from lambdabuild.output.page.html import page_text

    template = resources.files("lambdabuild").joinpath("page.html").read_text("utf-8")
    origin, contents = _origin(session), _contents(report)
    return page_text(template, report, session.paths.relative, origin, contents)


def _contents(report: Report) -> "list[Contents]":
    """Return how much code the largest executables have of each module: some 20 ms for each."""
    from lambdabuild.output.page.html import Contents
    from lambdabuild.sizes.composition import code
    from lambdabuild.sizes.executable import DAMAGE, opened

    found = []
    there = [result for result in report.results if result.artifact and result.size]
    for result in sorted(there, key=lambda r: -(r.size or 0))[:_EXAMINED]:
        name, target = result.step.function.name, str(result.step.target)
        with contextlib.suppress(OSError, *DAMAGE), opened(str(result.artifact)) as executable:
            if executable is not None and (modules := code(executable)):
                found.append(Contents(name, target, result.keeps_methods, modules))
    return found


def _origin(session: Session) -> "Origin":
    from lambdabuild.output.page.origin import Origin, web
    from lambdabuild.system.git import head

    environment, working = session.tools.environment, session.paths.working
    found = head(session.tools.run, working)
    on_github = annotating.runs_there(environment)
    commit, branch = (found.commit, found.branch) if found else (None, None)
    if on_github:
        # There may be no git; and a branch is checked out as a commit.
        commit = commit or environment.get("GITHUB_SHA")
        branch = branch or environment.get("GITHUB_HEAD_REF") or environment.get("GITHUB_REF_NAME")
    place = web(found.remote if found else None, commit, environment)
    top = found.top if found else os.path.realpath(environment.get("GITHUB_WORKSPACE") or working)
    not_there = found.changed | found.new if found else frozenset()

    def link(error: Diagnostic) -> str | None:
        if place is None or error.file is None:
            return None
        path = os.path.relpath(os.path.realpath(os.path.join(working, error.file)), top)
        # Lines of a changed file are others than in the commit.
        is_there = path not in not_there and path.split(os.sep)[0] != os.pardir
        return place.file(path, error.line) if is_there else None

    host = os.uname()
    return Origin(
        moment=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        version=__version__,
        machine=f"{'macOS' if host.sysname == 'Darwin' else host.sysname} {host.machine}",
        processors=processors(),
        commit=commit,
        branch=branch,
        is_changed=bool(found and found.changed),
        page=place.page if place else None,
        link=link,
    )


def _tell_github(session: Session, report: Report) -> None:
    from lambdabuild.output import github

    relative = annotating.from_top(session.tools.environment, session.paths.working)
    warnings = session.tools.console.warnings
    for line in github.annotations(report.results, relative, warnings):
        session.tools.console.command(line)
    share = report.share
    title = f"lambdabuild, shard {share.index}/{share.count}" if share else "lambdabuild"
    text = github.summary(report, relative, warnings=warnings, title=title)
    if problem := annotating.summarize(session.tools.environment, text):
        session.tools.console.warn(problem)


def note_history(home: Home, report: Report) -> None:
    """Add a run to the history, if it did anything.

    A shard's is left out: the times by which all shards divide the work have to stay as they are
    until the last has.
    """
    if report.share is not None or all(
        result.status is Status.UP_TO_DATE for result in report.results
    ):
        return
    # Not where nothing is built: it costs as much as that whole run.
    from lambdabuild.state.history import append
    from lambdabuild.state.trends import run_of

    run = run_of(report, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    if run is not None:
        append(home.history, run)


def with_earlier_sizes(home: Home, results: list[StepResult]) -> list[StepResult]:
    """Add the sizes of earlier runs where nothing of them is in place any more.

    In CI, the history may be all that is left of the last run.
    """
    if not any(_is_without_before(result) for result in results):
        return results
    from lambdabuild.state.history import read_history
    from lambdabuild.state.trends import last_sizes

    sizes = last_sizes(read_history(home.history))
    return [
        result._replace(
            previous_size=sizes.get((result.step.function.name, str(result.step.target)))
        )
        if _is_without_before(result)
        else result
        for result in results
    ]


def _is_without_before(result: StepResult) -> bool:
    return result.previous_size is None and result.size is not None
