"""The stamps that a watcher compares the disk with, and what changed since."""

import os
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from lambdabuild.core.record import field, record
from lambdabuild.filewatch.surroundings import configuration, paths_that_may_mend
from lambdabuild.state.stamps import TOOL, WHOLE, DirectoryStamp, Look, Stamps, look, take
from lambdabuild.survey.session import Session


@record
class Watched:
    """The stamps that a watcher compares with the disk; paths are absolute."""

    stamps: Stamps = field(default_factory=Stamps)
    """What the last run rests on."""
    configuration: Stamps = field(default_factory=Stamps)
    """The configuration files."""
    deployment: Stamps = field(default_factory=Stamps)
    """The deployment files, and the directories in which they were looked for."""
    changed: dict[str, None] = field(default_factory=dict)
    """Changed paths that no run has handled yet."""

    def look(self, own: AbstractSet[str]) -> None:
        """Add what differs from the last look to what changed; `own` paths do not count."""
        clock = time.time_ns()
        now = look(self.stamps, clock, own)
        for path in now.changed:
            before, after = self.stamps.directories.get(path), now.stamps.directories.get(path)
            if before is not None and after is not None:
                self.changed |= dict.fromkeys(_entries(path, before, after))
            else:
                self.changed[path] = None
        self.stamps = now.stamps
        configured = look(self.configuration, clock, own)
        self.changed |= dict.fromkeys(configured.changed)
        self.configuration = configured.stamps
        deployed = look(self.deployment, clock, own)
        self.changed |= dict.fromkeys(_deployed(self.deployment, deployed))
        self.deployment = deployed.stamps

    @property
    def shifted(self) -> bool:
        """Whether there may be other functions or packages than before."""
        files = self.stamps.files
        return any(
            path not in files or files[path].kind in {WHOLE, TOOL}
            for path in self.changed
            if not self.only_deploys(path)
        )

    def only_deploys(self, path: str) -> bool:
        """Return whether nothing is built from a file, which may say for what functions are built."""
        return path not in self.stamps.files and (
            path in self.deployment.files or _may_declare(path)
        )

    def note_configuration(self, session: Session) -> None:
        """Record the stamps of the configuration before it is read."""
        world = configuration(session)
        self.configuration = take(world, self.configuration.files, time.time_ns(), ())

    def widen(self, session: Session, own: AbstractSet[str], clock: int) -> None:
        """Watch every path whose change could fix a failed survey.

        `clock` is when the survey began: what was written since may have fixed it.
        """
        wide = take(paths_that_may_mend(session, self.stamps), {}, clock, own)
        for path, stamp in wide.files.items():
            if path not in self.stamps.files and not stamp.trusted:
                self.changed[path] = None
            self.stamps.files.setdefault(path, stamp)
        for path, entries in wide.directories.items():
            known = self.stamps.directories.get(path)
            if known is None or known.level < entries.level:
                self.stamps.directories[path] = entries
                if not entries.trusted:
                    self.changed[path] = None


def _deployed(before: Stamps, now: Look) -> Iterator[str]:
    """Return which deployment files changed, came or went."""
    for path in now.changed:
        if path in before.files:
            yield path
        else:
            entries = _entries(path, before.directories[path], now.stamps.directories[path])
            yield from filter(_may_declare, entries)


def _may_declare(path: str) -> bool:
    from lambdabuild.deployment.reader import may_declare

    return may_declare(os.path.basename(path), os.path.dirname(path))


def _entries(path: str, before: DirectoryStamp, after: DirectoryStamp) -> list[str]:
    """Return the entries of a directory that came or went."""
    names = set(before.names.split("\n")) ^ set(after.names.split("\n"))
    return [os.path.join(path, name.rstrip("/")) for name in sorted(names) if name] or [path]
