"""Lay out the table at the end of a run, within the columns of a terminal."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.core.result import Status, StepResult
from lambdabuild.core.text import columns, folded, one_line, padded, size, size_change
from lambdabuild.output.report import Imported, slowest_first
from lambdabuild.output.terminal.style import BOLD, DIM, STYLES, Part, styled

HEAD = ("function", "target", "status", "size", "change", "compile", "link", "zip", "time")
_DROPPED = ("change", "compile", "link", "zip", "size", "target")
"""In this order, where there is not enough room. A target that all have is the first to go."""
_NARROW = ("function", "status", "time")
"""All that is shown where a narrow terminal does not hold the whole table."""
_NARROW_BELOW = 70
_SHORTEST_NAME = 24
"""Columns that names keep as long as there is something else to leave out; on a narrow one, a third."""
_LEFT = {"function", "target", "status"}
_WORTH_A_ROW = 0.05
"""Seconds of imports below which the times add up without them."""
_GAP = "  "


class Row(NamedTuple):
    """One line of the table."""

    cells: Mapping[str, str]
    """By the heads of the columns."""
    label: str = ""
    """The target in a word, where the same function has a row for each."""
    style: str = ""
    """Of the status; that of the whole line where it is none of a function."""
    whole: bool = False


def rows(
    results: Iterable[StepResult], imported: Imported | None = None, *, everything: bool = False
) -> list[Row]:
    """Return the rows, slowest first, and one for the packages that functions import.

    What did not build has no row: its errors follow the table. What was up to date is left out
    unless `everything`.
    """
    shown = [
        r for r in results if not r.errors and (everything or r.status is not Status.UP_TO_DATE)
    ]
    targets = Counter(result.step.function.name for result in shown)
    made = [
        _row(result, several=targets[result.step.function.name] > 1)
        for result in slowest_first(shown)
    ]
    if made and imported is not None and imported.seconds >= _WORTH_A_ROW:
        time = _seconds(imported.seconds)
        cells = {"function": imported.words, "status": "compiled", "compile": time, "time": time}
        made.append(Row(cells, style=DIM, whole=True))
    return made


def _row(result: StepResult, *, several: bool) -> Row:
    there = result.status not in {Status.FAILED, Status.CANCELLED}
    step, packed = result.step, result.zip if there else None
    cells = {
        "function": one_line(step.function.name),
        "target": str(step.target),
        "status": result.status.words,
        # Without a new executable, these are of an old one.
        "size": size(result.size) if there and result.size is not None else "",
        "change": size_change(result.previous_size, result.size) if there else "",
        "compile": _seconds(result.compile_seconds),
        "link": _seconds(result.link_seconds),
        "zip": size(packed.identity.size) if packed is not None else "",
        "time": _seconds(result.seconds),
    }
    return Row(cells, step.target.label if several else "", STYLES.get(result.status, ""))


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f} s"


def lines(rows: Sequence[Row], width: int | None, *, color: bool) -> list[str]:
    """Return the lines of the table, its head first; none where there are no rows.

    `width` is that of the terminal; None for as wide as it gets.
    """
    if not rows:
        return []
    heads, widths = _layout(rows, width)
    shown = [Row({head: head for head in heads}, style=BOLD, whole=True), *rows]
    return [_line(row, heads, widths, color=color) for row in shown]


def _layout(rows: Sequence[Row], width: int | None) -> tuple[list[str], dict[str, int]]:
    """Return the heads of the columns that there is room for, and how wide each of them is."""
    widths = {
        head: max(columns(head), *(columns(row.cells.get(head, "")) for row in rows))
        for head in HEAD
        if any(row.cells.get(head) for row in rows)
    }
    heads = [head for head in HEAD[:-1] if head in widths]
    if width is None or _sum(heads, widths) <= width:
        return heads, widths
    shortest, dropped = _SHORTEST_NAME, list(_DROPPED)
    if width < _NARROW_BELOW:
        heads = [head for head in _NARROW if head in widths]
        shortest, dropped = _SHORTEST_NAME // 3, ["time"]
    elif len({row.cells["target"] for row in rows if "target" in row.cells}) == 1:
        dropped.insert(0, "target")
    least = widths | {"function": min(widths["function"], shortest)}
    for head in dropped:
        if _sum(heads, least) <= width:
            break
        heads = [kept for kept in heads if kept != head]
    widths["function"] = max(columns("function"), *(columns(_name(row, heads)) for row in rows))
    over = _sum(heads, widths) - width
    widths["function"] = max(1, widths["function"] - max(0, over))
    return heads, widths


def _sum(heads: Sequence[str], widths: Mapping[str, int]) -> int:
    return sum(widths[head] for head in heads) + len(_GAP) * (len(heads) - 1)


def _name(row: Row, heads: Sequence[str]) -> str:
    labelled = row.label and "target" not in heads
    return f"{row.cells['function']} {row.label}" if labelled else row.cells["function"]


def _line(row: Row, heads: Sequence[str], widths: Mapping[str, int], *, color: bool) -> str:
    cells = []
    for head in heads:
        text = row.cells.get(head, "")
        if head == "function":
            text = folded(_name(row, heads), widths[head])
        text = padded(text, widths[head], right=head not in _LEFT)
        if color and head == "status" and row.style and not row.whole:
            bare = text.rstrip()
            text = styled([Part(bare, row.style), Part(text[len(bare) :])], color=True)
        cells.append(text)
    line = _GAP.join(cells).rstrip()
    return styled([Part(line, row.style)], color=color) if row.whole else line
