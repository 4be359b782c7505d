"""Write a commented `lambdabuild.toml` for what is found."""

import json
import textwrap
from collections import Counter
from collections.abc import Sequence

from lambdabuild.config.options import (
    FUNCTION,
    ONE_OR_MORE,
    OPTIONS,
    SWITCH,
    TEXT,
    Option,
    words_of,
)
from lambdabuild.core.text import counted


def choose_roots(directories: Sequence[str]) -> list[str]:
    """Return the roots that cover main packages in `directories` (relative, with `/`).

    `api` where it has any; else the top-level directories that hold them, fullest first.
    """
    tops = Counter(directory.split("/", 1)[0] for directory in directories)
    if "api" in tops or not tops:
        return ["api"]
    return [top for top, _ in sorted(tops.items(), key=lambda item: (-item[1], item[0]))]


def starter_config(roots: Sequence[str], functions: int) -> str:
    """Return the text of a configuration that names `roots` and explains every key.

    A key with a default is set to it; one without is shown in a comment.
    """
    keys = [option for option in OPTIONS if option.key]
    of_functions = [_entry(option, roots) for option in keys if option.where == FUNCTION]
    return "\n".join(
        [
            f"# lambdabuild.toml: {counted(functions, 'function')} found when this was written.",
            "# Every key is optional; a command-line flag overrides it.\n",
            *(_entry(option, roots) for option in keys if option.where != FUNCTION),
            "# What differs for one function: any of the keys from `architecture` on, and two more.",
            '# [functions."billing"]',
            '# architecture = "arm64"\n',
            *of_functions,
        ]
    ).removesuffix("\n")


def _entry(option: Option, roots: Sequence[str]) -> str:
    about = textwrap.wrap(
        option.about, 97, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
    written = written_in_toml(option).replace('"api/', f'"{roots[0]}/')
    if option.name == "roots":
        written = json.dumps(roots, ensure_ascii=False)
    live = "" if option.default_text and not option.unset else "# "
    return "\n".join([*about, f"{live}{option.key} = {written}", ""])


def written_in_toml(option: Option) -> str:
    """Return the default of a key as TOML has it, or an example where it has none."""
    words = words_of(option.default)
    if not words:
        return option.example or ("true" if option.kind is SWITCH else "")
    single = option.kind is TEXT or (option.kind is ONE_OR_MORE and len(words) == 1)
    return json.dumps(words[0] if single else words)
