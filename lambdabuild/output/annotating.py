"""Show paths from the top of the repository, as forges do; write a job's summary on GitHub."""

import os
from collections.abc import Callable, Mapping

from lambdabuild.golang.tree import enclosing


def runs_there(environment: Mapping[str, str]) -> bool:
    return environment.get("GITHUB_ACTIONS") == "true"


def from_repository(environment: Mapping[str, str], working: str) -> Callable[[str], str]:
    """Return `from_top` of the repository as GitLab names it, or else as git finds it."""
    named = environment.get("CI_PROJECT_DIR")
    if named and not _leaves(os.path.relpath(os.path.realpath(working), os.path.realpath(named))):
        return from_top(environment, working, named)
    top = enclosing(working, ".git", os.path.lexists) or working
    return from_top(environment, working, top)


def from_top(
    environment: Mapping[str, str], working: str, top: str | None = None
) -> Callable[[str], str]:
    """Return a function from an absolute path to that from the top of the repository.

    That is GitHub's, unless `top` names another.

    Real paths are compared: workspace and project may both be reached through links. A path that a
    link in the repository leads out to is shown as the shell went there.
    """
    top = top or environment.get("GITHUB_WORKSPACE") or working
    real_top = os.path.realpath(top)
    typed = environment.get("PWD", "")
    known = bool(typed) and os.path.realpath(typed) == os.path.realpath(working)

    def relative(path: str) -> str:
        real = os.path.relpath(os.path.realpath(path), real_top)
        if _leaves(real) and known:
            by_link = os.path.join(typed, os.path.relpath(path, working))
            shown = (os.path.relpath(by_link, start) for start in (top, real_top))
            return next((path for path in shown if not _leaves(path)), real)
        return real

    return relative


def _leaves(path: str) -> bool:
    return path == os.pardir or path.startswith(os.pardir + os.sep)


def summarize(environment: Mapping[str, str], text: str) -> str | None:
    """Add to the job's summary, where there is one; return why that fails, if it does."""
    place = environment.get("GITHUB_STEP_SUMMARY")
    if not place:
        return None
    try:
        with open(place, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        return f"cannot write the job summary: {error.strerror}"
    return None
