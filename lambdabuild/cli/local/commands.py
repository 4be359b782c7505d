"""Define the commands that run functions on this machine: flags to values, nothing else."""

from typing import Annotated

import typer

from lambdabuild.cli.maintenance import opened
from lambdabuild.cli.options import Options
from lambdabuild.cli.usage.help import Command, Invoke
from lambdabuild.cli.usage.signatures import Names, Poll, taking
from lambdabuild.config.options import FINDING

running = typer.Typer(rich_markup_mode=None)

EnvFile = Annotated[
    str | None,
    typer.Option(
        "--env-file", metavar="FILE", help="Give functions the variables in FILE, such as .env."
    ),
]
NoCredentials = Annotated[
    bool, typer.Option("--no-credentials", help="Give functions dummies, not your credentials.")
]


Inside = Annotated[
    list[str] | None,
    typer.Option(
        "--in", metavar="TYPE", help="Put the event into the body of another; repeatable."
    ),
]
Body = Annotated[
    str | None,
    typer.Option(
        "--body",
        metavar="TEXT",
        help="The body of each record, or of the request; @FILE reads it (- is stdin).",
    ),
]
Count = Annotated[
    int | None,
    typer.Option("--count", metavar="N", min=1, help="Send N records, each with its own ID."),
]
Change = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change a value, as in Records[0].body=hello; repeatable.",
    ),
]


@running.command("serve", cls=Command)
@taking(FINDING)
def serve(
    options: Options,
    names: Names = None,
    port: Annotated[
        int,
        typer.Option(
            "--port",
            metavar="N",
            min=0,
            max=65535,
            help="Listen on this port; 0 takes a free one. [9000]",
        ),
    ] = 9000,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Listen at this address, for others to call as well. [127.0.0.1]",
        ),
    ] = "127.0.0.1",
    env_file: EnvFile = None,
    no_credentials: NoCredentials = False,
    retries: Annotated[
        int,
        typer.Option(
            "--retries",
            metavar="N",
            min=0,
            max=2,
            help="Retry an asynchronous call that fails; Lambda does so twice. [0]",
        ),
    ] = 0,
    eager: Annotated[
        bool,
        typer.Option(
            "--eager", help="Build every function at once and after each change, called or not."
        ),
    ] = False,
    no_reload: Annotated[
        bool,
        typer.Option("--no-reload", help="Build each function once, whatever is saved later."),
    ] = False,
    debug: Annotated[
        list[str] | None,
        typer.Option(
            "--debug",
            metavar="NAME[:PORT]",
            help="Run this function under delve, for breakpoints; repeatable.",
        ),
    ] = None,
    attach: Annotated[
        list[str] | None,
        typer.Option(
            "--attach",
            metavar="NAME[:PORT]",
            help="Start no process of this function: you do, in an IDE; repeatable.",
        ),
    ] = None,
    launch_json: Annotated[
        bool,
        typer.Option("--launch-json", help="Write .vscode/launch.json for --debug and --attach."),
    ] = False,
    poll: Poll = False,
    json: Annotated[bool, typer.Option("--json", help="Print events as JSON, one a line.")] = False,
) -> None:
    """Serve functions on this machine: built when they are called, reloaded when a file is saved."""
    from lambdabuild.cli.local import serve as command
    from lambdabuild.local.debugging.debuggers import Wanted
    from lambdabuild.serve import ServeOptions

    command.run(
        options,
        ServeOptions(
            tuple(names or ()),
            host=host,
            port=port,
            env_file=env_file,
            credentials=not no_credentials,
            retries=retries,
            eager=eager,
            reload=not no_reload,
            poll=poll,
            json=json,
        ),
        Wanted(debug or (), attach or (), launch_json=launch_json),
    )


@running.command("invoke", cls=Invoke)
@taking(FINDING)
def invoke(
    options: Options,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A name, a path, or a glob that means one function."),
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="JSON", help="Send this event. [{}]")
    ] = None,
    data_file: Annotated[
        str | None,
        typer.Option("--data-file", metavar="FILE", help="Send the event in FILE (- is stdin)."),
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(
            "--event",
            metavar="[TYPE]",
            help="Send a sample: a name of `lambdabuild events`, or a file; "
            "without TYPE, what the handler takes.",
        ),
    ] = None,
    inside: Inside = None,
    body: Body = None,
    count: Count = None,
    change: Change = None,
    env_file: EnvFile = None,
    timeout: Annotated[
        str | None,
        typer.Option(
            "--timeout", metavar="SECONDS", help="End the call after this time. [the function's]"
        ),
    ] = None,
    log: Annotated[
        bool, typer.Option("--log/--no-log", help="Show the function's output on stderr. [--log]")
    ] = True,
    replay: Annotated[
        str | None,
        typer.Option(
            "--replay",
            metavar="ID",
            help="Repeat a call that was kept, and say how the response differs: `last`, or an ID "
            "of `lambdabuild events --calls`.",
        ),
    ] = None,
    no_credentials: NoCredentials = False,
) -> None:
    """Call a function on this machine, built if it is out of date."""
    from lambdabuild.cli.local import invoke as calling

    given = calling.Given(data, data_file, event, inside or (), body, count, change or ())
    with opened(options) as session:
        arguments = calling.Arguments(
            name, given, timeout, env_file, replay, credentials=not no_credentials, logs=log
        )
        raise SystemExit(calling.run(session, arguments))


@running.command("events", cls=Command)
@taking(FINDING)
def events(
    options: Options,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME|TYPE]",
            help="A function, for what its handler takes; or an event. [list all events]",
        ),
    ] = None,
    inside: Inside = None,
    body: Body = None,
    count: Count = None,
    change: Change = None,
    calls: Annotated[
        bool, typer.Option("--calls", help="List the calls that `invoke --replay` can repeat.")
    ] = False,
) -> None:
    """Show the events that `invoke` can send, as JSON."""
    from lambdabuild.cli.local import events as showing
    from lambdabuild.cli.local import invoke as calling

    given = calling.Given(None, None, None, inside or (), body, count, change or ())
    with opened(options) as session:
        if calls:
            showing.list_calls(session)
        elif what is None:
            showing.list_events()
        else:
            wanted = calling.wanted_of(given, session.paths.working)
            showing.show_event(session, what, wanted)
