"""Run the contestants that figures name, alternately, and collect what each run cost."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from bench import environment
from bench.model import (
    BenchError,
    CannotMeasureError,
    Contestant,
    Figure,
    Sample,
    Scenario,
    Settings,
    Workspace,
)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Runs:
    """All counted runs of one contestant in one scenario, or why there are none."""

    scenario: Scenario
    contestant: Contestant
    samples: tuple[Sample, ...]
    error: BenchError | None = None


Key = tuple[str, str]


def key(scenario: Scenario, contestant: Contestant) -> Key:
    """Identify the runs that a figure draws on; figures that agree in it share them."""
    return scenario.name, contestant.name


def contestants_by_scenario(
    figures: Iterable[Figure],
) -> list[tuple[Scenario, list[Contestant]]]:
    """Group what the figures need, each once, in the order in which they name it."""
    scenarios: dict[str, Scenario] = {}
    needed: dict[str, dict[str, Contestant]] = {}
    for figure in figures:
        scenarios.setdefault(figure.scenario.name, figure.scenario)
        contestants = needed.setdefault(figure.scenario.name, {})
        for term in (figure.this, figure.against):
            if term is not None:
                contestants.setdefault(term.contestant.name, term.contestant)
    return [(scenarios[name], list(contestants.values())) for name, contestants in needed.items()]


def run(
    figures: Sequence[Figure], settings: Settings, repeat: int | None, root: Path, say: Say
) -> Mapping[Key, Runs]:
    """Take samples of everything the figures need, in folders below `root`.

    So many as `repeat` says, or else each scenario. A contestant keeps its workspace from scenario
    to scenario, so a cache filled in one is warm in the next; another workspace with equal flags
    begins with that cache, for what is measured of a cold one empties it first. One that fails is left out of the rest of its scenario; the others go on. A scenario
    that the disk has no room for is left out.
    """
    collected: dict[Key, Runs] = {}
    downloaded = False
    workspaces: dict[_Place, Workspace] = {}
    for scenario, contestants in contestants_by_scenario(figures):
        functions = scenario.functions or settings.functions
        places = {_place(each, scenario, functions): each for each in contestants}
        missing = [place for place in places if place not in workspaces]
        try:
            environment.check_space(root, len(missing) * functions, kind=scenario.kind)
        except CannotMeasureError as error:
            say(f"{scenario.name} · {error}")
            for each in contestants:
                collected[key(scenario, each)] = Runs(scenario, each, (), error)
            continue
        filled = dict(workspaces)
        for place in missing:
            directory = root / "-".join(map(str, place))
            workspaces[place] = environment.create(
                directory, places[place], functions, settings, kind=scenario.kind
            )
            _take_compiled(workspaces[place], places[place], filled)
            if not downloaded and scenario.kind == "real":
                environment.download_modules(workspaces[place])
                downloaded = True
        pairs = [
            (each, _lent(workspaces[_place(each, scenario, functions)], each))
            for each in contestants
        ]
        for runs in _interleave(scenario, pairs, repeat or scenario.repeat, say):
            collected[key(scenario, runs.contestant)] = runs
    return collected


_Place = tuple[str, int, str]


def _place(contestant: Contestant, scenario: Scenario, functions: int) -> _Place:
    return contestant.workspace or contestant.name, functions, scenario.kind


def _take_compiled(
    workspace: Workspace, contestant: Contestant, filled: Mapping[_Place, Workspace]
) -> None:
    """Begin with the Go build cache of an earlier workspace, where flags are the same."""
    alike = {contestant.name, contestant.compiles_as}
    for (name, *_), earlier in filled.items():
        if name in alike:
            shutil.copytree(earlier.go_cache, workspace.go_cache, dirs_exist_ok=True)
            return


def _lent(workspace: Workspace, contestant: Contestant) -> Workspace:
    """Have a workspace, perhaps another contestant's, tell what this one needs and owes."""
    return replace(
        workspace,
        outputs=environment.outputs(workspace.monorepo, contestant),
        environment={**workspace.environment, **(contestant.environment or {})},
    )


def _interleave(
    scenario: Scenario,
    contestants: Sequence[tuple[Contestant, Workspace]],
    repeat: int,
    say: Say,
) -> list[Runs]:
    samples: dict[str, list[Sample]] = {contestant.name: [] for contestant, _ in contestants}
    errors: dict[str, BenchError] = {}
    rounds = ["warm-up"] * scenario.warm_ups + [f"{n + 1} of {repeat}" for n in range(repeat)]
    with ExitStack() as sessions:
        for number, name in enumerate(rounds):
            for contestant, workspace in contestants:
                if contestant.name in errors:
                    continue
                label = f"{scenario.name} · {contestant.name} · {name}"
                try:
                    if number == 0 and contestant.session is not None:
                        sessions.enter_context(contestant.session(workspace))
                    sample = _once(scenario, contestant, workspace)
                except BenchError as error:
                    errors[contestant.name] = error
                    say(f"{label} · {error}")
                    continue
                if number >= scenario.warm_ups:
                    samples[contestant.name].append(sample)
                shown = (f"{metric.value} {metric.show(cost)}" for metric, cost in sample.items())
                say(f"{label} · {', '.join(shown)}")
    return [
        Runs(scenario, contestant, tuple(samples[contestant.name]), errors.get(contestant.name))
        for contestant, _ in contestants
    ]


def _once(scenario: Scenario, contestant: Contestant, workspace: Workspace) -> Sample:
    scenario.prepare(workspace)
    # What the run before wrote must not be written to disk at this one's expense.
    os.sync()
    sample = contestant.measure(workspace, contestant.command(workspace))
    missing = [str(output) for output in workspace.outputs if not output.is_file()]
    if missing:
        raise BenchError(
            f"{len(missing)} of {len(workspace.outputs)} outputs are missing, `{missing[0]}` first"
        )
    return sample
