"""What a person asks to be built, and how."""

from dataclasses import dataclass, field

from lambdabuild.model import Batch
from lambdabuild.narrowing import NOTHING_LEFT_OUT, Narrowing
from lambdabuild.survey import Survey


class Watching:
    """What a watcher may do to a run; by default nothing."""

    def surveyed(self, found: Survey) -> Survey:
        """Take what there is to build, and return what of it is to be built now."""
        return found

    def shares(self) -> bool:
        """Tell whether a shared cache is worth its time."""
        return True

    def stop(self, found: Survey, batch: Batch) -> bool:
        """Tell whether to stop a batch, for what it builds is out of date already."""
        del found, batch
        return False


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
    check_size: bool = False
    """Limits of size are to be held, not only spoken of."""
    narrowing: Narrowing = NOTHING_LEFT_OUT
    watching: Watching = field(default_factory=Watching)
