"""Turn the text of `lambdabuild.toml` into a configuration; no disk."""

import tomllib
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from lambdabuild.config import positions
from lambdabuild.config.options import (
    FUNCTION,
    FUNCTION_VARIABLES,
    TOP,
    VARIABLES,
    Chosen,
    Config,
    Option,
    options_in,
)
from lambdabuild.config.parsing import MIGRATION, UnfitError
from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.text import one_line

_GOAMD64 = ("v1", "v2", "v3", "v4")
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

    `file` is its absolute path. Errors name `source`, the key, its line and the remedy.
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
        message, place = positions.of_toml_error(str(error), text)
        message = message[:1].lower() + message[1:]
        raise LambdabuildError(
            f"this is not TOML: {message}", at=[source], **place._asdict()
        ) from error
    except RecursionError as error:
        raise LambdabuildError("this is nested too deeply", at=[source]) from error
    except ValueError as error:
        # A number with more digits than Python reads.
        raise LambdabuildError(f"this cannot be read: {error}", at=[source]) from error


def _config(text: str, source: str) -> Config:
    values = _parsed(text, source)
    table = _Table(values, source, text)
    options = options_in(TOP)
    table.refuse_unknown([*(option.key for option in options), "functions"])
    functions = {
        name: _function_table(table.subtable("functions", name), name)
        for name in table.table("functions")
    }
    chosen = table.chosen(options)
    own = {name: chosen.pop(name) for name in Config._fields if name in chosen}
    _refuse_nul(table, values)
    return Config(source=source, choices=chosen, functions=functions, **own)


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


def _function_table(table: "_Table", name: str) -> Chosen:
    options = options_in(FUNCTION)
    table.refuse_unknown([option.key for option in options])
    if not name or "/" in name or name in {".", ".."}:
        raise LambdabuildError(
            f"`{one_line(name)}` cannot be the name of a function",
            at=[table.source],
            **table.place(),
            hint="a name becomes a directory under `out`; join its parts with `-`",
        )
    return table.chosen(options)


class _Table:
    """Read the options of one TOML table, with errors that name file, key and remedy."""

    def __init__(
        self, values: Mapping[str, Any], source: str, text: str, path: tuple[str, ...] = ()
    ) -> None:
        """Read the table at `path` of a file's `text`."""
        self._values = values
        self._text = text
        self._path = path
        self._prefix = f'{path[0]}."{path[1]}".' if path else ""
        self.source = source

    def place(self, *keys: str) -> dict[str, Any]:
        """Return the line and column that set a key of this table, or that begin the table."""
        found = positions.of_key(self._text, [*self._path, *keys])
        return found._asdict() if found else {}

    def refuse(self, key: str, message: str, remedy: str, *path: str) -> NoReturn:
        """Refuse what is at a key, or at `path`, where that is more than the key."""
        raise LambdabuildError(
            f"`{self._prefix}{key}` {message}",
            at=[self.source],
            hint=remedy,
            **self.place(*(path or (key,))),
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
                if self._path and key in {option.key for option in options_in(TOP)}:
                    remedy = f"`{key}` is for the whole project: move it above the first `[…]`"
                if not self._path and key in {option.key for option in options_in(FUNCTION)}:
                    remedy = f'`{key}` is for one function: move it below `[functions."NAME"]`'
                self.refuse(key, "is not a key that lambdabuild knows", remedy)

    def chosen(self, options: list[Option]) -> dict[str, Any]:
        """Return the values that the table sets, by option name."""
        values = {
            option.name: self._value(option) for option in options if option.key in self._values
        }
        return {name: value for name, value in values.items() if value is not None}

    def _value(self, option: Option) -> Any:
        key = option.key
        if option.kind is VARIABLES:
            return self._variables(key, _problem_of)
        if option.kind is FUNCTION_VARIABLES:
            return self._variables(key, _problem_of_variable)
        written = self._values[key]
        if not option.kind.fits(written):
            self.refuse(key, option.kind.wrong, f"write `{key} = {option.kind.written}`")
        try:
            return option.value(written)
        except UnfitError as unfit:
            self.refuse(key, *unfit.args)
        except LambdabuildError as error:
            error.at = (f"{self.source}, key `{self._prefix}{key}`",)
            for name, value in self.place(key).items():
                setattr(error, name, value)
            raise

    def _variables(
        self, key: str, problem_of: Callable[[str, object], tuple[str, str] | None]
    ) -> dict[str, Any]:
        variables = self.table(key)
        for variable, value in variables.items():
            if problem := problem_of(variable, value):
                self.refuse(f"{key}.{variable}", *problem, key, variable)
        return variables

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


def _problem_of(variable: str, value: object) -> tuple[str, str] | None:
    """Return why a variable may not be set so, and what helps."""
    if variable in _OWN_VARIABLES or variable.startswith("LAMBDABUILD_"):
        remedy = _OWN_VARIABLES.get(variable, "export it where lambdabuild is started")
        return "is lambdabuild's to set", remedy
    if problem := _problem_of_variable(variable, value):
        return problem
    if variable == "GOAMD64" and value not in _GOAMD64:
        # Go takes any: https://go.dev/wiki/MinimumRequirements#amd64
        return f"is {', '.join(_GOAMD64[:-1])} or {_GOAMD64[-1]}, not `{one_line(str(value))}`", (
            "Lambda has AVX2, which is v3: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-avx2.html"
        )
    return None


def _problem_of_variable(variable: str, value: object) -> tuple[str, str] | None:
    """Return why no process can have a variable, and what helps."""
    if not variable or "=" in variable or "\0" in variable:
        return (
            "cannot be the name of a variable",
            "a name is not empty, and holds neither `=` nor a NUL character",
        )
    if not isinstance(value, str):
        return "is not a string", f'write `{variable} = "{value}"`'
    if "\0" in value:
        return "cannot be the value of a variable", "a value holds no NUL character"
    return None
