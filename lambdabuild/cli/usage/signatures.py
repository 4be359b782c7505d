"""Give typer the flags of the option table: the signatures that it reads commands off."""

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from lambdabuild.cli.options import (
    GENERAL_FLAGS,
    flags_of,
    name_of_flag,
    options_from,
)
from lambdabuild.config.options import COUNT, SWITCH, General, Option

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME...", help="Names, globs ('users-*') or paths. [every function]"),
]
Poll = Annotated[
    bool,
    typer.Option("--poll", help="Poll for changes twice a second, for NFS and some containers."),
]
Command = Callable[..., None]
_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def taking(*panels: str, refusing: Iterable[str] = ()) -> Callable[[Command], Command]:
    """Give a command, as `options`, the flags of some panels, and those of every command.

    Typer reads a command's flags off its signature, so one is made here from the table. What it is
    `refusing` are flags that it takes only to say what to use instead: its help does not show them.
    """
    refused = tuple(refusing)
    of_panels = flags_of((*panels, *refused))

    def wrap(command: Command) -> Command:
        own = [p for p in inspect.signature(command).parameters.values() if p.name != "options"]
        parameters = [
            *(parameter.replace(kind=_KEYWORD) for parameter in own),
            *(_parameter(option, hidden=option.panel in refused) for option in of_panels),
            inspect.Parameter("context", _KEYWORD, annotation=typer.Context),
            *map(_parameter, GENERAL_FLAGS),
        ]

        def run(context: typer.Context, **values: Any) -> None:
            options = options_from(context.obj or General(), of_panels, values)
            # A command after this one, which is the whole command line's, begins with these.
            context.obj = options.general
            arguments = {parameter.name: values[parameter.name] for parameter in own}
            command(options=options, **arguments)

        run.__name__ = command.__name__
        run.__doc__ = command.__doc__
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return wrap


def _parameter(option: Option, *, hidden: bool = False) -> inspect.Parameter:
    flag: Any = typer.Option(
        *option.names,
        metavar=option.metavar,
        help=option.flag_help,
        min=1 if option.kind is COUNT else None,
        hidden=hidden,
        rich_help_panel=option.section,
    )
    return inspect.Parameter(
        name_of_flag(option),
        _KEYWORD,
        default=False if option.kind is SWITCH else None,
        annotation=Annotated[option.kind.flag, flag],
    )
