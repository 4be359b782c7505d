"""Run the command of `--exec` after a build, one at a time."""

import logging
import subprocess
from collections.abc import Callable, Mapping, Sequence

from lambdabuild.core.secrets import PASSED, for_command, kept_back, without_secrets
from lambdabuild.output.terminal.console import Console
from lambdabuild.system.process import hide_environment, stop_group

log = logging.getLogger(__name__)

VARIABLE = "LAMBDABUILD_FUNCTIONS"
"""Holds the names of the functions that have new bytes, with spaces between."""


class FollowUp:
    """The command of `--exec`; a new run of it ends the one before."""

    def __init__(
        self,
        command: str | None,
        environment: Mapping[str, str],
        console: Console,
        store: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Run `command` without what opens the shared cache, whose address `store` gives."""
        self._command = command
        self._environment = environment
        self._console = console
        self._store = store
        self._kept_back: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    def start(self, names: Sequence[str]) -> None:
        """Run the command for these functions."""
        if self._command is None:
            return
        self.close()
        children = for_command(self._environment, self._store())
        self._kept_back = kept_back(self._environment, children)
        if len(children) < len(self._environment):
            hide_environment()
        environment = children | {VARIABLE: " ".join(dict.fromkeys(names))}
        log.debug("exec: %s for %s", without_secrets(self._command), names)
        self._console.unboard()
        # What it prints goes where messages go: stdout is for the events.
        self._process = subprocess.Popen(  # noqa: S602 - the user's own line, for a shell
            self._command, shell=True, env=environment, stdin=subprocess.DEVNULL,
            stdout=2, text=True, process_group=0,
        )  # fmt: skip

    @property
    def running(self) -> bool:
        """Whether the command has not been seen to end."""
        return self._process is not None

    def check(self) -> None:
        """Warn if the command failed."""
        if self._process is not None and (code := self._process.poll()) is not None:
            self._process = None
            if code:
                how = f"exit code {code}" if code > 0 else f"signal {-code}"
                hint = None
                if self._kept_back:
                    hint = (
                        f"it is not given the credentials of the shared cache "
                        f"({', '.join(self._kept_back)}); if it needs them, "
                        f"`export {PASSED}='{_pattern(self._kept_back)}'`"
                    )
                self._console.warn(f"`{self._command}` ended with {how}", hint)

    def close(self) -> None:
        """Stop the command if it is running."""
        self.check()
        if self._process is not None and self._process.poll() is None:
            stop_group(self._process)
        self._process = None


def _pattern(names: Sequence[str]) -> str:
    """Return what names all these variables: their beginnings, as in `AWS_*`."""
    return " ".join(dict.fromkeys(f"{name.partition('_')[0]}_*" for name in names))
