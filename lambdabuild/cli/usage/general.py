"""Define the flags that answer at once, before any command: version and completion."""

import os
from typing import Annotated, Any

import typer

from lambdabuild import __version__


def _show_version(given: bool) -> None:
    if given:
        typer.echo(f"lambdabuild {__version__}")
        raise typer.Exit


def _show_completion(shell: str | None) -> None:
    if shell is not None:
        from lambdabuild.cli.usage import shells

        shells.show(shell)
        raise typer.Exit


def _install_completion(shell: str | None) -> None:
    if shell is not None:
        from lambdabuild.cli.usage import shells

        typer.echo(shells.install(shell, os.environ))
        raise typer.Exit


def _of_general(*names: str, **more: Any) -> Any:
    return typer.Option(*names, is_eager=True, rich_help_panel="General", **more)


Version = Annotated[
    bool, _of_general("--version", "-V", callback=_show_version, help="Show the version.")
]
InstallCompletion = Annotated[
    str | None,
    _of_general(
        "--install-completion",
        metavar="SHELL",
        callback=_install_completion,
        help="Install completion for bash, zsh or fish. [the current shell]",
    ),
]
ShowCompletion = Annotated[
    str | None,
    _of_general(
        "--show-completion",
        metavar="SHELL",
        callback=_show_completion,
        help="Show the script of `lambdabuild completion`. [the current shell]",
    ),
]
