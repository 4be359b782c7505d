"""The command line: flags to settings, results to exit codes; nothing else."""

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from lambdabuild import __version__, errors
from lambdabuild.config import (
    FILE_NAME,
    Choices,
    Settings,
    parse_architecture,
    parse_runtime,
    parse_target,
)
from lambdabuild.errors import Interrupted, LambdabuildError

if TYPE_CHECKING:
    from lambdabuild.model import Report
    from lambdabuild.pipeline import Request, Session

# What a command needs beyond its flags is imported when it runs: `--help` and the completion of
# a word start in half the time.

app = typer.Typer(
    name="lambdabuild",
    help="Build every Go Lambda function of a monorepo with one `go build`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@dataclass(frozen=True, slots=True)
class Globals:
    """The flags that every command takes, before its name or after it."""

    config: str | None = None
    verbose: bool = False
    quiet: bool = False
    color: str = "auto"


@dataclass(frozen=True, slots=True)
class Selection:
    """The flags that say what there is to build."""

    settings: Settings
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Building:
    """The flags that say how to build it."""

    out: str | None
    in_place: bool
    jobs: int | None
    ldflags: str | None
    gcflags: str | None
    fail_fast: bool
    force: bool
    dry_run: bool
    json: bool
    report: str | None


def global_flags(
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
        bool, typer.Option("--verbose", "-v", help="Show everything that is logged.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only what is wrong.")] = False,
    color: Annotated[
        str | None, typer.Option("--color", metavar="WHEN", help="auto, always or never. [auto]")
    ] = None,
) -> Globals:
    """Take the flags of one place, laid over those given before."""
    if color not in {None, "auto", "always", "never"}:
        raise LambdabuildError(
            f"--color is auto, always or never, not `{color}`",
            hint=errors.did_you_mean(str(color), ["auto", "always", "never"]),
        )
    if directory is not None:
        try:
            os.chdir(directory)
        except OSError as error:
            raise LambdabuildError(f"cannot change to `{directory}`: {error.strerror}") from error
    before = context.obj or Globals()
    return Globals(
        config=os.path.abspath(config) if config is not None else before.config,
        verbose=verbose or before.verbose,
        quiet=quiet or before.quiet,
        color=color or before.color,
    )


def selecting_flags(
    root: Annotated[
        list[str] | None,
        typer.Option("--root", metavar="DIR", help="Look for functions here; repeatable. [api]"),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="GLOB", help="Leave functions out; repeatable."),
    ] = None,
    arch: Annotated[
        list[str] | None,
        typer.Option(
            "--arch", metavar="ARCH", help="x86_64 (amd64) or arm64; repeatable. [x86_64]"
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", metavar="GOOS/GOARCH", help="Any target Go has; repeatable."),
    ] = None,
    runtime: Annotated[
        str | None,
        typer.Option(
            "--runtime", metavar="NAME", help="provided.al2023 or provided.al2. [provided.al2023]"
        ),
    ] = None,
    tags: Annotated[
        str | None,
        typer.Option("--tags", metavar="TAGS", help="Build tags, by commas. [lambda.norpc]"),
    ] = None,
) -> Selection:
    """Take the flags that say what there is to build."""
    targets = [*map(parse_architecture, arch or ()), *map(parse_target, target or ())]
    choices = Choices(
        targets=tuple(dict.fromkeys(targets)) or None,
        runtime=parse_runtime(runtime) if runtime is not None else None,
        tags=tuple(tags.replace(",", " ").split()) if tags is not None else None,
    )
    return Selection(Settings(flags=choices, also_exclude=tuple(exclude or ())), tuple(root or ()))


def building_flags(
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Where executables go. [dist]")
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Write `bootstrap` into each function's directory.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", metavar="N", min=1, help="Processes at a time. [all processors]"
        ),
    ] = None,
    ldflags: Annotated[
        str | None, typer.Option("--ldflags", metavar="FLAGS", help="For the linker. [-s -w]")
    ] = None,
    gcflags: Annotated[
        str | None, typer.Option("--gcflags", metavar="FLAGS", help="For the compiler.")
    ] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = (
        False
    ),
    force: Annotated[
        bool, typer.Option("--force", help="Link everything again, up to date or not.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Print the `go` commands, and build nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    report: Annotated[
        str | None,
        typer.Option("--report", metavar="FILE", help="Write the result as JSON to FILE."),
    ] = None,
) -> Building:
    """Take the flags that say how to build."""
    return Building(out, in_place, jobs, ldflags, gcflags, fail_fast, force, dry_run, json, report)


def taking(**groups: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags of each group, and pass it the group's value by name.

    Every command takes the global flags as well. Typer reads a command's flags off its
    signature, so one is put together here from the groups' own.
    """

    def wrap(command: Callable[..., None]) -> Callable[..., None]:
        sources: list[Callable[..., Any]] = [command, *groups.values(), global_flags]
        own = inspect.signature(command).parameters
        taken = {**groups, "flags": global_flags}
        parameters = {
            parameter.name: parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for source in sources
            for parameter in inspect.signature(source).parameters.values()
            if parameter.name not in taken
        }

        def run(**values: Any) -> None:
            arguments = {name: values[name] for name in own if name not in taken}
            context = values["context"]
            # The working directory may change with the global flags: they come first.
            for name, group in reversed(taken.items()):
                wanted = inspect.signature(group).parameters
                value = group(**{key: values[key] for key in wanted})
                if name == "flags":
                    context.obj = value
                if name in own:
                    arguments[name] = value
            command(**arguments)

        run.__name__ = command.__name__
        run.__doc__ = command.__doc__
        run.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
        run.__annotations__ = {name: p.annotation for name, p in parameters.items()}
        return run

    return wrap


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
@taking(selection=selecting_flags, building=building_flags)
def build_all(flags: Globals, selection: Selection, building: Building) -> None:
    """Build every function."""
    _build(flags, selection, building, ())


@app.command("build")
@taking(selection=selecting_flags, building=building_flags)
def build_some(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Names, globs ('users-*') or paths.")
    ],
    flags: Globals,
    selection: Selection,
    building: Building,
) -> None:
    """Build some functions: by name, glob, or path."""
    _build(flags, selection, building, tuple(names))


@app.command("list")
@taking(selection=selecting_flags)
def list_functions(
    flags: Globals,
    selection: Selection,
    skipped: Annotated[
        bool, typer.Option("--skipped", help="Add main packages passed over, with the reason.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the functions found: name, package, directory, target."""
    from lambdabuild import pipeline  # noqa: PLC0415
    from lambdabuild.report import list_value, to_json  # noqa: PLC0415

    with _opened(flags, selection) as session:
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
            if not lines:
                session.console.say("no function was found; --skipped tells what was passed over")


@app.command()
@taking()
def clean(flags: Globals) -> None:
    """Remove what lambdabuild wrote, and nothing else."""
    from lambdabuild import pipeline  # noqa: PLC0415

    with _opened(flags) as session:
        removed = pipeline.clean(session)
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


@app.command("init")
@taking()
def initialize(flags: Globals) -> None:
    """Write a commented lambdabuild.toml for what it finds here."""
    from lambdabuild.discover import main_packages_below  # noqa: PLC0415
    from lambdabuild.starter import choose_roots, starter_config  # noqa: PLC0415
    from lambdabuild.toolchain import find_go  # noqa: PLC0415

    if os.path.exists(FILE_NAME):
        raise LambdabuildError(
            f"there is a `{FILE_NAME}` here already", hint="edit it, or move it away"
        )
    with _opened(flags) as session:
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
            raise LambdabuildError(f"cannot write `{FILE_NAME}`: {error.strerror}") from error
        session.console.say(f"wrote {FILE_NAME}; `lambdabuild list` shows what it finds")


def _build(
    flags: Globals, selection: Selection, building: Building, names: tuple[str, ...]
) -> None:
    from lambdabuild import pipeline  # noqa: PLC0415

    request = pipeline.Request(
        names, building.jobs, building.fail_fast, building.force, building.report
    )
    with _opened(flags, selection, building) as session:
        if building.dry_run:
            _print_plan(session, request)
            return
        report = pipeline.build_functions(session, request)
        _show_report(session, report, json=building.json)


def _print_plan(session: "Session", request: "Request") -> None:
    from lambdabuild import pipeline  # noqa: PLC0415
    from lambdabuild.report import Fault  # noqa: PLC0415

    lines, plan = pipeline.dry_run(session, request)
    for line in lines:
        sys.stdout.write(f"{line}\n")
    for step in plan.set_aside:
        fault = Fault(step.function.package, (step.function.name,), step.load_errors)
        session.console.fault(fault, session.relative)
    if plan.set_aside:
        raise typer.Exit(errors.FAILED)


def _show_report(session: "Session", report: "Report", *, json: bool) -> None:
    from lambdabuild.report import report_value, to_json  # noqa: PLC0415

    session.console.report(report, session.relative)
    if json:
        sys.stdout.write(to_json(report_value(report, session.relative)))
    if not report.ok:
        raise typer.Exit(errors.FAILED)


class _opened:  # noqa: N801 - used as a function
    """Open what a command needs, and close it however the command ends."""

    def __init__(
        self,
        flags: Globals,
        selection: Selection | None = None,
        building: Building | None = None,
    ) -> None:
        from lambdabuild import pipeline  # noqa: PLC0415
        from lambdabuild.console import Console, choose_look  # noqa: PLC0415
        from lambdabuild.interrupts import Interrupts  # noqa: PLC0415
        from lambdabuild.process import Runner  # noqa: PLC0415

        environment = dict(os.environ)
        look = choose_look(
            flags.color, environment, sys.stderr, quiet=flags.quiet, verbose=flags.verbose
        )
        working = os.getcwd()
        self._interrupts = Interrupts()
        self._session = pipeline.Session(
            working=working,
            environment=environment,
            run=Runner(environment),
            console=Console(look),
            interrupts=self._interrupts,
            **_project(working, flags, selection, building),
        )
        self._caught = self._interrupts.caught()

    def __enter__(self) -> "Session":
        from lambdabuild.console import ConsoleHandler  # noqa: PLC0415
        from lambdabuild.logfile import log_to  # noqa: PLC0415

        if self._session.console.look.verbose:
            log_to(ConsoleHandler(self._session.console))
        self._caught.__enter__()
        return self._session

    def __exit__(self, *error: object) -> None:
        from lambdabuild.logfile import close_log  # noqa: PLC0415

        self._session.run.close()
        self._session.console.built()
        close_log()
        self._caught.__exit__(None, None, None)


def _project(
    working: str, flags: Globals, selection: Selection | None, building: Building | None
) -> dict[str, Any]:
    """Return the project directory and the settings that hold in it."""
    from lambdabuild import pipeline  # noqa: PLC0415

    project, config = pipeline.read_config(working, flags.config)

    def here(path: str) -> str:
        # What the command line names is relative to where it was typed.
        return os.path.relpath(os.path.join(working, path), project)

    settings = selection.settings if selection else Settings()
    if selection and selection.roots:
        config = replace(config, roots=tuple(here(root) for root in selection.roots))
    if building:
        if building.out is not None:
            config = replace(config, out=here(building.out))
        settings = replace(
            settings,
            in_place=building.in_place,
            flags=replace(
                settings.flags, ldflags=building.ldflags, gcflags=building.gcflags or None
            ),
        )
    return {"project": project, "settings": replace(settings, config=config)}


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
