"""Processes: how they end, and that nothing is left of them."""

import asyncio
import os
import signal
import stat
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from lambdabuild.local.runtime.process import Exit, Process, reason, remedy
from tests.local.bootstraps import until


def run_in(
    directory: Path, code: str, then: Callable[[Process], Awaitable[None]] | None = None
) -> tuple[Exit, bytes]:
    """Run Python code in a process; return how it ended, and what it printed."""

    async def run() -> Exit:
        writer = os.open(directory / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            command = (sys.executable, "-IS", "-c", code)
            process = Process(command, str(directory), {"A": "b"}, writer)
        finally:
            os.close(writer)
        if then is not None:
            await then(process)
        return await asyncio.wait_for(process.ended, 30)

    ended = asyncio.run(run())
    return ended, (directory / "output").read_bytes()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", ""),
        ("import os; os._exit(7)", "exit status 7"),
        ("import os; os.kill(os.getpid(), 9)", "signal: killed"),
        ("import os; os.kill(os.getpid(), 15)", "signal: terminated"),
        ("import os; os.kill(os.getpid(), 1)", "signal: hangup"),
    ],
)
def test_ends_are_told_in_the_words_of_go(tmp_path: Path, code: str, words: str) -> None:
    assert run_in(tmp_path, code)[0].words == words


def test_a_dumped_core_is_told() -> None:
    assert Exit(signal.SIGSEGV | 0x80, 0).words == "signal: segmentation fault (core dumped)"


def test_a_process_has_a_clean_environment_and_no_input(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), dict(os.environ), sys.stdin.read() == '', os.getsid(0) == os.getpid())"
    _, output = run_in(tmp_path, code)
    assert output.decode().split(" ", 1)[0] == os.path.realpath(tmp_path)
    assert "'A': 'b'" in output.decode()
    assert "HOME" not in output.decode()
    assert output.endswith(b"True True\n")


def test_memory_is_that_of_the_process_and_not_ours(tmp_path: Path) -> None:
    ours = bytearray(os.urandom(1) * (80 << 20))

    async def look(process: Process) -> None:
        await until(lambda: (tmp_path / "output").read_bytes() == b"x")
        assert process.alive()
        assert 35 << 20 < process.memory() < 75 << 20
        process.kill()

    code = "import os, time; x = b'x' * (30 << 20); os.write(1, b'x'); time.sleep(60)"
    ended, _ = run_in(tmp_path, code, look)
    assert 30 << 20 < ended.memory < 75 << 20
    assert ended.words == "signal: killed"
    del ours


SLEEPERS = """
import os, time
for group in False, True:
    if os.fork() == 0:
        if group:
            os.setpgid(0, 0)
        os.write(1, b"%d\\n" % os.getpid())
        time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows who is in a session")
@pytest.mark.parametrize("end", ["os._exit(3)", "time.sleep(60)"])
def test_all_that_a_process_started_ends_with_it(tmp_path: Path, end: str) -> None:
    async def kill(process: Process) -> None:
        await until(lambda: (tmp_path / "output").read_bytes().count(b"\n") == 2)
        process.kill()

    code = f"{SLEEPERS}while os.stat(1).st_size < 3: time.sleep(0.01)\n{end}"
    _, output = run_in(tmp_path, code, kill if "sleep" in end else None)
    for pid in map(int, output.split()):
        path = Path(f"/proc/{pid}/stat")
        for _ in range(500):
            if not path.exists() or path.read_text().rpartition(")")[2].split()[0] == "Z":
                break
            threading.Event().wait(0.01)
        else:
            pytest.fail(f"{pid} is still there")


def test_where_there_are_no_descriptors_of_processes_a_thread_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    ended, output = run_in(tmp_path, "import os; print('here', flush=True); os._exit(4)")
    assert (ended.words, output) == ("exit status 4", b"here\n")


def test_it_works_in_another_thread_than_the_main_one(tmp_path: Path) -> None:
    ended: list[str] = []
    thread = threading.Thread(
        target=lambda: ended.append(run_in(tmp_path, "import os; os._exit(5)")[0].words)
    )
    thread.start()
    thread.join(30)
    assert ended == ["exit status 5"]


def start(path: Path) -> Exception:
    """Return the error of starting a file."""

    async def run() -> None:
        await Process((str(path),), str(path.parent), {}, 1).ended

    with pytest.raises((OSError, ValueError)) as caught:
        asyncio.run(run())
    return caught.value


def test_why_an_executable_does_not_start(tmp_path: Path) -> None:
    path = tmp_path / "bootstrap"
    error = start(path)
    assert isinstance(error, OSError)
    assert (reason(error), remedy(str(path), error)) == ("no such file or directory", "")
    path.write_bytes(b"\xcf\xfa\xed\xfe" + bytes(60))
    error = start(path)
    assert isinstance(error, OSError)
    assert (reason(error), remedy(str(path), error)) == ("permission denied", "")
    if sys.platform == "linux":
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        error = start(path)
        assert isinstance(error, OSError)
        assert reason(error) == "exec format error"
        assert remedy(str(path), error) == f"{path} is a Mach-O file, for macOS"


def test_a_variable_that_no_process_can_have_is_an_error(tmp_path: Path) -> None:
    async def run() -> None:
        Process((sys.executable,), str(tmp_path), {"A": "b\0c"}, 1)

    with pytest.raises(ValueError, match="null byte") as caught:
        asyncio.run(run())
    assert reason(caught.value) == "embedded null byte"


def test_an_executable_that_somebody_still_writes_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "bootstrap"
    path.write_text("#!/bin/sh\nexit 6\n")
    path.chmod(0o755)
    writing = path.open("a")
    threading.Timer(0.1, writing.close).start()

    async def run() -> str:
        ended = await Process((str(path),), str(tmp_path), {}, 1).ended
        return ended.words

    assert asyncio.run(run()) == "exit status 6"
