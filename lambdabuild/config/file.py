"""Turn the text of `lambdabuild.toml` into a configuration; no disk."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, NoReturn, TypeVar

from lambdabuild.config.limits import parse_growth, parse_size
from lambdabuild.config.settings import (
    MIGRATION,
    Choices,
    Config,
    FunctionTable,
    parse_architecture,
    parse_cache_mode,
    parse_runtime,
)
from lambdabuild.core import positions
from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.globs import pattern_problem
from lambdabuild.core.text import one_line
from lambdabuild.golang.tool_flags import problem_of

_Value = TypeVar("_Value")

_OWN_VARIABLES = {
    "GOOS": "use `architecture`, or --target for other systems",
    "GOARCH": "use `architecture`, or --target for other systems",
    "GOFLAGS": "use `tags`, `ldflags` and `gcflags`, or export GOFLAGS",
    "GOBIN": "use `out`",
    "GOTMPDIR": "lambdabuild stages in .lambdabuild, on the output's own file system",
    "GOWORK": "export GOWORK instead; it decides which modules there are",
}
_NAMES_OF_THE_EXECUTABLE = ("handler", "executable", "binary")


def parse_config(text: str, source: str, file: str | None = None) -> Config:
    """Return the configuration that `text` holds, of a file that people know as `source`.

    `file` is its absolute path.

    Raises:
        LambdabuildError: it is not TOML, or a key is unknown, of a wrong type, or impossible;
            the error names `source`, the key and the remedy, and knows the line.

    """
    try:
        return _config(text, source)
    except LambdabuildError as error:
        error.file = file
        raise


def _parsed(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, column = positions.of_toml_error(str(error), text)
        raise LambdabuildError(
            f"this is not TOML: {error}", at=[source], line=line, column=column
        ) from error
    except RecursionError as error:
        raise LambdabuildError("this is nested too deeply", at=[source]) from error
    except ValueError as error:
        # A number with more digits than Python reads.
        raise LambdabuildError(f"this cannot be read: {error}", at=[source]) from error


def _config(text: str, source: str) -> Config:
    values = _parsed(text, source)
    table = _Table(values, source, text)
    table.refuse_unknown(
        ["roots", "exclude", "out", "cache", "cache_mode", "functions", *_CHOICE_KEYS],
    )
    functions: dict[str, FunctionTable] = {}
    for name in table.table("functions"):
        functions[name] = _function_table(table.subtable("functions", name), name)
    config = Config(source=source, choices=_choices(table), functions=functions)
    if (roots := table.strings("roots")) is not None:
        if not all(roots) or not roots:
            table.refuse("roots", "names no directory", 'name one, such as `roots = ["api"]`')
        config = config._replace(roots=roots)
    if (exclude := table.strings("exclude")) is not None:
        config = config._replace(exclude=exclude)
    if (out := table.string("out")) is not None:
        if not out:
            table.refuse("out", "is empty", 'name a directory, such as `out = "dist"`')
        config = config._replace(out=out)
    if (cache := table.string("cache")) is not None:
        config = config._replace(cache=cache or None)
    if (mode := table.string("cache_mode")) is not None:
        with table.naming("cache_mode"):
            config = config._replace(cache_mode=parse_cache_mode(mode))
    _refuse_nul(table, values)
    return config


def _refuse_nul(table: "_Table", values: Mapping[str, Any]) -> None:
    """Refuse NUL characters: the system takes them in no name, no path and no argument."""
    left: list[tuple[tuple[str, ...], Any]] = [((), values)]
    while left:
        keys, value = left.pop()
        if isinstance(value, dict):
            left += [((*keys, key), key) for key in value]
            left += [((*keys, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            left += [(keys, inner) for inner in value]
        elif isinstance(value, str) and "\0" in value:
            message = "holds a NUL character, which nothing can that is passed to the system"
            table.refuse(".".join(keys), message, "take it out", *keys)


_CHOICE_KEYS = [
    *("architecture", "runtime", "tags", "ldflags", "gcflags", "env", "cgo", "layer_libraries"),
    *("zip", "sbom", "max_size", "max_growth"),
]


def _function_table(table: "_Table", name: str) -> FunctionTable:
    table.refuse_unknown(["directory", "assets", *_CHOICE_KEYS])
    if not name or "/" in name or name in {".", ".."}:
        raise LambdabuildError(
            f"`{one_line(name)}` cannot be the name of a function",
            at=[table.source],
            line=table.line(),
            hint="a name becomes a directory under `out`; join its parts with `-`",
        )
    directory = table.string("directory")
    if directory is not None:
        directory = PurePosixPath(directory).as_posix()
    assets = table.strings("assets") or ()
    for pattern in assets:
        if problem := pattern_problem(pattern):
            message, remedy = problem
            table.refuse("assets", f"has `{pattern}`, which {message}", remedy)
    return FunctionTable(_choices(table), directory, assets)


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
        ldflags=_tool_flags(table, "ldflags"),
        # An empty string is the default written down: nobody chose.
        gcflags=_tool_flags(table, "gcflags") or None,
        environment=_environment(table),
        cgo=table.boolean("cgo"),
        layer_libraries=_layer_libraries(table),
        zip=table.boolean("zip"),
        sbom=table.boolean("sbom"),
        max_size=table.parsed("max_size", parse_size),
        max_growth=table.parsed("max_growth", parse_growth),
    )


def _tool_flags(table: "_Table", key: str) -> str | None:
    flags = table.string(key)
    if flags is not None and (problem := problem_of(key, flags)):
        table.refuse(key, *problem)
    return flags


def _layer_libraries(table: "_Table") -> tuple[str, ...] | None:
    libraries = table.strings("layer_libraries")
    for library in libraries or ():
        if not library or "/" in library:
            table.refuse(
                "layer_libraries",
                f"has `{library}`, which is not the name of a library",
                "name each as the executable asks for it, such as `libpq.so.5`",
            )
    return libraries


def _environment(table: "_Table") -> dict[str, str]:
    environment = table.table("env")
    for variable, value in environment.items():

        def refuse(message: str, remedy: str, variable: str = variable) -> NoReturn:
            table.refuse(f"env.{variable}", message, remedy, "env", variable)

        if variable in _OWN_VARIABLES:
            refuse("is lambdabuild's to set", _OWN_VARIABLES[variable])
        if variable.startswith("LAMBDABUILD_"):
            refuse("is lambdabuild's to set", "export it where lambdabuild is started")
        if not variable or "=" in variable or "\0" in variable:
            refuse(
                "cannot be the name of a variable",
                "a name is not empty, and holds neither `=` nor a NUL character",
            )
        if not isinstance(value, str):
            refuse("is not a string", f'write `{variable} = "{value}"`')
        if "\0" in value:
            refuse(
                "cannot be the value of a variable",
                "a value holds no NUL character",
            )
    return environment


class _Naming:
    """Add the file, the key and the line to an error about a value."""

    def __init__(self, place: str, line: Callable[[], int | None]) -> None:
        self._place = place
        self._line = line

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, LambdabuildError) and not error.at:
            error.at = (self._place,)
            error.line = self._line()


class _Table:
    """Read typed values from one TOML table, with errors that name file, key and remedy."""

    def __init__(
        self, values: Mapping[str, Any], source: str, text: str, path: tuple[str, ...] = ()
    ) -> None:
        """Read the table at `path` of a whole `text`."""
        self._values = values
        self._text = text
        self._path = path
        self._prefix = f'{path[0]}."{path[1]}".' if path else ""
        self.source = source

    def naming(self, key: str) -> _Naming:
        return _Naming(f"{self.source}, key `{self._prefix}{key}`", lambda: self.line(key))

    def line(self, *keys: str) -> int | None:
        """Return the line that sets a key of this table, or that begins the table."""
        found = positions.of_key(self._text, [*self._path, *keys])
        return found.line if found else None

    def refuse(self, key: str, message: str, remedy: str, *path: str) -> NoReturn:
        """Refuse what is at a key, or at `path`, where that is more than the key."""
        raise LambdabuildError(
            f"`{self._prefix}{key}` {message}",
            at=[self.source],
            hint=remedy,
            line=self.line(*(path or (key,))),
        )

    def refuse_unknown(self, known: list[str]) -> None:
        for key in self._values:
            if key in _NAMES_OF_THE_EXECUTABLE:
                # The retired go1.x ran a program named after the handler.
                self.refuse(
                    key,
                    "cannot be chosen: what Lambda starts is named `bootstrap`",
                    f"take the key away, and {MIGRATION}",
                )
            if key not in known:
                remedy = did_you_mean(key, known) or f"the keys here are {', '.join(known)}"
                self.refuse(key, "is not a key that lambdabuild knows", remedy)

    def string(self, key: str) -> str | None:
        value = self._values.get(key)
        if value is not None and not isinstance(value, str):
            self.refuse(key, "is not a string", f'write `{key} = "…"`')
        return value

    def boolean(self, key: str) -> bool | None:
        value = self._values.get(key)
        if value is not None and not isinstance(value, bool):
            self.refuse(key, "is neither true nor false", f"write `{key} = true`")
        return value

    def parsed(self, key: str, parse: Callable[[str | int], _Value]) -> _Value | None:
        """Return what `parse` makes of a string or a number."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, str | int) or isinstance(value, bool):
            self.refuse(key, "is neither a string nor a number", f'write `{key} = "5MB"`')
        with self.naming(key):
            return parse(value)

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
            shown = one_line(name)
            remedy = f'write `[{key}."{shown}"]`'
            self.refuse(f'{key}."{shown}"', "is not a table", remedy, key, name)
        return _Table(value, self.source, self._text, (*self._path, key, name))
