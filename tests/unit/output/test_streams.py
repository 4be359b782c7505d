"""What is data for other programs is whole, and its columns stand below each other."""

import pytest

from lambdabuild.output.streams import print_columns


def test_columns_are_as_wide_as_what_a_terminal_shows(capsys: pytest.CaptureFixture[str]) -> None:
    print_columns(("function", "target"), [("注文-作成", "linux/amd64"), ("a", "linux/arm64")])
    assert capsys.readouterr().out == (
        "function   target\n"
        "注文-作成  linux/amd64\n"
        "a          linux/arm64\n"
    )  # fmt: skip


def test_without_lines_there_is_no_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_columns(("function",), [])
    assert capsys.readouterr().out == ""
