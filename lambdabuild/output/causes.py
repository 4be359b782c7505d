"""Explain why functions are rebuilt, grouped by what caused it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.core.build import Plan, Step
from lambdabuild.core.target import Target
from lambdabuild.core.text import one_line, some
from lambdabuild.output.terminal.style import BOLD, DIM

UP_TO_DATE = "up to date"
_MOST = 10
"""Functions that are named in one line."""

Reasons = Mapping[tuple[str, Target], str]


class Cause(NamedTuple):
    """One line of an explanation: what it is about, and what goes for that."""

    subject: str
    text: str = ""
    style: str = ""
    """Of the subject on a terminal that has colours (SGR)."""


def in_order(steps: Iterable[Step], names: Sequence[str] = ()) -> list[Step]:
    """Return steps by the names of their functions as these have an order, then by target."""
    places = {name: place for place, name in enumerate(names)}

    def key(step: Step) -> tuple[int, str, str]:
        name = step.function.name
        return places.get(name, len(places)), name, str(step.target)

    return sorted(steps, key=key)


def reason_of(step: Step, reasons: Reasons) -> str | None:
    """Return why a step is built; None where it is up to date."""
    if step.load_errors:
        return one_line(f"cannot be loaded: {step.load_errors[0].message.splitlines()[0]}")
    reason = reasons.get(step.key)
    return None if reason is None else one_line(reason)


def causes(
    plan: Plan, reasons: Reasons, names: Sequence[str] = (), *, everything: bool = False
) -> list[Cause]:
    """Return a line for each reason, and at last how many are up to date; or `everything`, by step.

    `names` is the order of the functions.
    """
    steps = in_order(plan.steps, names)
    targets = _targets(steps)
    if everything:
        return [_about([step], reason_of(step, reasons), targets) for step in steps]
    groups: dict[str | None, list[Step]] = defaultdict(list)
    for step in steps:
        groups[reason_of(step, reasons)].append(step)
    fresh = groups.get(None, [])
    left = _targets(fresh)
    whole = {name for name in left if left[name] == targets[name]}
    last = []
    if len(left) > 1:
        del groups[None]
        # A function of which another target is built is named.
        named = [step for step in fresh if len(whole) == 1 or step.function.name not in whole]
        if named:
            last.append(_about(named, None, targets))
        if len(whole) > 1:
            last.append(Cause(f"{len(whole)} functions are {UP_TO_DATE}", style=DIM))
    return [_about(group, reason, targets) for reason, group in groups.items()] + last


def called(steps: Iterable[Step], every: Iterable[Step]) -> list[str]:
    """Return the name of each step's function, with its targets where it has others among `every`."""
    steps = list(steps)
    targets = _targets(every)
    own = _targets(steps)
    return [
        one_line(name)
        if own[name] == targets[name]
        else f"{one_line(name)} for {_several(own[name])}"
        for name in own
    ]


def _about(steps: Sequence[Step], reason: str | None, targets: Mapping[str, list[str]]) -> Cause:
    by_targets: dict[str, list[str]] = defaultdict(list)
    for name, own in _targets(steps).items():
        by_targets[_for(own, targets[name])].append(name)
    subject = "; ".join(f"{some(names, _MOST, quote='')}{of}" for of, names in by_targets.items())
    return Cause(subject, f": {reason or UP_TO_DATE}", DIM if reason is None else BOLD)


def _for(own: Sequence[str], every: Sequence[str]) -> str:
    return f" for {_several(own)}" if len(every) > 1 else ""


def _several(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _targets(steps: Iterable[Step]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for step in steps:
        found[step.function.name].append(str(step.target))
    return found
