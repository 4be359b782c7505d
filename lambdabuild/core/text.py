"""Numbers as people read them."""

from collections.abc import Iterable


def duration(seconds: float) -> str:
    """Return seconds as people read them: `0.31 s`, `6.4 s`, `2 min 5 s`."""
    if round(seconds, 2) < 1:
        return f"{seconds:.2f} s"
    if round(seconds, 1) < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def size(count: int) -> str:
    """Return a number of bytes as people read it: `8.9 MB`."""
    if count < 1000:  # noqa: PLR2004 - a kilobyte
        return f"{count} B"
    return f"{count / 1_000_000:.1f} MB" if count >= 100_000 else f"{count / 1000:.1f} kB"  # noqa: PLR2004


def size_change(before: int | None, after: int | None) -> str:
    """Return how much an executable grew: `+1.2 kB`, `new`, or nothing."""
    if after is None:
        return ""
    if before is None:
        return "new"
    if before == after:
        return ""
    return f"{'+' if after > before else '-'}{size(abs(after - before))}"


def median(values: Iterable[float]) -> float:
    """Return the middle of some values, of which there is at least one.

    The module `statistics` would do, and takes as long to import as a run with nothing to do.
    """
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
