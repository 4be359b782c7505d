"""Run somebody's command after a build, one at a time."""

import logging
import subprocess
from collections.abc import Mapping, Sequence

from lambdabuild.console import Console
from lambdabuild.process import stop_group

log = logging.getLogger(__name__)

VARIABLE = "LAMBDABUILD_FUNCTIONS"
"""Holds the names of the functions that have new bytes, with spaces between."""


class FollowUp:
    """The command of `--exec`; a new run of it ends the one before."""

    def __init__(
        self, command: str | None, environment: Mapping[str, str], console: Console
    ) -> None:
        self._command = command
        self._environment = environment
        self._console = console
        self._process: subprocess.Popen[str] | None = None

    def start(self, names: Sequence[str]) -> None:
        """Run the command for these functions."""
        if self._command is None:
            return
        self.close()
        environment = dict(self._environment) | {VARIABLE: " ".join(dict.fromkeys(names))}
        log.debug("exec: %s for %s", self._command, names)
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
        """Say so if the command ended badly."""
        if self._process is not None and (code := self._process.poll()) is not None:
            self._process = None
            if code:
                how = f"exit code {code}" if code > 0 else f"signal {-code}"
                self._console.warn(f"`{self._command}` ended with {how}")

    def close(self) -> None:
        """Stop the command if it is running."""
        self.check()
        if self._process is not None and self._process.poll() is None:
            stop_group(self._process)
        self._process = None
