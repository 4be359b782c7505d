"""Say what a benchmark is made of: contestants, scenarios, and the figures drawn from them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bench.monorepo import Layout, Monorepo
from bench.sources import Kind

MIB = 1024 * 1024


class BenchError(Exception):
    """Something that keeps a benchmark from being measured, worded for the person running it."""


class CannotMeasureError(BenchError):
    """Something this machine has no means to measure: no fault of what is measured."""


class Metric(Enum):
    """What a run is measured by: seconds, bytes of memory or on disk, or a share of one core."""

    WALL = "wall"
    CPU = "CPU"
    OWN_CPU = "CPU beyond go"
    PEAK_MEMORY = "peak memory of the tree"
    LARGEST_PROCESS = "peak memory of the largest process"
    OWN_MEMORY = "peak memory of the process itself (RSS)"
    QUARTER = "a quarter of the whole"
    IDLE_CPU = "CPU while idle, of a core"
    PROPORTIONAL = "memory while idle (PSS)"
    RESIDENT = "memory while idle (RSS)"
    SIZE = "size"
    CALL = "one call"
    START = "start of the process alone"
    RATE = "calls a second"
    STALE = "calls that the old code answered"
    GROWTH = "growth of memory (RSS)"

    def show(self, value: float) -> str:
        """Write a value with its unit."""
        if self in _OF_MEMORY:
            return f"{value / MIB:.0f} MiB"
        if self is Metric.IDLE_CPU:
            return f"{value:.2%}"
        if self is Metric.SIZE:
            return f"{value / 1e6:.3f} MB"
        if self in {Metric.RATE, Metric.STALE}:
            return f"{value:,.0f}"
        if self in {Metric.CALL, Metric.START}:
            return f"{value * 1000:.2f} ms"
        return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


_OF_MEMORY = {
    Metric.PEAK_MEMORY,
    Metric.LARGEST_PROCESS,
    Metric.OWN_MEMORY,
    Metric.PROPORTIONAL,
    Metric.RESIDENT,
    Metric.GROWTH,
}

Sample = Mapping[Metric, float]


@dataclass(frozen=True, slots=True)
class Settings:
    """The tools measured, and the size of the task; the same for every contestant."""

    go: Path
    lambdabuild: Path
    cores: int
    functions: int
    go_environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a contestant works in: a monorepo, a Go build cache, temporary and log files."""

    settings: Settings
    directory: Path
    monorepo: Monorepo
    outputs: tuple[Path, ...]
    environment: Mapping[str, str]

    @property
    def go_cache(self) -> Path:
        """Locate the contestant's own GOCACHE."""
        return self.directory / "go-cache"

    @property
    def bin(self) -> Path:
        """Locate the directory that comes first on the contestant's PATH."""
        return self.directory / "bin"

    @property
    def temporary(self) -> Path:
        """Locate the contestant's own TMPDIR."""
        return self.directory / "tmp"

    @property
    def cache(self) -> Path:
        """Locate the contestant's own cache of executables, which only some use."""
        return self.directory / "cache"

    @property
    def log(self) -> Path:
        """Locate what the last command printed."""
        return self.directory / "output.log"


Command = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A command, with what it needs around it and the artifacts it owes.

    `outputs` are paths from the monorepo: missing ones fail the run, for a build that leaves
    something out is fast for the wrong reason. `measure` runs the command and says what it cost.
    `session` is entered when a scenario begins and left when it ends: for what the command needs
    around it, such as a watcher that runs meanwhile. `workspace` is the contestant in whose
    workspace it works, where that is not its own: it finds there what the other one built. Where
    both are in one scenario, neither may change what the other finds. `compiles_as` is a contestant
    whose `go build` has the same flags, so that what it compiled is as good as its own.
    """

    name: str
    what: str
    command: Callable[[Workspace], Command]
    outputs: Callable[[Monorepo], Sequence[str]]
    measure: Callable[[Workspace, Command], Sample]
    layout: Layout = "distinct"
    environment: Mapping[str, str] | None = None
    session: Callable[[Workspace], AbstractContextManager[None]] | None = None
    workspace: str | None = None
    compiles_as: str | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """The state every run starts from.

    `prepare` runs before each run, outside its time; `warm_ups` are runs that are not counted.
    `functions` overrides how many the command line asks for; their `kind` is another than "real"
    where so many of those would take too long. `repeat` is how often each command runs, unless the
    command line says: what takes minutes runs once or twice, what takes no second more often.
    """

    name: str
    what: str
    prepare: Callable[[Workspace], None]
    warm_ups: int = 0
    functions: int | None = None
    kind: Kind = "real"
    repeat: int = 5


@dataclass(frozen=True, slots=True)
class Term:
    """One side of a figure: the median of a metric over a contestant's runs."""

    contestant: Contestant
    metric: Metric


@dataclass(frozen=True, slots=True)
class Target:
    """How the two sides relate, how that is written, and what it has to be."""

    relate: Callable[[float, float], float]
    show: Callable[[float], str]
    reach: str
    met: Callable[[float], bool] | None


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    what: str
    scenario: Scenario
    this: Term
    against: Term | None
    target: Target


def ratio(at_most: float | None = None) -> Target:
    """Relate as this / against."""
    return Target(
        lambda this, against: this / against,
        "{:.3f}".format,
        "-" if at_most is None else f"≤ {at_most:.2f}",
        None if at_most is None else lambda value: value <= at_most,
    )


def times_faster(at_least: float) -> Target:
    """Relate as against / this."""
    return Target(
        lambda this, against: against / this,
        "{:.2f} times faster".format,
        f"≥ {at_least:g} times faster",
        lambda value: value >= at_least,
    )


def share(at_most: float) -> Target:
    """Relate as this / against, in percent."""
    return Target(
        lambda this, against: this / against,
        "{:.1%}".format,
        f"≤ {at_most:.1%}",
        lambda value: value <= at_most,
    )


def longer_by(at_most: float, digits: int = 0) -> Target:
    """Relate as this - against, in seconds."""
    return Target(
        lambda this, against: this - against,
        lambda value: f"{value * 1000:+.{digits}f} ms",
        f"≤ {at_most * 1000:+.0f} ms",
        lambda value: value <= at_most,
    )


def within(metric: Metric, at_most: float) -> Target:
    """Hold this to a limit, against nothing."""
    return Target(
        lambda this, _: this,
        lambda _: "-",
        f"≤ {metric.show(at_most)}",
        lambda value: value <= at_most,
    )


def stated() -> Target:
    """State this, against nothing, with nothing to reach."""
    return Target(lambda this, _: this, lambda _: "-", "stated", None)
