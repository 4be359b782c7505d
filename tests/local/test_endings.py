"""Each way for an invocation to end, by real Go functions: what the caller gets, and what is logged."""

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambdabuild.local.functions import RESPONSE_LIMIT, Outcome, Platform
from tests.local.bootstraps import ARN, Room, alive, call

ID = "11111111-2222-3333-4444-555555555555"
Executables = dict[str, str]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, executables: Executables) -> Iterator[Room]:
    room = Room(tmp_path_factory.mktemp("endings"), Platform(region="eu-west-1"))
    for name in ("op", "sigterm"):
        room.add(name, executable=executables[name])
    yield room
    room.close()


def invoke(room: Room, op: str, *, name: str = "op", **fields: Any) -> tuple[Outcome, str]:
    """Have a function do what `op` says; return what came of it, and its log."""
    event = json.dumps({"Op": op} | {key: v for key, v in fields.items() if key[0].isupper()})
    rest = {key: v for key, v in fields.items() if not key[0].isupper()}
    return room.log(name, payload=event.encode(), request_id=ID, **rest)


def returned(room: Room, op: str, **fields: Any) -> Any:
    outcome, _ = invoke(room, op, **fields)
    assert not outcome.failed, outcome
    return json.loads(outcome.payload)


def count(room: Room, name: str = "op") -> int:
    """Return which invocation of its process this one is, of those that count."""
    return int(returned(room, "count", name=name)["count"])


def shape(log: str) -> list[str]:
    """Return a log without what differs from run to run."""
    log = re.sub(r"\d+\.\d\d ms", "N ms", log)
    log = re.sub(r"\b\d+ ms\b", "N ms", log)
    log = re.sub(r"Max Memory Used: [1-9]\d* MB", "Max Memory Used: N MB", log)
    log = log.replace("\tInit Duration: N ms", "")
    return re.sub(r"^\d{4}.\d\d.\d\d[ T][\d:.]+Z? ", "TIME ", log, flags=re.MULTILINE).splitlines()


START = f"START RequestId: {ID} Version: $LATEST"
END = f"END RequestId: {ID}"
REPORT = (
    f"REPORT RequestId: {ID}\tDuration: N ms\tBilled Duration: N ms\tMemory Size: 128 MB"
    "\tMax Memory Used: N MB\t"
)


def exit_lines(how: str) -> list[str]:
    return [
        f"RequestId: {ID} Error: Runtime exited {how}",
        "Runtime.ExitError",
        END,
        f"{REPORT}Status: error\tError Type: Runtime.ExitError",
    ]


def exit_body(how: str) -> dict[str, str]:
    return {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {ID} Error: Runtime exited {how}",
    }


def test_a_response_and_its_log(room: Room) -> None:
    outcome, log = invoke(room, "echo", Value="here")
    assert outcome[:4] == (b'"here"', False, "", "application/json")
    assert 0 < outcome.seconds < 3
    assert shape(log) == [START, END, REPORT]
    assert log.endswith("\t\n")
    assert f"Duration: {outcome.seconds * 1000:.2f} ms" in log


def test_init_duration_is_reported_on_a_cold_start_only(room: Room) -> None:
    room.add("cold", executable=room.programs["op"].executable)
    reports = [invoke(room, "nothing", name="cold")[1].splitlines()[-1] for _ in range(2)]
    assert re.search(r"\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t$", reports[0])
    assert re.search(r"\tMax Memory Used: \d+ MB\t$", reports[1])


def test_c4_nothing_is_null(room: Room) -> None:
    assert invoke(room, "nothing")[0][:2] == (b"null", False)


@pytest.mark.parametrize(
    ("op", "body"),
    [
        ("error", {"errorMessage": "m", "errorType": "errorString"}),
        ("custom-error", {"errorMessage": "m", "errorType": "CustomError"}),
        (
            "response-error",
            {
                "errorMessage": "m",
                "errorType": "Chosen.Type",
                "stackTrace": [{"path": "chosen.go", "line": 7, "label": "Chosen"}],
            },
        ),
    ],
)
def test_c5_c6_c7_a_returned_error_keeps_the_process(
    room: Room, op: str, body: dict[str, Any]
) -> None:
    before = count(room)
    outcome, log = invoke(room, op, Message="m")
    assert (json.loads(outcome.payload), outcome.failed) == (body, True)
    assert outcome.error_type == body["errorType"]
    assert shape(log) == [START, f"TIME {outcome.payload.decode()}", END, REPORT]
    assert count(room) == before + 1


@pytest.mark.parametrize(("op", "kind"), [("panic", "string"), ("panic-error", "CustomError")])
def test_c8_c9_a_panic_is_the_posted_error_and_ends_the_process(
    room: Room, op: str, kind: str
) -> None:
    outcome, log = invoke(room, op, Message="m")
    body = json.loads(outcome.payload)
    assert (outcome.failed, outcome.error_type) == (True, kind)
    assert (body["errorMessage"], body["errorType"]) == ("m", kind)
    assert {"path", "line", "label"} == set(body["stackTrace"][0])
    assert shape(log)[-4:] == exit_lines("with error: exit status 1")
    assert count(room) == 1


@pytest.mark.parametrize(
    ("op", "fields", "how"),
    [
        ("fatal", {"Message": "gone"}, "with error: exit status 1"),
        ("exit", {"Code": 0}, "without providing a reason"),
        ("exit", {"Code": 7}, "with error: exit status 7"),
        ("kill", {}, "with error: signal: killed"),
    ],
    ids=["c10-fatal", "c11-exit-0", "c12-exit-7", "signal"],
)
def test_the_end_of_the_process_is_the_error(
    room: Room, op: str, fields: dict[str, Any], how: str
) -> None:
    outcome, log = invoke(room, op, **fields)
    assert (json.loads(outcome.payload), outcome.failed) == (exit_body(how), True)
    assert outcome.error_type == "Runtime.ExitError"
    printed = ["TIME gone"] if op == "fatal" else []
    assert shape(log) == [START, *printed, *exit_lines(how)]
    assert count(room) == 1


def test_c13_c14_a_timeout_ends_the_process(room: Room) -> None:
    count(room)
    begun = time.monotonic()
    outcome, log = invoke(room, "sleep", Milliseconds=5000, timeout=1.0)
    assert 0.9 < time.monotonic() - begun < 1.6
    assert json.loads(outcome.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {ID} Error: Task timed out after 1.00 seconds",
    }
    assert outcome[1:3] == (True, "Sandbox.Timedout")
    assert shape(log) == [
        START,
        f"TIME {ID} Task timed out after 1.00 seconds",
        "",
        END,
        f"{REPORT}Status: timeout",
    ]
    assert "\tDuration: 1000.00 ms\tBilled Duration: 1000 ms\t" in log
    assert re.search(rf"^\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z {ID} Task", log, re.MULTILINE)
    assert count(room) == 1


def test_c15_an_internal_extension_hears_sigterm_before_sigkill(room: Room) -> None:
    assert count(room, "sigterm") == 1
    _, log = invoke(room, "sleep", name="sigterm", Milliseconds=5000, timeout=0.3)
    assert shape(log)[1:3] == ["Hello SIGTERM!", f"TIME {ID} Task timed out after 0.30 seconds"]
    _, log = invoke(room, "sleep", Milliseconds=5000, timeout=0.3)
    assert "SIGTERM" not in log
    assert count(room, "sigterm") == 1


def test_c15_without_a_log_a_caller_does_not_wait_for_the_end_of_the_process(room: Room) -> None:
    pid = returned(room, "count", name="sigterm")["pid"]
    payload = b'{"Op":"sleep","Milliseconds":5000}'
    outcome = room.run(room.pools.invoke(call("sigterm", payload=payload, timeout=0.2)))
    assert outcome.error_type == "Sandbox.Timedout"
    assert alive(pid)
    assert outcome.seconds >= 0.2


def test_c16_a_start_that_fails_is_tried_twice(room: Room) -> None:
    room.add("exits", executable=room.programs["op"].executable, environment={"INIT": "exit"})
    outcome, log = invoke(room, "nothing", name="exits")
    how = "with error: exit status 1"
    assert (json.loads(outcome.payload), outcome.failed) == (exit_body(how), True)
    init = (
        "INIT_REPORT Init Duration: N ms\tPhase: %s\tStatus: error\tError Type: Runtime.ExitError"
    )
    assert shape(log) == [
        "init is going to fail",
        init % "init",
        "init is going to fail",
        init % "invoke",
        START,
        *exit_lines(how),
    ]


def test_c17_an_executable_that_is_missing(room: Room, tmp_path: Path) -> None:
    path = str(tmp_path / "bootstrap")
    room.add("missing", executable=path)
    outcome, log = invoke(room, "nothing", name="missing")
    message = f"RequestId: {ID} Error: fork/exec {path}: no such file or directory"
    assert json.loads(outcome.payload) == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": message,
    }
    assert shape(log)[-5:] == [
        START,
        message,
        "Runtime.InvalidEntrypoint",
        END,
        f"{REPORT.replace('N MB', '0 MB')}Status: error\tError Type: Runtime.InvalidEntrypoint",
    ]


def test_c18_an_executable_of_another_machine_is_named_in_words(room: Room, tmp_path: Path) -> None:
    elf = bytearray(Path(room.programs["op"].executable).read_bytes())
    if elf[:4] == b"\x7fELF":
        elf[18:20] = (21).to_bytes(2, "little")  # EM_PPC64: no emulator is registered for it
    path = tmp_path / "bootstrap"
    path.write_bytes(elf if elf[:4] == b"\x7fELF" else b"\x7fELF" + bytes(60))
    path.chmod(0o755)
    room.add("foreign", executable=str(path))
    outcome, log = invoke(room, "nothing", name="foreign")
    assert json.loads(outcome.payload) == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": f"RequestId: {ID} Error: fork/exec {path}: exec format error",
    }
    if sys.platform == "linux":
        assert log.startswith(f"lambdabuild: {path} is for Linux on PPC64, and this is Linux on ")
        assert log.count("lambdabuild:") == 1


def test_c19_the_start_is_not_charged_to_the_timeout(room: Room) -> None:
    room.add(
        "slow",
        executable=room.programs["op"].executable,
        environment={"INIT": "600ms"},
        timeout=0.5,
    )
    outcome, log = invoke(room, "nothing", name="slow")
    assert outcome[:2] == (b"null", False)
    found = re.search(r"Init Duration: (\d+)\.\d\d ms", log)
    assert found
    assert int(found[1]) >= 600


def test_c20_output_of_both_kinds_is_logged_in_order(room: Room) -> None:
    _, log = invoke(room, "print")
    printed = ["to stdout", "to stderr", "to stdout again", "without newline"]
    assert shape(log) == [START, *printed, END, REPORT]


def test_c21_c22_a_reader_gives_raw_bytes_or_its_error(room: Room) -> None:
    outcome, _ = invoke(room, "read")
    assert outcome[:4] == (b"raw \x00\xff bytes", False, "", "application/octet-stream")
    before = count(room)
    outcome, _ = invoke(room, "read-half", Message="broke")
    assert (json.loads(outcome.payload), *outcome[1:4]) == (
        {"errorMessage": "broke", "errorType": "errorString"},
        True,
        "errorString",
        "application/json",
    )
    assert count(room) == before + 1


def test_c23_c24_responses_up_to_the_limit_pass(room: Room) -> None:
    outcome, _ = invoke(room, "size", Size=RESPONSE_LIMIT)
    assert (len(outcome.payload), outcome.failed) == (RESPONSE_LIMIT, False)
    outcome, log = invoke(room, "size", Size=RESPONSE_LIMIT + 1)
    assert json.loads(outcome.payload) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }
    assert outcome[1:3] == (True, "Function.ResponseSizeTooLarge")
    assert "\tStatus: error\tError Type: " in log
    assert count(room) == 1  # aws-lambda-go ends where a response is not accepted


def test_c25_c26_c44_what_a_function_knows_of_its_invocation(room: Room) -> None:
    about = returned(
        room,
        "context",
        client_context='{"client":{"installation_id":"i"},"custom":{"k":{"nested":"v"}}}',
        arn=f"{ARN}op:$LATEST",
        trace_id="Root=1-a;Parent=b;Sampled=1",
        timeout=10.0,
    )
    assert about["request_id"] == ID
    assert about["arn"] == f"{ARN}op:$LATEST"
    assert about["trace"] == about["environment_trace"] == "Root=1-a;Parent=b;Sampled=1"
    assert 9_000 < about["deadline_ms"] - about["now_ms"] <= 10_000
    assert 2000 < returned(room, "remaining", Milliseconds=500) <= 2500


def test_c27_the_environment_of_a_process(room: Room) -> None:
    executable = room.programs["op"].executable
    room.add(
        "environment",
        executable=executable,
        environment={"EQUAL": "4=4", "AWS_REGION": "mars", "PATH": "/own"},
    )
    found = returned(room, "environment", name="environment")
    variables = dict(pair.split("=", 1) for pair in found["environment"])
    assert os.path.realpath(found["directory"]) == os.path.realpath(os.path.dirname(executable))
    assert variables["LAMBDA_TASK_ROOT"] == os.path.dirname(executable)
    assert variables["EQUAL"] == "4=4"
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert variables["PATH"] == "/own"
    assert not {"AWS_EXECUTION_ENV", "PWD", "SHLVL", "HOME", "LD_LIBRARY_PATH"} & set(variables)


def test_c38_an_error_of_100_kilobytes_keeps_the_process(room: Room) -> None:
    before = count(room)
    outcome, _ = invoke(room, "long-error", Size=100_000)
    assert (len(json.loads(outcome.payload)["errorMessage"]), outcome.failed) == (100_000, True)
    assert count(room) == before + 1


def test_a_flood_of_output_arrives_whole(room: Room) -> None:
    outcome, log = invoke(room, "flood", Size=4_000_000)
    assert outcome.payload == b'"flooded"'
    assert log.count("x" * 99 + "\n") == 40_000
    assert shape(log)[-2:] == [END, REPORT]


def test_what_a_function_leaves_behind_ends_with_its_process(room: Room) -> None:
    child = returned(room, "child")
    assert alive(child)
    outcome, log = invoke(room, "exit", Code=3)
    assert outcome.error_type == "Runtime.ExitError"
    assert shape(log) == [START, *exit_lines("with error: exit status 3")]
    deadline = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_s1_s2_a_response_is_read_while_it_is_written(room: Room) -> None:
    async def read(op: str) -> tuple[list[bytes], str, Outcome, float]:
        event = json.dumps({"Op": op, "Milliseconds": 100, "Message": "broke"}).encode()
        stream = await room.pools.stream(call("op", payload=event))
        begun = time.monotonic()
        chunks = [chunk async for chunk in stream.chunks()]
        return chunks, stream.content_type, await stream.outcome(), time.monotonic() - begun

    chunks, content_type, outcome, seconds = room.run(read("read"))
    assert chunks == [b"raw ", b"\x00\xff", b" bytes"]
    assert content_type == "application/octet-stream"
    assert not outcome.failed
    assert seconds > 0.15
    chunks, _, outcome, _ = room.run(read("read-half"))
    assert chunks == [b"partial-"]
    assert (outcome.failed, outcome.error_type) == (True, "errorString")
    assert json.loads(outcome.payload)["errorMessage"] == "broke"


def test_a_streamed_response_may_be_larger_than_others(room: Room) -> None:
    async def read() -> tuple[int, Outcome]:
        event = json.dumps({"Op": "read-size", "Size": 20_000_000}).encode()
        stream = await room.pools.stream(call("op", payload=event))
        size = sum([len(chunk) async for chunk in stream.chunks()])
        return size, await stream.outcome()

    size, outcome = room.run(read())
    assert (size, outcome.failed) == (20_000_000, False)


def test_functions_end_soon_after_a_server_that_is_killed(
    executables: Executables,
) -> None:
    program = f"""
        import asyncio, sys
        from lambdabuild.local.functions import Platform, Program
        from lambdabuild.local.runtime.pools import Pools
        from tests.local.bootstraps import Room, call

        async def main():
            pools = Pools(Programs(), Platform())
            busy = [
                asyncio.create_task(pools.invoke(call("op", payload=b'{{"Op":"sleep","Milliseconds":500}}')))
                for _ in range(2)
            ]
            outcome = await pools.invoke(call("op", payload=b'{{"Op":"count"}}'))
            while len(live := [i._process.pid for i in pools._pools["op"]._instances if i._process]) < 3:
                await asyncio.sleep(0.01)
            print(*live, flush=True)
            await asyncio.sleep(60)

        class Programs:
            names = ["op"]
            async def program(self, name):
                return Program("op", {executables["op"]!r})

        asyncio.run(main())
    """
    server = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert server.stdout is not None
    pids = [int(pid) for pid in server.stdout.readline().split()]
    assert len(pids) == 3
    server.kill()
    server.wait()
    server.stdout.close()
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)
