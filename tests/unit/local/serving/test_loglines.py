import io
import threading

from lambdabuild.local.serving.loglines import LogLines
from lambdabuild.output.terminal.console import Console
from lambdabuild.output.terminal.look import Look


def printed(*lines: tuple[str, bytes], color: bool = False, quiet: bool = False) -> list[str]:
    stream = io.StringIO()
    out = LogLines(Console(Look(terminal=False, color=color, quiet=quiet), stream))
    for name, line in lines:
        out.put(name, line)
    out.close()
    return stream.getvalue().splitlines()


def test_each_line_has_its_functions_name_before_it() -> None:
    assert printed(
        ("users-get", b"hello\n"), ("a", b"REPORT\tDuration: 1 ms\t\n"), ("a", b"\xff\x1b[2J\r\n")
    ) == ["users-get | hello", "a | REPORT  Duration: 1 ms", "a | \ufffd\\x1b[2J"]


def test_a_function_has_one_color_and_none_has_that_of_errors() -> None:
    lines = printed(*((name, b"x\n") for name in "abcabc"), color=True)
    assert lines[:3] == lines[3:]
    assert len(set(lines)) == 3
    assert all("\x1b[31" not in line for line in lines)


def test_the_server_itself_has_no_name() -> None:
    stream = io.StringIO()
    out = LogLines(Console(Look(terminal=False, color=False), stream))
    out.note("GET /x: 502")
    out.close()
    assert stream.getvalue() == "GET /x: 502\n"


def test_quiet_means_without_logs() -> None:
    assert printed(("a", b"x\n"), quiet=True) == []


class Slow(io.StringIO):
    """A terminal that was stopped by Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.going_on = threading.Event()

    def write(self, text: str) -> int:
        self.going_on.wait(60)
        return super().write(text)


def test_who_logs_never_waits_for_a_terminal_and_what_is_left_out_is_counted() -> None:
    stream = Slow()
    out = LogLines(Console(Look(terminal=False, color=False), stream))
    for number in range(20_000):
        out.put("a", b"%d\n" % number)
    stream.going_on.set()
    out.close()
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["a | 0", "a | 1"]
    assert lines[-1].endswith("lines of logs were left out: the terminal is too slow")
    left_out = int(lines[-1].split()[0])
    assert 9_000 < left_out <= 10_000
    assert len(lines) - 1 + left_out == 20_000
