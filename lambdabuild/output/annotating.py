"""Write a job's summary on GitHub, and give paths from the top of the repository there."""

import os
from collections.abc import Callable, Mapping


def runs_there(environment: Mapping[str, str]) -> bool:
    return environment.get("GITHUB_ACTIONS") == "true"


def from_top(environment: Mapping[str, str], working: str) -> Callable[[str], str]:
    """Return what gives an absolute path as GitHub wants it: from the top of the repository.

    Real paths are compared: the workspace may be named by a link, and so may the project. One
    that a link in the repository leads out to is told as the shell went there.
    """
    top = environment.get("GITHUB_WORKSPACE") or working
    real_top = os.path.realpath(top)
    typed = environment.get("PWD", "")
    known = bool(typed) and os.path.realpath(typed) == os.path.realpath(working)

    def relative(path: str) -> str:
        real = os.path.relpath(os.path.realpath(path), real_top)
        if _leaves(real) and known:
            by_link = os.path.join(typed, os.path.relpath(path, working))
            for start in (top, real_top):
                told = os.path.relpath(by_link, start)
                if not _leaves(told):
                    return told
        return real

    return relative


def _leaves(path: str) -> bool:
    return path == os.pardir or path.startswith(os.pardir + os.sep)


def summarize(environment: Mapping[str, str], text: str) -> str | None:
    """Add to the job's summary, where there is one; return why it cannot be written, if so."""
    place = environment.get("GITHUB_STEP_SUMMARY")
    if not place:
        return None
    try:
        with open(place, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        return f"cannot write the job summary: {error.strerror}"
    return None
