"""Draw spans as a timeline, in SVG that needs neither style sheet nor script."""

from collections import Counter
from collections.abc import Iterator, Sequence

from lambdabuild.core.spans import Activity, Span
from lambdabuild.core.text import duration
from lambdabuild.output.lanes import CRITICAL, Lane, Placed, lanes
from lambdabuild.output.markup import escaped

MOST = 2500
"""How many spans are drawn: some 150 bytes each."""
_ROW = 18
_GAP = 6
_AXIS = 22
_LABELLED = 3.0
"""Percent of the width from which a span bears its name."""
_THIN = 0.06
"""Percent of the width below which a span could not be seen."""
_STEPS = 10
"""How many marks the axis has at most."""

_STAGE = "#b8bcc2"
COLOURS = {
    Activity.COMPILE: "#7aa6d8",
    Activity.LINK: "#f2a65a",
    Activity.PACK: "#86bf7b",
    Activity.FETCH: "#7cc4bd",
    Activity.STORE: "#c3a0d8",
}
"""Light enough for black text, dark enough for a white page. All else is lambdabuild's own work."""
_EDGE = 'stroke="#d1242f" stroke-width="1.5"'
_INK = 'fill="#14171a"'


def timeline(spans: Sequence[Span]) -> str:
    """Return the timeline of a run as HTML: a legend, the chart, and the critical path in words."""
    if not spans:
        return "<p>Nothing was timed.</p>"
    found = lanes(_drawn(spans))
    origin = min(span.start for span in spans)
    # A run that took no time at all has to be drawn nevertheless.
    whole = max(max(span.end for span in spans) - origin, 1e-6)
    height = _AXIS + sum(lane.depth * _ROW + _GAP for lane in found)
    labels, rows, top = [], [], _AXIS
    for lane in found:
        labels.append(f'<text y="{top + 12}" x="2">{lane.name}</text>')
        rows.append(_row(lane, top, origin, whole))
        top += lane.depth * _ROW + _GAP
    seconds = duration(whole)
    said = f"timeline of {len(spans)} pieces of work in {seconds}, on {len(found)} lanes"
    return (
        f"{_legend(spans)}"
        # Styles lay it out so that the chart scrolls and the names do not; without any, a table does.
        '<table class="timeline" role="presentation" width="100%"><tbody><tr><td>'
        f'<svg class="lanes" width="96" height="{height}" fill="#777" aria-hidden="true">'
        f'{"".join(labels)}</svg></td><td width="100%">'
        '<div class="scroll" tabindex="0" role="region" aria-label="timeline">'
        f'<svg class="chart" width="100%" height="{height}" role="img" aria-label="{said}">'
        f"{_axis(whole, height)}{''.join(rows)}</svg></div></td></tr></tbody></table>"
        f"{_left_out(len(spans))}{_path(spans)}"
    )


def _drawn(spans: Sequence[Span]) -> Sequence[Span]:
    """Return what is drawn: all, or where that is too much, what took longest."""
    if len(spans) <= MOST:
        return spans
    return sorted(spans, key=lambda span: (not span.critical, -span.seconds))[:MOST]


def _left_out(count: int) -> str:
    if count <= MOST:
        return ""
    return f"<p>The {count - MOST} shortest are not drawn; a trace (--trace) has them.</p>"


def _kind(activity: Activity) -> str:
    return activity.value if activity in COLOURS else "lambdabuild"


def _legend(spans: Sequence[Span]) -> str:
    counts = Counter(span.activity for span in spans)
    items = []
    for activity, colour in COLOURS.items():
        if counts[activity]:
            total = sum(span.seconds for span in spans if span.activity is activity)
            words = f"{activity.value}: {counts[activity]}, {duration(total)} together"
            items.append(f"<li>{_swatch(colour)} {words}</li>")
    if any(span.critical for span in spans):
        items.append(f"<li>{_swatch('none', _EDGE)} critical path</li>")
    items.append(f"<li>{_swatch(_STAGE)} lambdabuild</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'


def _swatch(colour: str, edge: str = "") -> str:
    return (
        '<svg width="12" height="12" aria-hidden="true">'
        f'<rect x="1" y="1" width="10" height="10" fill="{colour}" {edge}/></svg>'
    )


def _axis(whole: float, height: int) -> str:
    """Return a mark every 1, 2 or 5 of some power of ten of seconds."""
    raw = whole / _STEPS
    power = 1e-6
    while power * 10 <= raw:
        power *= 10
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999999)
    digits = next((n for n in range(7) if round(step, n) and step * 10**n >= 1), 6)
    lines, labels = [], []
    for number in range(_STEPS + 1):
        place = number * step / whole * 100
        if place > 100:  # noqa: PLR2004 - percent
            break
        lines.append(f'<line x1="{place:.3f}%" x2="{place:.3f}%" y1="0" y2="{height}"/>')
        if place < 96:  # noqa: PLR2004 - behind it, it would be cut off
            text = f"{number * step:.{digits}f} s"
            labels.append(f'<text x="{place:.3f}%" dx="3" y="12">{text}</text>')
    return (
        f'<g stroke="#888" stroke-opacity=".3">{"".join(lines)}</g>'
        f'<g class="axis" fill="#777">{"".join(labels)}</g>'
    )


def _row(lane: Lane, top: int, origin: float, whole: float) -> str:
    # What has the same look shares it: a page with thousands of spans stays small.
    looks: dict[tuple[str, bool], list[Placed]] = {}
    for item in lane.placed:
        looks.setdefault((_kind(item.span.activity), item.span.critical), []).append(item)
    groups = []
    for (kind, critical), items in looks.items():
        colour = COLOURS.get(items[0].span.activity, _STAGE)
        edge = f" {_EDGE}" if critical else ""
        bars = "".join(_bars(items, top, origin, whole))
        groups.append(f'<g class="{kind}" fill="{colour}"{edge}>{bars}</g>')
    return "".join(groups)


def _bars(items: Sequence[Placed], top: int, origin: float, whole: float) -> Iterator[str]:
    for span, depth in items:
        left = (span.start - origin) / whole * 100
        width = max(_THIN, span.seconds / whole * 100)
        place = f'x="{left:.3f}%" y="{top + depth * _ROW}" width="{width:.3f}%" height="{_ROW - 2}"'
        title = f"<title>{escaped(_words(span, origin))}</title>"
        if width < _LABELLED:
            yield f"<rect {place}>{title}</rect>"
        else:
            # An svg within cuts off what of the name does not fit.
            name = escaped(span.name or span.activity.value)
            yield (
                f'<svg {place}>{title}<rect width="100%" height="100%"/>'
                f'<text x="4" y="12" {_INK} stroke="none">{name}</text></svg>'
            )


def _words(span: Span, origin: float) -> str:
    what = f"{span.activity.value} {span.name}".strip()
    path = f", on the {CRITICAL}" if span.critical else ""
    return f"{what}: {duration(span.seconds)}, from {span.start - origin:.2f} s{path}"


def _path(spans: Sequence[Span]) -> str:
    """Return the critical path as a list, for who cannot see the chart or wants to copy it."""
    chain = sorted((span for span in spans if span.critical), key=lambda span: span.start)
    if not chain:
        return ""
    origin = min(span.start for span in spans)
    items = "".join(
        f"<li>{escaped(_words(s._replace(critical=False), origin))}</li>" for s in chain
    )
    total = duration(sum(span.seconds for span in chain))
    return (
        f"<details><summary>critical path: {len(chain)} steps, {total} together</summary>"
        "<p>Each waited for the one before it; in between, it waited for a free processor.</p>"
        f"<ol>{items}</ol></details>"
    )
