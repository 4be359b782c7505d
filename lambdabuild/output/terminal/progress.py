"""Count and show the progress of a running build."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lambdabuild.core.text import counted, duration, one_line

if TYPE_CHECKING:
    from lambdabuild.core.build import Event


@dataclass(slots=True)
class Progress:
    """Counts of what has happened in a build, and what is going on."""

    total: int
    started: float
    compiled: int = 0
    linked: int = 0
    working: dict[tuple[int, str, str], float] = field(default_factory=dict)
    """What is being compiled or linked, and since when: by batch, tool and package."""

    def take(self, event: "Event") -> None:
        key = (event.batch.number, event.tool, event.package)
        if event.kind == "start":
            self.working[key] = event.at
            return
        self.working.pop(key, None)
        if event.tool == "compile" and event.kind == "done":
            self.compiled += 1
        elif event.tool == "link" and event.kind in {"done", "current"}:
            self.linked += 1

    def heading(self, now: float) -> str:
        compiled = f"{counted(self.compiled, 'package')} compiled"
        return f"{self.linked} of {self.total} linked, {compiled}, {duration(now - self.started)}"

    def lines(self, now: float, names: Mapping[tuple[int, str], str], most: int) -> list[str]:
        """Return what is going on, longest first, as `linking users-get 0.8 s`."""
        items = sorted(self.working.items(), key=lambda item: item[1])
        shown = [
            f"{'linking' if tool == 'link' else 'compiling'} "
            f"{one_line(names.get((batch, package), package))} {duration(now - since)}"
            for (batch, tool, package), since in items
        ]
        rest = len(shown) - most
        return shown if rest <= 0 else [*shown[:most], f"and {rest} more"]
