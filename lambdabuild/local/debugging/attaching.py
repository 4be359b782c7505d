"""Functions that an IDE or a person starts: what their processes need to be called from here."""

import shlex
from collections.abc import Collection, Mapping

from lambdabuild.local.debugging.delve import HOST
from lambdabuild.local.functions import Platform, Program
from lambdabuild.local.runtime.environment import environment

_STREAM = "attached"


def attached(program: Program, port: int) -> Program:
    """Return a function that nobody here starts: its process calls the Runtime API at `port`."""
    return program._replace(attached=port, timeout=None, concurrency=1)


def variables(program: Program, platform: Platform, port: int) -> Mapping[str, str]:
    """Return what the process is to have in its environment, beside what its owner has anyway.

    That is PATH, unless the function sets it, and credentials: they would be shown.
    """
    api = f"{HOST}:{port}"
    return _without(
        environment(program, platform, api=api, stream=_STREAM),
        {"PATH"} - set(program.environment) | set(platform.credentials),
    )


def _without(values: Mapping[str, str], names: Collection[str]) -> Mapping[str, str]:
    return {name: value for name, value in sorted(values.items()) if name not in names}


def exports(values: Mapping[str, str]) -> list[str]:
    """Return lines that set variables in a shell."""
    return [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
