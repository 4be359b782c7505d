"""The schemas of what lambdabuild writes: as they are in the package, and GitLab's."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator


def schema(name: str) -> dict[str, Any]:
    """Return a schema: `config`, `report`, `manifest`, `list`, `why`, `size`, `check` or `watch`."""
    file = resources.files("lambdabuild").joinpath("schemas", f"{name}.schema.json")
    value: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return value


_TEXT = {"type": "string", "minLength": 1}
CODE_QUALITY: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": _TEXT,
            "check_name": _TEXT,
            "fingerprint": _TEXT,
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    # Relative, and without `./`, else GitLab finds no file.
                    "path": {"type": "string", "pattern": r"^(?!/|\./|\.\./).+$"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "additionalProperties": False,
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""What GitLab asks of a code-quality report.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""


def code_quality(path: Path) -> list[tuple[str, str, str, int, str]]:
    """Return the issues of a valid report: check, severity, path, line, description."""
    values = json.loads(path.read_text("utf-8"))
    Draft202012Validator(CODE_QUALITY).validate(values)
    return [
        (
            value["check_name"].removeprefix("lambdabuild/"),
            value["severity"],
            value["location"]["path"],
            value["location"]["lines"]["begin"],
            value["description"],
        )
        for value in values
    ]
