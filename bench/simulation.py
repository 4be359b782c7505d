"""Simulate a build that several machines share: how long it takes, and what it costs in all.

Each machine pays for its start and for `go list` of all functions, and, where Go's build cache is
cold, for compiling what functions share. The rest it divides. Who builds what, lambdabuild's own
`split` says, by the times that an earlier build recorded.

Times are those of a machine that does nothing else, and derived from CPU time, which others that
use the machine meanwhile hardly change: the start keeps one core busy, compilers and linkers all.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lambdabuild.selection.shards import split


class Build(NamedTuple):
    """One build of all functions on one machine, in the parts that matter when it is divided.

    All in seconds of CPU time.
    """

    recorded: Mapping[str, float]
    """Seconds of each function, as the history has them: only their proportions count."""
    start: float
    """Whatever is built: Python, `go env`, `go list` of everything, and `go build` looking around."""
    closure: float
    """Compiling what functions share, the standard library above all; 0 if that was done before."""
    own: float
    """What functions have to themselves: compiling, linking, checking and publishing them."""
    cores: int
    """Of each machine."""

    @property
    def fixed(self) -> float:
        """How long each machine takes, in seconds, however little it builds."""
        return self.start + self.closure / self.cores


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
        parallel = (build.closure if names else 0.0) + build.own * share
        return Shard(number, build.start + parallel / build.cores, build.start + parallel)

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
