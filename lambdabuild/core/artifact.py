"""What is published: executables, what lies next to them, and what both are made from."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from lambdabuild import __version__
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.target import Runtime, Target

UNKNOWN = "?"
"""The text of an input that may have changed while it was read: it differs from itself."""


TEMPORARY = ".lambdabuild-tmp"
"""How the name of a file ends that is to be renamed into its place."""


MOST_UNZIPPED = 262_144_000
"""Bytes of a deployment package, unzipped; Lambda takes less.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""


class Kind(StrEnum):
    """What a file is that stands with an executable."""

    ASSET = "asset"
    ZIP = "zip"
    SBOM = "sbom"


class Asset(NamedTuple):
    """A file of the function's own, to be packed beside `bootstrap`."""

    name: str
    """Its path in the deployment package, with slashes: that from the function's directory."""
    source: str
    """The absolute path."""
    executable: bool
    """Its mode there is 0755, or else 0644."""


class Identity(NamedTuple):
    """What `stat` says of a file: equal identities mean an untouched file."""

    inode: int
    size: int
    modified: int
    """mtime in nanoseconds."""
    changed: int
    """ctime in nanoseconds."""


Input = tuple[str, str]
"""What an input is called, and a text that differs whenever it does."""


class Companion(NamedTuple):
    """A file that lambdabuild has published with an executable."""

    kind: Kind
    path: str
    """Relative to the project directory."""
    sha256: str
    identity: Identity
    made_from: str
    """Differs whenever it has to be made again."""
    executable: bool = False


class Artifact(NamedTuple):
    """An executable that lambdabuild has published, with what stands with it."""

    path: str
    """Relative to the project directory."""
    layout: str
    """The output directory it belongs to, relative to the project directory; "" for in place."""
    function: str
    package: str
    directory: str
    """Relative to the project directory."""
    target: Target
    runtime: Runtime | None
    sha256: str
    identity: Identity
    build_id: str | None
    """Go's build ID of the executable; equal IDs mean equal bytes."""
    link_id: str | None = None
    inputs: tuple[Input, ...] = ()
    """Everything it was built from; empty where that is not known."""
    packed: tuple[Input, ...] = ()
    """What beyond the executable its deployment package holds."""
    companions: tuple[Companion, ...] = ()

    @property
    def key(self) -> tuple[str, Target]:
        return (self.function, self.target)

    def companion(self, kind: Kind) -> Companion | None:
        """Return the zip or the bill of materials, where there is one of this executable."""
        same = (
            c for c in self.companions if c.kind is kind and c.made_from.startswith(self.sha256)
        )
        return next(same, None)


EPOCH = "SOURCE_DATE_EPOCH"
"""The time that what is packed bears. https://reproducible-builds.org/specs/source-date-epoch/"""
UNKNOWN_CONTENTS: tuple[Input, ...] = (("untold", UNKNOWN),)
"""What a package holds of which that is not known: it differs from everything."""
PACKER = "deflate 0.9.0, level 4"
"""What packs zips: another version may give other bytes."""


def packed_text(digest: str | None, asset: Asset) -> str:
    """Return a text that differs whenever an asset would be packed in another way."""
    if digest is None:
        return UNKNOWN
    return f"{digest} x" if asset.executable else digest


def epoch_of(environment: Mapping[str, str]) -> int | None:
    """Return SOURCE_DATE_EPOCH in seconds; None where it is not set."""
    text = environment.get(EPOCH)
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise LambdabuildError(
            f"{EPOCH} is `{text}`, which is no number of seconds since 1970",
            hint=f"unset it, or `export {EPOCH}=$(git log -1 --format=%ct)`",
        )
    return int(text)


def zip_made_from(sha256: str, epoch: int | None) -> str:
    """Return what, beyond the assets, decides the bytes of the zip of an executable."""
    return f"{sha256} {epoch if epoch is not None else '-'} {PACKER}"


def sbom_made_from(sha256: str, epoch: int | None, version: str = __version__) -> str:
    """Return what decides the bytes of the bill of materials of an executable.

    `version` is that of the lambdabuild that writes it.
    """
    return f"{sha256} {epoch if epoch is not None else '-'} lambdabuild {version}"
