"""Breakpoints in functions that run here, by the real delve, as IDEs set them."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from lambdabuild.local.debugging import delve
from lambdabuild.local.functions import Call, Outcome, Platform, Program
from lambdabuild.local.runtime.pools import Pools
from tests.environment import CLEAN
from tests.local.conftest import FIXTURE
from tests.local.debugger import PATIENCE, Dap, json_rpc

DLV = str(Path(sys.executable).with_name("dlv"))
"""`make test` installs it."""
SOURCE = FIXTURE / "internal" / "ops" / "ops.go"
T = TypeVar("T")


def line_of(text: str) -> int:
    """Return the number of the one line of the source that has a text."""
    lines = SOURCE.read_text("utf-8").splitlines()
    (number,) = (number for number, line in enumerate(lines, 1) if text in line)
    return number


ECHO = line_of("return event.Value, nil")


@pytest.fixture(scope="module")
def executable(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The function `op`, built as lambdabuild builds what is debugged, but for the standard library."""
    built = tmp_path_factory.mktemp("debugged") / "bootstrap"
    flags = ["-trimpath=false", "-buildvcs=false", "-tags=lambda.norpc", "-gcflags=./...=-N -l"]
    subprocess.run(
        ["go", "build", *flags, f"-o={built}", "./api/op"],
        cwd=FIXTURE,
        env=CLEAN | {"CGO_ENABLED": "0"},
        check=True,
        timeout=280,
    )
    return str(built)


class One:
    """One function, whose program may change."""

    names = ("op",)

    def __init__(self, program: Program) -> None:
        self.current = program

    async def program(self, name: str) -> Program:
        assert name == "op"
        return self.current


class Debugging:
    """Pools with one function under delve."""

    def __init__(self, program: Program) -> None:
        self.programs = One(program)
        self.lines: list[bytes] = []
        self.pools = Pools(self.programs, Platform(), lambda _, line: self.lines.append(line))
        self._threads = ThreadPoolExecutor()

    def invoke(self, payload: bytes) -> "asyncio.Task[Outcome]":
        call = Call("op", payload, "8476a536-e9f4-11e8-9739-2dfe598c3fcd", "arn:op", timeout=None)
        return asyncio.create_task(self.pools.invoke(call))

    async def aside(self, function: Callable[..., T], *arguments: object) -> T:
        """Do what an IDE does, while functions run."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


@asynccontextmanager
async def debugging(program: Program) -> AsyncIterator[Debugging]:
    made = Debugging(program)
    try:
        yield made
    finally:
        await made.pools.close()


def processes(executable: str) -> list[str]:
    """Return the processes that have an executable on their command line."""
    listed = subprocess.run(
        ["ps", "-axo", "pid=,stat=,args="], capture_output=True, text=True, check=True
    )
    lines = map(str.split, listed.stdout.splitlines())
    return [" ".join(words) for words in lines if executable in words and words[1][0] != "Z"]


def free_port() -> int:
    (debugged,) = delve.with_ports([("op", None)])
    return debugged.port


def run(test: Awaitable[None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(2 * PATIENCE):
            await test

    asyncio.run(bounded())


def under(executable: str, port: int) -> Program:
    return delve.under(Program("op", executable, timeout=1), DLV, port)


def test_a_breakpoint_is_hit_and_the_call_goes_on_though_it_took_longer_than_its_timeout(
    executable: str,
) -> None:
    async def test() -> None:
        port = free_port()
        async with debugging(under(executable, port)) as here:
            assert await here.invoke(b'{"Op": "count"}')
            with await here.aside(Dap, port, {str(SOURCE): [ECHO]}) as ide:
                started = time.monotonic()
                call = here.invoke(b'{"Op": "echo", "Value": "hello"}')
                frame = await here.aside(ide.stopped)
                assert (frame["source"]["path"], frame["line"]) == (str(SOURCE), ECHO)
                assert frame["name"].endswith("ops.handle")
                await asyncio.sleep(max(0, started + 1.2 - time.monotonic()))
                assert not call.done()
                await here.aside(ide.go_on)
                outcome = await call
            assert (outcome.payload, outcome.failed) == (b'"hello"', False)
            assert outcome.seconds > 1
        assert processes(executable) == []

    run(test())


def test_after_a_reload_the_debugger_is_found_at_the_same_port(executable: str) -> None:
    async def test() -> None:
        port = free_port()
        async with debugging(under(executable, port)) as here:
            for turn in range(2):
                await here.pools.attach("op")
                with await here.aside(Dap, port, {str(SOURCE): [ECHO]}) as ide:
                    call = here.invoke(b'{"Op": "echo", "Value": %d}' % turn)
                    await here.aside(ide.stopped)
                    # A reload lets what runs finish, and then starts the new code.
                    here.pools.retire(["op"])
                    await here.aside(ide.go_on)
                    assert (await call).payload == b"%d" % turn
        assert processes(executable) == []

    run(test())


def test_goland_s_protocol_finds_the_same_debugger(executable: str) -> None:
    async def test() -> None:
        port = free_port()
        async with debugging(under(executable, port)) as here:
            await here.invoke(b'{"Op": "count"}')

            def until_hit() -> str:
                with json_rpc(port) as ide:
                    ide.call("Command", name="halt")
                    ide.call("CreateBreakpoint", Breakpoint={"file": str(SOURCE), "line": ECHO})
                    hit = ide.call("Command", name="continue")["State"]["currentThread"]
                    ide.call("ClearBreakpoint", Id=1)
                    ide.call("Command", name="continue", returnInfoLoadConfig=None)
                    return f"{hit['file']}:{hit['line']}"

            hit = asyncio.ensure_future(here.aside(until_hit))
            call = here.invoke(b'{"Op": "echo", "Value": 7}')
            outcome = await call
            assert outcome.payload == b"7"
            # Its `continue` returns as the process ends.
            here.pools.retire(["op"])
            await asyncio.wait([hit])
        assert processes(executable) == []

    run(test())
