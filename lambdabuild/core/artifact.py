"""Published files: executables, their sidecars, and what both are made from."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from lambdabuild import __version__
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.target import Runtime, Target

UNKNOWN = "?"
"""The text of an input that may have changed while it was read: it never equals another."""


TEMPORARY = ".lambdabuild-tmp"
"""The end of the name of a file that is renamed into its place."""


MOST_UNZIPPED = 262_144_000
"""Bytes of an unzipped deployment package; Lambda accepts less.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""


class Kind(StrEnum):
    """A kind of sidecar."""

    ASSET = "asset"
    ZIP = "zip"
    SBOM = "sbom"


class Asset(NamedTuple):
    """A file of a function, to be packed beside `bootstrap`."""

    name: str
    """Its path in the deployment package and from the function's directory, with slashes."""
    source: str
    """The absolute path."""
    executable: bool
    """Pack it with mode 0755, or else 0644."""


class Identity(NamedTuple):
    """What `stat` says of a file: equal identities mean an unchanged file."""

    inode: int
    size: int
    modified: int
    """mtime in nanoseconds."""
    changed: int
    """ctime in nanoseconds."""


Input = tuple[str, str]
"""The name of an input, and a text that differs whenever the input does."""


class Sidecar(NamedTuple):
    """A file that is published with an executable."""

    kind: Kind
    path: str
    """Relative to the project directory."""
    sha256: str
    identity: Identity
    made_from: str
    """A text that differs whenever it has to be made again."""
    executable: bool = False


class Artifact(NamedTuple):
    """A published executable, with its sidecars."""

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
    """Everything it was built from; empty if unknown."""
    packed: tuple[Input, ...] = ()
    """The content of its deployment package beyond the executable."""
    sidecars: tuple[Sidecar, ...] = ()
    keeps_methods: bool | None = None
    """The linker kept all exported methods, called or not; None where that is not known."""

    @property
    def key(self) -> tuple[str, Target]:
        return (self.function, self.target)

    def sidecar(self, kind: Kind) -> Sidecar | None:
        """Return the zip or the SBOM of this executable, if there is one."""
        if not self.sidecars:
            return None
        mine = (c for c in self.sidecars if c.made_from.startswith(self.sha256))
        return next((c for c in mine if c.kind is kind), None)


EPOCH = "SOURCE_DATE_EPOCH"
"""The time of packed files: https://reproducible-builds.org/specs/source-date-epoch/"""
UNKNOWN_CONTENTS: tuple[Input, ...] = (("untold", UNKNOWN),)
"""Unknown content of a package: it differs from everything."""
PACKER = "deflate 0.9.0, level 4"
"""The compressor of zips: another version may give other bytes."""


def packed_text(digest: str | None, asset: Asset) -> str:
    """Return a text that differs whenever an asset would be packed differently."""
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
    """Return what, beyond the assets, decides the bytes of an executable's zip."""
    return f"{sha256} {epoch if epoch is not None else '-'} {PACKER}"


def sbom_made_from(sha256: str, epoch: int | None, version: str = __version__) -> str:
    """Return what decides the bytes of an executable's SBOM; `version` is lambdabuild's."""
    return f"{sha256} {epoch if epoch is not None else '-'} lambdabuild {version}"
