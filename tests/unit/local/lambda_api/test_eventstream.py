"""Frames, read by botocore."""

from botocore.eventstream import EventStreamBuffer, EventStreamMessage  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.local.lambda_api.eventstream import complete, frame, payload_chunks


def decoded(data: bytes) -> list[EventStreamMessage]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return list(buffer)


@given(st.binary(max_size=300), st.text(max_size=50))
def test_botocore_reads_every_frame(payload: bytes, kind: str) -> None:
    (message,) = decoded(frame(kind, "application/octet-stream", payload))
    assert message.payload == payload
    assert message.headers == {
        ":event-type": kind,
        ":content-type": "application/octet-stream",
        ":message-type": "event",
    }


def test_a_large_piece_becomes_several_frames() -> None:
    data = bytes(range(256)) * 10_000
    messages = decoded(b"".join(payload_chunks(data)))
    assert len(messages) == 3
    assert b"".join(m.payload for m in messages) == data


def test_the_last_frame_says_only_what_there_is_to_say() -> None:
    (well,) = decoded(complete())
    (badly,) = decoded(complete("Unhandled", '{"errorMessage":"no"}', "bG9n"))
    assert (well.headers[":event-type"], well.payload) == ("InvokeComplete", b"{}")
    assert badly.payload == (
        b'{"ErrorCode": "Unhandled", "ErrorDetails": "{\\"errorMessage\\":\\"no\\"}", '
        b'"LogResult": "bG9n"}'
    )
