"""Tell by its form what lambdabuild has made, where nobody remembers that it did.

The state may be gone, as after `rm -rf .lambdabuild`, or `out` be shared by two checkouts.
"""

import calendar
import datetime as dt
import io
import json
from typing import Any

from lambdabuild.core.model import MOST_UNZIPPED, SCHEMA
from lambdabuild.core.origins import sbom_made_from
from lambdabuild.output.merge import is_manifest
from lambdabuild.output.report import to_json
from lambdabuild.packaging import archive
from lambdabuild.packaging.archive import Member

_FIELDS = frozenset(
    {
        *("name", "package", "directory", "target", "architecture", "runtime"),
        *("artifact", "size", "sha256", "zip", "zip_size", "code_sha256"),
    }
)


def is_manifest_text(text: str) -> bool:
    """Tell whether lambdabuild could have written this as a manifest, to the byte."""
    value = _parsed(text)
    return (
        is_manifest(value)
        and value["schema"] == SCHEMA
        and all(isinstance(item, dict) and item.keys() == _FIELDS for item in value["functions"])
        and to_json(value) == text
    )


def unpacked(content: bytes) -> list[Member]:
    """Return what is in a zip if lambdabuild packed it: if it would pack the same, to the byte."""
    import zipfile  # noqa: PLC0415 - seldom needed

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            infos = file.infolist()
            if sum(info.file_size for info in infos) > MOST_UNZIPPED:
                return []
            members = [
                Member(info.filename, file.read(info), info.external_attr >> 16 & 0o7777)
                for info in infos
            ]
        packed = archive.pack(members, calendar.timegm((*infos[0].date_time, 0, 0, 0)))
    except Exception:  # noqa: BLE001 - zipfile stumbles over damage in many ways
        return []
    return members if packed == content else []


def bill_made_from(content: bytes, function: str) -> str | None:
    """Return what a bill of materials of a function was made from, if lambdabuild wrote it.

    Its serial number is a digest of that.
    """
    from lambdabuild.packaging.sbom import serial_number  # noqa: PLC0415 - few have a bill

    try:
        text = content.decode()
        value = json.loads(text)
        metadata = value["metadata"]
        (tool,) = metadata["tools"]["components"]
        (digest,) = metadata["component"]["hashes"]
        moment = metadata.get("timestamp")
        epoch = int(dt.datetime.fromisoformat(moment).timestamp()) if moment is not None else None
        serial = serial_number(function, digest["content"], epoch, version=tool["version"])
        told = (metadata["component"]["name"], tool["name"], value["serialNumber"])
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    if told != (function, "lambdabuild", serial.urn) or json.dumps(value, indent=2) + "\n" != text:
        return None
    return sbom_made_from(digest["content"], epoch, tool["version"])


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
