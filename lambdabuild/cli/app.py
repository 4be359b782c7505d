"""Define the command line for typer: flags to settings, nothing else."""

import functools
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lambdabuild.cli.local.commands import running
from lambdabuild.cli.maintenance import chores, opened
from lambdabuild.cli.options import TAKEN, Options
from lambdabuild.cli.usage.general import InstallCompletion, ShowCompletion, Version
from lambdabuild.cli.usage.help import WIDEST, Command, Root
from lambdabuild.cli.usage.signatures import Names, Poll, taking
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
from lambdabuild.output.streams import print_json, print_line

if TYPE_CHECKING:
    from lambdabuild.survey.session import Session

# What a command needs beyond its flags is imported when it runs: `--help` starts in half the time.

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
@taking(*TAKEN["all"])
def build_all(options: Options) -> None:
    """Build every function."""
    from lambdabuild.cli import building

    building.build(options, ())


@command("build")
@taking(*TAKEN["build"])
def build_some(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Names, globs ('users-*') or paths.")
    ],
    options: Options,
) -> None:
    """Build some functions, by name, glob or path."""
    from lambdabuild.cli import building

    building.build(options, names)


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
            raise SystemExit(errors.FAILED)


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
    size: Annotated[
        bool,
        typer.Option(
            "--size",
            help="Link again, and list instead what is in each executable, by module, and what keeps "
            "methods that nothing calls.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
) -> None:
    """Explain why each function would be rebuilt: the first input that changed."""
    from lambdabuild.selection import explain

    if size and file:
        raise LambdabuildError(
            "--size and --file cannot be combined",
            hint="--size is about the functions that are named, --file about those that a file is in",
        )
    with opened(options) as session:
        if size:
            from lambdabuild.cli.sizes.examining import show

            if not show(session, options, names or (), everything=everything, json=json):
                raise SystemExit(errors.FAILED)
            return
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
@taking(*TAKEN["list"])
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
    from lambdabuild.cli import building

    building.list_functions(options, skipped=skipped, json=json, exit_code=exit_code)


app.add_typer(running)
app.add_typer(chores)


def group() -> Any:
    """Return what typer makes of the commands."""
    return typer.main.get_command(app)
