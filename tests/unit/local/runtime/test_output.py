"""What a process prints, line by line."""

import asyncio
import os
from collections.abc import Callable

import pytest

from lambdabuild.local.runtime.output import Output

MEBIBYTE = 1 << 20


def printed(write: Callable[[int, Output], None]) -> list[bytes]:
    """Return the lines that come of what is written, drained at the end."""
    lines: list[bytes] = []

    async def run() -> None:
        output = Output(lines.append)
        writer = os.dup(output.writer)
        output.started()
        write(writer, output)
        os.close(writer)
        output.close()

    asyncio.run(run())
    return lines


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ([], []),
        ([b"one\ntwo\n"], [b"one\n", b"two\n"]),
        ([b"o", b"ne\nt", b"wo"], [b"one\n", b"two\n"]),
        ([b"\n\n"], [b"\n", b"\n"]),
        ([b"carriage\rreturn\r\n\x85\x0b\x0c\n"], [b"carriage\rreturn\r\n", b"\x85\x0b\x0c\n"]),
    ],
)
def test_lines_are_whole_and_end_with_a_newline(parts: list[bytes], lines: list[bytes]) -> None:
    def write(writer: int, _: Output) -> None:
        for part in parts:
            os.write(writer, part)

    assert printed(write) == lines


def test_a_line_is_ended_where_the_output_is_drained() -> None:
    def write(writer: int, output: Output) -> None:
        os.write(writer, b"before")
        output.drain()
        os.write(writer, b"after")

    assert printed(write) == [b"before\n", b"after\n"]


def test_a_line_that_does_not_end_is_cut() -> None:
    def write(writer: int, output: Output) -> None:
        for _ in range(17):
            os.write(writer, b"x" * (MEBIBYTE // 16))
            output._read()

    lines = printed(write)
    assert sum(len(line) - 1 for line in lines) == 17 * MEBIBYTE // 16
    assert max(len(line) for line in lines) <= MEBIBYTE // 4 + MEBIBYTE // 16 + 1


def test_an_output_that_others_fill_without_end_is_drained_in_the_end() -> None:
    lines: list[bytes] = []

    async def run() -> None:
        writer = -1

        def emit(line: bytes) -> None:
            lines.append(line)
            os.write(writer, line)

        output = Output(emit)
        writer = os.dup(output.writer)
        os.write(writer, (b"x" * 1023 + b"\n") * 60)
        output.drain()
        os.close(writer)
        output._stop()
        output.started()

    asyncio.run(run())
    assert 60 <= len(lines) <= 200
