"""What can go wrong, with the exit code it ends in."""

import difflib
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
    """Say what went wrong, where, and what settles it.

    Whatever a user can mend ends in this one, from any depth; docstrings name other errors only.
    """

    def __init__(
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
        """Take what is told; `file` is where it has to be mended, an absolute path.

        Passwords in addresses are left out: it is shown, logged, and left in files.
        """
        self.message = without_secrets(message)
        super().__init__(self.message)
        self.at = tuple(map(without_secrets, at))
        self.hint = without_secrets(hint) if hint else hint
        self.exit_code = exit_code
        self.file = file
        self.line = line
        self.column = column
        self.reported = False
        """The report that was asked for is written, and tells what was built: it stays."""

    @property
    def told(self) -> str:
        """What went wrong and where, on one or more lines, without the remedy."""
        return "\n".join([self.message, *(f"  at: {place}" for place in self.at)])

    def __str__(self) -> str:
        """Return the message as people read it, on one or more lines, without `error:`."""
        return f"{self.told}\n  hint: {self.hint}" if self.hint else self.told


class Interrupted(BaseException):
    """SIGINT, SIGTERM or SIGHUP arrived; everything is to be put away and left."""


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the one of `words` that a person most likely meant by `word`, if any is close."""
    words = list(words)
    for known in words:
        if len(word) > 1 and known.startswith(word):
            return known
    matches = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(word: str, words: Iterable[str]) -> str | None:
    """Return a hint that names the near miss, or None."""
    match = nearest(word, words)
    return f"did you mean `{match}`?" if match else None
