"""The filters that select functions beyond their names: since, files-from, shard; no disk."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lambdabuild.core.shards import Shard


class Narrowing(NamedTuple):
    """What of all functions is wanted, beyond their names."""

    since: str | None = None
    """A commit: what changed since HEAD parted from it."""
    files_from: str | None = None
    """A file of changed paths; `-` is stdin."""
    shard: "Shard | None" = None
    times: str | None = None
    """A report whose times shards are balanced by."""

    @property
    def by_change(self) -> bool:
        """Whether it depends on what changed."""
        return self.since is not None or self.files_from is not None

    @property
    def narrows(self) -> bool:
        return self.by_change or self.shard is not None


NOTHING_LEFT_OUT = Narrowing()
