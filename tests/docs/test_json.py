"""docs/reference/json.md describes each field of the schemas, in tables made from them.

`UPDATE_DOCS=1 .venv/bin/pytest tests/docs/test_json.py` writes the tables anew.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.docs.examples import UPDATING
from tests.docs.pages import DOCS, ROOT

PAGE = DOCS / "reference" / "json.md"
SCHEMAS = ROOT / "lambdabuild" / "schemas"
MADE = re.compile(r"(?s)(?<=<!-- made from )([\w.-]+)( -->\n)(.*?)(?=<!-- end -->)")
BY_HAND = {"config.schema.json", "watch.schema.json"}
"""That of the configuration is another page; events are few, each of another form."""


def table(schema: Mapping[str, Any]) -> str:
    """Return the fields of an object as a table, those of its own first."""
    rows = [f"| `{name}` | {kind} | {about} |" for name, kind, about in _fields(schema, schema)]
    return "\n".join(["\n| field | type | about |", "| --- | --- | --- |", *rows, "\n"])


def _fields(
    part: Mapping[str, Any], schema: Mapping[str, Any], above: str = ""
) -> Iterator[tuple[str, str, str]]:
    for name, value in part["properties"].items():
        field = _resolved(value, schema)
        about = [value.get("description") or field.get("description", "")]
        if name not in part["required"]:
            about.append("May be missing.")
        yield f"{above}{name}", _kind(field, schema), " ".join(filter(None, about))
        below = _resolved(field.get("items", {}), schema)
        if "properties" in field:
            yield from _fields(field, schema, f"{above}{name}.")
        elif "properties" in below:
            yield from _fields(below, schema, f"{above}{name}[].")


def _resolved(value: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in value:
        return value
    file, _, path = value["$ref"].partition("#")
    found = _read(file) if file else schema
    for step in path.strip("/").split("/"):
        found = found[step]
    return found


def _kind(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(_resolved(one, schema), schema) for one in field["anyOf"])
    if "enum" in field:
        return ", ".join("null" if one is None else f"`{one}`" for one in field["enum"])
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if field["type"] == "array":
        items = _kind(_resolved(field["items"], schema), schema)
        return f"list of {items}s"
    kinds = [field["type"]] if isinstance(field["type"], str) else field["type"]
    return " or ".join(kinds)


def _read(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / name).read_text("utf-8"))
    return schema


def test_the_tables_are_made_from_the_schemas() -> None:
    text = PAGE.read_text("utf-8")
    made = MADE.sub(lambda found: f"{found[1]}{found[2]}{table(_read(found[1]))}", text)
    if UPDATING:
        PAGE.write_text(made, "utf-8")
        text = made

    assert text == made


def test_each_schema_is_described() -> None:
    described = {found[1] for found in MADE.finditer(PAGE.read_text("utf-8"))}

    assert described == {path.name for path in SCHEMAS.glob("*.json")} - BY_HAND


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (
            "status",
            _read("report.schema.json")["$defs"]["function"]["properties"]["status"]["enum"],
        ),
        (
            "event",
            [
                name
                for one in _read("watch.schema.json")["oneOf"]
                for name in [one["properties"]["event"]]
                for name in name.get("enum", [name.get("const")])
            ],
        ),
    ],
)
def test_each_word_that_a_program_may_meet_is_explained(head: str, expected: list[str]) -> None:
    _, _, rows = PAGE.read_text("utf-8").partition(f"| `{head}` |")

    shown = re.findall(r"(?m)^\| `([\w-]+)` \|", rows.partition("\n\n")[0])
    assert sorted(shown) == sorted(set(expected))
