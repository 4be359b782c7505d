"""Hold the flags of a command line, and read their values by the option table."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from lambdabuild.config.options import (
    BUILDING,
    CHECKING,
    FINDING,
    GENERAL,
    NARROWING,
    NOTHING_CHOSEN,
    OPTIONS,
    OUTPUT,
    PLANNING,
    REVIEWED,
    SELECTING,
    WORDS,
    Chosen,
    General,
    Narrowing,
    Option,
    Request,
)
from lambdabuild.config.parsing import UnfitError
from lambdabuild.core.errors import LambdabuildError

TAKEN: Mapping[str, tuple[str, ...]] = {
    "all": (FINDING, SELECTING, NARROWING, OUTPUT, BUILDING, PLANNING, REVIEWED, CHECKING),
    "build": (FINDING, SELECTING, NARROWING, OUTPUT, BUILDING, PLANNING, REVIEWED, CHECKING),
    "list": (FINDING, SELECTING, NARROWING),
}
"""The panels of flags that commands take which are read without typer, too (`usage/plain.py`)."""


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


def flags_of(panels: Iterable[str]) -> list[Option]:
    """Return the options whose flags are in any of the panels, panel by panel."""
    return [option for panel in panels for option in OPTIONS if option.panel == panel]


GENERAL_FLAGS = flags_of((GENERAL,))
"""The flags of every command."""


def options_from(before: General, taken: Iterable[Option], values: Mapping[str, Any]) -> Options:
    """Return the options of a command with the `values` of its flags; change to the directory of -C.

    `before` is what was given before the command, `taken` what it takes beside the general flags.

    Raises:
        LambdabuildError: a value is not valid, or flags contradict each other.

    """
    # The general flags first: they may change the working directory.
    general = laid_over(before, values)
    chosen = _chosen(taken, values)
    if "since" in chosen and "files_from" in chosen:
        raise LambdabuildError(
            "--since and --files-from cannot both say what changed",
            hint="--since asks git, --files-from takes the paths from a file",
        )
    if "times" in chosen and "shard" not in chosen:
        raise LambdabuildError("--times is for --shard", hint="add --shard I/N, or leave it out")
    return Options(general, chosen)


def name_of_flag(option: Option) -> str:
    """Return the name of a flag as a parameter has it: `--dry-run` is `dry_run`."""
    return option.names[0].removeprefix("--").replace("-", "_")


def _chosen(table: Iterable[Option], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the flags that were given, by field."""
    chosen: dict[str, Any] = {}
    for option in table:
        given = values.get(name_of_flag(option))
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


def laid_over(before: General, values: Mapping[str, Any]) -> General:
    """Return general options with those of `values` laid over; change to the directory of -C."""
    chosen: Chosen = _chosen(GENERAL_FLAGS, values)
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
