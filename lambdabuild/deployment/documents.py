"""Read YAML and JSON as plain values that know their lines; CloudFormation's short tags as long ones.

PyYAML composes the nodes. Values are made here, since its own constructors know neither lines nor
CloudFormation's tags, and follow aliases without a limit.
"""

import json
import re
from typing import Any

MOST_NODES = 200_000
"""Values in one file, aliases followed: the largest CloudFormation template (1 MB) has fewer."""
_DEEPEST = 100
_KEY = re.compile(r'^[ \t]*"((?:[^"\\\n]|\\.)*)"[ \t]*:', re.MULTILINE)


class UnreadableError(Exception):
    """A file is not of its format; the message says why."""


class Table(dict[str, Any]):
    """A mapping, with the line it begins on, and that of each key; both count from 1."""

    line: int | None = None
    lines: dict[str, int]

    def __init__(self, line: int | None = None) -> None:
        """Begin an empty table."""
        super().__init__()
        self.line = line
        self.lines = {}


def read_yaml(text: str) -> list[Any]:
    """Return the documents of a YAML text.

    Raises:
        UnreadableError: it is not YAML, or nested or repeated beyond measure.

    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        nodes = list(yaml.compose_all(text, loader))
        return [_Values().of(node) for node in nodes]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}: " if mark is not None else ""
        raise UnreadableError(f"{place}{error.problem or 'it is not YAML'}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableError(
            str(error).splitlines()[0] if str(error) else "it is not YAML"
        ) from error


class _Values:
    """Makes values of one document's nodes."""

    def __init__(self) -> None:
        self._made = 0

    def of(self, node: Any, depth: int = 0) -> Any:
        """Return a node as a table, a list, or a scalar."""
        self._made += 1
        if self._made > MOST_NODES or depth > _DEEPEST:
            raise UnreadableError("it is nested or repeated beyond measure")
        if node is None:
            return None
        match node.id:
            case "mapping":
                value: Any = self._table(node, depth)
            case "sequence":
                value = [self.of(item, depth + 1) for item in node.value]
            case _:
                value = _scalar(node.tag, node.value)
        return _tagged(node, value)

    def _table(self, node: Any, depth: int) -> Table:
        table = Table(node.start_mark.line + 1)
        merged: list[Any] = []
        for key, item in node.value:
            value = self.of(item, depth + 1)
            if key.tag == "tag:yaml.org,2002:merge":
                merged += value if isinstance(value, list) else [value]
            elif key.id == "scalar":
                table[key.value] = value
                table.lines[key.value] = key.start_mark.line + 1
        for other in merged:
            if isinstance(other, Table):
                for name in other.keys() - table.keys():
                    table[name] = other[name]
                    table.lines[name] = other.lines[name]
        return table


def _tagged(node: Any, value: Any) -> Any:
    """Return a value with a short tag of CloudFormation as the long form has it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
    """
    tag = node.tag or ""
    if not tag.startswith("!") or len(tag) == 1:
        return value
    name = tag[1:]
    table = Table(node.start_mark.line + 1)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    table[name if name in {"Ref", "Condition"} else f"Fn::{name}"] = value
    return table


def _scalar(tag: str, text: str) -> Any:
    match (tag or "").removeprefix("tag:yaml.org,2002:"):
        case "null":
            return None
        case "bool":
            return text.lower() in {"true", "yes", "on"}
        case "int":
            try:
                return int(text.replace("_", ""), 0)
            except ValueError:
                return text
    return text


def read_json(text: str) -> Any:
    """Return the value of a JSON text; tables know the lines of their keys where these are clear.

    Raises:
        UnreadableError: it is not JSON, or nested beyond measure.

    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"it is not JSON: {error}") from error
    # Python's parser gives no lines: keys at the beginning of a line come in the order of the text.
    keys = _keys(text)
    keys.reverse()
    return _with_lines(value, keys, 0)


def _keys(text: str) -> list[tuple[str, int]]:
    found, line, last = [], 1, 0
    for match in _KEY.finditer(text):
        line += text.count("\n", last, match.start(1))
        last = match.start(1)
        found.append((match[1], line))
    return found


def _with_lines(value: Any, keys: list[tuple[str, int]], depth: int) -> Any:
    if depth > _DEEPEST:
        raise UnreadableError("it is nested beyond measure")
    if isinstance(value, list):
        return [_with_lines(item, keys, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    table = Table()
    for name, item in value.items():
        # A key further right in its line is not among them.
        if keys and keys[-1][0] == name:
            table.lines[name] = keys.pop()[1]
            table.line = table.line or table.lines[name]
        table[name] = _with_lines(item, keys, depth + 1)
    return table
