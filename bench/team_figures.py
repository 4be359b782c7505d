"""List the figures of a monorepo that many work on, and that CI builds; a part of the table."""

from bench.compile_cache import COMPILE_CACHE_FIGURE
from bench.contestants import LAMBDABUILD
from bench.model import MIB, Figure, Metric, Term, ratio, within
from bench.scenarios import (
    BRANCHED,
    BRANCHED_500,
    EDITED_500,
    FRESH_CLONE,
    PULL_REQUEST,
    RUBBISH,
    SHARDED_500,
)
from bench.team import (
    GO_FIVE,
    GO_LIST,
    LAMBDABUILD_CLONED,
    LAMBDABUILD_POISONED,
    LAMBDABUILD_POISONED_KEY,
    LAMBDABUILD_RELINKED,
    LAMBDABUILD_SHARDED,
    LAMBDABUILD_SWITCHED,
    LISTED,
    LISTED_AGAIN,
    PULLED,
)

TEAM_FIGURES = (
    Figure(
        name="clone-wall",
        what="fresh clone, executables from a store, wall, against building them",
        scenario=FRESH_CLONE,
        this=Term(LAMBDABUILD_CLONED, Metric.WALL),
        against=Term(LAMBDABUILD, Metric.WALL),
        target=ratio(at_most=0.10),
    ),
    COMPILE_CACHE_FIGURE,
    Figure(
        name="switch-wall",
        what="branch switched back and forth, wall, against relinking all",
        scenario=BRANCHED,
        this=Term(LAMBDABUILD_SWITCHED, Metric.WALL),
        against=Term(LAMBDABUILD_RELINKED, Metric.WALL),
        target=ratio(at_most=0.15),
    ),
    Figure(
        name="since-list-wall",
        what="`list --since`, one leaf edited, N = 500, wall, against `go list -deps ./api/...`",
        scenario=EDITED_500,
        this=Term(LISTED_AGAIN, Metric.WALL),
        against=Term(GO_LIST, Metric.WALL),
        target=ratio(at_most=1.5),
    ),
    Figure(
        name="since-list-fresh-wall",
        what="the same in a fresh checkout, where lambdabuild has to ask `go list` itself",
        scenario=BRANCHED_500,
        this=Term(LISTED, Metric.WALL),
        against=Term(GO_LIST, Metric.WALL),
        target=ratio(at_most=1.35),
    ),
    Figure(
        name="pull-request-wall",
        what="`all --since`, 5 of 500 functions edited, wall, against `go build` of those five",
        scenario=PULL_REQUEST,
        this=Term(PULLED, Metric.WALL),
        against=Term(GO_FIVE, Metric.WALL),
        target=ratio(at_most=1.5),
    ),
    Figure(
        name="shard-wall",
        what="slowest of 4 shards, recorded times, N = 500, wall",
        scenario=SHARDED_500,
        this=Term(LAMBDABUILD_SHARDED, Metric.WALL),
        against=Term(LAMBDABUILD_SHARDED, Metric.QUARTER),
        target=ratio(at_most=1.15),
    ),
    Figure(
        name="rubbish-memory",
        what="a store with 200 MB of rubbish for each of 16, peak memory of lambdabuild itself",
        scenario=RUBBISH,
        this=Term(LAMBDABUILD_POISONED, Metric.OWN_MEMORY),
        against=None,
        target=within(Metric.OWN_MEMORY, 150 * MIB),
    ),
    Figure(
        name="rubbish-memory-key",
        what="the same with a key",
        scenario=RUBBISH,
        this=Term(LAMBDABUILD_POISONED_KEY, Metric.OWN_MEMORY),
        against=None,
        target=within(Metric.OWN_MEMORY, 150 * MIB),
    ),
)
