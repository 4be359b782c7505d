"""Errors and exit codes."""

from collections.abc import Iterable

from lambdabuild.core.secrets import without_secrets

FAILED = 1
"""Exit code: a function did not build."""
NOT_STARTED = 2
"""Exit code: usage, configuration, toolchain, or an output that cannot be written."""
SOME = 3
"""`list --exit-code`, where there are functions."""
INTERRUPTED = 130
"""Exit code: Ctrl-C or SIGTERM, as shells count a process that SIGINT ended."""


class LambdabuildError(Exception):
    """An error that a user can fix: what went wrong, where, and the remedy.

    Any function may raise it; docstrings name other errors only.
    """

    def __init__(  # the fields of a report, most of them seldom
        self,
        message: str,
        *,
        at: Iterable[str] = (),
        hint: str | None = None,
        exit_code: int = NOT_STARTED,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        """Hide secrets: an error is shown, logged and saved; `file` is an absolute path."""
        self.message = without_secrets(message)
        super().__init__(self.message)
        self.at = tuple(map(without_secrets, at))
        self.hint = without_secrets(hint) if hint else hint
        self.exit_code = exit_code
        self.file = file
        self.line = line
        self.column = column
        self.reported: tuple[str, ...] = ()
        """The requested reports that have been written, and must not be replaced."""

    @property
    def told(self) -> str:
        """The message and the places, on one or more lines, without the remedy."""
        return "\n".join([self.message, *(f"  at: {place}" for place in self.at)])

    def __str__(self) -> str:
        """Return message, places and remedy on one or more lines, without `error:`."""
        return f"{self.told}\n  hint: {self.hint}" if self.hint else self.told


class Interrupted(BaseException):
    """SIGINT, SIGTERM or SIGHUP arrived: clean up and exit."""


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the one of `words` that `word` was probably meant to be, if any is close."""
    words = list(words)
    longer = [known for known in words if len(word) > 1 and known.startswith(word)]
    if longer:
        return longer[0]
    import difflib

    return next(iter(difflib.get_close_matches(word, words, n=1, cutoff=0.6)), None)


def did_you_mean(word: str, words: Iterable[str]) -> str | None:
    """Return a hint that names the nearest word, or None."""
    match = nearest(word, words)
    return f"did you mean `{match}`?" if match else None
