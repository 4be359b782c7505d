"""Write a commented `lambdabuild.toml` for what is found."""

import json
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lambdabuild.config.options import (
    FUNCTION,
    NUMBER,
    ONE_OR_MORE,
    OPTIONS,
    SWITCH,
    TEXT,
    Option,
    words_of,
)
from lambdabuild.core.text import counted, one_line


def choose_roots(directories: Sequence[str]) -> list[str]:
    """Return the roots that cover main packages in `directories` (relative, with `/`).

    `api` where it has any; else the top-level directories that hold them, fullest first.
    """
    tops = Counter(directory.split("/", 1)[0] for directory in directories)
    if "api" in tops or not tops:
        return ["api"]
    return [top for top, _ in sorted(tops.items(), key=lambda item: (-item[1], item[0]))]


class Written(NamedTuple):
    """What a starter configuration sets a key to, and why."""

    value: str | list[str]
    why: str = ""


def starter_config(
    functions: int,
    written: Mapping[str, Written],
    tables: Sequence[str] = (),
    schema: str | None = None,
) -> str:
    """Return the text of a configuration that sets what is `written`, and explains every key.

    Another key is set to its default; one without is shown in a comment. `tables` are those of
    single functions. `schema` is where editors find the schema, as taplo has it:
    https://taplo.tamasfe.dev/configuration/directives.html
    """
    keys = [option for option in OPTIONS if option.key]
    of_functions = [_entry(option, written) for option in keys if option.where == FUNCTION]
    return (
        "\n".join(
            [
                *([f"#:schema {schema}"] if schema else ()),
                f"# lambdabuild.toml: {counted(functions, 'function')} found when this was written.",
                "# Every key is optional; a command-line flag overrides it.\n",
                *(_entry(option, written) for option in keys if option.where != FUNCTION),
                "# What differs for one function: any of the keys from `architecture` on, and four more.",
                '# [functions."billing"]',
                '# architecture = "arm64"\n',
                *of_functions,
                *tables,
            ]
        ).rstrip("\n")
        + "\n"
    )


def _entry(option: Option, written: Mapping[str, Written]) -> str:
    about = textwrap.wrap(
        option.about, 97, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
    chosen = written.get(option.key)
    if chosen is not None:
        why = f"  # {one_line(chosen.why)}" if chosen.why else ""
        return "\n".join([*about, f"{option.key} = {in_toml(chosen.value)}{why}", ""])
    roots = written.get("roots")
    root = roots.value[0] if roots is not None else "api"
    value = written_in_toml(option).replace('"api/', f'"{root}/' if root != "." else '"')
    live = "" if option.default_text and not option.unset and not option.declared else "# "
    return "\n".join([*about, f"{live}{option.key} = {value}", ""])


def in_toml(value: str | list[str]) -> str:
    """Return a text, or several, as TOML has them."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def written_in_toml(option: Option) -> str:
    """Return the default of a key as TOML has it, or an example where it has none."""
    words = words_of(option.default)
    if option.kind is NUMBER and words:
        return words[0]
    if not words:
        return option.example or ("true" if option.kind is SWITCH else "")
    single = option.kind is TEXT or (option.kind is ONE_OR_MORE and len(words) == 1)
    return json.dumps(words[0] if single else words)
