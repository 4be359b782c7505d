"""Which call gets which process: with real processes, of a scripted runtime."""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.functions import (
    Functions,
    NotBuiltError,
    Outcome,
    Program,
    Programs,
    Streamed,
    UnknownFunctionError,
)
from lambdabuild.local.runtime import instance, pools
from tests.local.bootstraps import Room, alive, call, request, until

PID = {"do": "pid"}
API = "/2018-06-01/runtime/invocation"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    room.add("f")
    yield room
    room.close()


def sleep(seconds: float) -> dict[str, Any]:
    return {"do": "sleep", "seconds": seconds}


def pid(outcome: Outcome) -> int:
    assert not outcome.failed, outcome
    return int(json.loads(outcome.payload)[-1])


async def pids(room: Room, count: int, seconds: float = 0.2) -> list[int]:
    """Return who answers so many calls at once."""
    calls = [room.pools.invoke(call("f", sleep(seconds), PID)) for _ in range(count)]
    return [pid(outcome) for outcome in await asyncio.gather(*calls)]


def test_pools_are_what_fronts_call(room: Room) -> None:
    functions: Functions = room.pools
    programs: Programs = room
    assert functions.names == programs.names == ["f"]


def test_an_unknown_function_is_an_error(room: Room) -> None:
    with pytest.raises(UnknownFunctionError):
        room.invoke("unknown")
    assert room.pools.names == ["f"]
    assert room.pools.live() == {}


def test_a_function_that_does_not_build_fails_with_the_words_of_the_compiler(room: Room) -> None:
    async def program(name: str) -> Program:
        assert name == "f"
        raise NotBuiltError("main.go:3:2: undefined: x")

    room.program = program  # type: ignore[method-assign]
    outcome = room.invoke("f")
    assert outcome[:3] == (
        b'{"errorType":"BuildFailed","errorMessage":"main.go:3:2: undefined: x"}',
        True,
        "BuildFailed",
    )

    async def streamed() -> tuple[list[bytes], Outcome]:
        stream = await room.pools.stream(call("f"))
        return [chunk async for chunk in stream.chunks()], await stream.outcome()

    chunks, ending = room.run(streamed())
    assert (chunks, ending.payload) == ([], outcome.payload)


def test_sequential_calls_share_a_process(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_PATIENCE", 10)
    answered = request("POST", f"{API}/ID/response", "1")

    async def in_turn() -> list[int]:
        found = []
        for _ in range(5):
            # It works a little between its answer and the next event, as runtimes do.
            await room.pools.invoke(call("f", answered, sleep(0.05)))
            found.append(pid(await room.pools.invoke(call("f", PID))))
        return found

    assert len(set(room.run(in_turn()))) == 1
    assert room.pools.live() == {"f": 1}


def test_a_call_does_not_wait_long_for_a_process_that_answered(room: Room) -> None:
    answered = request("POST", f"{API}/ID/response", "1")

    async def in_turn() -> tuple[int, int, float]:
        first = pid(await room.pools.invoke(call("f", PID)))
        await room.pools.invoke(call("f", answered, sleep(5)))
        begun = time.monotonic()
        second = pid(await room.pools.invoke(call("f", PID)))
        return first, second, time.monotonic() - begun

    first, second, seconds = room.run(in_turn())
    assert first != second
    assert 0.25 <= seconds < 4.9


def test_concurrent_calls_get_processes_of_their_own(room: Room) -> None:
    found = room.run(pids(room, 4))
    assert len(set(found)) == 4
    assert room.pools.live() == {"f": 4}


def test_more_calls_than_there_may_be_processes_wait_in_turn(room: Room) -> None:
    room.add("f", concurrency=2)
    assert len(set(room.run(pids(room, 6, 0.05)))) == 2
    assert room.pools.live() == {"f": 2}
    room.add("f", concurrency=1)
    order: list[int] = []

    async def one(number: int) -> None:
        await room.pools.invoke(call("f"))
        order.append(number)

    async def many() -> None:
        await asyncio.gather(*map(one, range(8)))

    room.run(many())
    assert order == list(range(8))


def test_a_waiting_call_that_is_cancelled_is_not_made(room: Room) -> None:
    room.add("f", concurrency=1)

    async def cancelled() -> list[Any]:
        first = asyncio.create_task(room.pools.invoke(call("f", sleep(0.2))))
        second = asyncio.create_task(room.pools.invoke(call("f", PID)))
        await asyncio.sleep(0.05)
        second.cancel()
        await first
        return list(json.loads((await room.pools.invoke(call("f", {"do": "tell"}))).payload))

    assert room.run(cancelled()) == []


def test_a_running_call_that_is_cancelled_runs_to_its_end(room: Room) -> None:
    async def cancelled() -> tuple[int, int]:
        first = pid(await room.pools.invoke(call("f", PID)))
        task = asyncio.create_task(room.pools.invoke(call("f", sleep(0.1))))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: sum(b"REPORT" in line for _, line in room.lines) == 2)
        return first, pid(await room.pools.invoke(call("f", PID)))

    first, second = room.run(cancelled())
    assert first == second


def test_retired_processes_end_at_once_if_idle_and_else_after_their_call(room: Room) -> None:
    async def retire() -> None:
        idle, busy = sorted(await pids(room, 2))
        task = asyncio.create_task(room.pools.invoke(call("f", sleep(0.4), PID)))
        await asyncio.sleep(0.1)
        room.pools.retire(["f", "unknown"], "main.go changed")
        await until(lambda: alive(idle) != alive(busy))
        fresh = pid(await room.pools.invoke(call("f", PID)))
        assert fresh not in {idle, busy}
        assert pid(await task) in {idle, busy}
        await until(lambda: not alive(idle) and not alive(busy))
        await until(lambda: room.pools.live() == {"f": 1})

    room.run(retire())


def test_another_program_takes_the_place_of_the_one_before(room: Room) -> None:
    first = pid(room.invoke("f", PID))
    room.programs["f"] = room.programs["f"]._replace(
        environment=dict(room.programs["f"].environment)
    )
    assert pid(room.invoke("f", PID)) == first
    room.add("f", environment={"TABLE": "users"})
    ((environment, _),) = room.seen("f", {"do": "environment"})
    assert environment["TABLE"] == "users"
    room.run(until(lambda: not alive(first)))


def test_with_one_process_at_a_time_a_call_waits_for_the_end_of_the_old(room: Room) -> None:
    room.add("f", prefix=("/usr/bin/env",), concurrency=1)

    async def replace() -> None:
        first = pid(await room.pools.invoke(call("f", PID)))
        task = asyncio.create_task(room.pools.invoke(call("f", sleep(0.3), PID)))
        await asyncio.sleep(0.05)
        room.pools.retire(["f"])
        assert pid(await room.pools.invoke(call("f", PID))) != first
        assert task.done()
        assert not alive(first)

    room.run(replace())


def test_a_prefix_goes_before_the_executable(room: Room) -> None:
    room.add("f", prefix=("/usr/bin/env", "ADDED=1"))
    ((environment, _),) = room.seen("f", {"do": "environment"})
    assert environment["ADDED"] == "1"


def test_closing_ends_idle_and_busy_processes_and_cancels_what_waits(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.add("f", concurrency=2)

    async def close() -> list[int]:
        found = await pids(room, 2)
        tasks = [asyncio.create_task(room.pools.invoke(call("f", sleep(30)))) for _ in range(3)]
        streamed = asyncio.create_task(room.pools.stream(call("f", PID)))
        starting = asyncio.create_task(room.pools.invoke(call("g", PID)))
        await asyncio.sleep(0.05)
        await room.pools.close()
        assert room.pools.live() == {}
        busy = await asyncio.gather(*tasks[:2], starting, return_exceptions=True)
        assert [getattr(outcome, "error_type", outcome) for outcome in busy] == [
            "Runtime.ExitError"
        ] * 3
        for task in (tasks[2], streamed):
            with pytest.raises(asyncio.CancelledError):
                await task
        with pytest.raises(asyncio.CancelledError):
            await room.pools.invoke(call("f"))
        return found

    room.add("g", environment={"INIT": json.dumps([sleep(30)])})
    assert not any(map(alive, room.run(close())))
    room.close()


def test_a_process_with_an_extension_hears_sigterm_where_it_is_retired(room: Room) -> None:
    register = request(
        "POST", "/2020-01-01/extension/register", '{"events":[]}', {"Lambda-Extension-Name": "x"}
    )
    room.add_with_init("f", register, {"do": "on-term", "text": "Hello SIGTERM!\n"})
    found = room.seen("f", PID)[-1]
    room.pools.retire(["f"])
    room.run(until(lambda: not alive(found)))
    room.run(until(lambda: room.pools.live() == {}))
    assert ("f", b"Hello SIGTERM!\n") in room.lines


def test_an_init_that_takes_too_long_is_tried_again_within_the_timeout(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance, "INIT_BUDGET", 0.2)
    room.add_with_init("f", sleep(30), timeout=0.3)
    begun = time.monotonic()
    outcome, log = room.log("f", PID)
    assert 0.5 <= time.monotonic() - begun < 5
    assert outcome.error_type == "Sandbox.Timedout"
    reports = [line.split("\t")[1:] for line in log.splitlines() if "INIT_REPORT" in line]
    assert reports == [["Phase: init", "Status: timeout"], ["Phase: invoke", "Status: timeout"]]
    assert log.endswith("\tStatus: timeout\n")
    assert "Duration: 300.00 ms" in log


def test_a_second_start_is_charged_to_the_timeout(room: Room, tmp_path: Path) -> None:
    once = str(tmp_path / "once")
    text = f"""
import os, runpy, time
if not os.path.exists({once!r}):
    open({once!r}, "w").close()
    os._exit(1)
time.sleep(0.4)
runpy.run_path({str(tmp_path / "f" / "bootstrap")!r})
"""
    room.add("f")
    room.add("late", text, timeout=5.0)
    outcome, log = room.log("late", {"do": "event"})
    ((headers, _),) = json.loads(outcome.payload)
    left = int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - time.time()
    assert 0 < left < 4.6
    assert outcome.seconds >= 0.4
    assert log.count("INIT_REPORT") == 1
    assert "\tInit Duration" not in log.splitlines()[-1]


def test_without_a_timeout_nothing_ends_a_start_or_a_call(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance, "INIT_BUDGET", 0.1)
    room.add_with_init("f", sleep(0.3), timeout=None)
    outcome = room.invoke("f", {"do": "event"}, timeout=0.01)
    ((headers, _),) = json.loads(outcome.payload)
    assert int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - time.time() > 3600


def test_the_log_of_a_call_is_complete_and_its_own(room: Room) -> None:
    async def both() -> list[list[bytes]]:
        logs: list[list[bytes]] = [[], []]
        await asyncio.gather(
            *[
                room.pools.invoke(
                    call("f", {"do": "print", "text": f"{n}\n"}, sleep(0.1), request_id=str(n)),
                    logs[n].append,
                )
                for n in range(2)
            ]
        )
        return logs

    for n, log in enumerate(room.run(both())):
        assert log[:3] == [
            f"START RequestId: {n} Version: $LATEST\n".encode(),
            f"{n}\n".encode(),
            f"END RequestId: {n}\n".encode(),
        ]
        assert log[3].startswith(f"REPORT RequestId: {n}\t".encode())
        assert len(log) == 4
    assert len(room.lines) == 8


def test_a_sink_that_fails_does_not_end_a_call(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: bytes) -> None:
        raise BrokenPipeError

    assert not room.invoke("f", log=broken).failed
    assert "the log of f" in caplog.text


def test_a_stream_that_nobody_reads_is_held_up_and_then_dropped(room: Room) -> None:
    size = 8 << 20

    async def abandoned() -> tuple[Outcome, int]:
        step = request("POST", f"{API}/ID/response", "x") | {"times": size}
        stream = await room.pools.stream(call("f", step))
        await asyncio.sleep(0.2)
        held = stream._size
        chunks = stream.chunks()
        assert (await anext(chunks)).strip(b"x") == b""
        await chunks.aclose()  # type: ignore[attr-defined]
        return await stream.outcome(), held

    outcome, held = room.run(abandoned())
    assert not outcome.failed
    assert held < size // 4
    assert room.seen("f", {"do": "tell"})[0][0] == 202


def test_a_stream_ends_where_the_function_takes_too_long(room: Room) -> None:
    head = f"POST {API}/ID/response HTTP/1.1\r\nHost: localhost:1\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def read() -> tuple[list[bytes], Outcome]:
        room.add("f", timeout=0.3)
        raw = {"do": "raw", "text": f"{head}3\r\nabc\r\n"}
        stream: Streamed = await room.pools.stream(call("f", raw))
        return [chunk async for chunk in stream.chunks()], await stream.outcome()

    chunks, outcome = room.run(read())
    assert chunks == [b"abc"]
    assert outcome.error_type == "Sandbox.Timedout"


def test_a_stream_of_a_function_that_ends_without_a_response_is_empty(room: Room) -> None:
    async def read() -> tuple[list[bytes], Outcome]:
        stream = await room.pools.stream(call("f", {"do": "exit", "code": 2}))
        return [chunk async for chunk in stream.chunks()], await stream.outcome()

    chunks, outcome = room.run(read())
    assert (chunks, outcome.error_type) == ([], "Runtime.ExitError")


def test_all_works_in_a_thread_that_is_not_the_main_one(tmp_path: Path) -> None:
    ends: list[tuple[bool, str]] = []

    def work() -> None:
        room = Room(tmp_path)
        room.add("f")
        ends.append(
            (room.invoke("f", PID).failed, room.invoke("f", {"do": "exit", "code": 1}).error_type)
        )
        room.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert ends == [(False, "Runtime.ExitError")]


def test_many_calls_leave_nothing_behind(room: Room) -> None:
    async def many(count: int) -> tuple[int, int]:
        for _ in range(count):
            await room.pools.invoke(call("f", payload=b"{}"))
        # Its process asks for the next event.
        await until(lambda: all(i.ready for i in room.pools._pools["f"]._instances))
        return len(asyncio.all_tasks()), len(os.listdir("/dev/fd"))

    assert room.run(many(200)) == room.run(many(200))


class Attached:
    """A process that somebody else starts, at a known port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def send(self, method: str, path: str, body: bytes = b"") -> None:
        head = f"{method} {API}/{path} HTTP/1.1\r\nHost: localhost:1\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)

    async def receive(self) -> tuple[int, str, bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers["Content-Length"]))
        return int(head[0].split()[1]), headers.get("Lambda-Runtime-Aws-Request-Id", ""), body


def free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_calls_wait_for_a_process_that_somebody_else_starts(room: Room) -> None:
    port = free_port()
    room.add("f", attached=port, timeout=None, concurrency=1)

    async def attach() -> None:
        await room.pools.attach("f")
        await room.pools.attach("f")
        lines: list[bytes] = []
        first = asyncio.create_task(room.pools.invoke(call("f", payload=b"1"), lines.append))
        async with Attached(port) as process:
            await process.send("GET", "next")
            _, request_id, body = await process.receive()
            assert body == b"1"
            await process.send("POST", f"{request_id}/response", b'"one"')
            assert (await process.receive())[0] == 202
        assert (await first).payload == b'"one"'
        assert lines[-1].startswith(b"REPORT")
        # It ends with an event: the next process gets it again.
        second = asyncio.create_task(room.pools.invoke(call("f", payload=b"2")))
        async with Attached(port) as process:
            await process.send("GET", "next")
            assert (await process.receive())[2] == b"2"
        async with Attached(port) as process:
            await process.send("GET", "next")
            _, request_id, body = await process.receive()
            assert body == b"2"
            await process.send("POST", f"{request_id}/response", b'"two"')
            await process.receive()
            assert (await second).payload == b'"two"'
            # It waits already when the call comes.
            await process.send("GET", "next")
            third = asyncio.create_task(room.pools.invoke(call("f", payload=b"3")))
            _, request_id, body = await process.receive()
            await process.send("POST", f"{request_id}/error", b'{"errorType":"E"}')
            assert (await third).error_type == "E"
        # A process that waited and left gets no event.
        async with Attached(port) as process:
            await process.send("GET", "next")
        fourth = asyncio.create_task(room.pools.invoke(call("f", payload=b"4")))
        async with Attached(port) as process:
            await process.send("GET", "next")
            _, request_id, body = await process.receive()
            assert body == b"4"
            await process.send("POST", f"{request_id}/response", b"4")
            assert (await fourth).payload == b"4"

    room.run(attach())


def test_a_port_that_is_taken_is_an_error_with_a_remedy(room: Room) -> None:
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        room.add("f", attached=port, timeout=None, concurrency=1)
        for work in (
            room.pools.attach("f"),
            room.pools.invoke(call("f")),
            room.pools.stream(call("f")),
        ):
            with pytest.raises(LambdabuildError) as caught:
                room.run(work)
            message = "the Runtime API of `f` cannot listen: address already in use"
            assert caught.value.message == message
            assert caught.value.hint == f"end what listens on port {port}, or choose another"


def test_a_call_to_an_attached_process_can_take_too_long(room: Room) -> None:
    port = free_port()
    room.add("f", attached=port, timeout=0.2)

    async def late() -> None:
        await room.pools.attach("f")
        async with Attached(port) as process:
            await process.send("GET", "next")
            outcome = await room.pools.invoke(call("f"), lambda _: None)
            assert outcome.error_type == "Sandbox.Timedout"
            _, request_id, _ = await process.receive()
            await process.send("POST", f"{request_id}/response", b"late")
            assert (await process.receive())[0] == 403

    room.run(late())


def test_a_process_is_gone_before_another_call_where_it_was_killed(room: Room) -> None:
    first = pid(room.invoke("f", PID))
    os.kill(first, signal.SIGKILL)
    assert pid(room.invoke("f", PID)) != first


def test_a_process_that_hangs_up_and_stays_is_ended(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance, "INIT_BUDGET", 0.3)
    text = """
import os, socket, time
host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
waiting = socket.create_connection((host, int(port)))
waiting.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: localhost:1\\r\\n\\r\\n")
event = waiting.recv(65536).decode()
request_id = event.split("Request-Id: ", 1)[1].split("\\r\\n", 1)[0]
answer = "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\\r\\nHost: localhost:1\\r\\nContent-Length: 1\\r\\n\\r\\n1"
waiting.sendall((answer % request_id).encode())
waiting.recv(65536)
waiting.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: localhost:1\\r\\n\\r\\n")
time.sleep(0.1)
waiting.close()
time.sleep(60)
"""
    room.add("hanging", text, concurrency=1)

    async def twice() -> list[bytes]:
        first = await room.pools.invoke(call("hanging"), lambda _: None)
        await asyncio.sleep(0.2)
        return [first.payload, (await room.pools.invoke(call("hanging"))).payload]

    assert room.run(twice()) == [b"1", b"1"]


def test_a_mistake_of_ours_is_told_to_the_caller(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.add("f", environment=None)
    with pytest.raises(AttributeError):
        room.invoke("f")
    assert "the process of f" in caplog.text
    assert room.pools.live() == {}
