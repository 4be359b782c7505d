"""How large an executable may be, and how much it may grow from one build to the next."""

import re
from typing import NamedTuple

from lambdabuild.core import text
from lambdabuild.core.errors import LambdabuildError

_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,6})?)"
_SIZE = re.compile(rf"{_NUMBER} ?([a-z]*)", re.ASCII | re.IGNORECASE)
_PERCENT = re.compile(rf"{_NUMBER} ?%", re.ASCII)
_UNITS = {
    "b": 1,
    "kb": 1000, "mb": 1000**2, "gb": 1000**3,
    "kib": 1024, "mib": 1024**2, "gib": 1024**3,
}  # fmt: skip
_SIZE_HINT = "write a number with a unit, such as `20MB`, `19MiB` or `500kB`"
_GROWTH_HINT = "write a percentage or a size, such as `5%` or `500kB`"


class Growth(NamedTuple):
    """How much an executable may grow: by some percent, or by some bytes; one of them is None."""

    percent: float | None = None
    bytes: int | None = None

    def __str__(self) -> str:
        if self.percent is not None:
            return f"{self.percent:g} %"
        return text.size(self.bytes or 0)


def parse_size(value: str | int) -> int:
    """Return the bytes that `20MB` (or `19MiB`, `500kB`, a number of bytes) means; 0 is no size."""
    size = _bytes(value)
    if not size:
        raise LambdabuildError(f"`{value}` is not a size", hint=_SIZE_HINT)
    return size


def parse_growth(value: str | int) -> Growth:
    """Return the growth that `5%` or `500kB` (or a number of bytes) means; it may be 0."""
    if isinstance(value, str) and (match := _PERCENT.fullmatch(value.strip())):
        return Growth(percent=float(match[1]))
    size = _bytes(value)
    if size is None:
        raise LambdabuildError(f"`{value}` is not a growth", hint=_GROWTH_HINT)
    return Growth(bytes=size)


def _bytes(value: str | int) -> int | None:
    if isinstance(value, int):
        return value if value >= 0 and not isinstance(value, bool) else None
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    unit = _UNITS.get(match[2].lower() or "b") if match else None
    if match is None or unit is None:
        return None
    from decimal import Decimal

    # Decimal: 1.1 MB is 1,100,000 bytes, which a float of it is not.
    return int(Decimal(match[1]) * unit)


def problem_of(
    size: int, previous: int | None, max_size: int | None, max_growth: Growth | None
) -> str | None:
    """Return in which way an executable of `size` bytes is too large, or None.

    `previous` is the size of the one before, if there was any.
    """
    problems = []
    if max_size is not None and size > max_size:
        now, most = _distinct(size, max_size)
        problems.append(f"is {now}, over max_size ({most})")
    if max_growth is not None and previous is not None and _too_much(size, previous, max_growth):
        problems.append(_growth_text(size, previous, max_growth))
    return f"bootstrap {' and '.join(problems)}" if problems else None


def _too_much(size: int, previous: int, most: Growth) -> bool:
    grown = size - previous
    if most.bytes is not None:
        return grown > most.bytes
    # Nothing grows to something by no percentage.
    return most.percent is not None and previous > 0 and grown * 100 > most.percent * previous


def _growth_text(size: int, previous: int, most: Growth) -> str:
    if most.percent is not None:
        grown = _percent_over((size - previous) * 100 / previous, most.percent)
        limit = str(most)
    else:
        grown, limit = _distinct(size - previous, most.bytes or 0)
    return f"grew by {grown} ({' → '.join(_distinct(previous, size))}), over max_growth ({limit})"


def _distinct(one: int, other: int) -> tuple[str, str]:
    """Return two sizes as people read them; in bytes where these would look the same."""
    texts = text.size(one), text.size(other)
    return texts if texts[0] != texts[1] else (f"{one} B", f"{other} B")


def _percent_over(percent: float, most: float) -> str:
    """Return a percentage with as many digits as it takes to see that it is over `most`."""
    texts = [f"{percent:.{digits}f}" for digits in range(1, 10)]
    return f"{next((text for text in texts if float(text) > most), texts[-1])} %"
