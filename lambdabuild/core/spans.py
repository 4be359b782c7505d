"""What a run spends its time on, as values."""

from enum import StrEnum
from typing import NamedTuple


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
