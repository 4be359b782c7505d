"""Lay out `--help`: flags by section, nothing cut, with examples."""

import inspect
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from typer.core import TyperCommand, TyperGroup

from lambdabuild.config.options import SECTIONS

WIDEST = 100
"""Columns of text, however wide the terminal is."""


class Example(NamedTuple):
    """A command line, and what it is for."""

    line: str
    purpose: str


EXAMPLES: Mapping[str, Sequence[Example]] = {
    "": (
        Example("lambdabuild all", "build what changed since the last build"),
        Example("lambdabuild build 'users-*' --zip", "build and pack some functions"),
        Example("lambdabuild watch", "rebuild while you edit"),
        Example("lambdabuild serve", "run functions here, and reload them"),
        Example("lambdabuild why", "what would be rebuilt, and why"),
    ),
    "all": (
        Example("lambdabuild all --zip", "also pack each function for Lambda"),
        Example("lambdabuild all --since origin/main", "build what a branch changed"),
        Example("lambdabuild all --arch arm64 --report build.json", "build for Graviton"),
    ),
    "build": (
        Example("lambdabuild build users-get", "by name"),
        Example("lambdabuild build 'users-*'", "by glob; quotes keep it from the shell"),
        Example("lambdabuild build api/users", "all below a directory"),
    ),
    "check": (Example("lambdabuild check --against template.yaml", "compare with one file"),),
    "watch": (
        Example("lambdabuild watch users-get", "build one function again and again"),
        Example("lambdabuild watch --exec 'make deploy'", "run a command after each good build"),
    ),
    "serve": (
        Example("lambdabuild serve 'users-*'", "some functions"),
        Example("lambdabuild serve --debug users-get", "with breakpoints"),
        Example("lambdabuild serve --env-file .env", "with variables of your own"),
    ),
    "invoke": (
        Example("lambdabuild invoke users-get --event", "send a sample of what it takes"),
        Example("lambdabuild invoke fulfil --event sqs --count 10", "a batch"),
        Example("lambdabuild invoke resize --event s3 --in sqs", "one in another"),
        Example("lambdabuild invoke --replay last", "after an edit"),
    ),
    "events": (
        Example("lambdabuild events sqs", "print a sample"),
        Example("lambdabuild events users-get", "what its handler takes"),
        Example("lambdabuild events --calls", "calls that can be repeated"),
    ),
    "why": (
        Example("lambdabuild why users-get", "why one function would be rebuilt"),
        Example("lambdabuild why --file internal/auth/auth.go", "what depends on a file"),
        Example("lambdabuild why --since origin/main", "what a branch changed"),
        Example("lambdabuild why --size users-get", "what is in an executable"),
    ),
    "list": (
        Example("lambdabuild list --skipped", "also what is no function, and why"),
        Example("lambdabuild list --since origin/main --exit-code", "in CI: is there any?"),
    ),
    "history": (Example("lambdabuild history 'users-*'", "of some functions"),),
    "merge-reports": (
        Example(
            "lambdabuild merge-reports reports/ --report build.json", "join all of a directory"
        ),
    ),
    "completion": (
        Example('eval "$(lambdabuild completion bash)"', "for this shell; or zsh"),
        Example("lambdabuild completion fish | source", "for this shell, fish"),
        Example("lambdabuild --install-completion", "for all new shells"),
    ),
}
"""By command; the empty name is of lambdabuild itself."""

ENVIRONMENT = (
    ("LAMBDABUILD_CACHE", "The shared cache, as --cache."),
    ("LAMBDABUILD_CACHE_MODE", "What caches are used for, as --cache-mode."),
    ("LAMBDABUILD_CACHE_KEY", "The secret that signs what is in the shared cache."),
    ("LAMBDABUILD_CACHE_TIMEOUT", "Seconds that a request to the shared cache may take. [10]"),
    ("LAMBDABUILD_CACHE_DIR", "Where executables are kept on this machine."),
    ("LAMBDABUILD_CACHE_SIZE", "How much of them is kept, such as 10GB. [5GB]"),
    ("LAMBDABUILD_UNTRUSTED", "As --untrusted, for every command."),
    ("LAMBDABUILD_PASS_ENV", "Credentials to pass to --exec and `go`, such as AWS_*."),
    ("NO_COLOR", "Print without color."),
)


class _Layout:
    """What commands and groups have in common; typer's classes call these."""

    name: str | None

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        # Typer puts a required argument in braces, which mean a choice elsewhere.
        pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc]
        return [piece.strip("{}") for piece in pieces]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _emphasize_headings(formatter)
        parameters = self.get_params(ctx)  # type: ignore[attr-defined]
        arguments = [
            (parameter.make_metavar(ctx), parameter.help or "")
            for parameter in parameters
            if parameter.param_type_name == "argument" and not parameter.hidden
        ]
        if arguments:
            with formatter.section("Arguments"):
                formatter.write_dl(arguments)
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        sections |= {section: [] for section in SECTIONS}
        for option in parameters:
            if option.param_type_name == "option" and not option.hidden:
                section = "General" if option.name == "help" else option.rich_help_panel
                sections[section or "Options"].append(_row(option))
        # One column for all sections.
        widest = max(len(names) for rows in sections.values() for names, _ in rows)
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl([(names.ljust(min(widest, _COLUMN)), t) for names, t in rows],
                                       col_max=_COLUMN)  # fmt: skip

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        examples = EXAMPLES.get("" if ctx.parent is None else self.name or "", ())
        if examples:
            with formatter.section("Examples"):
                column = min(50, formatter.width // 2)
                formatter.write_dl([*map(tuple, examples)], col_max=column)
        if ctx.parent is None:
            with formatter.section("Environment"):
                formatter.write_dl(ENVIRONMENT)
            formatter.write_paragraph()
            formatter.write_text("`lambdabuild help COMMAND` shows the flags of a command.")


_COLUMN = 24
"""As wide as the names of most flags."""


def _row(option: Any) -> tuple[str, str]:
    names = ", ".join(sorted(option.opts, key=len)) + "".join(
        f"/{name}" for name in option.secondary_opts
    )
    value = f" {option.metavar}" if option.metavar and not option.is_flag else ""
    return f"{names}{value}", option.help or ""


def _emphasize_headings(formatter: Any) -> None:
    environment = os.environ
    if (
        sys.stdout.isatty()
        and not environment.get("NO_COLOR")
        and environment.get("TERM") != "dumb"
    ):
        formatter.write_heading = lambda heading: formatter.write(f"\x1b[1m{heading}:\x1b[0m\n")


class Command(_Layout, TyperCommand):
    """A command whose help has sections."""


class Invoke(Command):
    """The command that has a flag whose value may be left out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, event_spelled_out(args))


class Group(_Layout, TyperGroup):
    """A group of commands whose help cuts none of them."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        rows = [(name, first_line(command.help)) for name, command in self._shown(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _shown(self, ctx: Any) -> Iterator[tuple[str, Any]]:
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                yield name, command


class Root(Group):
    """The whole command line, with words that stand for flags."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, spelled_out(args))


def event_spelled_out(arguments: Sequence[str]) -> list[str]:
    """Return a command line on which `--event` has a value, an empty one where it had none."""
    words = list(arguments)
    if "--" in words:
        end = words.index("--")
        return [*event_spelled_out(words[:end]), *words[end:]]
    return [
        "--event=" if word == "--event" and _is_flag(following) else word
        for word, following in zip(words, [*words[1:], "--"], strict=False)
    ]


def _is_flag(word: str) -> bool:
    return word.startswith("-") and word != "-"


def first_line(text: str | None) -> str:
    """Return the first line of a help text; empty where there is none."""
    return inspect.cleandoc(text or "").partition("\n")[0]


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """Return a command line without the words that stand for flags: `help build` is `build --help`.

    A flag of completion that names no shell gets `auto`.
    """
    match list(arguments):
        case ["help", *rest]:
            return [*rest, "--help"]
        case ["version", *rest]:
            return ["--version", *rest]
        case [("--show-completion" | "--install-completion") as flag, *rest]:
            return [f"{flag}={rest[0] if rest else 'auto'}", *rest[1:]]
        case words:
            return words
