"""List the figures of what lambdabuild adds to what has to be done; a part of the table."""

from bench.contestants import GO_FUNCTION, LAMBDABUILD, LAMBDABUILD_EDITED, REFERENCE
from bench.floor import CHECKED, COPIED, FLOOR, PYTHON, RESTORED, VERSION, WORD
from bench.model import MIB, Figure, Metric, Term, longer_by, ratio, within
from bench.scenarios import (
    CHECKED_200,
    EDITED_2000,
    RELINK,
    RELINK_2000,
    RELINK_HTTP,
    RESTORED_500,
    STARTED,
    UNCHANGED_40,
    UNCHANGED_2000,
)
from bench.team import LAMBDABUILD_ITSELF

FLOOR_FIGURES = (
    Figure(
        name="relink-floor-wall",
        what="relink all, wall, against the floor",
        scenario=RELINK,
        this=Term(LAMBDABUILD, Metric.WALL),
        against=Term(FLOOR, Metric.WALL),
        target=ratio(at_most=1.06),
    ),
    Figure(
        name="relink-floor-cpu",
        what="relink all, CPU, against the floor",
        scenario=RELINK,
        this=Term(LAMBDABUILD, Metric.CPU),
        against=Term(FLOOR, Metric.CPU),
        target=ratio(at_most=1.06),
    ),
    Figure(
        name="relink-http-floor-wall",
        what="relink all, N = 24, net/http alone, wall, against the floor",
        scenario=RELINK_HTTP,
        this=Term(LAMBDABUILD, Metric.WALL),
        against=Term(FLOOR, Metric.WALL),
        target=ratio(at_most=1.10),
    ),
    Figure(
        name="relink-2000-wall",
        what="relink all, N = 2,000, wall, against the floor",
        scenario=RELINK_2000,
        this=Term(LAMBDABUILD_ITSELF, Metric.WALL),
        against=Term(FLOOR, Metric.WALL),
        target=ratio(at_most=1.06),
    ),
    Figure(
        name="relink-2000-memory",
        what="relink all, N = 2,000, peak memory of lambdabuild itself (RSS)",
        scenario=RELINK_2000,
        this=Term(LAMBDABUILD_ITSELF, Metric.OWN_MEMORY),
        against=None,
        target=within(Metric.OWN_MEMORY, 150 * MIB),
    ),
    Figure(
        name="unchanged-40-wall",
        what="nothing changed, N = 40, wall",
        scenario=UNCHANGED_40,
        this=Term(LAMBDABUILD, Metric.WALL),
        against=Term(REFERENCE, Metric.WALL),
        target=ratio(at_most=0.85),
    ),
    Figure(
        name="unchanged-2000-wall",
        what="nothing changed, N = 2,000, wall",
        scenario=UNCHANGED_2000,
        this=Term(LAMBDABUILD, Metric.WALL),
        against=None,
        target=within(Metric.WALL, at_most=0.350),
    ),
    Figure(
        name="edited-2000-wall",
        what="one function edited, N = 2,000, wall, against `go build` of that one",
        scenario=EDITED_2000,
        this=Term(LAMBDABUILD_EDITED, Metric.WALL),
        against=Term(GO_FUNCTION, Metric.WALL),
        target=ratio(at_most=1.5),
    ),
    Figure(
        name="version-wall",
        what="`--version`, wall, beyond `python -c pass`",
        scenario=STARTED,
        this=Term(VERSION, Metric.WALL),
        against=Term(PYTHON, Metric.WALL),
        target=longer_by(at_most=0.060),
    ),
    Figure(
        name="complete-wall",
        what="completion of a word, wall, beyond `python -c pass`",
        scenario=STARTED,
        this=Term(WORD, Metric.WALL),
        against=Term(PYTHON, Metric.WALL),
        target=longer_by(at_most=0.060),
    ),
    Figure(
        name="check-cpu",
        what="`check`, which links nothing, N = 200, cold cache, CPU, against `go build` of all",
        scenario=CHECKED_200,
        this=Term(CHECKED, Metric.CPU),
        against=Term(REFERENCE, Metric.CPU),
        target=ratio(at_most=0.6),
    ),
    Figure(
        name="restore-wall",
        what="500 executables of 12 MB from this machine's cache, wall, against copying them",
        scenario=RESTORED_500,
        this=Term(RESTORED, Metric.WALL),
        against=Term(COPIED, Metric.WALL),
        target=ratio(at_most=0.2),
    ),
)
