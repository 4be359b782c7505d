"""Tell people in plain lines what `serve` builds and why: between them are the logs of functions."""

import math
from collections.abc import Callable, Collection, Sequence

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Report, Status, StepResult
from lambdabuild.core.text import duration, some
from lambdabuild.output.report import Relative
from lambdabuild.output.terminal.console import Console

_NAMED = 5
"""Functions that are named in a line."""
_HELP = (("r", "rebuild what was called"), ("f", "try again what failed"), ("q", "quit"))
_MADE = frozenset({Status.BUILT, Status.RESTORED, Status.UNCHANGED})


class Talk:
    """What takes the place of the board of a watch."""

    def __init__(self, console: Console, serving: Callable[[], None]) -> None:
        """Talk on a console; `serving` says where the server is, after the first survey."""
        self._console = console
        self._serving = serving
        self._relative: Relative = str
        self._failing: set[str] = set()

    def first(self, report: Report, relative: Relative) -> None:
        """Note how paths are shown: what was built at once, `results` tells."""
        del report
        self._relative = relative

    def watching(self, _functions: int) -> None:
        """Report that the first survey is done."""
        self._serving()

    def asked(self, key: str) -> None:
        """Report that somebody wants functions to be built again."""
        self._console.say("rebuilding what was called" if key == "r" else "trying again")

    def changed(self, paths: Sequence[str], names: Sequence[str]) -> None:
        """Report what changed, and the functions that were called and are affected."""
        affected = some(list(names), _NAMED, quote="") or "nothing that was called is built from it"
        self._console.say(f"{some(list(paths), quote='')} changed: {affected}")

    def results(
        self,
        report: Report,
        news: Sequence[StepResult],
        names: Collection[str],
        relative: Relative,
    ) -> None:
        """Report what was built, and what was not."""
        del names
        self._relative = relative
        built = [r.step.function.name for r in news if r.status in _MADE]
        failed = [r for r in news if r.status is Status.FAILED]
        if built:
            took = duration(report.seconds)
            self._console.say(f"built {some(built, _NAMED, quote='')} in {took}")
        again = sorted(self._failing & {r.step.function.name for r in news} - {
            r.step.function.name for r in failed
        })  # fmt: skip
        if again:
            verb = "builds" if len(again) == 1 else "build"
            self._console.say(f"{some(again, _NAMED, quote='')} {verb} again")
        self._failing -= set(again)
        self._failing |= {r.step.function.name for r in failed}
        self._console.problems(failed, report.removed, self._relative)

    def stuck(self, error: LambdabuildError) -> None:
        """Report why nothing can be built for now."""
        self._console.error(error, self._relative)

    def press(self, key: str) -> None:
        """Do what a key asks for: `h`, `c`, or a line end."""
        if key == "c":
            self._console.clear()
        elif key == "h":
            for name, what in _HELP:
                self._console.say(f"{name.ljust(5)}  {what}")
        else:
            self._console.log("")

    def next_draw(self) -> float:
        """Return that nothing is ever drawn."""
        return math.inf

    def draw(self, *, at_once: bool = False, resized: bool = False) -> None:
        """Draw nothing."""
