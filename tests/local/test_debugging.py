"""Breakpoints in functions that run here, by the real delve, as IDEs set them."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from lambdabuild.local.debugging import attaching, delve
from lambdabuild.local.functions import Call, Outcome, Platform, Program
from lambdabuild.local.runtime.pools import Pools
from tests.environment import CLEAN
from tests.local.conftest import FIXTURE
from tests.local.debugger import PATIENCE, Dap, json_rpc
from tests.local.project import LAMBDABUILD, serving, small_project, word

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
        self.said = asyncio.Event()
        self.pools = Pools(self.programs, Platform(), self._log)
        self._threads = ThreadPoolExecutor()

    def _log(self, _: str, line: bytes) -> None:
        self.lines.append(line)
        self.said.set()

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
        ["ps", "-axwwo", "pid=,stat=,args="], capture_output=True, text=True, check=True
    )
    lines = map(str.split, listed.stdout.splitlines())
    return [" ".join(words) for words in lines if executable in words and words[1][0] != "Z"]


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind((delve.HOST, 0))
        return int(trial.getsockname()[1])


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
            await here.pools.attach("op")
            assert here.pools.live() == {"op": 1}
            for turn in range(3):
                await here.invoke(b'{"Op": "count"}')  # it runs: nobody connects while delve starts
                with await here.aside(Dap, port, {str(SOURCE): [ECHO]}) as ide:
                    call = here.invoke(b'{"Op": "echo", "Value": %d}' % turn)
                    await here.aside(ide.stopped)
                    # A reload lets what runs finish, and then starts the new code.
                    here.pools.retire(["op"])
                    await here.aside(ide.go_on)
                    assert (await call).payload == b"%d" % turn
                    await here.aside(ide.ended)
        assert processes(executable) == []

    run(test())


def test_json_rpc_finds_the_same_debugger(executable: str) -> None:
    async def test() -> None:
        port = free_port()
        async with debugging(under(executable, port)) as here:
            await here.invoke(b'{"Op": "count"}')
            with json_rpc(port) as ide:
                place = {"file": str(SOURCE), "line": ECHO}
                await here.aside(ide.halt_at, place)
                call = here.invoke(b'{"Op": "echo", "Value": 7}')
                assert await here.aside(ide.go_on) == place
                assert not call.done()
                await here.aside(ide.clear)
                assert (await call).payload == b"7"
        assert processes(executable) == []

    run(test())


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b'{"Op": "exit", "Code": 3}', b"Runtime exited with error: exit status 3"),
        (b'{"Op": "kill"}', b"Runtime exited with error: signal: killed"),
    ],
)
def test_a_function_that_ends_takes_its_debugger_along(
    executable: str, payload: bytes, message: bytes
) -> None:
    async def test() -> None:
        async with debugging(under(executable, free_port())) as here:
            outcome = await here.invoke(payload)
            assert outcome.error_type == "Runtime.ExitError"
            assert message in outcome.payload
            assert (await here.invoke(b'{"Op": "count"}')).payload.startswith(b'{"count":1,')
        assert processes(executable) == []

    run(test())


def test_nothing_is_left_of_a_function_that_is_halted_when_the_server_ends(executable: str) -> None:
    async def test() -> None:
        port = free_port()
        async with debugging(under(executable, port)) as here:
            await here.invoke(b'{"Op": "count"}')
            with await here.aside(Dap, port, {str(SOURCE): [ECHO]}) as ide:
                call = here.invoke(b'{"Op": "echo", "Value": 1}')
                await here.aside(ide.stopped)
                assert len(processes(executable)) == 3
                await here.pools.close()
                assert processes(executable) == []
                assert (await call).error_type == "Runtime.ExitError"

    run(test())


SERVER = """
import asyncio, sys
from pathlib import Path
from tests.local.test_debugging import debugging, under

async def serve():
    async with debugging(under(sys.argv[1], int(sys.argv[2]))) as here:
        await here.pools.attach("op")
        while True:
            await here.invoke(b'{"Op": "echo", "Value": 1}')
            print("called", flush=True)

asyncio.run(serve())
"""


def test_nothing_is_left_of_a_halted_function_after_kill_9_of_the_server(executable: str) -> None:
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, executable, str(port)],
        cwd=FIXTURE.parents[1],
        stdout=subprocess.PIPE,
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == b"called\n"
        with Dap(port, {str(SOURCE): [ECHO]}) as ide:
            ide.stopped()
            server.kill()
            server.wait()
            deadline = time.monotonic() + PATIENCE
            while processes(executable):
                assert time.monotonic() < deadline, processes(executable)
                time.sleep(0.05)
    finally:
        server.kill()
        server.communicate()


def test_a_function_waits_for_the_port_that_another_process_has(executable: str) -> None:
    async def test() -> None:
        port = free_port()
        program = under(executable, port)
        with socket.create_server((delve.HOST, port)):
            here = Debugging(program)
            call = here.invoke(b'{"Op": "echo", "Value": 1}')
            await here.said.wait()
            assert here.lines == [b"delve waits for port %d, where something else listens\n" % port]
        assert (await call).payload == b"1"
        await here.pools.close()
        assert processes(executable) == []

    run(test())


def test_a_process_that_somebody_else_starts_is_called(executable: str) -> None:
    async def test() -> None:
        port = free_port()
        platform = Platform(credentials={"AWS_SECRET_ACCESS_KEY": "secret"})
        program = attaching.attached(
            Program("op", executable, {"TEXT": 'it\'s "here"'}, timeout=1), port
        )
        exports = attaching.exports(attaching.variables(program, platform, port))
        assert f"export AWS_LAMBDA_RUNTIME_API=127.0.0.1:{port}" in exports
        assert not {"PATH", "AWS_SECRET_ACCESS_KEY"} & {
            line.removeprefix("export ").partition("=")[0] for line in exports
        }
        async with debugging(program) as here:
            await here.pools.attach("op")
            call = here.invoke(b'{"Op": "environment"}')
            script = "\n".join([*exports, 'exec "$0"'])
            process = await here.aside(subprocess.Popen, ["/bin/sh", "-c", script, executable])
            try:
                seen = json.loads((await call).payload)["environment"]
                assert {'TEXT=it\'s "here"', "AWS_LAMBDA_FUNCTION_NAME=op"} <= set(seen)
            finally:
                process.kill()
                process.wait()

    run(test())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = small_project(tmp_path_factory.mktemp("debugging") / "shop")
    (written / "lambdabuild.toml").write_text("timeout = 1\n")
    return written


def test_serve_has_functions_debugged_over_reloads(project: Path) -> None:
    path = f"{Path(DLV).parent}{os.pathsep}{CLEAN['PATH']}"
    flags = [f"--debug=a:{free_port()}", f"--attach=b:{free_port()}", "--launch-json"]
    source = project / "api" / "a" / "main.go"
    with ThreadPoolExecutor() as aside, serving(project, *flags, env={"PATH": path}) as server:
        port = int(server.event("debugging")["address"].rpartition(":")[2])
        line = source.read_text().splitlines().index('\t\tfmt.Println("called a")') + 1
        for said in ("one", "two"):
            server.call("a")  # it runs: nobody connects while delve starts
            with Dap(port, {str(source): [line]}) as ide:
                started = time.monotonic()
                answer = aside.submit(server.call, "a")
                frame = ide.stopped()
                assert (frame["source"]["path"], frame["line"]) == (str(source), line)
                if said == "one":
                    # Its timeout is over.
                    time.sleep(max(0, started + 1.2 - time.monotonic()))
                ide.go_on()
                assert answer.result(PATIENCE)["word"] == said
                if said == "one":
                    (project / "internal/shared/shared.go").write_text(word("shared", "two"))
                    ide.ended()
        environment = server.event("attaching")["environment"]
        answer = aside.submit(server.call, "b")
        own = project / ".lambdabuild/local/bin/b/bootstrap"
        process = subprocess.Popen([own], env=environment, start_new_session=True)
        try:
            assert answer.result(PATIENCE)["pid"] == process.pid
        finally:
            process.kill()
            process.wait()
        written = json.loads((project / ".vscode/launch.json").read_text())
        assert [entry["name"] for entry in written["configurations"]] == [
            "lambdabuild: a",
            "lambdabuild: start b",
        ]


def test_serve_refuses_to_debug_what_there_is_not(project: Path) -> None:
    done = subprocess.run(
        [str(LAMBDABUILD), "serve", "--port=0", "--attach=d"],
        cwd=project,
        env=CLEAN,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert "error: there is no function `d` to debug\n" in done.stderr
