"""Record what a run spends its time on, from any thread."""

import contextlib
import time
from collections.abc import Iterator

from lambdabuild.core.result import Activity, Span


class Timeline:
    """The spans of one run."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def add(self, *spans: Span) -> None:
        """Add spans; adding to a list is thread-safe."""
        self._spans.extend(spans)

    @contextlib.contextmanager
    def span(self, activity: Activity, name: str = "") -> Iterator[None]:
        """Time a block, however it ends."""
        start = time.time()
        try:
            yield
        finally:
            self._spans.append(Span(activity, name, start, time.time()))

    @property
    def spans(self) -> tuple[Span, ...]:
        """All spans, by start."""
        return tuple(sorted(self._spans, key=lambda span: (span.start, -span.end)))
