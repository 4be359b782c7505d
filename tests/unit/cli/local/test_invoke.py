"""What the flags of `invoke` say."""

import io
import os
import sys
from pathlib import Path

import pytest

from lambdabuild.cli.local.invoke import Given, print_response, seconds_of, wanted_of
from lambdabuild.cli.usage.help import event_spelled_out
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.events.filling import Change
from lambdabuild.local.events.wanted import Wanted


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("f --event", "f --event="),
        ("f --event sqs", "f --event sqs"),
        ("f --event -", "f --event -"),
        ("f --event --count 3", "f --event= --count 3"),
        ("--event -q f", "--event= -q f"),
        ("f --event=sqs --event", "f --event=sqs --event="),
        ("f -- --event", "f -- --event"),
        ("f --event -- x", "f --event= -- x"),
        ("f", "f"),
        ("", ""),
    ],
)
def test_an_event_needs_no_type(line: str, meant: str) -> None:
    assert event_spelled_out(line.split()) == meant.split()


def test_flags_say_which_event_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1]")
    (tmp_path / "a,b").write_text("[2]")
    (tmp_path / "body").write_bytes(b"\xff")

    def wanted(**given: object) -> Wanted:
        return wanted_of(Given(**given), str(tmp_path))  # type: ignore[arg-type]

    assert wanted() == Wanted()
    assert wanted(data='{"a": "ü"}') == Wanted('{"a": "ü"}'.encode())
    assert wanted(data="@a.json") == Wanted(b"[1]", "`a.json`")
    assert wanted(data_file="a.json") == Wanted(b"[1]", "`a.json`")
    assert wanted(event="") == Wanted(event="")
    assert wanted(event="s3, in sns,in sqs", inside=["kinesis"]) == Wanted(
        event="s3", inside=("sns", "sqs", "kinesis")
    )
    assert wanted(event="a,b") == Wanted(event="a,b")
    assert wanted(body="x", records=2) == Wanted(body=b"x", records=2)
    assert wanted(body="@body") == Wanted(body=b"\xff")
    assert wanted(changes=["a=1"]) == Wanted(changes=(Change("a", 1, "1"),))


@pytest.mark.parametrize("given", [Given(data="-"), Given(data_file="-"), Given(event="-")])
def test_stdin_has_the_event_where_that_is_said(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"[3]")
    os.close(writing)
    monkeypatch.setattr("lambdabuild.cli.local.invoke._STDIN", reading)

    assert wanted_of(given, str(tmp_path)) == Wanted(b"[3]", "stdin")
    os.close(reading)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Given(data="{}", event="sqs"), "--data and --event cannot both say what the event is"),
        (Given(data="{}", data_file="x"), "--data and --data-file cannot both say what the event is"),
        (Given(data_file="nowhere"), "cannot read `nowhere`: No such file or directory"),
        (Given(body="@nowhere"), "cannot read `nowhere`: No such file or directory"),
        (Given(changes=["a"]), "`--set a` names no value"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(given: Given, message: str, tmp_path: Path) -> None:
    with pytest.raises(LambdabuildError) as caught:
        wanted_of(given, str(tmp_path))

    assert caught.value.message == message


def test_a_timeout_is_a_number_of_seconds() -> None:
    assert (seconds_of(None), seconds_of("0.5"), seconds_of("900")) == (None, 0.5, 900)
    for text in ("0", "-1", "nan", "inf", "3601", "3s", ""):
        with pytest.raises(LambdabuildError, match="a number of seconds"):
            seconds_of(text)


class Out(io.TextIOWrapper):
    """A stdout, on a terminal or not."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("payload", "plain", "on_a_terminal"),
    [
        (b'{"a":1}', b'{"a":1}\n', b'{\n  "a": 1\n}\n'),
        (b"", b"", b""),
        (b"text\n", b"text\n", b"text\n"),
        (b"\xff\x1b[2J", b"\xff\x1b[2J\n", b"\\xff\\x1b[2J\n"),
    ],
)
def test_a_response_is_printed_as_it_is_but_harmless_on_a_terminal(
    payload: bytes, plain: bytes, on_a_terminal: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for terminal, expected in ((False, plain), (True, on_a_terminal)):
        out = Out(io.BytesIO(), "utf-8")
        out.terminal = terminal
        monkeypatch.setattr(sys, "stdout", out)
        print_response(payload)
        out.flush()
        written = out.buffer
        assert isinstance(written, io.BytesIO)
        assert written.getvalue() == expected
