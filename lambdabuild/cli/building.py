"""Do what `all`, `build` and `list` are for: from options to a result and an exit code."""

from collections.abc import Sequence

from lambdabuild import pipeline
from lambdabuild.cli.opening import opened
from lambdabuild.cli.options import Options
from lambdabuild.config.options import Request
from lambdabuild.core import errors
from lambdabuild.output.report import Fault, list_value, report_value
from lambdabuild.output.streams import print_columns, print_json, print_line
from lambdabuild.survey.session import Session


def build(options: Options, names: Sequence[str]) -> None:
    """Build functions, every one where none is named, or print how with --dry-run.

    Raises:
        SystemExit: a function did not build.
        LambdabuildError: the build could not start, or a report or manifest could not be written.

    """
    request = options.request(names)
    with opened(options) as session:
        if request.dry_run:
            _print_plan(session, request)
            return
        report = pipeline.build_functions(session, request)
        session.tools.console.report(report, session.paths.relative)
        if report.problem is not None:
            raise report.problem
        try:
            if request.json:
                print_json(report_value(report, session.paths.relative))
        finally:
            # Even if stdout cannot be written.
            if not report.ok:
                raise SystemExit(errors.FAILED)


def list_functions(options: Options, *, skipped: bool, json: bool, exit_code: bool) -> None:
    """Print the functions; with `skipped`, what was passed over as well.

    Raises:
        SystemExit: with `exit_code`, some function is listed.

    """
    with opened(options) as session:
        functions, passed_over = pipeline.list_functions(
            session, thorough=skipped, narrowing=options.narrowing
        )
        relative, console = session.paths.relative, session.tools.console
        titles: tuple[str, ...] = ("function", "package", "directory", "target")
        lines: list[tuple[str, ...]] = [
            (f.name, f.package, relative(f.directory), str(target)) for f, target, _ in functions
        ]
        if any(f.adapter for f, _, _ in functions):
            # What it is written for, where that is not what AWS has for Go.
            titles = (*titles, "written for")
            kinds = (f.adapter.library if f.adapter else "" for f, _, _ in functions)
            lines = [(*line, kind) for line, kind in zip(lines, kinds, strict=True)]
        if json:
            print_json(list_value(functions, passed_over if skipped else None, relative))
        else:
            print_columns(titles, lines)
            if skipped:
                if lines and passed_over:
                    print_line("")
                reasons = [(item.directory, item.reason) for item in passed_over]
                print_columns(("passed over", "because"), reasons)
            else:
                console.skipped(passed_over)
                if not lines and options.narrowing.by_change:
                    console.say("no function is affected")
                elif not lines and options.narrowing.shard is None:
                    console.say("no function was found; --skipped tells what was passed over")
        if exit_code and functions:
            raise SystemExit(errors.SOME)


def _print_plan(session: Session, request: Request) -> None:
    from lambdabuild import pipeline

    lines, found = pipeline.dry_run(session, request)
    if request.explain:
        session.tools.console.explain(found.plan, found.reasons)
    for line in lines:
        print_line(line)
    for step in found.plan.set_aside:
        fault = Fault(step.function.package, (step.function.name,), step.load_errors)
        session.tools.console.fault(fault, session.paths.relative)
    if found.plan.set_aside:
        raise SystemExit(errors.FAILED)
