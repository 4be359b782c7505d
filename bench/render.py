"""Turn samples into the table, and into JSON; no measuring and no printing here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.model import BenchError, CannotMeasureError, Figure, Metric, Term
from bench.runner import Key, Runs, key

NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """A figure as measured: medians of both sides and how they relate, or what went wrong."""

    figure: Figure
    this: float | None
    against: float | None
    value: float | None
    error: BenchError | None

    @property
    def met(self) -> bool | None:
        """Say whether the target is reached; None where there is none, or nothing to judge."""
        if self.value is None or self.figure.target.met is None:
            return None
        return self.figure.target.met(self.value)


def rows(figures: Iterable[Figure], collected: Mapping[Key, Runs]) -> list[Row]:
    """Relate the medians that each figure names."""
    return [_row(figure, collected) for figure in figures]


def _row(figure: Figure, collected: Mapping[Key, Runs]) -> Row:
    def side(term: Term) -> float:
        runs = collected[key(figure.scenario, term.contestant)]
        if runs.error is not None:
            raise runs.error
        return median(sample[term.metric] for sample in runs.samples)

    try:
        this = side(figure.this)
        against = side(figure.against) if figure.against is not None else None
    except BenchError as error:
        return Row(figure, None, None, None, error)
    return Row(figure, this, against, figure.target.relate(this, against or 0.0), None)


def markdown(
    header: Mapping[str, str], measured: Sequence[Row], collected: Mapping[Key, Runs]
) -> str:
    """Write the header, the table of figures, what was run, and the spread of its runs."""
    contestants = {runs.contestant.name: runs.contestant for runs in collected.values()}
    scenarios = {runs.scenario.name: runs.scenario for runs in collected.values()}
    blocks = [
        [f"- {name}: {value}" for name, value in header.items()],
        _table(
            ("figure", "this", "against", "ratio", "to reach", "met?"),
            [_cells(row) for row in measured],
        ),
        [f"- {row.figure.what}: {_first_line(row.error)}" for row in measured if row.error],
        [f"- {name}: {contestant.what}" for name, contestant in contestants.items()],
        [f"- {name}: {scenario.what}" for name, scenario in scenarios.items()],
        _table(
            ("scenario", "contestant", "metric", "runs", "median", "smallest", "largest"),
            [cells for runs in collected.values() for cells in _spread(runs)],
        ),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _first_line(error: BenchError) -> str:
    return str(error).splitlines()[0]


def _cells(row: Row) -> Sequence[str]:
    figure, target = row.figure, row.figure.target
    if row.this is None or row.value is None:
        outcome = "not here" if isinstance(row.error, CannotMeasureError) else "failed"
        return figure.what, NOTHING, NOTHING, NOTHING, target.reach, outcome
    met = {True: "yes", False: "**no**", None: NOTHING}[row.met]
    return (
        figure.what,
        figure.this.metric.show(row.this),
        _against(figure, row.against),
        target.show(row.value),
        target.reach,
        met,
    )


def _against(figure: Figure, against: float | None) -> str:
    if figure.against is None or against is None:
        return NOTHING
    shown = figure.against.metric.show(against)
    if figure.against.contestant.name != figure.this.contestant.name:
        return f"{figure.against.contestant.name} {shown}"
    return (
        f"{'total' if figure.against.metric is Metric.CPU else figure.against.metric.value} {shown}"
    )


def _spread(runs: Runs) -> Iterable[Sequence[str]]:
    for metric in _metrics(runs):
        values = [sample[metric] for sample in runs.samples]
        shown = (metric.show(value) for value in (median(values), min(values), max(values)))
        count = str(len(values))
        yield runs.scenario.name, runs.contestant.name, metric.value, count, *shown


def _metrics(runs: Runs) -> Sequence[Metric]:
    return list(runs.samples[0]) if runs.samples else []


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    return [_line(heads), _line(["---"] * len(heads)), *map(_line, lines)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def as_json(
    header: Mapping[str, str], measured: Iterable[Row], collected: Mapping[Key, Runs]
) -> Mapping[str, object]:
    """Keep every sample, in seconds and bytes, for another run to be compared with."""
    return {
        "header": header,
        "figures": [
            {
                "name": row.figure.name,
                "figure": row.figure.what,
                "this": row.this,
                "against": row.against,
                "value": row.value,
                "to_reach": row.figure.target.reach,
                "met": row.met,
                "error": str(row.error) if row.error else None,
            }
            for row in measured
        ],
        "runs": [
            {
                "scenario": runs.scenario.name,
                "contestant": runs.contestant.name,
                "samples": [
                    {metric.value: value for metric, value in sample.items()}
                    for sample in runs.samples
                ],
                "error": str(runs.error) if runs.error else None,
            }
            for runs in collected.values()
        ],
    }
