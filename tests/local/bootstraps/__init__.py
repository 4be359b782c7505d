"""Functions that are no Go: a scripted runtime, and the pools that run it."""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from lambdabuild.local.functions import (
    Call,
    LogSink,
    Outcome,
    Platform,
    Program,
    UnknownFunctionError,
)
from lambdabuild.local.runtime.pools import Pools

SCRIPTED = Path(__file__).with_name("scripted.py")
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"
_Result = TypeVar("_Result")


def bootstrap(directory: Path, text: str | None = None) -> str:
    """Write an executable that runs Python: the scripted runtime, or other code."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "bootstrap"
    code = SCRIPTED.read_text("utf-8") if text is None else text
    # Without `site`, Python starts in half the time.
    path.write_text(f"#!{os.path.realpath(sys.executable)} -IS\n{code}", "utf-8")
    path.chmod(0o755)
    return str(path)


class Room:
    """Pools over programs that a test makes up, in an event loop of their own."""

    def __init__(self, directory: Path, platform: Platform | None = None) -> None:
        self.directory = directory
        self.programs: dict[str, Program] = {}
        self.lines: list[tuple[str, bytes]] = []
        self._runner = asyncio.Runner()
        self.pools = self.run(self._open(platform or Platform()))

    async def _open(self, platform: Platform) -> Pools:
        return Pools(self, platform, lambda name, line: self.lines.append((name, line)))

    @property
    def names(self) -> Sequence[str]:
        return sorted(self.programs)

    async def program(self, name: str) -> Program:
        if name not in self.programs:
            raise UnknownFunctionError(name)
        return self.programs[name]

    def add(self, name: str, text: str | None = None, **fields: Any) -> None:
        """Add a function that runs the scripted runtime, or other code."""
        if "executable" not in fields:
            fields["executable"] = bootstrap(self.directory / name, text)
        self.programs[name] = Program(name=name, **fields)

    def add_with_init(self, name: str, *steps: Any, **fields: Any) -> None:
        """Add a function that runs steps before it asks for an event."""
        self.add(name, environment={"INIT": json.dumps(steps)}, **fields)

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        async def limited() -> _Result:
            async with asyncio.timeout(60):
                return await work

        return self._runner.run(limited())

    def invoke(
        self, name: str, *steps: Any, log: LogSink = lambda _: None, **fields: Any
    ) -> Outcome:
        """Have a function run steps, and return what came of it, once it is ready for more."""
        return self.run(self.pools.invoke(call(name, *steps, **fields), log))

    def seen(self, name: str, *steps: Any) -> Any:
        """Have a function run steps, and return what it saw of them."""
        outcome = self.invoke(name, *steps)
        assert not outcome.failed, outcome
        return json.loads(outcome.payload)

    def log(self, name: str, *steps: Any, **fields: Any) -> tuple[Outcome, str]:
        """Have a function run steps; return what came of it, and its log."""
        lines: list[bytes] = []
        outcome = self.invoke(name, *steps, log=lines.append, **fields)
        assert all(line.endswith(b"\n") for line in lines)
        return outcome, b"".join(lines).decode("utf-8", "replace")

    def close(self) -> None:
        self.run(self.pools.close())
        self._runner.close()
        assert self.pools.live() == {}


def call(name: str, *steps: Any, **fields: Any) -> Call:
    """Return a call with steps for the scripted runtime, or with the `payload` that is given."""
    fields.setdefault("payload", json.dumps({"steps": steps}).encode())
    fields.setdefault("request_id", str(uuid.uuid4()))
    fields.setdefault("arn", ARN + name)
    return Call(function=name, **fields)


def request(
    method: str, path: str, body: str = "", headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return the step that sends a request; `ID` in the path is the request id of the event."""
    return {"do": "request", "method": method, "path": path, "body": body, "headers": headers or {}}


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Tell whether a process is there and has not ended."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
