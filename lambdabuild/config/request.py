"""The request of one run: which functions to build, and how."""

from dataclasses import dataclass

from lambdabuild.config.narrowing import NOTHING_LEFT_OUT, Narrowing


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks to be built, and how."""

    names: tuple[str, ...] = ()
    """Names, globs and paths; empty for every function."""
    jobs: int | None = None
    fail_fast: bool = False
    force: bool = False
    """Build again what is up to date."""
    replace: bool = False
    """Replace files in the way that lambdabuild did not write: somebody said `--force`."""
    explain: bool = False
    report: str | None = None
    trace: str | None = None
    html: str | None = None
    cache: str | None = None
    """The address of a shared cache."""
    cache_mode: str | None = None
    local_cache_only: bool = False
    """Ask no shared cache: what is being edited, nobody else has built."""
    check_size: bool = False
    """Limits of size are to be held, not only spoken of."""
    narrowing: Narrowing = NOTHING_LEFT_OUT
