"""The schemas of what lambdabuild writes, as they are in the package."""

import json
from importlib import resources
from typing import Any


def schema(name: str) -> dict[str, Any]:
    """Return a schema: `report`, `manifest`, `list`, `check` or `watch`."""
    file = resources.files("lambdabuild").joinpath("schemas", f"{name}.schema.json")
    value: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return value
