"""What holds once the command line, a function's table and the top level have been asked."""

import os
from dataclasses import dataclass, field
from typing import Any

from lambdabuild.config.options import BuildSettings, Chosen, Config
from lambdabuild.core.paths import Paths, name_of

_NOTHING_CONFIGURED = Config()


@dataclass(frozen=True)
class Settings:
    """The configuration with the command line laid over it."""

    config: Config = _NOTHING_CONFIGURED
    flags: Chosen = field(default_factory=dict)
    """What the command line says of every function."""
    also_exclude: tuple[str, ...] = ()
    """Globs of the command line: those functions are left as they are, for this once."""
    given: tuple[str, ...] = ()
    """The fields of the configuration that the command line replaces."""
    untrusted: bool = False
    """Somebody may have written the configuration, and the code, who is not to be trusted."""
    _settled: dict[str | None, BuildSettings] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def exclude(self) -> tuple[str, ...]:
        return (*self.config.exclude, *self.also_exclude)

    @property
    def in_place(self) -> bool:
        return self.config.in_place

    def paths(self, project: str, working: str) -> Paths:
        """Return the directories of a run with these settings."""
        out = os.path.normpath(os.path.join(project, self.config.out))
        layout = "" if self.in_place else name_of(out, project)
        return Paths(project, working, out, layout)

    def said_of(self, name: str | None) -> Chosen:
        """Return what is said of the function `name`: flag beats table, table the top level."""
        places = (self.config.choices, self.config.functions.get(name or "", {}), self.flags)
        said: dict[str, Any] = {key: value for place in places for key, value in place.items()}
        environment = {k: v for place in places for k, v in place.get("environment", {}).items()}
        return {**said, "environment": environment} if environment else said

    def of(self, name: str) -> BuildSettings:
        """Settle what holds for the function `name`."""
        return self._of(name if name in self.config.functions else None)

    def variants(self) -> tuple[BuildSettings, ...]:
        """Return every distinct setting in use, the one without a table first."""
        return tuple(dict.fromkeys(map(self._of, (None, *self.config.functions))))

    def _of(self, table: str | None) -> BuildSettings:
        if table not in self._settled:
            said = dict(self.said_of(table))
            environment = tuple(sorted(said.pop("environment", {}).items()))
            self._settled[table] = BuildSettings(environment=environment, **said)
        return self._settled[table]
