"""Give commands the flags of the option table, and read their values."""

import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, NamedTuple

import typer

from lambdabuild.config.options import (
    COUNT,
    GENERAL,
    NOTHING_CHOSEN,
    OPTIONS,
    SWITCH,
    WORDS,
    Chosen,
    General,
    Narrowing,
    Option,
    Request,
)
from lambdabuild.config.parsing import UnfitError
from lambdabuild.core.errors import LambdabuildError

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


class Options(NamedTuple):
    """The flags of a command line."""

    general: General = General()
    chosen: Chosen = NOTHING_CHOSEN
    """The values of the others that were given, by field."""

    @property
    def narrowing(self) -> Narrowing:
        return Narrowing(**_only(Narrowing, self.chosen))

    def request(self, names: Iterable[str]) -> Request:
        """Return what to build of the functions that `names` mean, and how."""
        force = self.chosen.get("force", False)
        return Request(tuple(names), self.narrowing, force, **_only(Request, self.chosen))


def _only(holder: Any, chosen: Chosen) -> dict[str, Any]:
    return {name: chosen[name] for name in holder._fields if name in chosen}


def taking(*panels: str, refusing: Iterable[str] = ()) -> Callable[[Command], Command]:
    """Give a command, as `options`, the flags of some panels, and those of every command.

    Typer reads a command's flags off its signature, so one is made here from the table. What it is
    `refusing` are flags that it takes only to say what to use instead: its help does not show them.
    """
    refused = tuple(refusing)
    of_panels = [o for panel in (*panels, *refused) for o in OPTIONS if o.panel == panel]
    general = [option for option in OPTIONS if option.panel == GENERAL]

    def wrap(command: Command) -> Command:
        own = [p for p in inspect.signature(command).parameters.values() if p.name != "options"]
        parameters = [
            *(parameter.replace(kind=_KEYWORD) for parameter in own),
            *(_parameter(option, hidden=option.panel in refused) for option in of_panels),
            inspect.Parameter("context", _KEYWORD, annotation=typer.Context),
            *map(_parameter, general),
        ]

        def run(context: typer.Context, **values: Any) -> None:
            # The general flags first: they may change the working directory.
            context.obj = _laid_over(context.obj or General(), _chosen(general, values))
            chosen = _chosen(of_panels, values)
            if "since" in chosen and "files_from" in chosen:
                raise LambdabuildError(
                    "--since and --files-from cannot both say what changed",
                    hint="--since asks git, --files-from takes the paths from a file",
                )
            if "times" in chosen and "shard" not in chosen:
                raise LambdabuildError(
                    "--times is for --shard", hint="add --shard I/N, or leave it out"
                )
            arguments = {parameter.name: values[parameter.name] for parameter in own}
            command(options=Options(context.obj, chosen), **arguments)

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
        _name(option),
        _KEYWORD,
        default=False if option.kind is SWITCH else None,
        annotation=Annotated[option.kind.flag, flag],
    )


def _name(option: Option) -> str:
    return option.names[0].removeprefix("--").replace("-", "_")


def _chosen(table: Iterable[Option], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the flags that were given, by field."""
    chosen: dict[str, Any] = {}
    for option in table:
        given = values[_name(option)]
        if given is None or given is False or given == []:
            continue
        try:
            value = option.value(given.replace(",", " ").split() if option.kind is WORDS else given)
        except UnfitError as unfit:
            message, remedy = unfit.args
            if "" in (given if isinstance(given, list) else [given]):
                remedy = "is a variable empty that should name it?"
            raise LambdabuildError(f"{option.names[0]} {message}", hint=remedy) from None
        if value is not None:
            before = chosen.get(option.name)
            chosen[option.name] = value if before is None else tuple(dict.fromkeys(before + value))
    return chosen


def _laid_over(before: General, chosen: Chosen) -> General:
    if "directory" in chosen:
        try:
            os.chdir(chosen["directory"])
        except OSError as error:
            message = f"cannot change to `{chosen['directory']}`: {error.strerror}"
            if isinstance(error, FileNotFoundError):
                message = f"there is no directory `{chosen['directory']}`"
            raise LambdabuildError(message) from error
    if "config" in chosen:
        chosen = {**chosen, "config": os.path.abspath(chosen["config"])}
    return before._replace(**chosen)
