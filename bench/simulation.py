"""Simulate a build that several machines share: how long it takes, and what it costs in all.

Each machine pays for its start and for `go list` of all functions, and, where Go's build cache is
cold, for compiling what functions share. The rest it divides. Who builds what, lambdabuild's own
`split` says, by the times that an earlier build recorded.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lambdabuild.selection.shards import split


class Cost(NamedTuple):
    """Seconds of elapsed time on one machine, and of CPU."""

    wall: float = 0.0
    cpu: float = 0.0

    def less(self, *parts: "Cost") -> "Cost":
        """Return what is left without parts of it."""
        return Cost(
            self.wall - sum(part.wall for part in parts), self.cpu - sum(part.cpu for part in parts)
        )


class Build(NamedTuple):
    """One build of all functions on one machine, in the parts that matter when it is divided."""

    recorded: Mapping[str, float]
    """Seconds of each function, as the history has them: only their proportions count."""
    start: Cost
    """Whatever is built: Python, `go env`, `go list` of everything, and `go build` looking around."""
    closure: Cost
    """Compiling what functions share, the standard library above all; 0 if that was done before."""
    own: Cost
    """What functions have to themselves: compiling, linking, checking and publishing them."""

    @property
    def fixed(self) -> float:
        """How long each machine takes, in seconds, however little it builds."""
        return self.start.wall + self.closure.wall


class Shard(NamedTuple):
    """One machine's share."""

    number: int
    """From 1."""
    wall: float
    """Seconds."""
    cpu: float
    """Seconds."""


def shards(build: Build, count: int) -> list[Shard]:
    """Return what its share costs each of `count` machines."""
    total = sum(build.recorded.values())

    def shard(number: int, names: Sequence[str]) -> Shard:
        share = sum(build.recorded[name] for name in names) / total
        closure = build.closure if names else Cost()
        wall, cpu = (
            start + compiled + own * share
            for start, compiled, own in zip(build.start, closure, build.own, strict=True)
        )
        return Shard(number, wall, cpu)

    return [shard(number, names) for number, names in enumerate(split(build.recorded, count), 1)]


def slowest(divided: Sequence[Shard]) -> float:
    """Return how long it takes until all have ended, in seconds."""
    return max(shard.wall for shard in divided)


def cpu(divided: Sequence[Shard]) -> float:
    """Return the CPU seconds of all."""
    return sum(shard.cpu for shard in divided)


def pays_until(build: Build, counts: Sequence[int]) -> int:
    """Return the most machines that spend at least half of their time on their own share; or 1."""
    return max(
        count for count in counts if count == 1 or build.fixed <= slowest(shards(build, count)) / 2
    )
