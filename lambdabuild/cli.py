"""The command line: flags to settings, results to exit codes; nothing else."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from lambdabuild import __version__, errors
from lambdabuild.config import (
    Choices,
    Settings,
    parse_architecture,
    parse_runtime,
    parse_target,
)
from lambdabuild.errors import Interrupted, LambdabuildError

if TYPE_CHECKING:
    from lambdabuild.pipeline import Session

app = typer.Typer(
    name="lambdabuild",
    help="Build every Go Lambda function of a monorepo with one `go build`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Names = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="Names, globs ('users-*') or paths.")
]
Root = Annotated[
    list[str] | None,
    typer.Option("--root", metavar="DIR", help="Look for functions here; repeatable. [api]"),
]
Arch = Annotated[
    list[str] | None,
    typer.Option("--arch", metavar="ARCH", help="x86_64 (amd64) or arm64; repeatable. [x86_64]"),
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option("--target", metavar="GOOS/GOARCH", help="Any target Go has; repeatable."),
]
RuntimeOption = Annotated[
    str | None,
    typer.Option(
        "--runtime", metavar="RUNTIME", help="provided.al2023 or provided.al2. [provided.al2023]"
    ),
]
Out = Annotated[
    str | None, typer.Option("--out", metavar="DIR", help="Where executables go. [dist]")
]
InPlace = Annotated[
    bool, typer.Option("--in-place", help="Write `bootstrap` into each function's directory.")
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", metavar="N", min=1, help="Processes at a time. [all processors]"),
]
Tags = Annotated[
    str | None,
    typer.Option("--tags", metavar="TAGS", help="Build tags, by commas. [lambda.norpc]"),
]
Ldflags = Annotated[
    str | None, typer.Option("--ldflags", metavar="FLAGS", help="Flags of the linker. [-s -w]")
]
Gcflags = Annotated[
    str | None, typer.Option("--gcflags", metavar="FLAGS", help="Flags of the compiler.")
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="GLOB", help="Leave functions out; repeatable."),
]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")]
Force = Annotated[
    bool, typer.Option("--force", help="Link everything again, whatever is up to date.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Print the `go` commands, and run none of them.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
ReportFile = Annotated[
    str | None,
    typer.Option("--report", metavar="FILE", help="Write the result as JSON to a file."),
]


class Options:
    """The global flags, kept until a command needs them."""

    def __init__(self, *, config: str | None, verbose: bool, quiet: bool, color: str) -> None:
        self.config = config
        self.verbose = verbose
        self.quiet = quiet
        self.color = color


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lambdabuild {__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    context: typer.Context,
    directory: Annotated[
        str | None,
        typer.Option("--directory", "-C", metavar="DIR", help="Run as if started in DIR."),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option("--config", metavar="FILE", help="The configuration. [lambdabuild.toml]"),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell everything that is logged.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Tell only what is wrong.")] = False,
    color: Annotated[
        str, typer.Option("--color", metavar="WHEN", help="auto, always or never.")
    ] = "auto",
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Tell the version."),
    ] = False,
) -> None:
    if color not in {"auto", "always", "never"}:
        raise _usage(
            f"--color is auto, always or never, not `{color}`",
            errors.did_you_mean(color, ["auto", "always", "never"]),
        )
    if directory is not None:
        try:
            os.chdir(directory)
        except OSError as error:
            raise _usage(f"cannot change to `{directory}`: {error.strerror}") from error
    context.obj = Options(config=config, verbose=verbose, quiet=quiet, color=color)


def _usage(message: str, hint: str | None = None) -> LambdabuildError:
    return LambdabuildError(message, hint=hint)


@app.command("all")
def build_all(
    context: typer.Context,
    root: Root = None,
    arch: Arch = None,
    target: TargetOption = None,
    runtime: RuntimeOption = None,
    out: Out = None,
    in_place: InPlace = False,
    jobs: Jobs = None,
    tags: Tags = None,
    ldflags: Ldflags = None,
    gcflags: Gcflags = None,
    exclude: Exclude = None,
    fail_fast: FailFast = False,
    force: Force = False,
    dry_run: DryRun = False,
    json: Json = False,
    report: ReportFile = None,
) -> None:
    """Build every function."""
    settings = _settings(arch, target, runtime, tags, ldflags, gcflags, in_place, exclude)
    _build(context, settings, root, out, (), jobs, fail_fast, force, dry_run, json, report)


@app.command("build")
def build_some(
    context: typer.Context,
    names: Names,
    root: Root = None,
    arch: Arch = None,
    target: TargetOption = None,
    runtime: RuntimeOption = None,
    out: Out = None,
    in_place: InPlace = False,
    jobs: Jobs = None,
    tags: Tags = None,
    ldflags: Ldflags = None,
    gcflags: Gcflags = None,
    exclude: Exclude = None,
    fail_fast: FailFast = False,
    force: Force = False,
    dry_run: DryRun = False,
    json: Json = False,
    report: ReportFile = None,
) -> None:
    """Build some functions: by name, glob, or path."""
    settings = _settings(arch, target, runtime, tags, ldflags, gcflags, in_place, exclude)
    _build(
        context, settings, root, out, tuple(names), jobs, fail_fast, force, dry_run, json, report
    )


@app.command("list")
def list_functions(
    context: typer.Context,
    skipped: Annotated[
        bool, typer.Option("--skipped", help="Add main packages passed over, with the reason.")
    ] = False,
    root: Root = None,
    arch: Arch = None,
    target: TargetOption = None,
    runtime: RuntimeOption = None,
    tags: Tags = None,
    exclude: Exclude = None,
    json: Json = False,
) -> None:
    """List the functions found: name, package, directory, target."""
    from lambdabuild import pipeline  # noqa: PLC0415 - `--help` needs none of it
    from lambdabuild.report import list_value, to_json  # noqa: PLC0415

    settings = _settings(arch, target, runtime, tags, None, None, False, exclude)
    with _session(context, settings, root, None) as session:
        functions, passed_over = pipeline.list_functions(session, thorough=skipped)
        if json:
            value = list_value(functions, passed_over if skipped else None, session.relative)
            sys.stdout.write(to_json(value))
            return
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
        else:
            session.console.skipped(passed_over)


@app.command()
def clean(context: typer.Context) -> None:
    """Remove what lambdabuild wrote, and nothing else."""
    from lambdabuild import pipeline  # noqa: PLC0415 - `--help` needs none of it

    with _session(context, Settings(), None, None) as session:
        removed = pipeline.clean(session)
        noun = "file" if len(removed) == 1 else "files"
        session.console.say(f"removed {len(removed)} {noun}")


@app.command()
def doctor(context: typer.Context) -> None:
    """Check toolchain, configuration and environment; each finding with its remedy."""
    from lambdabuild.doctor import Verdict, examine  # noqa: PLC0415 - `--help` needs none of it

    failed = False
    with _session(context, Settings(), None, None) as session:
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


@app.command("init")
def initialize(context: typer.Context) -> None:
    """Write a commented lambdabuild.toml for what it finds here."""
    from pathlib import Path  # noqa: PLC0415 - `--help` needs none of it

    from lambdabuild.config import FILE_NAME  # noqa: PLC0415
    from lambdabuild.discover import main_packages_below  # noqa: PLC0415
    from lambdabuild.starter import choose_roots, starter_config  # noqa: PLC0415
    from lambdabuild.toolchain import find_go  # noqa: PLC0415

    if os.path.exists(FILE_NAME):
        raise _usage(f"there is a `{FILE_NAME}` here already", "edit it, or move it away")
    with _session(context, Settings(), None, None) as session:
        found = main_packages_below(
            session.run,
            find_go(session.environment),
            session.settings,
            session.working,
            session.environment,
        )
        roots = choose_roots([directory.replace(os.sep, "/") for directory in found])
        inside = [d for d in found if any(d == r or d.startswith(f"{r}/") for r in roots)]
        try:
            Path(FILE_NAME).write_text(starter_config(roots, len(inside)), "utf-8")
        except OSError as error:
            raise _usage(f"cannot write `{FILE_NAME}`: {error.strerror}") from error
        session.console.say(f"wrote {FILE_NAME}; `lambdabuild list` shows what it finds")


def _settings(
    arch: list[str] | None,
    target: list[str] | None,
    runtime: str | None,
    tags: str | None,
    ldflags: str | None,
    gcflags: str | None,
    in_place: bool,
    exclude: list[str] | None,
) -> Settings:
    targets = [*map(parse_architecture, arch or ()), *map(parse_target, target or ())]
    return Settings(
        flags=Choices(
            targets=tuple(dict.fromkeys(targets)) or None,
            runtime=parse_runtime(runtime) if runtime is not None else None,
            tags=tuple(tag for tag in tags.replace(",", " ").split()) if tags is not None else None,
            ldflags=ldflags,
            gcflags=gcflags,
        ),
        in_place=in_place,
        also_exclude=tuple(exclude or ()),
    )


class _session:  # noqa: N801 - used as a function
    """Open what a command needs, and close it however the command ends."""

    def __init__(
        self,
        context: typer.Context,
        settings: Settings,
        roots: list[str] | None,
        out: str | None,
    ) -> None:
        from dataclasses import replace  # noqa: PLC0415 - `--help` needs none of it

        from lambdabuild import logfile, pipeline  # noqa: PLC0415
        from lambdabuild.console import Console, ConsoleHandler, choose_look  # noqa: PLC0415
        from lambdabuild.interrupts import Interrupts  # noqa: PLC0415
        from lambdabuild.process import Runner  # noqa: PLC0415

        options: Options = context.obj
        environment = dict(os.environ)
        look = choose_look(
            options.color, environment, sys.stderr, quiet=options.quiet, verbose=options.verbose
        )
        working = os.getcwd()
        project, config = pipeline.read_config(working, options.config)
        # What the command line names is relative to where it was typed.
        config = pipeline.with_flags(
            config,
            roots=tuple(_from(project, working, root) for root in roots) if roots else None,
            out=_from(project, working, out) if out is not None else None,
        )
        console = Console(look)
        if options.verbose:
            logfile.log_to(ConsoleHandler(console))
        self._close_log = logfile.close_log
        self._interrupts = Interrupts()
        self._session = pipeline.Session(
            project=project,
            working=working,
            settings=replace(settings, config=config),
            environment=environment,
            run=Runner(environment),
            console=console,
            interrupts=self._interrupts,
        )
        self._caught = self._interrupts.caught()

    def __enter__(self) -> "Session":
        self._caught.__enter__()
        return self._session

    def __exit__(self, *error: object) -> None:
        self._session.run.close()
        self._session.console.built()
        self._close_log()
        self._caught.__exit__(None, None, None)


def _from(project: str, working: str, path: str) -> str:
    return os.path.relpath(os.path.join(working, path), project)


def _build(
    context: typer.Context,
    settings: Settings,
    roots: list[str] | None,
    out: str | None,
    names: tuple[str, ...],
    jobs: int | None,
    fail_fast: bool,
    force: bool,
    dry_run: bool,
    json: bool,
    report_file: str | None,
) -> None:
    from lambdabuild import pipeline  # noqa: PLC0415 - `--help` needs none of it
    from lambdabuild.report import Fault, report_value, to_json  # noqa: PLC0415

    request = pipeline.Request(names, jobs, fail_fast, force, report_file)
    with _session(context, settings, roots, out) as session:
        if dry_run:
            lines, plan = pipeline.dry_run(session, request)
            for line in lines:
                sys.stdout.write(f"{line}\n")
            for step in plan.set_aside:
                fault = Fault(step.function.package, (step.function.name,), step.load_errors)
                session.console.warn("\n".join(fault.lines(session.relative)))
            if plan.set_aside:
                raise typer.Exit(errors.FAILED)
            return
        report = pipeline.build_functions(session, request)
        session.console.report(report, session.relative)
        if json:
            sys.stdout.write(to_json(report_value(report, session.relative)))
        if not report.ok:
            raise typer.Exit(errors.FAILED)


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
    sys.exit(_guarded(app))


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
