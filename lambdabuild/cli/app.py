"""Define the command line: flags to settings, results to exit codes; nothing else."""

import gc

# What imports and `go list` make stays: collecting garbage meanwhile takes a twentieth of a run.
# So this comes first.
gc.set_threshold(100_000, 20, 20)

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from lambdabuild.cli.boundary import guarded, note_thread
from lambdabuild.cli.local.commands import running
from lambdabuild.cli.maintenance import chores, opened
from lambdabuild.cli.options import Names, Options, Poll, taking
from lambdabuild.cli.usage.general import InstallCompletion, ShowCompletion, Version
from lambdabuild.cli.usage.help import COMPLETION, WIDEST, Command, Root
from lambdabuild.config.options import (
    BUILDING,
    CHECKING,
    FINDING,
    NARROWING,
    OUTPUT,
    PLANNING,
    REVIEWED,
    SELECTING,
)
from lambdabuild.core import errors
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.output import streams
from lambdabuild.output.streams import print_columns, print_json, print_line

if TYPE_CHECKING:
    from lambdabuild.config.options import Request
    from lambdabuild.survey.session import Session

# What a command needs beyond its flags is imported when it runs: `--help` and completion start in
# half the time.

app = typer.Typer(
    name="lambdabuild",
    help="Build every Go Lambda function of a monorepo with one `go build`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDEST},
)

command = functools.partial(app.command, cls=Command)


@app.callback()
@taking()
def _before(
    options: Options,
    version: Version = False,
    install_completion: InstallCompletion = None,
    show_completion: ShowCompletion = None,
) -> None:
    """Build every Go Lambda function of a monorepo with one `go build`."""
    del options, version, install_completion, show_completion


@command("all")
@taking(FINDING, SELECTING, NARROWING, OUTPUT, BUILDING, PLANNING, REVIEWED, CHECKING)
def build_all(options: Options) -> None:
    """Build every function."""
    _build(options, ())


@command("build")
@taking(FINDING, SELECTING, NARROWING, OUTPUT, BUILDING, PLANNING, REVIEWED, CHECKING)
def build_some(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Names, globs ('users-*') or paths.")
    ],
    options: Options,
) -> None:
    """Build some functions, by name, glob or path."""
    _build(options, names)


@command("check")
@taking(FINDING, SELECTING, NARROWING, OUTPUT, REVIEWED, CHECKING)
def check(
    options: Options,
    names: Names = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="FILE",
            help="Compare with this deployment file; repeatable. [those of the project]",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Compile without linking, and compare with the deployment files."""
    from lambdabuild.cli.check import check

    with opened(options) as session:
        if not check(session, options.request(names or ()), against or (), json=json):
            raise typer.Exit(errors.FAILED)


@command("watch")
@taking(FINDING, SELECTING, OUTPUT, BUILDING, CHECKING, refusing=(NARROWING, PLANNING))
def watch(
    options: Options,
    names: Names = None,
    poll: Poll = False,
    exec_: Annotated[
        str | None,
        typer.Option(
            "--exec",
            metavar="CMD",
            help="Run CMD after each build without failures; "
            "LAMBDABUILD_FUNCTIONS names the functions that were built.",
        ),
    ] = None,
    bell: Annotated[
        bool,
        typer.Option(
            "--bell", help="Ring the terminal's bell when a build fails, and when it is repaired."
        ),
    ] = False,
) -> None:
    """Build, then rebuild affected functions after each change, until Ctrl-C."""
    from lambdabuild.cli.opening import settle
    from lambdabuild.watch import WatchOptions
    from lambdabuild.watch import watch as watch_functions

    request = options.request(names or ())
    if request.dry_run:
        raise LambdabuildError(
            "watch has no --dry-run", hint="`lambdabuild all --dry-run` prints the commands"
        )
    if request.narrowing.narrows:
        raise LambdabuildError(
            "watch has neither --since, --files-from nor --shard",
            hint="name the functions to watch: names, globs or paths",
        )

    def reopen(session: "Session") -> "Session":
        working, untrusted = session.paths.working, session.settings.untrusted
        project, settings = settle(working, options, session.tools.environment, untrusted=untrusted)
        return session.under(settings, project)

    with opened(options) as session:
        watch_functions(session, WatchOptions(request, request.json, poll, exec_, bell), reopen)


@command("why")
@taking(FINDING, SELECTING, NARROWING, OUTPUT)
def why(
    options: Options,
    names: Names = None,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="PATH", help="List what depends on these files instead."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Print a line for every function.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
) -> None:
    """Explain why each function would be rebuilt: the first input that changed."""
    from lambdabuild.selection import explain

    with opened(options) as session:
        if file:
            # `--file one.go two.go`: what follows are files as well.
            explanation: explain.Explanation | explain.Dependants = explain.dependants(
                session, [*file, *(names or ())]
            )
        else:
            explanation = explain.reasons(session, tuple(names or ()), options.narrowing)
        if json:
            print_json(explanation.value(session.paths.relative))
            return
        color = explain.colored(options.general.color, session.tools.environment)
        for cause in explanation.causes(everything=everything):
            print_line(cause.text, cause.subject, cause.style if color else "")


@command("list")
@taking(FINDING, SELECTING, NARROWING)
def list_functions(
    options: Options,
    skipped: Annotated[
        bool, typer.Option("--skipped", help="Also list skipped main packages, with the reason.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 3 if any function is listed, else 0.")
    ] = False,
) -> None:
    """List the functions: name, package, directory and target."""
    from lambdabuild import pipeline
    from lambdabuild.output.report import list_value

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
            raise typer.Exit(errors.SOME)


app.add_typer(running)
app.add_typer(chores)


def _build(options: Options, names: Sequence[str]) -> None:
    from lambdabuild import pipeline

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
                from lambdabuild.output.report import report_value

                print_json(report_value(report, session.paths.relative))
        finally:
            # Even if stdout cannot be written.
            if not report.ok:
                raise typer.Exit(errors.FAILED)


def _print_plan(session: "Session", request: "Request") -> None:
    from lambdabuild import pipeline
    from lambdabuild.output.report import Fault

    lines, found = pipeline.dry_run(session, request)
    if request.explain:
        session.tools.console.explain(found.plan, found.reasons)
    for line in lines:
        print_line(line)
    for step in found.plan.set_aside:
        fault = Fault(step.function.package, (step.function.name,), step.load_errors)
        session.tools.console.fault(fault, session.paths.relative)
    if found.plan.set_aside:
        raise typer.Exit(errors.FAILED)


def main() -> NoReturn:
    """Run the command line; the one place where errors become messages and exit codes."""
    streams.set_up()
    threading.excepthook = note_thread
    started = None
    with contextlib.suppress(OSError):
        started = os.getcwd()

    def show(error: LambdabuildError) -> None:
        from lambdabuild.cli import refusals

        refusals.show(error, refusals.read(sys.argv[1:], group), started, os.environ)

    def leave(error: LambdabuildError) -> None:
        from lambdabuild.cli import refusals

        refusals.leave(error, refusals.read(sys.argv[1:], group), started, os.environ)

    group = typer.main.get_command(app)
    if COMPLETION in os.environ:
        from lambdabuild.cli.usage.completion import answer

        answer(group, os.environ)
        sys.exit()
    code = guarded(lambda: group(standalone_mode=False), show, leave)
    if any(thread.name == "cache" for thread in threading.enumerate()):
        # A request to a store that stalls would abort the process if it returned during shutdown.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
