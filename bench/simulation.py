"""Simulate a build that several machines share: how long it takes, and what it costs in all.

Each machine pays for its start and for `go list` of all functions, and, where Go's build cache is
cold, for compiling what functions share. The rest it divides. Who builds what, lambdabuild's own
`split` says, by the times that an earlier build recorded.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

from lambdabuild.selection.shards import split


class Cost(NamedTuple):
    """Seconds of elapsed time on one machine, and of CPU."""

    wall: float = 0.0
    cpu: float = 0.0

    def less(self, *others: Self) -> "Cost":
        """Return what is left without parts of it; no less than nothing."""
        wall, cpu = (
            max(0.0, mine - sum(parts)) for mine, *parts in zip(self, *others, strict=True)
        )
        return Cost(wall, cpu)


class Build(NamedTuple):
    """One build of all functions on one machine, in the parts that matter when it is divided."""

    recorded: Mapping[str, float]
    """Seconds of each function, as the history has them."""
    start: Cost
    """Whatever is built: Python, `go env`, `go list` of everything, and `go build` looking around."""
    closure: Cost
    """Compiling what functions share, the standard library above all; nothing if it was before."""
    own: Cost
    """What functions have to themselves: compiling, linking, checking and publishing them."""


class Shard(NamedTuple):
    """One machine's share."""

    number: int
    """From 1."""
    functions: Sequence[str]
    cost: Cost


def shards(build: Build, count: int) -> list[Shard]:
    """Return what each of `count` machines builds, and what that costs it."""
    parts = split(build.recorded, count)
    total = sum(build.recorded.values())

    def shard(number: int, names: Sequence[str]) -> Shard:
        share = sum(build.recorded[name] for name in names) / total
        closure = build.closure if names else Cost()
        wall, cpu = (
            start + compiled + own * share
            for start, compiled, own in zip(build.start, closure, build.own, strict=True)
        )
        return Shard(number, names, Cost(wall, cpu))

    return [shard(number, names) for number, names in enumerate(parts, 1)]


def together(divided: Sequence[Shard]) -> Cost:
    """Return how long the slowest of the machines takes, and the CPU time of all."""
    return Cost(max(shard.cost.wall for shard in divided), sum(shard.cost.cpu for shard in divided))


def fixed(build: Build) -> float:
    """Return the seconds that each machine takes, however little it builds."""
    return build.start.wall + build.closure.wall


def pays_until(build: Build, counts: Sequence[int]) -> int:
    """Return the most machines that spend half of their time, or less, on what each has to do."""
    paying = [
        count
        for count in counts
        if fixed(build) <= together(shards(build, count)).wall / 2 or count == 1
    ]
    return max(paying)
