"""Configurations of VS Code that connect to functions under delve: `.vscode/launch.json`.

https://github.com/golang/vscode-go/wiki/debugging
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.debugging import jsonc
from lambdabuild.local.debugging.delve import HOST, Debugged
from lambdabuild.system import files, links

PLACE = ".vscode/launch.json"
_MOST = 1024 * 1024
"""Bytes of a file that people write."""


class _UnmergeableError(Exception):
    """Why a file is left as it is, in words."""


class Entry(NamedTuple):
    """A configuration, and which of its values change from one run to the next."""

    configuration: Mapping[str, Any]
    moving: tuple[tuple[str, ...], ...] = (("port",),)
    """The keys that lead to each, from the outside to the inside; the first has to be there."""

    @property
    def name(self) -> str:
        return str(self.configuration["name"])


class Written(NamedTuple):
    """What became of the configurations."""

    added: tuple[str, ...] = ()
    """Their names."""
    changed: tuple[str, ...] = ()
    """Those that have another port now."""


def connecting(debugged: Debugged) -> Entry:
    """Return how VS Code connects to the debugger of a function that runs here."""
    return Entry(
        {
            "name": f"lambdabuild: {debugged.function}",
            "type": "go",
            "debugAdapter": "dlv-dap",
            "request": "attach",
            "mode": "remote",
            "host": HOST,
            "port": debugged.port,
        }
    )


def launching(
    function: str,
    directory: str,
    tags: Sequence[str],
    variables: Mapping[str, str],
    env_file: str | None = None,
) -> Entry:
    """Return how VS Code builds a function and starts it itself; paths are relative to the project.

    Variables of `env_file` are for VS Code to read: they may be secrets, and the file is shared.
    """
    return Entry(
        {
            "name": f"lambdabuild: start {function}",
            "type": "go",
            "request": "launch",
            "mode": "debug",
            "program": f"${{workspaceFolder}}/{directory}",
            **({"buildFlags": f"-tags={','.join(tags)}"} if tags else {}),
            **({"envFile": f"${{workspaceFolder}}/{env_file}"} if env_file else {}),
            "env": dict(variables),
        },
        (("env", "AWS_LAMBDA_RUNTIME_API"), ("env", "AWS_ENDPOINT_URL_LAMBDA")),
    )


def write(project: str, wanted: Sequence[Entry]) -> Written:
    """Add the configurations to `.vscode/launch.json`; what else is there stays as it is written.

    One that is there already keeps what its owner changed, but for the port.
    """
    path = os.path.join(project, PLACE)
    try:
        before = _read(path, project)
        after, written = merged(before, wanted)
        if after != before:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            links.replace_whole(path, after.encode())
    except (_UnmergeableError, OSError) as problem:
        entries = ",\n".join(json.dumps(entry.configuration, indent=2) for entry in wanted)
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise LambdabuildError(
            f"nothing was written to {PLACE}: {reason}",
            at=[path],
            hint=f"put this into its `configurations`:\n{entries}",
        ) from None
    return written


def _read(path: str, project: str) -> str:
    """Return the text of the file; nothing where there is none."""
    for place in (os.path.dirname(path), path):
        if os.path.islink(place):
            raise _UnmergeableError(f"{os.path.relpath(place, project)} is a symbolic link")
    try:
        content = files.whole(path, _MOST, links=False)
    except FileNotFoundError:
        return ""
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise _UnmergeableError("it is not UTF-8") from None


def merged(text: str, wanted: Sequence[Entry]) -> tuple[str, Written]:
    """Return the text of launch.json with the configurations, and which of them are new.

    Raises:
        _UnmergeableError: it is not what VS Code writes.

    """
    if not text.strip("\ufeff \t\r\n"):
        whole = {
            "version": "0.2.0",
            "configurations": [entry.configuration for entry in wanted],
        }
        return json.dumps(whole, indent=4) + "\n", Written(tuple(entry.name for entry in wanted))
    added, changed = [], []
    before = _plain(text)
    for entry in wanted:
        present = [item for item in _configurations(text).value if _name(item) == entry.name]
        if not present:
            text = _with(text, entry.configuration)
            added.append(entry.name)
            continue
        nodes = {keys: _node_at(present[0], keys) for keys in entry.moving}
        if nodes[entry.moving[0]] is None:
            raise _UnmergeableError(
                f"its configuration `{entry.name}` has no `{entry.moving[0][-1]}`"
            )
        moved = [
            (node, json.dumps(_at(entry.configuration, keys)))
            for keys, node in nodes.items()
            if node is not None and node.value != _at(entry.configuration, keys)
        ]
        for node, new in sorted(moved, key=lambda item: -item[0].start):
            text = f"{text[: node.start]}{new}{text[node.end :]}"
        if moved:
            changed.append(entry.name)
    _check_kept(before, _plain(text), wanted)
    return text, Written(tuple(added), tuple(changed))


def _at(value: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _node_at(node: jsonc.Node | None, keys: Sequence[str]) -> jsonc.Node | None:
    for key in keys:
        node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    return node


def _plain(text: str) -> Any:
    try:
        return jsonc.plain(jsonc.parse(text))
    except jsonc.UnreadableError as error:
        raise _UnmergeableError(f"it cannot be read, {error}") from None


def _configurations(text: str) -> jsonc.Node:
    root = jsonc.parse(text).value
    found: jsonc.Node | None = root.get("configurations") if isinstance(root, dict) else None
    if found is None or not isinstance(found.value, list):
        raise _UnmergeableError("it has no list `configurations`")
    return found


def _name(item: jsonc.Node) -> object:
    name = item.value.get("name") if isinstance(item.value, dict) else None
    return name.value if name is not None else None


def _with(text: str, entry: Mapping[str, object]) -> str:
    """Return the text with an entry at the end of `configurations`, after any comment there."""
    array = _configurations(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    closing = array.end - 1
    outer = _indentation(text, closing)
    inner = _indentation(text, array.value[-1].start) if array.value else ""
    if len(inner) <= len(outer):
        inner = outer + ("\t" if "\t" in outer else outer or "    ")
    unit = inner.removeprefix(outer) if inner.startswith(outer) else "    "
    lines = json.dumps(entry, indent=unit).splitlines()
    block = "".join(f"{newline}{inner}{line}" for line in lines)
    end = array.value[-1].end if array.value else array.start + 1
    between = text[end:closing].rstrip()
    comma = "," if array.value and not array.comma else ""
    after = "," if array.comma else ""
    return f"{text[:end]}{comma}{between}{block}{after}{newline}{outer}{text[closing:]}"


def _indentation(text: str, place: int) -> str:
    """Return the white space that the line of a place begins with."""
    start = text.rfind("\n", 0, place) + 1
    match = re.match(r"[ \t]*", text[start:place])
    return match[0] if match else ""


def _check_kept(before: Any, after: Any, wanted: Sequence[Entry]) -> None:
    """Check that nothing is lost but what moves."""
    moving = {entry.name: entry.moving for entry in wanted}
    old, new = before.pop("configurations"), after.pop("configurations")
    for item in (*old, *new):
        if isinstance(item, dict) and item.get("name") in moving:
            for *outer, last in moving[item["name"]]:
                if (inner := _at(item, outer)) is not None:
                    inner.pop(last, None)
    if before != after or old != new[: len(old)]:
        raise _UnmergeableError("something in it would be lost")
