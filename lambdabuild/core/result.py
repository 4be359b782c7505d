"""The results of a run, its report and its timing."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from lambdabuild.core.artifact import Artifact, Sidecar
from lambdabuild.core.build import Step
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic


class Activity(StrEnum):
    """A kind of work."""

    RUN = "run"
    """The whole run."""
    SURVEY = "survey"
    """Finding what to build, and why."""
    GIT = "git"
    """Finding which files a branch changed."""
    GO_LIST = "go list"
    SELECT = "select"
    """Finding which functions that affects, and which are this machine's."""
    RESTORE = "restore"
    """Restoring all executables from the caches."""
    GO_BUILD = "go build"
    COMPILE = "compile"
    LINK = "link"
    PACK = "pack"
    """Packing one deployment package."""
    FETCH = "fetch"
    """Restoring one executable from a cache."""
    STORE = "store"
    """Storing one executable in a cache."""
    PUBLISH = "publish"
    """Publishing everything."""


class Span(NamedTuple):
    """A piece of work with its time."""

    activity: Activity
    name: str
    """A function, an import path, a command; "" where there is only one."""
    start: float
    end: float
    """Both in seconds since 1970."""
    critical: bool = False
    """It is on the critical path."""

    @property
    def seconds(self) -> float:
        return self.end - self.start


class Status(StrEnum):
    """The outcome of a step."""

    BUILT = "built"
    UNCHANGED = "unchanged"
    UP_TO_DATE = "up-to-date"
    RESTORED = "restored"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def words(self) -> str:
        return self.value.replace("-", " ")


class Share(NamedTuple):
    """One machine's part of all selected functions."""

    # These hide methods of tuples, which nobody calls.
    index: int  # type: ignore[assignment]
    """From 1."""
    count: int  # type: ignore[assignment]
    functions: int
    """Of all machines together."""
    split: str
    """Differs where machines did not split alike."""


SCHEMA = 1


class Pace(NamedTuple):
    """How long the parts of a build took in earlier runs, in seconds."""

    imports: Mapping[str, float] = MappingProxyType({})
    """Compiling each package that functions import."""
    functions: Mapping[tuple[str, str], float] = MappingProxyType({})
    """Compiling and linking each function, by its name and its target as `GOOS/GOARCH`."""


class Linked(NamedTuple):
    """The outcome of `go build` for one step, before anything is published."""

    step: Step
    executable: str | None = None
    """The staged file; None where there is none."""
    current: bool = False
    """Go would link the artifact of the last run again."""
    cancelled: bool = False
    link_id: str | None = None
    """The first part of the Go build ID: a hash of everything that goes into the link."""
    errors: tuple[Diagnostic, ...] = ()
    compile_seconds: float | None = None
    link_seconds: float | None = None
    restored: str | None = None
    """The verified SHA-256, in hex, of an executable from a cache."""


class StepResult(NamedTuple):
    """The result of one step."""

    step: Step
    status: Status
    reason: str | None = None
    artifact: str | None = None
    """The absolute path, if there is one to deploy (an old one, if the step failed)."""
    size: int | None = None
    previous_size: int | None = None
    sha256: str | None = None
    compile_seconds: float | None = None
    link_seconds: float | None = None
    seconds: float | None = None
    errors: tuple[Diagnostic, ...] = ()
    zip: Sidecar | None = None
    """The deployment package, if requested."""
    keeps_methods: bool | None = None
    """The linker kept all exported methods, called or not; None where that is not known."""
    lost_methods: bool = False
    """It did so in this build, and not in the one before."""


class Report(NamedTuple):
    """The report of a run."""

    ok: bool
    seconds: float
    go: str
    jobs: int
    results: tuple[StepResult, ...]
    removed: tuple[Artifact, ...] = ()
    """Artifacts of removed functions; their paths are absolute."""
    share: Share | None = None
    spans: tuple[Span, ...] = ()
    warnings: tuple[str, ...] = ()
    complaint: str | None = None
    """Why it is not ok, where only the warnings are: the run is strict."""
    problem: LambdabuildError | None = None
    """A requested file could not be written; the functions were."""
