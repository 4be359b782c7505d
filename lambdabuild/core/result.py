"""What a run came to: results, the report, and what its time was spent on."""

from enum import StrEnum
from typing import NamedTuple

from lambdabuild.core.artifact import Artifact, Companion
from lambdabuild.core.build import Step
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic


class Activity(StrEnum):
    """A kind of work."""

    RUN = "run"
    """The whole run."""
    SURVEY = "survey"
    """Finding out what there is to build, and why."""
    GIT = "git"
    """Finding out which files a branch changed."""
    GO_LIST = "go list"
    SELECT = "select"
    """Telling which functions that touches, and which of them are this machine's."""
    RESTORE = "restore"
    """Taking executables out of the caches, all together."""
    GO_BUILD = "go build"
    COMPILE = "compile"
    LINK = "link"
    PACK = "pack"
    """Putting one deployment package together."""
    FETCH = "fetch"
    """Getting one executable from a cache."""
    STORE = "store"
    """Putting one executable into a cache."""
    PUBLISH = "publish"
    """Putting everything in its place."""


class Span(NamedTuple):
    """A piece of work with its time."""

    activity: Activity
    name: str
    """What was worked on: a function, an import path, a command; "" where there is only one."""
    start: float
    end: float
    """Both in seconds since 1970."""
    critical: bool = False
    """It is on the chain of work that the end of the build waited for."""

    @property
    def seconds(self) -> float:
        return self.end - self.start


class Status(StrEnum):
    """What became of a step."""

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
    """What part of all that was selected one machine of several builds."""

    # What a tuple can do under these names, nobody asks of a share.
    index: int  # type: ignore[assignment]
    """From 1."""
    count: int  # type: ignore[assignment]
    functions: int
    """How many all of them have together."""
    split: str
    """Differs where machines did not split alike."""


SCHEMA = 1


class Linked(NamedTuple):
    """What one `go build` made of one step, before anything is published."""

    step: Step
    executable: str | None = None
    """The staged file; None where there is none."""
    current: bool = False
    """Go found that the artifact of the last run is what it would link again."""
    cancelled: bool = False
    link_id: str | None = None
    """The first part of the Go build ID: a hash of everything that goes into the link."""
    errors: tuple[Diagnostic, ...] = ()
    compile_seconds: float | None = None
    link_seconds: float | None = None
    restored: str | None = None
    """The SHA-256, in hex, of what came out of a cache, where it was verified."""


class StepResult(NamedTuple):
    """What became of one step."""

    step: Step
    status: Status
    reason: str | None = None
    artifact: str | None = None
    """The absolute path, where there is one to deploy (an old one, if the step failed)."""
    size: int | None = None
    previous_size: int | None = None
    sha256: str | None = None
    compile_seconds: float | None = None
    link_seconds: float | None = None
    seconds: float | None = None
    errors: tuple[Diagnostic, ...] = ()
    zip: Companion | None = None
    """The deployment package, where one was asked for."""


class Report(NamedTuple):
    """A whole run."""

    ok: bool
    seconds: float
    go: str
    jobs: int
    results: tuple[StepResult, ...]
    removed: tuple[Artifact, ...] = ()
    """Artifacts whose function went away; their paths are absolute."""
    share: Share | None = None
    spans: tuple[Span, ...] = ()
    """What the time was spent on."""
    problem: LambdabuildError | None = None
    """What could not be written, while the functions could."""
