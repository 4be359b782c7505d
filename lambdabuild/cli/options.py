"""The flags that several commands share, in groups, and how a command takes them."""

import inspect
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from lambdabuild.config.narrowing import NOTHING_LEFT_OUT, Narrowing
from lambdabuild.config.settings import (
    Choices,
    Settings,
    parse_architecture,
    parse_cache_mode,
    parse_runtime,
    parse_target,
)
from lambdabuild.core import errors
from lambdabuild.core.errors import LambdabuildError

if TYPE_CHECKING:
    from lambdabuild.core.shards import Shard


class Globals(NamedTuple):
    """The flags that every command takes, before its name or after it."""

    config: str | None = None
    verbose: bool = False
    quiet: bool = False
    color: str = "auto"
    untrusted: bool = False


class Selection(NamedTuple):
    """The flags that say what there is to build."""

    settings: Settings
    roots: tuple[str, ...]
    narrowing: Narrowing = NOTHING_LEFT_OUT


class Output(NamedTuple):
    """The flags that say what is made of it, and where."""

    out: str | None
    in_place: bool
    ldflags: str | None
    gcflags: str | None
    zip: bool | None = None
    sbom: bool | None = None


class Building(NamedTuple):
    """The flags that say how to build it."""

    jobs: int | None
    fail_fast: bool
    force: bool
    dry_run: bool
    explain: bool
    json: bool
    report: str | None
    trace: str | None = None
    html: str | None = None
    cache: str | None = None
    cache_mode: str | None = None
    check_size: bool = False


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
    untrusted: Annotated[
        bool,
        typer.Option(
            "--untrusted", help="Take no configuration that runs programs, or leaves the project."
        ),
    ] = False,
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
        untrusted=untrusted or before.untrusted,
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
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="REF", help="Only what changed since HEAD and REF parted, in git."
        ),
    ] = None,
    files_from: Annotated[
        str | None,
        typer.Option(
            "--files-from", metavar="FILE", help="Only what the paths in FILE touch; - is stdin."
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Only this machine's share of N machines."),
    ] = None,
    times: Annotated[
        str | None,
        typer.Option("--times", metavar="FILE", help="Balance shards by the times in this report."),
    ] = None,
) -> Selection:
    """Take the flags that say what there is to build."""
    for directory in root or ():
        _refuse_empty("--root", directory)
    targets = [*map(parse_architecture, arch or ()), *map(parse_target, target or ())]
    choices = Choices(
        targets=tuple(dict.fromkeys(targets)) or None,
        runtime=parse_runtime(runtime) if runtime is not None else None,
        tags=tuple(tags.replace(",", " ").split()) if tags is not None else None,
    )
    if since is not None and files_from is not None:
        raise LambdabuildError(
            "--since and --files-from cannot both say what changed",
            hint="--since asks git, --files-from takes the paths from a file",
        )
    if times is not None and shard is None:
        raise LambdabuildError("--times is for --shard", hint="add --shard I/N, or leave it out")
    narrowing = Narrowing(since, files_from, _shard(shard), times)
    settings = Settings(flags=choices, also_exclude=tuple(exclude or ()))
    return Selection(settings, tuple(root or ()), narrowing)


def _refuse_empty(flag: str, value: str | None) -> None:
    # An empty path would be the directory that it is relative to.
    if value == "":
        raise LambdabuildError(
            f"{flag} names no directory", hint="is a variable empty that should name it?"
        )


def _shard(text: str | None) -> "Shard | None":
    if text is None:
        return None
    from lambdabuild.core.shards import parse_shard

    return parse_shard(text)


def output_flags(
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Where executables go. [dist]")
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Write `bootstrap` into each function's directory.")
    ] = False,
    ldflags: Annotated[
        str | None, typer.Option("--ldflags", metavar="FLAGS", help="For the linker. [-s -w]")
    ] = None,
    gcflags: Annotated[
        str | None, typer.Option("--gcflags", metavar="FLAGS", help="For the compiler.")
    ] = None,
    zip: Annotated[  # noqa: A002 - typer names the flag after it
        bool, typer.Option("--zip", help="Pack each function into a zip that Lambda takes.")
    ] = False,
    sbom: Annotated[
        bool, typer.Option("--sbom", help="Write what each is made of, as CycloneDX JSON.")
    ] = False,
) -> Output:
    """Take the flags that say what is made, and where."""
    _refuse_empty("--out", out)
    _check_tool_flags("ldflags", ldflags)
    _check_tool_flags("gcflags", gcflags)
    return Output(out, in_place, ldflags, gcflags, zip or None, sbom or None)


def _check_tool_flags(kind: str, value: str | None) -> None:
    if not value:
        return
    from lambdabuild.golang.tool_flags import problem_of

    if problem := problem_of(kind, value):
        message, remedy = problem
        raise LambdabuildError(f"--{kind} {message}", hint=remedy)


def building_flags(
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", metavar="N", min=1, help="Processes at a time. [all processors]"
        ),
    ] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = (
        False
    ),
    force: Annotated[
        bool, typer.Option("--force", help="Build everything again, and replace files in the way.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Print the `go` commands, and build nothing.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell why each function is built, or is not.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    report: Annotated[
        str | None,
        typer.Option("--report", metavar="FILE", help="Write the result as JSON to FILE."),
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option("--trace", metavar="FILE", help="Write a trace to FILE, for ui.perfetto.dev."),
    ] = None,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write the result as a web page to FILE."),
    ] = None,
    cache: Annotated[
        str | None,
        typer.Option(
            "--cache", metavar="URL", help="Share executables: s3://, gs://, az:// or file://."
        ),
    ] = None,
    cache_mode: Annotated[
        str | None,
        typer.Option("--cache-mode", metavar="MODE", help="read, read-write or off. [read-write]"),
    ] = None,
    check_size: Annotated[
        bool,
        typer.Option("--check-size", help="Let max_size and max_growth fail, rather than warn."),
    ] = False,
) -> Building:
    """Take the flags that say how to build."""
    if cache_mode is not None:
        parse_cache_mode(cache_mode)
    return Building(
        jobs, fail_fast, force, dry_run, explain, json, report, trace, html, cache, cache_mode,
        check_size,
    )  # fmt: skip


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
