"""Which functions each of several machines builds; equal on all that know the same times."""

import hashlib
import heapq
import json
from collections.abc import Mapping, Sequence

from lambdabuild.core.text import median


def split(weights: Mapping[str, float | None], count: int) -> list[list[str]]:
    """Return the functions of each of `count` shards, by name; some are empty if there are few.

    `weights` has the seconds that each function is expected to take, or None where nobody knows:
    those count as the median of the others. The longest goes first, to the shard with the least to
    do. That takes at most a third longer than the best split there is (R. L. Graham, "Bounds on
    Multiprocessing Timing Anomalies", 1969: 4/3 - 1/(3 count)).

    Only names, weights and count decide, so each machine finds the same by itself.
    """
    known = [weight for weight in weights.values() if weight is not None]
    usual = median(known) if known else 1.0
    expected = {name: usual if weight is None else weight for name, weight in weights.items()}
    shards: list[list[str]] = [[] for _ in range(count)]
    # Of shards that have as much to do the one with fewer functions: times may all be 0.
    free = [(0.0, 0, index) for index in range(count)]
    for name in sorted(expected, key=lambda name: (-expected[name], name)):
        load, number, index = free[0]
        shards[index].append(name)
        heapq.heapreplace(free, (load + expected[name], number + 1, index))
    return [sorted(names) for names in shards]


def fingerprint(shards: Sequence[Sequence[str]]) -> str:
    """Return a digest of who builds what: machines that split alike have the same."""
    text = json.dumps([list(names) for names in shards])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
