"""Turn `lambdabuild.toml` and command-line flags into settings; no disk, no process."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn, TypeVar

from lambdabuild.errors import LambdabuildError, did_you_mean
from lambdabuild.model import TARGETS, Architecture, Flags, Runtime, Target

_T = TypeVar("_T")

FILE_NAME = "lambdabuild.toml"
DEFAULT_TAGS = ("lambda.norpc",)
"""Leaves the RPC server of the retired go1.x runtime out of aws-lambda-go.

https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
"""
DEFAULT_LDFLAGS = "-s -w"

_ARCHITECTURES = {
    "x86_64": Architecture.X86_64,
    "amd64": Architecture.X86_64,
    "arm64": Architecture.ARM64,
}
_NEAR_ARCHITECTURES = {"x86-64": "x86_64", "x64": "x86_64", "aarch64": "arm64", "armv8": "arm64"}
_OWN_VARIABLES = {
    "GOOS": "use `architecture`, or --target for other systems",
    "GOARCH": "use `architecture`, or --target for other systems",
    "GOFLAGS": "use `tags`, `ldflags` and `gcflags`, or export GOFLAGS",
    "GOBIN": "use `out`",
    "GOTMPDIR": "lambdabuild stages in .lambdabuild, on the output's own file system",
    "GOWORK": "export GOWORK instead; it decides which modules there are",
}


class Choices(NamedTuple):
    """What one place (a flag, a function's table, the top level) says; None where it is silent."""

    targets: tuple[Target, ...] | None = None
    runtime: Runtime | None = None
    tags: tuple[str, ...] | None = None
    ldflags: str | None = None
    gcflags: str | None = None
    environment: Mapping[str, str] = MappingProxyType({})


class FunctionTable(NamedTuple):
    """One `[functions."name"]` table."""

    choices: Choices = Choices()
    directory: str | None = None
    """Gives the function in this directory the table's name; relative to the configuration."""
    assets: tuple[str, ...] = ()


class Config(NamedTuple):
    """A `lambdabuild.toml`, checked."""

    source: str | None = None
    """The file it was read from; None where there is none."""
    roots: tuple[str, ...] = ("api",)
    exclude: tuple[str, ...] = ()
    out: str = "dist"
    choices: Choices = Choices()
    functions: Mapping[str, FunctionTable] = MappingProxyType({})


class BuildSettings(NamedTuple):
    """What holds for one function once every place has been asked."""

    targets: tuple[Target, ...]
    runtime: Runtime
    flags: Flags


_NOTHING_CONFIGURED = Config()
_NOTHING_CHOSEN = Choices()


@dataclass(frozen=True)
class Settings:
    """The configuration with the command line laid over it."""

    config: Config = _NOTHING_CONFIGURED
    flags: Choices = _NOTHING_CHOSEN
    """What the command line says."""
    in_place: bool = False
    also_exclude: tuple[str, ...] = ()
    """Globs of the command line: those functions are left as they are, for this once."""
    _settled: dict[str | None, BuildSettings] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def exclude(self) -> tuple[str, ...]:
        return (*self.config.exclude, *self.also_exclude)

    def of(self, name: str) -> BuildSettings:
        """Settle what holds for the function `name`: flag, table, top level, default."""
        key = name if name in self.config.functions else None
        known = self._settled.get(key)
        if known is None:
            table = self.config.functions.get(name, FunctionTable()).choices
            known = self._settle((self.flags, table, self.config.choices))
            self._settled[key] = known
        return known

    def variants(self) -> tuple[BuildSettings, ...]:
        """Return every distinct setting in use, the one without a table first."""
        tables = [self.of(name) for name in self.config.functions]
        return tuple(dict.fromkeys([self._settle((self.flags, self.config.choices)), *tables]))

    def _settle(self, places: tuple[Choices, ...]) -> BuildSettings:
        environment: dict[str, str] = {}
        for place in reversed(places):
            environment.update(place.environment)
        return BuildSettings(
            targets=_first((p.targets for p in places), (TARGETS[Architecture.X86_64],)),
            runtime=_first((p.runtime for p in places), Runtime.AL2023),
            flags=Flags(
                tags=_first((p.tags for p in places), DEFAULT_TAGS),
                ldflags=_first((p.ldflags for p in places), DEFAULT_LDFLAGS),
                gcflags=next((p.gcflags for p in places if p.gcflags is not None), None),
                environment=tuple(sorted(environment.items())),
            ),
        )


def _first(values: Iterable[_T | None], default: _T) -> _T:
    return next((value for value in values if value is not None), default)


def parse_architecture(text: str) -> Target:
    """Return the target of an architecture as Lambda or Go names it.

    Raises:
        LambdabuildError: it is neither x86_64 (amd64) nor arm64.

    """
    if text in _ARCHITECTURES:
        return TARGETS[_ARCHITECTURES[text]]
    near = _NEAR_ARCHITECTURES.get(text.lower())
    hint = f"did you mean `{near}`?" if near else did_you_mean(text, _ARCHITECTURES)
    raise LambdabuildError(
        f"`{text}` is not an architecture that Lambda has",
        hint=hint or "use `x86_64` or `arm64`",
    )


def parse_target(text: str) -> Target:
    """Return the target that `GOOS/GOARCH` names.

    Raises:
        LambdabuildError: it does not have that shape; whether Go knows it, Go will say.

    """
    goos, slash, goarch = text.partition("/")
    if not (slash and goos.isalnum() and goarch.isalnum()):
        raise LambdabuildError(
            f"`{text}` is not a target",
            hint="write GOOS/GOARCH, such as `linux/arm64`; `go tool dist list` names them all",
        )
    return Target(goos, goarch)


def parse_runtime(text: str) -> Runtime:
    """Return the runtime named `text`.

    Raises:
        LambdabuildError: Lambda has no such runtime for executables; go1.x explains the migration.

    """
    try:
        return Runtime(text)
    except ValueError:
        pass
    if text == "go1.x":
        raise LambdabuildError(
            "the runtime `go1.x` was retired by AWS",
            hint="use `provided.al2023`: the same code, built as an executable named `bootstrap`, "
            "which is what lambdabuild writes; set Runtime: provided.al2023 and Handler: bootstrap",
        )
    raise LambdabuildError(
        f"`{text}` is not a runtime that runs Go executables",
        hint=did_you_mean(text, [*Runtime]) or "use `provided.al2023` or `provided.al2`",
    )


def parse_config(text: str, source: str) -> Config:
    """Return the configuration that `text` holds.

    Raises:
        LambdabuildError: it is not TOML, or a key is unknown, of a wrong type, or impossible;
            the error names `source`, the key and the remedy.

    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LambdabuildError(f"this is not TOML: {error}", at=[source]) from error
    table = _Table(values, source, "")
    table.refuse_unknown(
        ["roots", "exclude", "out", "functions", *_CHOICE_KEYS],
    )
    functions: dict[str, FunctionTable] = {}
    for name in table.table("functions"):
        functions[name] = _function_table(table.subtable("functions", name), name)
    config = Config(source=source, choices=_choices(table), functions=functions)
    if (roots := table.strings("roots")) is not None:
        if not roots:
            table.refuse("roots", "names no directory", 'name one, such as `roots = ["api"]`')
        config = config._replace(roots=roots)
    if (exclude := table.strings("exclude")) is not None:
        config = config._replace(exclude=exclude)
    if (out := table.string("out")) is not None:
        if not out:
            table.refuse("out", "is empty", 'name a directory, such as `out = "dist"`')
        config = config._replace(out=out)
    return config


_CHOICE_KEYS = ["architecture", "runtime", "tags", "ldflags", "gcflags", "env"]


def _function_table(table: "_Table", name: str) -> FunctionTable:
    table.refuse_unknown(["directory", "assets", *_CHOICE_KEYS])
    if not name or "/" in name or name in {".", ".."}:
        raise LambdabuildError(
            f"`{name}` cannot be the name of a function",
            at=[table.source],
            hint="a name becomes a directory under `out`; join its parts with `-`",
        )
    directory = table.string("directory")
    if directory is not None:
        directory = PurePosixPath(directory).as_posix()
    return FunctionTable(_choices(table), directory, table.strings("assets") or ())


def _choices(table: "_Table") -> Choices:
    architectures = table.string_or_strings("architecture")
    runtime = table.string("runtime")
    targets = None
    if architectures is not None:
        if not architectures:
            table.refuse("architecture", "names none", 'use "x86_64", "arm64", or both in a list')
        with table.naming("architecture"):
            targets = tuple(dict.fromkeys(parse_architecture(a) for a in architectures))
    with table.naming("runtime"):
        parsed_runtime = parse_runtime(runtime) if runtime is not None else None
    return Choices(
        targets=targets,
        runtime=parsed_runtime,
        tags=table.strings("tags"),
        ldflags=table.string("ldflags"),
        # An empty string is the default written down: nobody chose.
        gcflags=table.string("gcflags") or None,
        environment=_environment(table),
    )


def _environment(table: "_Table") -> dict[str, str]:
    environment = table.table("env")
    for variable, value in environment.items():
        if variable in _OWN_VARIABLES:
            table.refuse(f"env.{variable}", "is lambdabuild's to set", _OWN_VARIABLES[variable])
        if not variable or "=" in variable or "\0" in variable:
            table.refuse(
                f"env.{variable}",
                "cannot be the name of a variable",
                "a name is not empty, and holds neither `=` nor a NUL character",
            )
        if not isinstance(value, str):
            table.refuse(f"env.{variable}", "is not a string", f'write `{variable} = "{value}"`')
        if "\0" in value:
            table.refuse(
                f"env.{variable}",
                "cannot be the value of a variable",
                "a value holds no NUL character",
            )
    return environment


class _Naming:
    """Add the file and the key to an error about a value."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, LambdabuildError) and not error.at:
            error.at = (self._place,)


class _Table:
    """Read typed values from one TOML table, with errors that name file, key and remedy."""

    def __init__(self, values: Mapping[str, Any], source: str, prefix: str) -> None:
        self._values = values
        self._prefix = prefix
        self.source = source

    def naming(self, key: str) -> _Naming:
        return _Naming(f"{self.source}, key `{self._prefix}{key}`")

    def refuse(self, key: str, message: str, remedy: str) -> NoReturn:
        full = f"{self._prefix}{key}"
        raise LambdabuildError(f"`{full}` {message}", at=[self.source], hint=remedy)

    def refuse_unknown(self, known: list[str]) -> None:
        for key in self._values:
            if key not in known:
                remedy = did_you_mean(key, known) or f"the keys here are {', '.join(known)}"
                self.refuse(key, "is not a key that lambdabuild knows", remedy)

    def string(self, key: str) -> str | None:
        value = self._values.get(key)
        if value is not None and not isinstance(value, str):
            self.refuse(key, "is not a string", f'write `{key} = "…"`')
        return value

    def strings(self, key: str) -> tuple[str, ...] | None:
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(key, "is not a list of strings", f'write `{key} = ["…"]`')
        return tuple(value)

    def string_or_strings(self, key: str) -> tuple[str, ...] | None:
        value = self._values.get(key)
        return (value,) if isinstance(value, str) else self.strings(key)

    def table(self, key: str) -> dict[str, Any]:
        value = self._values.get(key, {})
        if not isinstance(value, dict):
            self.refuse(key, "is not a table", f"write `[{self._prefix}{key}]` above its keys")
        return value

    def subtable(self, key: str, name: str) -> "_Table":
        value = self._values[key][name]
        if not isinstance(value, dict):
            self.refuse(f'{key}."{name}"', "is not a table", f'write `[{key}."{name}"]`')
        return _Table(value, self.source, f'{key}."{name}".')
