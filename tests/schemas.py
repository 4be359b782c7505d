"""The schemas of what lambdabuild writes: as they are in the package, and GitLab's; and CodeBuild's."""

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


def _only(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object that has no other properties; `_` is `-` in their names."""
    named = {name.replace("_", "-"): value for name, value in properties.items()}
    return {"type": "object", "additionalProperties": False, "properties": named}


_TEXTS = {"type": "array", "minItems": 1, "items": _TEXT}
_SWITCH = {"enum": [True, False, "yes", "no"]}
_VARIABLES = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
_PHASE = _only(run_as=_TEXT, on_failure=_TEXT, commands=_TEXTS, finally_=_TEXTS)
_PHASE["properties"]["finally"] = _PHASE["properties"].pop("finally-")
_TASK = _only(
    identifier={"type": "string", "pattern": "^[A-Za-z0-9_]{1,128}$"},
    buildspec=_TEXT,
    debug_session={"type": "boolean"},
    depend_on=_TEXTS,
    env=_only(
        compute_type=_TEXT, fleet=_TEXT, image=_TEXT, privileged_mode={"type": "boolean"},
        type=_TEXT, variables=_VARIABLES,
    ),
    ignore_failure={"type": "boolean"},
) | {"required": ["identifier"]}  # fmt: skip
_ARTIFACTS = _only(
    files=_TEXTS, name=_TEXT, discard_paths=_SWITCH, base_directory=_TEXT, exclude_paths=_TEXTS,
    enable_symlinks=_SWITCH, s3_prefix=_TEXT,
) | {"required": ["files"]}  # fmt: skip
BUILDSPEC: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_only(
        version={"const": 0.2},
        run_as=_TEXT,
        env=_only(
            variables=_VARIABLES,
            parameter_store=_VARIABLES,
            secrets_manager=_VARIABLES,
            exported_variables=_TEXTS,
            git_credential_helper=_SWITCH,
        ),
        batch=_only(
            fast_fail={"type": "boolean"},
            build_graph={"type": "array", "minItems": 1, "items": _TASK},
        ),
        phases={
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": dict.fromkeys(("install", "pre_build", "build", "post_build"), _PHASE),
        },
        artifacts=_ARTIFACTS,
    ),
    "required": ["version", "phases"],
}
"""What CodeBuild takes, of what the documentation uses; nobody ships a schema of it.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html
"""
