"""Describe what a deployment package was made from: it is repackaged when that differs."""

from collections.abc import Mapping

from lambdabuild import __version__
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.model import Asset, Input

UNKNOWN = "?"
"""The text of an input that may have changed while it was read: it differs from itself."""
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
