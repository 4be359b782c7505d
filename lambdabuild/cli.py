"""The command line: flags to settings, results to exit codes; nothing else."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from lambdabuild import __version__, errors
from lambdabuild.config import FILE_NAME
from lambdabuild.errors import Interrupted, LambdabuildError
from lambdabuild.flags import (
    Building,
    Globals,
    Output,
    Selection,
    building_flags,
    output_flags,
    selecting_flags,
    taking,
)

if TYPE_CHECKING:
    from lambdabuild.model import Function, Report, Runtime, Skipped, Target
    from lambdabuild.request import Request
    from lambdabuild.session import Session

# What a command needs beyond its flags is imported when it runs: `--help` and the completion of
# a word start in half the time.

cache_app = typer.Typer(help="Look at the executables that are kept on this machine.",
                        no_args_is_help=True, rich_markup_mode=None)  # fmt: skip
app = typer.Typer(
    name="lambdabuild",
    help="Build every Go Lambda function of a monorepo with one `go build`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lambdabuild {__version__}")
        raise typer.Exit


@app.callback()
@taking()
def _before(
    context: typer.Context,
    flags: Globals,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
) -> None:
    """Build every Go Lambda function of a monorepo with one `go build`."""
    del context, flags, version


@app.command("all")
@taking(selection=selecting_flags, output=output_flags, building=building_flags)
def build_all(flags: Globals, selection: Selection, output: Output, building: Building) -> None:
    """Build every function."""
    _build(flags, selection, output, building, ())


@app.command("build")
@taking(selection=selecting_flags, output=output_flags, building=building_flags)
def build_some(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Names, globs ('users-*') or paths.")
    ],
    flags: Globals,
    selection: Selection,
    output: Output,
    building: Building,
) -> None:
    """Build some functions: by name, glob, or path."""
    _build(flags, selection, output, building, tuple(names))


@app.command()
@taking(selection=selecting_flags, output=output_flags, building=building_flags)
def watch(
    flags: Globals,
    selection: Selection,
    output: Output,
    building: Building,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Names, globs or paths. [every function]"),
    ] = None,
    poll: Annotated[
        bool,
        typer.Option(
            "--poll", help="Look at the disk twice a second: for NFS and some containers."
        ),
    ] = False,
    command: Annotated[
        str | None,
        typer.Option(
            "--exec",
            metavar="CMD",
            help="Run CMD after each build without failures; "
            "LAMBDABUILD_FUNCTIONS has the names of what is new.",
        ),
    ] = None,
) -> None:
    """Build, then rebuild what changes touch, until Ctrl-C."""
    from lambdabuild.opening import settle  # noqa: PLC0415
    from lambdabuild.watching import Wishes  # noqa: PLC0415
    from lambdabuild.watching import watch as watch_functions  # noqa: PLC0415

    if building.dry_run:
        raise LambdabuildError(
            "watch has no --dry-run", hint="`lambdabuild all --dry-run` prints the commands"
        )
    if selection.narrowing.narrows:
        raise LambdabuildError(
            "watch has neither --since, --files-from nor --shard",
            hint="name the functions to watch: names, globs or paths",
        )
    request = _request(building, selection, tuple(names or ()))

    def reopen(session: "Session") -> "Session":
        project, settings = settle(session.working, flags, selection, output)
        return session._replace(project=project, settings=settings)

    with _opened(flags, selection, output) as session:
        watch_functions(session, Wishes(request, building.json, poll, command), reopen)


@app.command("why")
@taking(selection=selecting_flags, output=output_flags)
def why(
    flags: Globals,
    selection: Selection,
    output: Output,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Names, globs or paths. [every function]"),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="PATH", help="List what depends on these files instead."),
    ] = None,
) -> None:
    """Tell why each function would be rebuilt, naming the first input that changed."""
    from lambdabuild import explanations  # noqa: PLC0415

    with _opened(flags, selection, output) as session:
        if file:
            # `--file one.go two.go`: what follows is meant as files as well.
            lines = explanations.dependants(session, [*file, *(names or ())])
        else:
            lines = explanations.reasons(session, tuple(names or ()), selection.narrowing)
        for line in lines:
            sys.stdout.write(f"{line}\n")


@app.command("list")
@taking(selection=selecting_flags)
def list_functions(
    flags: Globals,
    selection: Selection,
    skipped: Annotated[
        bool, typer.Option("--skipped", help="Add main packages passed over, with the reason.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 3 if there are any, 0 if there are none.")
    ] = False,
) -> None:
    """List the functions found: name, package, directory, target."""
    from lambdabuild import pipeline  # noqa: PLC0415
    from lambdabuild.report import list_value, to_json  # noqa: PLC0415

    with _opened(flags, selection) as session:
        functions, passed_over = pipeline.list_functions(
            session, thorough=skipped, narrowing=selection.narrowing
        )
        if json:
            value = list_value(functions, passed_over if skipped else None, session.relative)
            sys.stdout.write(to_json(value))
        else:
            _print_list(session, functions, passed_over, skipped=skipped, selection=selection)
        if exit_code and functions:
            raise typer.Exit(errors.SOME)


@app.command("history")
@taking()
def history(
    flags: Globals,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Names or globs. [every function]"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the times as JSON.")] = False,
) -> None:
    """Show how build time and size of each function went."""
    from lambdabuild import trends  # noqa: PLC0415
    from lambdabuild.history import read_history  # noqa: PLC0415
    from lambdabuild.report import to_json  # noqa: PLC0415
    from lambdabuild.state import Home  # noqa: PLC0415

    with _opened(flags) as session:
        runs = read_history(Home(session.project).history)
        chosen = trends.named(runs, names) if names else None
        if json:
            sys.stdout.write(to_json(trends.history_value(runs, chosen)))
            return
        table = trends.table(trends.trend_rows(runs, chosen))
        if not table:
            session.console.say("nothing was built here yet")
        _print_columns(trends.TREND_HEAD, table)


@app.command("merge-reports")
@taking()
def merge_reports(
    flags: Globals,
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Reports and manifests, or directories of them."),
    ],
    report: Annotated[
        str | None,
        typer.Option("--report", metavar="FILE", help="Write the report there. [stdout]"),
    ] = None,
    manifest: Annotated[
        str | None,
        typer.Option("--manifest", metavar="FILE", help="Write the manifest there as well."),
    ] = None,
) -> None:
    """Join what the shards of one build reported."""
    from lambdabuild import joining  # noqa: PLC0415

    with _opened(flags) as session:
        if not joining.join(session, paths, report=report, manifest=manifest):
            raise typer.Exit(errors.FAILED)


@app.command()
@taking()
def clean(flags: Globals) -> None:
    """Remove what lambdabuild wrote, and nothing else."""
    from lambdabuild import removal  # noqa: PLC0415

    with _opened(flags) as session:
        removed = removal.clean(session)
        noun = "file" if len(removed) == 1 else "files"
        session.console.say(f"removed {len(removed)} {noun}")


@app.command()
@taking()
def doctor(flags: Globals) -> None:
    """Check toolchain, configuration and environment."""
    from lambdabuild.doctor import Verdict, examine  # noqa: PLC0415

    failed = False
    with _opened(flags) as session:
        for finding in examine(
            session.run,
            session.settings,
            project=session.project,
            working=session.working,
            environment=dict(session.environment),
        ):
            failed = failed or finding.verdict is Verdict.ERROR
            sys.stdout.write(f"{finding.verdict.value}: {finding.message}\n")
            if finding.remedy:
                sys.stdout.write(f"  hint: {finding.remedy}\n")
    if failed:
        raise typer.Exit(errors.NOT_STARTED)


app.add_typer(cache_app, name="cache")


@cache_app.command("info")
@taking()
def cache_info(flags: Globals) -> None:
    """Show where the cache is, and how full."""
    from lambdabuild.keeping import local_cache  # noqa: PLC0415
    from lambdabuild.report import size  # noqa: PLC0415

    with _opened(flags) as session:
        info = local_cache(session.environment).info()
        _print_columns(
            ("directory", info.directory),
            [
                ("executables", f"{info.objects}, kept for {info.entries} states of functions"),
                ("size", f"{size(info.bytes)} of {size(info.limit)}"),
            ],
        )


@cache_app.command("clear")
@taking()
def cache_clear(flags: Globals) -> None:
    """Remove all that is kept on this machine."""
    from lambdabuild.keeping import local_cache  # noqa: PLC0415
    from lambdabuild.report import size  # noqa: PLC0415

    with _opened(flags) as session:
        try:
            removed = local_cache(session.environment).clear()
        except OSError as error:
            raise LambdabuildError(
                f"cannot clear the cache: {error.strerror}", at=[str(error.filename)]
            ) from error
        session.console.say(f"removed {size(removed)}")


@app.command("init")
@taking()
def initialize(flags: Globals) -> None:
    """Write a commented lambdabuild.toml for what it finds here."""
    from lambdabuild.asking import Findings, start_go  # noqa: PLC0415
    from lambdabuild.discover import main_packages_below  # noqa: PLC0415
    from lambdabuild.starter import choose_roots, starter_config  # noqa: PLC0415

    if os.path.exists(FILE_NAME):
        raise LambdabuildError(
            f"there is a `{FILE_NAME}` here already", hint="edit it, or move it away"
        )
    with _opened(flags) as session:
        found = main_packages_below(
            session.run,
            start_go(session.run, session.environment, Findings()),
            session.settings,
            session.working,
            session.environment,
        )
        roots = choose_roots([directory.replace(os.sep, "/") for directory in found])
        inside = [d for d in found if any(d == r or d.startswith(f"{r}/") for r in roots)]
        try:
            Path(FILE_NAME).write_text(starter_config(roots, len(inside)), "utf-8")
        except OSError as error:
            raise LambdabuildError(f"cannot write `{FILE_NAME}`: {error.strerror}") from error
        session.console.say(f"wrote {FILE_NAME}; `lambdabuild list` shows what it finds")


def _build(
    flags: Globals,
    selection: Selection,
    output: Output,
    building: Building,
    names: tuple[str, ...],
) -> None:
    from lambdabuild import pipeline  # noqa: PLC0415

    request = _request(building, selection, names)
    with _opened(flags, selection, output) as session:
        if building.dry_run:
            _print_plan(session, request, building)
            return
        report = pipeline.build_functions(session, request)
        _show_report(session, report, json=building.json)


def _request(building: Building, selection: Selection, names: tuple[str, ...]) -> "Request":
    from lambdabuild.request import Request  # noqa: PLC0415

    return Request(
        names=names,
        jobs=building.jobs,
        fail_fast=building.fail_fast,
        force=building.force,
        explain=building.explain,
        report=building.report,
        trace=building.trace,
        html=building.html,
        cache=building.cache,
        cache_mode=building.cache_mode,
        check_size=building.check_size,
        narrowing=selection.narrowing,
    )


def _print_plan(session: "Session", request: "Request", building: Building) -> None:
    from lambdabuild import pipeline  # noqa: PLC0415
    from lambdabuild.report import Fault  # noqa: PLC0415

    lines, found = pipeline.dry_run(session, request)
    if building.explain:
        session.console.explain(found.plan, found.reasons)
    for line in lines:
        sys.stdout.write(f"{line}\n")
    for step in found.plan.set_aside:
        fault = Fault(step.function.package, (step.function.name,), step.load_errors)
        session.console.fault(fault, session.relative)
    if found.plan.set_aside:
        raise typer.Exit(errors.FAILED)


def _show_report(session: "Session", report: "Report", *, json: bool) -> None:
    from lambdabuild.report import report_value, to_json  # noqa: PLC0415

    session.console.report(report, session.relative)
    if json:
        sys.stdout.write(to_json(report_value(report, session.relative)))
    if not report.ok:
        raise typer.Exit(errors.FAILED)


def _opened(
    flags: Globals, selection: Selection | None = None, output: Output | None = None
) -> AbstractContextManager["Session"]:
    from lambdabuild.opening import opened  # noqa: PLC0415

    return opened(flags, selection, output)


def _print_list(
    session: "Session",
    functions: Sequence[tuple["Function", "Target", "Runtime | None"]],
    passed_over: Sequence["Skipped"],
    *,
    skipped: bool,
    selection: Selection,
) -> None:
    lines = [
        (f.name, f.package, session.relative(f.directory), str(target))
        for f, target, _ in functions
    ]
    _print_columns(("function", "package", "directory", "target"), lines)
    if skipped:
        if lines and passed_over:
            sys.stdout.write("\n")
        reasons = [(item.directory, item.reason) for item in passed_over]
        _print_columns(("passed over", "because"), reasons)
        return
    session.console.skipped(passed_over)
    if not lines and selection.narrowing.by_change:
        session.console.say("no function is touched")
    elif not lines and selection.narrowing.shard is None:
        session.console.say("no function was found; --skipped tells what was passed over")


def _print_columns(head: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> None:
    if not lines:
        return
    table = [head, *lines]
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def main() -> NoReturn:
    """Run the command line; the one place where errors become words and exit codes."""
    code = _guarded(app)
    if any(thread.name == "cache" for thread in threading.enumerate()):
        # A request to a store that stalls: were it to return while Python ends, that would abort
        # the process, whatever the run came to.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _guarded(run: Callable[[], object]) -> int:
    try:
        run()
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0
    except LambdabuildError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except (Interrupted, KeyboardInterrupt):
        sys.stderr.write("interrupted; nothing is half written\n")
        return errors.INTERRUPTED
    except BrokenPipeError:
        # Whoever read stdout has seen enough; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0
