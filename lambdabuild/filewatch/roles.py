"""Who a watch works for: who shows what it does, and who wants only some functions built."""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Report, StepResult
from lambdabuild.output.report import Relative
from lambdabuild.state.state import Evidence
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Key, Survey


class Display(Protocol):
    """Shows people what a watch does: `Board`, or what takes its place."""

    def first(self, report: Report, relative: Relative) -> None: ...
    def watching(self, functions: int) -> None: ...
    def asked(self, key: str) -> None: ...
    def changed(self, paths: Sequence[str], names: Sequence[str]) -> None: ...
    def results(
        self, report: Report, news: Sequence[StepResult], names: Collection[str], relative: Relative
    ) -> None: ...
    def stuck(self, error: LambdabuildError) -> None: ...
    def press(self, key: str) -> None: ...
    def next_draw(self) -> float: ...
    def draw(self, *, at_once: bool = False, resized: bool = False) -> None: ...


class Demand(Protocol):
    """Wants some functions and no others: those that are called. It hears what became of them."""

    @property
    def pending(self) -> bool:
        """Whether something is wanted that no survey has seen."""

    def begin(self) -> None:
        """Hear that a survey begins: what is wanted by now, it will see."""

    def wanted(self, found: Survey) -> AbstractSet[Key]:
        """Return which steps to build, if they are not up to date."""

    def settled(
        self,
        session: Session,
        found: Survey,
        results: Sequence[StepResult],
        evidence: Evidence,
        *,
        complete: bool,
    ) -> None:
        """Hear what became of them; `found` has all functions that there are.

        It is called as soon as executables are in place, and once more when the run is `complete`,
        with the results of all that is up to date as well.
        """

    def stuck(self, error: LambdabuildError) -> None:
        """Hear why nothing can be built for now."""
