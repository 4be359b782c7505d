"""Define the commands that do not build: each maps flags to the module that does the work."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from lambdabuild.cli.options import Options
from lambdabuild.cli.usage.help import Command, Group
from lambdabuild.cli.usage.signatures import taking
from lambdabuild.core import errors
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.text import counted, size
from lambdabuild.output.streams import print_columns, print_json, print_line

if TYPE_CHECKING:
    from lambdabuild.survey.session import Session

SCHEMAS = ("config", "report", "manifest", "list", "why", "size", "check", "watch")
chores = typer.Typer(rich_markup_mode=None)
cache_app = typer.Typer(
    help="Inspect or clear the executables that are kept on this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
    cls=Group,
)


@chores.command(cls=Command, name="history")
@taking()
def history(
    options: Options,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Names or globs. [every function]"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the times as JSON.")] = False,
) -> None:
    """Show how build times and sizes changed over time."""
    from lambdabuild.state import trends
    from lambdabuild.state.history import read_history
    from lambdabuild.state.store import Home

    with opened(options) as session:
        runs = read_history(Home(session.paths.project, session.tools.environment).history)
        chosen = trends.named(runs, names) if names else None
        if json:
            print_json(trends.history_value(runs, chosen))
            return
        table = trends.table(trends.trend_rows(runs, chosen))
        if not table:
            session.tools.console.say("nothing was built here yet")
        print_columns(trends.TREND_HEAD, table)


@chores.command(cls=Command, name="merge-reports")
@taking()
def merge_reports(
    options: Options,
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Reports and manifests, or directories of them."),
    ],
    report: Annotated[
        str | None,
        typer.Option("--report", metavar="FILE", help="Write the report to FILE. [stdout]"),
    ] = None,
    manifest: Annotated[
        str | None,
        typer.Option(
            "--manifest", metavar="FILE", help="Write the merged manifest to FILE as well."
        ),
    ] = None,
) -> None:
    """Merge the reports of one build's shards."""
    from lambdabuild.cli import merge_reports

    with opened(options) as session:
        if not merge_reports.join(session, paths, report=report, manifest=manifest):
            raise SystemExit(errors.FAILED)


@chores.command(cls=Command)
@taking()
def clean(options: Options) -> None:
    """Remove what lambdabuild wrote, and nothing else."""
    from lambdabuild.build import clean

    with opened(options) as session:
        removed = clean.clean(session)
        session.tools.console.say(f"removed {counted(len(removed), 'file')}")


@chores.command(cls=Command)
@taking()
def doctor(options: Options) -> None:
    """Check the toolchain, the configuration and the environment."""
    from lambdabuild.cli.doctor import Verdict, examine

    refused: list[LambdabuildError] = []
    failed = False
    with opened(options, refused=refused.append) as session:
        for finding in examine(session, *refused):
            failed |= finding.verdict is Verdict.ERROR
            print_line(f"{finding.verdict.value}: {finding.message}")
            if finding.remedy:
                print_line(f"  hint: {finding.remedy}")
    if failed:
        raise SystemExit(errors.NOT_STARTED)


chores.add_typer(cache_app, name="cache")


@cache_app.command(cls=Command, name="info")
@taking()
def cache_info(options: Options) -> None:
    """Show where the cache is, and how full it is."""
    from lambdabuild.build.restore import local_cache

    with opened(options) as session:
        with _using_cache("look at"):
            info = local_cache(session.tools.environment).info()
        print_columns(
            ("directory", info.directory),
            [
                ("executables", f"{info.objects}, kept for {info.entries} states of functions"),
                ("size", f"{size(info.bytes)} of {size(info.limit)}"),
            ],
        )


@cache_app.command(cls=Command, name="clear")
@taking()
def cache_clear(options: Options) -> None:
    """Remove everything that is kept on this machine."""
    from lambdabuild.build.restore import local_cache

    with opened(options) as session:
        with _using_cache("clear"):
            removed = local_cache(session.tools.environment).clear()
        session.tools.console.say(f"removed {size(removed)}")


@contextmanager
def _using_cache(verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LambdabuildError(
            f"cannot {verb} the cache: {error.strerror}",
            at=[str(error.filename)],
            hint="LAMBDABUILD_CACHE_DIR names another directory",
        ) from error


@chores.command(cls=Command, name="init")
@taking()
def initialize(
    options: Options,
    gitignore: Annotated[
        bool, typer.Option("--gitignore", help="Add what lambdabuild writes to .gitignore.")
    ] = False,
) -> None:
    """Write a commented lambdabuild.toml for this project."""
    from lambdabuild.cli.init import initialize, refuse_existing

    refuse_existing()
    with opened(options) as session:
        initialize(session, gitignore=gitignore)


@chores.command(cls=Command, name="schema")
@taking()
def schema(
    options: Options,
    name: Annotated[
        str,
        typer.Argument(metavar="[NAME]", help=f"{', '.join(SCHEMAS[:-1])} or {SCHEMAS[-1]}."),
    ] = SCHEMAS[0],
) -> None:
    """Print the JSON schema of lambdabuild.toml, or of an output."""
    import json
    from importlib import resources

    del options
    if name not in SCHEMAS:
        known = f"there are {', '.join(SCHEMAS)}"
        raise LambdabuildError(
            f"there is no schema of `{name}`", hint=errors.did_you_mean(name, SCHEMAS) or known
        )
    file = resources.files("lambdabuild").joinpath("schemas", f"{name}.schema.json")
    print_json(json.loads(file.read_text("utf-8")))


@chores.command(cls=Command, name="completion")
@taking()
def completion(
    options: Options,
    shell: Annotated[
        str, typer.Argument(metavar="SHELL", help="The shell: bash, zsh or fish. [the current one]")
    ] = "auto",
) -> None:
    """Print the completion script of a shell."""
    from lambdabuild.cli.usage import shells

    del options
    shells.show(shell)


def opened(
    options: Options, refused: Callable[[LambdabuildError], None] | None = None
) -> AbstractContextManager["Session"]:
    """Open a session; what it needs is imported only now."""
    from lambdabuild.cli import opening

    return opening.opened(options, refused)
