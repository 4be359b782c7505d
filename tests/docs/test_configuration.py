"""docs/reference/configuration.md and the schema of `lambdabuild.toml` are made from the option table.

`UPDATE_DOCS=1 .venv/bin/pytest tests/docs/test_configuration.py` writes them anew.
"""

import json
import os
import re
import textwrap
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft7Validator

from lambdabuild.config import options
from lambdabuild.config.file import parse_config
from lambdabuild.config.options import FUNCTION, GENERAL, OPTIONS, TOP, Option, options_in
from lambdabuild.config.starter import Written, starter_config, written_in_toml
from lambdabuild.core.errors import LambdabuildError
from tests.docs.markdown import blocks
from tests.docs.pages import PAGES
from tests.docs.test_commands import COMMANDS, documented
from tests.unit.config.test_settings import REFUSED, documents

ROOT = Path(__file__).parents[2]
REFERENCE = "docs/reference/configuration.md"
SCHEMA = "lambdabuild/schemas/config.schema.json"
KEYS = [option for option in OPTIONS if option.key]

OPENING = """\
# Configuration

lambdabuild looks for `lambdabuild.toml` in the working directory and upwards. Every key is optional, and paths are relative
to the file. A command-line flag beats a function's table, which beats the top level, which beats the default. An unknown
key, a wrong type or an impossible value is an error that names file, line, key and remedy.

`lambdabuild init` writes a file that explains every key. Its first line, `#:schema ./.lambdabuild/config.schema.json`,
makes editors complete and check the file: VS Code with Even Better TOML, and whatever else uses taplo. Every run keeps
that schema as the installed version has it; `lambdabuild schema` prints it.
"""


def reference(options: Iterable[Option]) -> str:
    """Return what docs/reference/configuration.md is to be."""
    return "\n".join([OPENING, *map(_section, options)])


def _section(option: Option) -> str:
    default = f"`{option.default_text}`" if option.default_text else "none"
    facts = {
        "default": "false" if option.default is False else default,
        "flag": f"`{option.flag}`" if option.flag else "",
        "variable": f"`{option.variable}`, which beats the key" if option.variable else "",
        "in": {FUNCTION: '`[functions."name"]`', TOP: "the top level"}.get(
            option.where, 'the top level, `[functions."name"]`'
        ),
    }  # fmt: skip
    lines = [f"- {name}: {fact}" for name, fact in facts.items() if fact]
    example = f"```toml\n{_under(option)}{option.key} = {written_in_toml(option)}\n```\n"
    about = textwrap.fill(option.about, 120, break_on_hyphens=False)
    return "\n".join([f"## {option.key}\n\n{about}\n", example, *lines, ""])


def _under(option: Option) -> str:
    return '[functions."users-get"]\n' if option.where == FUNCTION else ""


def schema() -> dict[str, Any]:
    """Return the schema of `lambdabuild.toml`: of draft 7, which editors know."""
    whole, function = (
        _of_table({o.key: _of_key(o) for o in options_in(t)}) for t in (TOP, FUNCTION)
    )
    whole["properties"]["functions"] = {
        "description": "What differs for one function, by its name.",
        "type": "object",
        "additionalProperties": {
            "description": "What differs for this function.",
            **function,
        },
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "lambdabuild.toml",
        "description": "How lambdabuild builds the Go Lambda functions of a repository.",
        **whole,
    }


def _of_table(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _of_key(option: Option) -> dict[str, Any]:
    text = {"type": "string"} | ({"enum": [*option.values]} if option.values else {})
    texts = {"type": "array", "items": text}
    of_kind: dict[options.Kind, dict[str, Any]] = {
        options.TEXT: text,
        options.TEXTS: texts,
        options.WORDS: texts,
        options.ONE_OR_MORE: {"anyOf": [text, {**texts, "minItems": 1}]},
        options.SWITCH: {"type": "boolean"},
        options.AMOUNT: {"type": ["string", "integer"]},
        options.VARIABLES: {"type": "object", "additionalProperties": {"type": "string"}},
        options.FUNCTION_VARIABLES: {
            "type": "object",
            "additionalProperties": {"type": "string"},
        },
        options.NUMBER: {"type": "integer", "minimum": 1},
    }
    written = tomllib.loads(f"x = {written_in_toml(option)}")["x"]
    shown = {"default": written} if option.default and not option.unset else {"examples": [written]}
    return {"description": option.about, **of_kind[option.kind], **shown}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (REFERENCE, lambda: reference(KEYS)),
        (SCHEMA, lambda: json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"),
    ],
)
def test_the_file_is_what_the_option_table_makes(path: str, text: Callable[[], str]) -> None:
    file = ROOT / path
    if os.environ.get("UPDATE_DOCS"):
        file.write_text(text(), "utf-8")

    assert file.read_text("utf-8") == text()


def test_each_option_is_in_everything_that_is_made_from_the_table() -> None:
    keys = {option.key for option in KEYS}
    properties = schema()["properties"]
    of_function = properties.pop("functions")["additionalProperties"]["properties"]
    init = starter_config(1, {"roots": Written(["api"])})

    assert properties.keys() | of_function.keys() == keys
    assert set(re.findall(r"(?m)^## (\w+)$", reference(KEYS))) == keys
    assert set(re.findall(r"(?m)^(?:# )?(\w+) = ", init)) == keys


def test_a_command_has_the_flags_that_the_table_gives_it_in_these_words() -> None:
    said = {name: documented(name) for name in COMMANDS if name != "cache"}
    of_the_table = [option for option in OPTIONS if option.flag]

    for option in of_the_table:
        flag = re.escape(", ".join(sorted(option.names, key=len)))
        shown = {
            name
            for name, text in said.items()
            if re.search(rf"(?m)^  {flag} ", text) and option.flag_help in " ".join(text.split())
        }
        assert shown == ({*said} if option.panel == GENERAL else {*option.panel.split(", ")})
    flags = re.findall(r"(?m)^  (?:-\w, )?(--[a-z-]+)", said["all"])
    assert sorted(flags) == sorted([*(option.names[0] for option in of_the_table), "--help"])


def test_a_field_or_a_key_names_one_option() -> None:
    keys = [option.key for option in KEYS]
    fields = [o.name for o in OPTIONS if o.panel != GENERAL and o.flag != "--target GOOS/GOARCH"]

    assert len(keys) == len(set(keys))
    assert len(fields) == len(set(fields))


@pytest.mark.parametrize("option", KEYS, ids=lambda option: option.key)
def test_what_holds_by_default_can_be_written_down(option: Option) -> None:
    config = parse_config(f"{_under(option)}{option.key} = {written_in_toml(option)}", "x")
    said = {**config._asdict(), **config.choices, **config.functions.get("users-get", {})}

    if option.default and not option.unset:
        assert said[option.name] == option.default


@pytest.mark.parametrize("option", KEYS, ids=lambda option: option.key)
def test_the_schema_refuses_another_type_as_lambdabuild_does(option: Option) -> None:
    text = f"{_under(option)}{option.key} = 1.5"

    assert not Draft7Validator(schema()).is_valid(tomllib.loads(text))
    with pytest.raises(LambdabuildError):
        parse_config(text, "x")


def test_the_schema_takes_what_the_documents_show() -> None:
    Draft7Validator.check_schema(schema())
    shown = [block.text for text in PAGES.values() for block in blocks(text, "toml")]

    for text in [starter_config(1, {"roots": Written(["api"])}), *shown]:
        Draft7Validator(schema()).validate(tomllib.loads(text))
        parse_config(text, "x")


VALIDATOR = Draft7Validator(schema())


@settings(derandomize=True, deadline=None, max_examples=25)
@given(documents)
def test_the_schema_takes_every_valid_configuration(values: dict[str, Any]) -> None:
    VALIDATOR.validate(values)


@pytest.mark.parametrize(
    "text",
    [
        text
        for text, said in REFUSED.items()
        if re.match(
            r".* is (neither|not an? (string|whole number|list|table|architecture|runtime)\b)", said
        )
    ],
)
def test_the_schema_refuses_wrong_types_and_values_that_can_be_listed(text: str) -> None:
    assert not Draft7Validator(schema()).is_valid(tomllib.loads(text))
