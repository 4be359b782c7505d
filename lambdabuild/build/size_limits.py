"""Check executables against the size limits of the configuration."""

from typing import NamedTuple

from lambdabuild.config.limits import problem_of
from lambdabuild.core import text
from lambdabuild.core.build import Step
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Report, Status, StepResult
from lambdabuild.state.store import Home
from lambdabuild.survey.session import Session

_HINT = "max_size and max_growth are in lambdabuild.toml; --check-size makes this an error"


class Limits(NamedTuple):
    """The limits of one run, and what there was before."""

    session: Session
    home: Home

    def refusal(self, step: Step, size: int, previous: int | None) -> Diagnostic | None:
        """Return why an executable is refused with --check-size; warn without it."""
        chosen = self.session.settings.of(step.function.name)
        if chosen.max_size is None and chosen.max_growth is None:
            return None
        if previous is None and chosen.max_growth is not None:
            # Nothing is in place any more: in CI, the history may be all that is left.
            from lambdabuild.state.history import read_history
            from lambdabuild.state.trends import last_sizes

            sizes = last_sizes(read_history(self.home.history))
            previous = sizes.get((step.function.name, str(step.target)))
        problem = problem_of(size, previous, chosen.max_size, chosen.max_growth)
        if problem is None:
            return None
        if self.session.settings.config.check_size:
            return Diagnostic(step.function.package, f"{problem} (--check-size)")
        self.session.tools.console.warn(f"`{step.function.name}`: {problem}", _HINT)
        return None


def tell_of_methods(session: Session, result: StepResult) -> None:
    """Tell people of a function of which the linker keeps all methods since this build.

    Where functions run on this machine, nobody deploys what is built.
    """
    if result.lost_methods and session.settings.host is None:
        name, size, before = result.step.function.name, result.size, result.previous_size
        grew = f"{text.size(before or 0)} to {text.size(size or 0)}"
        session.tools.console.note(
            f"the linker now keeps all exported methods of `{name}`, called or not: {grew}",
            f"`lambdabuild why --size {name}` names the call that does it, and the imports that lead to it",
        )


def checked(limits: Limits, report: Report) -> Report:
    """Check also what is up to date: the limits may have changed since it was built."""
    results = []
    for result in report.results:
        refusal = None
        if result.status is Status.UP_TO_DATE and result.size is not None:
            refusal = limits.refusal(result.step, result.size, result.size)
        if refusal is None:
            results.append(result)
        else:
            results.append(result._replace(status=Status.FAILED, errors=(refusal,)))
    ok = report.ok and not any(result.status is Status.FAILED for result in results)
    return report._replace(ok=ok, results=tuple(results))
