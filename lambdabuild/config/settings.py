"""The settings in effect: the command line, over a function's table, over the top level."""

import os
from collections.abc import Mapping
from typing import Any

from lambdabuild.config.options import BuildSettings, Chosen, Config, LocalSettings
from lambdabuild.core.paths import LOCAL, Paths, name_of
from lambdabuild.core.record import field, record, replaced
from lambdabuild.core.target import Target

_NOTHING_CONFIGURED = Config()


@record
class Settings:
    """The configuration with the command line laid over it."""

    config: Config = _NOTHING_CONFIGURED
    flags: Chosen = field(default_factory=dict)
    """What the command line sets for every function."""
    also_exclude: tuple[str, ...] = ()
    """Globs of the command line: this run leaves those functions as they are."""
    given: tuple[str, ...] = ()
    """The fields of the configuration that the command line replaces."""
    defaults: Chosen = field(default_factory=dict)
    """What holds where nobody chose: what deployment files agree on."""
    overrides: Mapping[str, Chosen] = field(default_factory=dict)
    """What beats all else, by function: those that are debugged."""
    untrusted: bool = False
    """The configuration and the code may be by somebody who is not trusted."""
    host: Target | None = None
    """This machine, where functions are built to run on it; None where they are for Lambda."""
    _settled: dict[str | None, BuildSettings] = field(
        default_factory=dict, init=False, compare=False
    )

    def with_defaults(self, defaults: Chosen) -> "Settings":
        """Return these settings with what holds where nobody chose."""
        return replaced(self, defaults=defaults)

    def with_overrides(self, overrides: Mapping[str, Chosen]) -> "Settings":
        """Return these settings with what beats tables and flags, by function."""
        return replaced(self, overrides=overrides)

    @property
    def exclude(self) -> tuple[str, ...]:
        return (*self.config.exclude, *self.also_exclude)

    @property
    def in_place(self) -> bool:
        return self.config.in_place

    def paths(self, project: str, working: str) -> Paths:
        """Return the directories of a run with these settings."""
        out = os.path.normpath(os.path.join(project, self.config.out))
        if self.host is not None:
            place = f"{LOCAL}/bin"
            return Paths(project, working, os.path.join(project, place), place, LOCAL, out)
        layout = "" if self.in_place else name_of(out, project)
        return Paths(project, working, out, layout)

    def chosen_for(self, name: str | None) -> Chosen:
        """Return what is set for the function `name`: flag beats table, table the top level.

        With None, for those without a table.
        """
        tables = (self.config.functions.get(name or "", {}), self.flags)
        places = (self.config.choices, *tables, self.overrides.get(name or "", {}))
        chosen: dict[str, Any] = {key: value for place in places for key, value in place.items()}
        for kind in ("environment", "variables"):
            if kind in chosen:
                chosen[kind] = {k: v for p in places for k, v in p.get(kind, {}).items()}
        return chosen

    def of(self, name: str) -> BuildSettings:
        """Return the settings of the function `name`."""
        return self._of(name if name in self._single else None)

    def local_of(self, name: str) -> LocalSettings:
        """Return how the function `name` runs on this machine."""
        chosen = {k: v for k, v in self.chosen_for(name).items() if k in LocalSettings._fields}
        variables = tuple(sorted(chosen.pop("variables", {}).items()))
        return LocalSettings(variables=variables, **chosen)

    def variants(self) -> tuple[BuildSettings, ...]:
        """Return every distinct setting in use, the one without a table first."""
        return tuple(dict.fromkeys(map(self._of, (None, *self._single))))

    @property
    def _single(self) -> Mapping[str, Chosen]:
        """The functions that may have settings of their own."""
        return (
            {**self.overrides, **self.config.functions} if self.overrides else self.config.functions
        )

    def _of(self, table: str | None) -> BuildSettings:
        if table not in self._settled:
            said = {**self.defaults, **self.chosen_for(table)}
            chosen = {k: v for k, v in said.items() if k in BuildSettings._fields}
            environment = tuple(sorted(chosen.pop("environment", {}).items()))
            self._settled[table] = BuildSettings(environment=environment, **chosen)
        return self._settled[table]
