"""A call that is alone: the functions that it calls, its events, its end."""

import asyncio
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from lambdabuild.core.errors import Interrupted, LambdabuildError
from lambdabuild.local.functions import (
    Call,
    NotBuiltError,
    Outcome,
    Platform,
    Program,
    UnknownFunctionError,
)
from lambdabuild.local.once import OnDemand, call_once
from lambdabuild.local.recording.calls import Calls

BOOTSTRAP = f"""#!{sys.executable}
import json, os, time, urllib.request

api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as response:
        identity = response.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.load(response)
    if "send" in event:
        function = os.environ["AWS_ENDPOINT_URL_LAMBDA"] + "/2015-03-31/functions/" + event["send"]
        request = urllib.request.Request(
            function + "/invocations", json.dumps(event["event"]).encode(),
            {{"X-Amz-Invocation-Type": "Event"}},
        )
        urllib.request.urlopen(request).close()
    if "touch" in event:
        time.sleep(0.2)
        open(event["touch"], "w").close()
    if "hang" in event:
        print("pid", os.getpid(), flush=True)
        time.sleep(600)
    urllib.request.urlopen(api + identity + "/response", b'"done"').close()
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    path = tmp_path / "function" / "bootstrap"
    path.parent.mkdir()
    path.write_text(BOOTSTRAP)
    path.chmod(0o755)
    return Program("first", str(path), timeout=60)


def refused(name: str) -> Program:
    raise LambdabuildError(f"{name} is refused")


def once(program: Program, payload: bytes, lines: list[bytes], project: Path) -> Outcome:
    def programs() -> OnDemand:
        return OnDemand(program, ["second"], lambda name: program._replace(name=name))

    call = Call("first", payload, "id", "arn")
    return call_once(
        programs, Platform(), call, Calls(str(project)), lines.append, print, lambda: None
    )


def test_an_event_that_nobody_waits_for_still_arrives(program: Program, tmp_path: Path) -> None:
    lines: list[bytes] = []
    touched = tmp_path / "touched"
    payload = f'{{"send": "second", "event": {{"touch": "{touched}"}}}}'.encode()
    outcome = once(program, payload, lines, tmp_path)

    assert outcome.payload == b'"done"'
    assert touched.exists()
    assert [line.split()[0] for line in lines if not line.startswith(b"second: ")] == [
        *(b"START", b"END", b"REPORT"),
    ]
    assert any(line.startswith(b"second: START ") for line in lines)
    # What a person called is kept, not what came of that.
    assert [kept.function for kept in Calls(str(tmp_path)).listed()] == ["first"]


def test_a_signal_ends_the_process(program: Program, tmp_path: Path) -> None:
    lines: list[bytes] = []
    ended: list[int] = []

    def stop() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            pids = [int(line.split()[1]) for line in lines if line.startswith(b"pid ")]
            if pids:
                ended.extend(pids)
                break
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    waiting = threading.Thread(target=stop)
    waiting.start()
    with pytest.raises(Interrupted):
        once(program, b'{"hang": true}', lines, tmp_path)
    waiting.join()

    assert signal.getsignal(signal.SIGTERM) == before
    with pytest.raises(ProcessLookupError):
        os.kill(ended[0], 0)


def test_programs_are_built_once_they_are_called() -> None:
    built: list[str] = []

    def build(name: str) -> Program:
        built.append(name)
        return Program(name, f"/{name}/bootstrap")

    async def run() -> None:
        programs = OnDemand(Program("a", "/a/bootstrap"), ["a", "b", "c"], build)
        assert programs.names == ("a", "b", "c")
        assert (await programs.program("a")).executable == "/a/bootstrap"
        found = await asyncio.gather(*(programs.program("b") for _ in range(3)))
        assert found == [Program("b", "/b/bootstrap")] * 3
        assert built == ["b"]
        with pytest.raises(UnknownFunctionError):
            await programs.program("d")
        programs = OnDemand(Program("a", ""), ["b"], refused)
        with pytest.raises(NotBuiltError, match="b is refused"):
            await programs.program("b")

    asyncio.run(run())
