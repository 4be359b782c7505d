"""Count and show the progress of a running build: how much of it is done, and how long it may take.

How many packages there are is known as soon as `go build` has begun: it writes its graph of actions
first. Which of them its cache has is not known before their turn, and no event tells. But what is
compiled or linked now has all that it imports: so each event makes those *ready*, whether they were
compiled or taken from the cache. Of batches that wait, the first of another target is taken to need
as many packages as those that are known; another of the same target finds them in the cache.

The time left comes from earlier runs, and nothing is said where they do not tell enough. A package
that is not ready counts what its last compile took, times a ratio: what the packages that are ready
took in this run, by what they took then. So it counts little where the cache has most, and more on a
machine that is busy. Compiles wait for each other; as many are taken to run at a time as did so far.
A function that is not linked counts what it took before, or the median of all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from lambdabuild.core.build import Batch, Event
from lambdabuild.core.record import field, record
from lambdabuild.core.result import Pace
from lambdabuild.core.text import columns, counted, duration, folded, median, one_line

_KNOWN = 0.5
"""The part of the packages that earlier runs have to know."""
_DOUBT = 1.0
"""Seconds of compiles before which this run is hardly a measure of itself."""
_PATIENCE = 2.0
"""Seconds after which the time left is of interest."""
_LINK = 4
"""Packages that a link is worth on the bar."""
_BAR = 20
_SHORTEST_BAR = 6
_USUAL_TEXT = 64
"""Columns beside the bar."""

Graph = Mapping[str, Sequence[str]]
"""The packages of a `go build`, each with those that are compiled before it."""


@record
class Progress:
    """What has happened in a build, and what is going on."""

    functions: Mapping[tuple[int, str], tuple[str, str]]
    """What is to be linked, by batch and package: its name and target."""
    started: float
    jobs: int = 1
    pace: Callable[[], Pace] = Pace
    links: bool = True
    """Whether anything is linked; if not, functions are compiled alone."""
    targets: Mapping[int, str] = field(default_factory=dict)
    """By batch."""
    compiled: int = 0
    done: set[tuple[int, str]] = field(default_factory=set)
    """What is linked, by batch and package."""
    working: dict[tuple[int, str, str], float] = field(default_factory=dict)
    """What is being compiled or linked, and since when: by batch, tool and package."""
    graphs: dict[int, Graph] = field(default_factory=dict)
    """By batch."""
    ready: set[tuple[int, str]] = field(default_factory=set)
    """The packages that are compiled, or were found in Go's cache."""
    reached: set[tuple[int, str]] = field(default_factory=set)
    """The packages that an event was about."""
    compiling: float = 0.0
    """Seconds of all compiles that came to their end."""
    linking: float = 0.0
    _left: tuple[float, float | None] = (float("-inf"), None)
    """When the time left was estimated, and what it was."""
    _full: float = 0.0
    """How much of the bar was full."""
    _pace: Pace | None = None

    @classmethod
    def of(
        cls,
        batches: Iterable[Batch],
        now: float,
        *,
        jobs: int = 1,
        pace: Callable[[], Pace] = Pace,
        links: bool = True,
    ) -> "Progress":
        """Return the progress of a build that begins."""
        batches = list(batches)
        return cls(
            {
                (batch.number, step.function.package): (step.function.name, str(step.target))
                for batch in batches
                for step in batch.steps
            },
            now, jobs, pace, links, {batch.number: str(batch.target) for batch in batches},
        )  # fmt: skip

    @property
    def total(self) -> int:
        """The functions to be linked."""
        return len(self.functions)

    @property
    def linked(self) -> int:
        return len(self.done)

    @property
    def packages(self) -> int | None:
        """The packages of all batches; None as long as none is known."""
        if not self.graphs:
            return None
        sizes = list(map(len, self.graphs.values()))
        return sum(sizes) + self._other_batches * max(sizes)

    @property
    def _other_batches(self) -> int:
        """How many targets have not begun: the first batch of each compiles nearly everything."""
        known = {self.targets.get(number) for number in self.graphs}
        return len({target for target in self.targets.values() if target not in known})

    def take(self, event: "Event") -> None:
        """Count an event."""
        number, package = event.batch.number, event.package
        key = (number, event.tool, package)
        if event.kind == "start":
            self.working[key] = event.at
            self._reach(number, package, itself=event.tool == "link")
            return
        spent = event.at - self.working.pop(key, event.at)
        if event.tool == "compile":
            self.compiling += spent
            if event.kind == "done":
                self.compiled += 1
                self._reach(number, package, itself=True)
        elif event.tool == "link":
            self.linking += spent
            if event.kind in {"done", "current"}:
                self.done.add((number, package))
                self._reach(number, package, itself=True)

    def expect(self, number: int, graph: Graph) -> None:
        """Note the packages of a batch; what was heard of it before counts as well."""
        if not graph:
            return
        self.graphs[number] = graph
        self.ready = {key for key in self.ready if key[0] != number}
        earlier = [package for batch, package in self.reached if batch == number]
        for package in earlier:
            self._reach(number, package, itself=(number, "compile", package) not in self.working)

    def _reach(self, number: int, package: str, *, itself: bool = False) -> None:
        """Count as ready what a package imports, and the package itself once it is compiled."""
        self.reached.add((number, package))
        graph = self.graphs.get(number)
        if graph is None:
            return
        waiting = [package] if itself else [*graph.get(package, ())]
        while waiting:
            one = waiting.pop()
            if (number, one) not in self.ready and one in graph:
                self.ready.add((number, one))
                waiting += graph[one]

    def left(self, now: float) -> float | None:
        """Return the seconds that the build may take from now on; None where nobody knows."""
        at, left = self._left
        if now - at >= 1:
            left = self._estimate(now)
            self._left = (now, left)
        return left

    def _estimate(self, now: float) -> float | None:
        elapsed = now - self.started
        if elapsed < _PATIENCE or not self.graphs:
            return None
        if self._pace is None:
            self._pace = self.pace()
        compiling = self._compiling_left(self._pace, now)
        linking = self._linking_left(self._pace, now)
        if compiling is None or linking is None:
            return None
        running = sum(now - since for (_, tool, _), since in self.working.items() if tool != "link")
        at_once = min(self.jobs, max(1.0, (self.compiling + running) / elapsed))
        waiting = self.total - self.linked
        return compiling / at_once + linking / max(1, min(self.jobs, waiting))

    def _compiling_left(self, pace: Pace, now: float) -> float | None:
        """Return the seconds of all compiles that are left, one after another."""
        there, waiting, known = 0.0, {}, 0
        for number, graph in self.graphs.items():
            mains = {package for batch, package in self.functions if batch == number}
            for package in graph.keys() - mains:
                seconds = pace.imports.get(package)
                known += seconds is not None
                if (number, package) in self.ready:
                    there += seconds or 0.0
                else:
                    waiting[number, package] = seconds or 0.0
        packages = sum(map(len, self.graphs.values())) - self.total
        if waiting and known < _KNOWN * packages:
            return None
        ratio = (self.compiling + _DOUBT) / (there + _DOUBT)
        rest = sum(
            max(0.0, seconds * ratio - now + self.working.get((number, "compile", package), now))
            for (number, package), seconds in waiting.items()
        )
        batches = len(self.graphs)
        return rest + self._other_batches * (there * ratio + rest) / batches

    def _linking_left(self, pace: Pace, now: float) -> float | None:
        """Return the seconds of all links that are left, one after another."""
        rest = self.functions.keys() - self.done if self.links else set()
        if rest and not pace.functions:
            return None
        usual = median(pace.functions.values()) if rest else 0.0
        return sum(
            max(
                0.0,
                pace.functions.get(self.functions[number, package], usual)
                - now
                + self.working.get((number, "link", package), now),
            )
            for number, package in rest
        )

    def heading(self, now: float, width: int | None = None, *, bar: bool = False) -> str:
        """Return one line of at most `width` columns: what is done, and the time left."""
        packages = self.packages
        compiled = ""
        if packages is not None:
            compiled = f"{len(self.ready)} of {counted(packages, 'package')}"
        elif self.compiled or not self.links:
            compiled = f"{counted(self.compiled, 'package')} compiled"
        linked = f"{self.linked} of {self.total} linked" if self.links else ""
        spent = duration(now - self.started)
        left = self.left(now)
        remaining = "" if left is None or left < 1 else f"{about(left)} left"
        # What is told less often comes with more room.
        texts = [
            ", ".join(filter(None, parts))
            for parts in (
                (compiled, linked, spent, remaining),
                (compiled, linked, remaining),
                (compiled, linked),
                (linked if self.linked else compiled, spent),
                (linked or compiled,),
            )
        ]
        if width is None:
            return texts[0]
        # The same for the whole build: a bar that comes and goes is no help.
        length = min(_BAR, width - _USUAL_TEXT)
        shown = ""
        if bar and packages is not None and length >= _SHORTEST_BAR:
            full = int(length * self._part(packages, now, left))
            shown = f"{'━' * full}{'─' * (length - full)} "
        fits = (text for text in texts if len(shown) + columns(text) < width)
        return shown + next(fits, texts[-1])

    def _part(self, packages: int, now: float, left: float | None) -> float:
        """Return how much of the bar is full: of the time, if that is known; never less than before."""
        if left is None:
            worth = _LINK * self.links
            part = (len(self.ready) + worth * self.linked) / (packages + worth * self.total)
        else:
            elapsed = now - self.started
            part = elapsed / (elapsed + left)
        self._full = max(self._full, min(1.0, part))
        return self._full

    def lines(
        self, now: float, names: Mapping[tuple[int, str], str], most: int, width: int | None = None
    ) -> list[str]:
        """Return what is going on, longest first, as `linking users-get 0.8 s`."""
        items = sorted(self.working.items(), key=lambda item: item[1])
        shown = []
        for (batch, tool, package), since in items[:most]:
            verb = "linking" if tool == "link" else "compiling"
            name, spent = one_line(names.get((batch, package), package)), duration(now - since)
            if width is not None:
                # Two in front of the line, and one between each two words.
                name = folded(name, width - len(verb) - len(spent) - 5)
            shown.append(f"{verb} {name} {spent}")
        rest = len(items) - most
        return shown if rest <= 0 else [*shown, f"and {rest} more"]


def about(seconds: float) -> str:
    """Return a time that is an estimate, as roughly as it is known: `about 40 s`."""
    if seconds < 5:  # noqa: PLR2004 - too little to be told from nothing
        return "a few seconds"
    if seconds < 57:  # noqa: PLR2004 - rounded, a minute
        return f"about {5 * round(seconds / 5)} s"
    return f"about {round(seconds / 60) or 1} min"
