"""Frames of `application/vnd.amazon.eventstream`.

https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import json
import struct
import zlib
from collections.abc import Iterator

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_STRING = 7
"""The type of a header's value."""
_MOST_PAYLOAD = 1024 * 1024
"""Bytes in a frame: far below what decoders take."""


def frame(event_type: str, content_type: str, payload: bytes) -> bytes:
    """Return an event as one frame."""
    headers = b"".join(
        _header(name, value)
        for name, value in (
            (":event-type", event_type),
            (":content-type", content_type),
            (":message-type", "event"),
        )
    )
    # The prelude, the headers, the payload, and a checksum after the prelude and after all.
    total = 8 + 4 + len(headers) + len(payload) + 4
    prelude = struct.pack("!II", total, len(headers))
    start = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return start + struct.pack("!I", zlib.crc32(start))


def payload_chunks(data: bytes) -> Iterator[bytes]:
    """Yield a piece of a response as frames."""
    for start in range(0, len(data), _MOST_PAYLOAD):
        piece = data[start : start + _MOST_PAYLOAD]
        yield frame("PayloadChunk", "application/octet-stream", piece)


def complete(error_code: str = "", error_details: str = "", log_result: str = "") -> bytes:
    """Return the last frame: how the invocation ended."""
    told = {"ErrorCode": error_code, "ErrorDetails": error_details, "LogResult": log_result}
    present = {name: value for name, value in told.items() if value}
    return frame("InvokeComplete", "application/json", json.dumps(present).encode())


def _header(name: str, value: str) -> bytes:
    encoded = value.encode()
    return (
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", _STRING, len(encoded))
        + encoded
    )
