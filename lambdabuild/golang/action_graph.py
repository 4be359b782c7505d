"""Read what `go build -debug-actiongraph` wrote: how long each package took, and what waited for what.

The format is undocumented (actionJSON in cmd/go/internal/work/action.go): a list of the actions of a
build, each with the indexes of those it depends on. Whatever does not look as expected is left
out, and a file that is no such graph gives nothing.
"""

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from lambdabuild.core.result import Activity, Span
from lambdabuild.golang.output import Timing


class Actions(NamedTuple):
    """What the actions of one `go build` came to."""

    timings: Mapping[str, Timing]
    """By import path; what came from Go's cache has one, too, of next to nothing."""
    spans: tuple[Span, ...]
    """What was really executed, in the order of the graph."""


class _Action(NamedTuple):
    mode: str
    package: str
    start: float
    """In seconds since 1970; so is `end`."""
    end: float
    executed: bool
    dependencies: Sequence[int]


def parse_actions(text: str, names: Mapping[str, str] = MappingProxyType({})) -> Actions:
    """Return the timings and the spans in a `-debug-actiongraph` file.

    `names` gives import paths the names that the links of their executables are shown by.
    """
    try:
        # Each action is made small as soon as it is read. A link depends on every package of its
        # executable: for a thousand functions, Python's own lists would take tens of megabytes.
        actions = json.loads(text, object_hook=_action)
    except (ValueError, RecursionError):
        actions = None
    if not isinstance(actions, list):
        return Actions({}, ())
    critical = set(_critical(actions))
    spans = []
    seconds: dict[str, dict[str, float]] = {}
    for index, action in enumerate(actions):
        if not isinstance(action, _Action):
            continue
        mode, package, start, end, executed, _ = action
        if mode in {"build", "link"}:
            seconds.setdefault(package, {})[mode] = max(0.0, end - start)
        activity = _activity(mode)
        if executed and activity:
            name = names.get(package, package) if activity is Activity.LINK else package
            spans.append(Span(activity, name, start, max(start, end), index in critical))
    timings = {p: Timing(modes.get("build"), modes.get("link")) for p, modes in seconds.items()}
    return Actions(timings, tuple(spans))


def parse_dependencies(text: str) -> Mapping[str, Sequence[str]]:
    """Return the packages of a build, each with those that are compiled before it.

    Go writes the graph before it begins, then without times. What it has in its cache is in it as well.
    """
    try:
        actions = json.loads(text, object_hook=_compile)
    except (ValueError, RecursionError):
        actions = None
    if not isinstance(actions, list):
        return {}
    found: dict[str, list[str]] = {}
    for action in actions:
        if isinstance(action, _Compile):
            before = (actions[i] for i in action.dependencies if i < len(actions))
            found.setdefault(action.package, []).extend(
                other.package for other in before if isinstance(other, _Compile)
            )
    return found


class _Compile(NamedTuple):
    package: str
    dependencies: Sequence[int]


def _compile(value: dict[str, Any]) -> _Compile | None:
    package = value.get("Package")
    if value.get("Mode") != "build" or not isinstance(package, str):
        return None
    return _Compile(package, _indexes(value.get("Deps")))


def _activity(mode: str) -> Activity | None:
    # Since Go 1.25, cgo and the C compiler have actions of their own: `cgo run`, `cgo compile x.c`.
    if mode == "build" or mode.startswith("cgo "):
        return Activity.COMPILE
    return Activity.LINK if mode == "link" else None


def _action(value: dict[str, Any]) -> _Action | None:
    """Return what matters of an action; None for what is none, or never came to its end."""
    try:
        mode, package = value["Mode"], value["Package"]
        start, end = _moment(value["TimeStart"]), _moment(value["TimeDone"])
    except (KeyError, TypeError, ValueError):
        return None
    # What was not begun has the year 1, Go's zero time.
    if not (isinstance(mode, str) and isinstance(package, str) and start > 0 and end > 0):
        return None
    # Go notes the command lines as it runs them (cmd/go/internal/work/shell.go), so what it took
    # out of its cache has none.
    executed = bool(value.get("Cmd"))
    return _Action(mode, package, start, end, executed, _indexes(value.get("Deps")))


def _moment(text: str) -> float:
    # In the zone of the machine, with nanoseconds, of which Python keeps microseconds. Without a
    # zone, it would be some other format.
    from datetime import datetime

    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.timestamp()


def _indexes(value: object) -> Sequence[int]:
    try:
        return array("I", value if isinstance(value, list) else ())
    except (TypeError, OverflowError):
        return ()


def _critical(actions: Sequence[object]) -> Iterator[int]:
    """Yield the chain that decided when the build ended, the last action first.

    It goes from the action that ended last to the dependency of it that did, and so on, through
    actions that are only there to tie others together.
    """
    ends = [action.end if isinstance(action, _Action) else 0.0 for action in actions]
    index = max(range(len(actions)), key=ends.__getitem__, default=0)
    seen: set[int] = set()
    while index < len(actions) and index not in seen:
        action = actions[index]
        if not isinstance(action, _Action):
            return
        seen.add(index)
        yield index
        known = (i for i in action.dependencies if i < len(actions))
        index = max(known, key=ends.__getitem__, default=len(actions))
