"""One invocation: its directories, its settings, and what it acts through."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lambdabuild.config.settings import Settings
from lambdabuild.core.build import Skipped
from lambdabuild.core.paths import Paths
from lambdabuild.core.text import counted
from lambdabuild.output.terminal.console import Console
from lambdabuild.system.process import Run
from lambdabuild.system.signals import Interrupts
from lambdabuild.system.timeline import Timeline


class Tools(NamedTuple):
    """What a run acts through: processes, the console, signals, the clock."""

    environment: Mapping[str, str]
    run: Run
    console: Console
    interrupts: Interrupts
    timeline: Timeline
    """What the run spends its time on."""


class Session(NamedTuple):
    """One invocation: its directories, its settings, and what it acts through."""

    paths: Paths
    settings: Settings
    tools: Tools

    def under(self, settings: Settings, project: str | None = None) -> "Session":
        """Return this session with other settings, and the paths that follow from them."""
        paths = settings.paths(project or self.paths.project, self.paths.working)
        return self._replace(paths=paths, settings=settings)

    @property
    def complaint(self) -> str | None:
        """Why a strict run fails though all is built; None where nobody was warned so far."""
        count = len(self.tools.console.warnings)
        if not (count and self.settings.config.strict):
            return None
        given = "strict" in self.settings.given
        who = "--strict is given" if given else "lambdabuild.toml has `strict = true`"
        return f"{counted(count, 'warning')}, and {who}"


def shown(skipped: Sequence[Skipped], paths: Paths) -> tuple[Skipped, ...]:
    """Return what was passed over with directories as people and JSON get them."""
    return tuple(
        item._replace(directory=paths.relative(os.path.join(paths.project, item.directory)))
        for item in skipped
    )
