"""Measure what a simulation of shards takes, hold it to real shards, and print what it says.

`python -m bench --shards` records a build of 2,000 functions with a cold and with a filled Go build
cache, measures what each machine has to do however little it builds, and simulates 1 to 64 machines
of as many cores as this one has. Then the same with fewer functions, of which shards are built.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench import environment, measure
from bench.contestants import LAMBDABUILD
from bench.model import Metric, Settings
from bench.simulation import Build, Cost, fixed, pays_until, shards, together
from lambdabuild.state.history import read_history
from lambdabuild.state.trends import recorded_seconds

COUNTS = (1, 2, 4, 8, 16, 32, 64)
FUNCTIONS = 2000
_VERIFIED = 200
_REAL = (1, 4, 16)
_MOST_REAL = 4
"""Shards that are built of each number: those that are expected to take longest."""
_REPEAT = 3

Say = Callable[[str], None]


class Recorded(NamedTuple):
    """A build, cold and with what Go compiled kept."""

    cold: Build
    filled: Build


class Check(NamedTuple):
    """How long shards took, against what was simulated of them."""

    machines: int
    cache: str
    simulated: Cost
    real: Cost


def simulated(settings: Settings, root: Path, say: Say) -> str:
    """Measure and simulate; return Markdown."""
    large = _Machine(settings, root, FUNCTIONS, say)
    builds = large.recorded()
    large.remove()
    small = _Machine(settings, root, _VERIFIED, say)
    checks = list(small.checks(small.recorded()))
    return markdown(builds, checks)


class _Machine:
    """A monorepo of small functions, and what is built of it."""

    def __init__(self, settings: Settings, root: Path, functions: int, say: Say) -> None:
        environment.check_space(root, functions, kind="small")
        directory = root / f"shards-{functions}"
        self._workspace = environment.create(
            directory, LAMBDABUILD, functions, settings, kind="small"
        )
        self._say = say
        self._history = directory / "history.jsonl"

    def remove(self) -> None:
        shutil.rmtree(self._workspace.directory)

    def recorded(self) -> Recorded:
        """Build all twice, and measure the parts of that which each machine has to do."""
        whole_cold = self._run("all", cold=True)
        shutil.copyfile(self._state / "history.jsonl", self._history)
        times = recorded_seconds(read_history(self._history))
        whole_filled = self._run("all")
        # It imports all that functions share, and nothing is linked.
        first = self._workspace.monorepo.functions[0].name
        start = _median(self._run("check", first) for _ in range(_REPEAT))
        compiling = _median(self._run("check", first, cold=True) for _ in range(_REPEAT))
        self._run("all")  # what was compiled, again
        closure = compiling.less(start)
        return Recorded(
            Build(times, start, closure, whole_cold.less(start, closure)),
            Build(times, start, Cost(), whole_filled.less(start)),
        )

    def checks(self, builds: Recorded) -> Iterator[Check]:
        """Build the shards that are expected to take longest, and compare."""
        for cache, build in (("filled", builds.filled), ("cold", builds.cold)):
            for count in _REAL:
                expected = sorted(shards(build, count), key=lambda shard: -shard.cost.wall)
                chosen = expected[:_MOST_REAL]
                real = [
                    shard._replace(
                        cost=self._run(
                            "all", "--shard", f"{shard.number}/{count}", cold=cache == "cold"
                        )
                    )
                    for shard in chosen
                ]
                yield Check(count, cache, together(chosen), together(real))

    @property
    def _state(self) -> Path:
        return self._workspace.monorepo.directory / ".lambdabuild"

    def _run(self, *arguments: str, cold: bool = False) -> Cost:
        """Run lambdabuild as on a machine that has nothing but the history."""
        top = self._workspace.monorepo.directory
        shutil.rmtree(top / "dist", ignore_errors=True)
        shutil.rmtree(self._state, ignore_errors=True)
        if self._history.exists():
            self._state.mkdir()
            shutil.copyfile(self._history, self._state / "history.jsonl")
        if cold:
            shutil.rmtree(self._workspace.go_cache)
            self._workspace.go_cache.mkdir()
        command: list[str | Path] = [self._workspace.settings.lambdabuild, *arguments]
        sample = measure.run(self._workspace, command)
        cost = Cost(sample[Metric.WALL], sample[Metric.CPU])
        functions = len(self._workspace.monorepo.functions)
        cache = "cold" if cold else "filled"
        said = " ".join(arguments)
        self._say(f"{functions} · {said} · {cache} · wall {cost.wall:.2f} s, CPU {cost.cpu:.2f} s")
        return cost


def _median(costs: Iterable[Cost]) -> Cost:
    walls, cpus = zip(*costs, strict=True)
    return Cost(median(walls), median(cpus))


def markdown(builds: Recorded, checks: Sequence[Check]) -> str:
    """Write what was simulated, what it rests on, and how it compares with real shards."""
    lines = [
        "| shards | filled: slowest | CPU of all | cold: slowest | CPU of all |",
        "| --- | --- | --- | --- | --- |",
    ]
    for count in COUNTS:
        filled, cold = (together(shards(b, count)) for b in (builds.filled, builds.cold))
        lines.append(f"| {count} | {_cells(filled)} | {_cells(cold)} |")
    lines += ["", _parts("filled", builds.filled), _parts("cold", builds.cold)]
    lines += [
        "",
        "| shards | Go's cache | simulated | real | error | CPU simulated | real | error |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {check.machines} | {check.cache} | {check.simulated.wall:.1f} s | {check.real.wall:.1f} s "
        f"| {check.simulated.wall / check.real.wall - 1:+.0%} | {check.simulated.cpu:.1f} s "
        f"| {check.real.cpu:.1f} s | {check.simulated.cpu / check.real.cpu - 1:+.0%} |"
        for check in checks
    ]
    return "\n".join(lines) + "\n"


def _cells(cost: Cost) -> str:
    return f"{cost.wall:.1f} s | {cost.cpu:.0f} s"


def _parts(name: str, build: Build) -> str:
    return (
        f"- {name}: each machine takes {fixed(build):.1f} s before its own share "
        f"(start {build.start.wall:.1f} s, shared packages {build.closure.wall:.1f} s); "
        f"all shares together {build.own.wall:.1f} s. Half of a machine's time is its own share "
        f"with up to {pays_until(build, COUNTS)} shards"
    )
