"""Check that functions compile, and that deployment files would run what is built."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from lambdabuild.build.reports import write_file
from lambdabuild.build.schedule import Builder
from lambdabuild.config.options import Request
from lambdabuild.core.build import Function
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import StepResult
from lambdabuild.core.text import counted
from lambdabuild.deployment import reader
from lambdabuild.deployment.declared import Deployment
from lambdabuild.deployment.differences import Difference
from lambdabuild.output.annotating import from_repository, from_top, runs_there
from lambdabuild.output.code_quality import build_issues, code_quality_text, issue
from lambdabuild.output.github import annotations, error_command
from lambdabuild.output.report import Relative, error_value, faults
from lambdabuild.output.streams import print_json
from lambdabuild.pipeline import locked
from lambdabuild.state.artifacts import failed
from lambdabuild.survey.evidence import compared
from lambdabuild.survey.session import Session, shown

_OF_ALL = ("missing", "undeployed")
"""Differences that only a check of all functions can tell."""


class Checked(NamedTuple):
    """What was checked, and what does not compile."""

    session: Session
    functions: tuple[Function, ...]
    selected: frozenset[str]
    """The names of those that were compiled."""
    failed: tuple[StepResult, ...]
    """The steps that cannot be loaded or do not compile."""
    deployment: Deployment
    """What the deployment files of the project say."""


def check(session: Session, request: Request, against: Sequence[str], *, json: bool) -> bool:
    """Check, and report what was found; return whether all is well.

    `against` names the deployment files; by default they are those of the project.
    """
    deployment = _read(against, session.paths.working) if against else None
    checked = _compiled(session, request)
    deployment = deployment or checked.deployment
    limited = bool(request.names) or request.narrowing.narrows
    found = [
        difference
        for difference in compared(checked.session, checked.functions, deployment)
        if not limited
        or (difference.kind not in _OF_ALL and difference.function in checked.selected)
    ]
    _report(session, checked, found, deployment)
    if request.code_quality is not None:
        text = _code_quality(session, checked, found, deployment)
        write_file(session.paths, request.code_quality, "code-quality report", text, built=False)
    complaint = session.complaint
    if complaint is not None:
        session.tools.console.error(LambdabuildError(complaint), session.paths.relative)
    ok = not (checked.failed or found or complaint)
    if json:
        print_json(_value(checked, found, session.paths.relative, ok=ok))
    return ok


def _compiled(session: Session, request: Request) -> Checked:
    """Compile what is requested, without linking."""
    with locked(session, request) as run:
        found, state = run.survey(), run.state
        session.tools.console.skipped(shown(found.discovery.skipped, session.paths))
        linked = Builder(run.session, request, run.home, state, found, links=False).check()
        errors = [(step, step.load_errors) for step in found.plan.set_aside]
        errors += [(item.step, item.errors) for item in linked if item.errors]
        if state.changed:
            run.home.save(state)
        return Checked(
            run.session,
            found.discovery.functions,
            frozenset(step.function.name for step in found.plan.steps),
            tuple(failed(step, why, state, session.paths.project) for step, why in errors),
            state.evidence.deployment,
        )


def _read(paths: Sequence[str], working: str) -> Deployment:
    """Read the deployment files that a person named.

    Raises:
        LambdabuildError: one cannot be read, or declares no function that runs Go.

    """
    named = [os.path.normpath(os.path.join(working, path)) for path in paths]
    for written, path in zip(paths, named, strict=True):
        if not os.path.isfile(path):
            raise LambdabuildError(
                f"there is no file `{written}`", hint="--against names a deployment file"
            )
    deployment = reader.read(named, named=True)
    for path, why in deployment.unreadable:
        raise LambdabuildError(f"cannot read the deployment file: {why}", at=[path], file=path)
    if not (deployment.functions or deployment.of_plugins):
        raise LambdabuildError(
            "no function that runs Go is declared there",
            at=paths,
            hint="--against takes templates of SAM and CloudFormation, serverless.yml, Terraform's .tf "
            "and what `terraform show -json` prints",
        )
    return deployment


def _report(
    session: Session, checked: Checked, found: Sequence[Difference], deployment: Deployment
) -> None:
    console, relative = session.tools.console, session.paths.relative
    for fault in faults(checked.failed):
        console.fault(fault, relative)
    for path, why in deployment.unreadable:
        console.warn(f"cannot read the deployment file {relative(path)}: {why}")
    for difference in found:
        shown = LambdabuildError(
            difference.message, hint=difference.hint, file=difference.file, line=difference.line
        )
        console.error(shown, relative)
    if runs_there(session.tools.environment):
        top = from_top(session.tools.environment, session.paths.working)
        lines = annotations(checked.failed, top)
        for d in found:
            place = Diagnostic(None, d.message, d.file, d.line, None, d.hint)
            lines.append(error_command(place, d.function, top))
        for line in lines:
            console.command(line)
    problems = len({result.step.function.name for result in checked.failed})
    read = {declared.file for declared in deployment.functions}
    files = len(read | {difference.file for difference in found if difference.file})
    said = f"{counted(len(checked.selected), 'function')} checked"
    said += (
        f" against {counted(files, 'deployment file')}"
        if files
        else "; no deployment file was found"
    )
    said += f": {problems} did not compile, " if problems else ": all compile, "
    console.say(said + (counted(len(found), "difference") if found else "no differences"))


def _code_quality(
    session: Session, checked: Checked, found: Sequence[Difference], deployment: Deployment
) -> str:
    relative = from_repository(session.tools.environment, session.paths.working)
    places = {function.name: function.directory for function in checked.functions}
    issues = build_issues(checked.failed, relative)
    for d in found:
        place = Diagnostic(None, d.message, d.file, d.line)
        fallback = relative(places.get(d.function, session.paths.project))
        issues.append(issue(d.kind, "major", place, relative, fallback, f"hint: {d.hint}"))
    for path, why in deployment.unreadable:
        place = Diagnostic(None, f"cannot read the deployment file: {why}", path)
        issues.append(issue("unreadable", "minor", place, relative, relative(path)))
    return code_quality_text(issues)


def _value(
    checked: Checked, found: Sequence[Difference], relative: Relative, *, ok: bool
) -> dict[str, Any]:
    """Return the JSON of a check (schema 1)."""
    errors: dict[str, list[Any]] = {function.name: [] for function in checked.functions}
    for result in checked.failed:
        errors[result.step.function.name] += [error_value(e, relative) for e in result.errors]
    return {
        "schema": 1,
        "ok": ok,
        "functions": [
            {"name": name, "ok": not said, "errors": said} for name, said in sorted(errors.items())
        ],
        "differences": [
            {
                "kind": difference.kind,
                "function": difference.function,
                "message": difference.message,
                "hint": difference.hint,
                "file": relative(difference.file) if difference.file else None,
                "line": difference.line,
            }
            for difference in found
        ],
        "warnings": list(checked.session.tools.console.warnings),
    }
