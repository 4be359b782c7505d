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
from bench.simulation import Build, Cost, Shard, cpu, pays_until, shards, slowest
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
    """A build, with what Go compiled kept, and without."""

    filled: Build
    cold: Build


class Check(NamedTuple):
    """What shards took, against what was simulated of them."""

    machines: int
    cache: str
    simulated: Sequence[Shard]
    real: Sequence[Shard]


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
        cold = self._run("all", cold=True)
        shutil.copyfile(self._state / "history.jsonl", self._history)
        times = recorded_seconds(read_history(self._history))
        filled = self._run("all")
        # It imports all that functions share, and nothing is linked.
        one = ("check", self._workspace.monorepo.functions[0].name)
        start = _median(self._run(*one) for _ in range(_REPEAT))
        closure = _median(self._run(*one, cold=True) for _ in range(_REPEAT)).less(start)
        return Recorded(
            Build(times, start, Cost(), filled.less(start)),
            Build(times, start, closure, cold.less(start, closure)),
        )

    def checks(self, builds: Recorded) -> Iterator[Check]:
        """Build the shards that are expected to take longest, and compare."""
        self._run("check")  # what was compiled, again
        for cache, build in zip(Recorded._fields, builds, strict=True):
            for count in _REAL:
                expected = sorted(shards(build, count), key=lambda shard: -shard.wall)
                chosen = expected[:_MOST_REAL]
                real = [self._shard(shard.number, count, cold=cache == "cold") for shard in chosen]
                yield Check(count, cache, chosen, real)

    def _shard(self, number: int, count: int, *, cold: bool) -> Shard:
        cost = self._run("all", "--shard", f"{number}/{count}", cold=cold)
        return Shard(number, cost.wall, cost.cpu)

    @property
    def _state(self) -> Path:
        return self._workspace.monorepo.directory / ".lambdabuild"

    def _run(self, *arguments: str, cold: bool = False) -> Cost:
        """Run lambdabuild as on a machine that has nothing but the history."""
        shutil.rmtree(self._workspace.monorepo.directory / "dist", ignore_errors=True)
        shutil.rmtree(self._state, ignore_errors=True)
        if self._history.exists():
            self._state.mkdir()
            shutil.copyfile(self._history, self._state / "history.jsonl")
        if cold:
            shutil.rmtree(self._workspace.go_cache)
            self._workspace.go_cache.mkdir()
        command: list[str | Path] = [self._workspace.settings.lambdabuild, *arguments]
        sample = measure.run(self._workspace, command)
        took = Cost(sample[Metric.WALL], sample[Metric.CPU])
        functions = len(self._workspace.monorepo.functions)
        cache = "cold" if cold else "filled"
        said = " ".join(arguments)
        self._say(
            f"N = {functions} · {said} · {cache} · wall {took.wall:.2f} s, CPU {took.cpu:.2f} s"
        )
        return took


def _median(costs: Iterable[Cost]) -> Cost:
    walls, cpus = zip(*costs, strict=True)
    return Cost(median(walls), median(cpus))


def markdown(builds: Recorded, checks: Sequence[Check]) -> str:
    """Write what was simulated, what it rests on, and how it compares with real shards."""
    lines = [
        "| shards | slowest, filled cache | CPU of all | slowest, cold cache | CPU of all |",
        "| --- | --- | --- | --- | --- |",
    ]
    for count in COUNTS:
        filled, cold = (_cells(shards(build, count)) for build in builds)
        lines.append(f"| {count} | {filled} | {cold} |")
    lines += ["", _parts("filled", builds.filled), _parts("cold", builds.cold)]
    lines += [
        "",
        "| shards | Go's cache | slowest: simulated | real | error | CPU: simulated | real | error |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(_compared, checks),
    ]
    return "\n".join(lines) + "\n"


def _cells(divided: Sequence[Shard]) -> str:
    return f"{slowest(divided):.1f} s | {cpu(divided):.0f} s"


def _compared(check: Check) -> str:
    expected, real = check.simulated, check.real
    walls, cpus = (slowest(expected), slowest(real)), (cpu(expected), cpu(real))
    cells = (
        f"{this:.1f} s | {that:.1f} s | {this / that - 1:+.0%}" for this, that in (walls, cpus)
    )
    return f"| {check.machines} | {check.cache} | {' | '.join(cells)} |"


def _parts(cache: str, build: Build) -> str:
    return (
        f"- {cache} cache: each machine takes {build.start.wall:.1f} s to start and "
        f"{build.closure.wall:.1f} s for shared packages; all shares together take "
        f"{build.own.wall:.1f} s. Up to {pays_until(build, COUNTS)} shards spend at least half of "
        f"their time on their own share"
    )
