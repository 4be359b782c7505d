"""A server on a free port, with real functions behind it, in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lambdabuild.local.control.control import Control
from lambdabuild.local.front import Front
from lambdabuild.local.functions import NotBuiltError, Platform, Program, UnknownFunctionError
from lambdabuild.local.http.messages import Request, Response
from lambdabuild.local.http.server import Server
from lambdabuild.local.runtime.pools import Pools

TOKEN = "the-token"


@dataclass
class Built:
    """Functions that are built already, or do not build, as Programs."""

    programs: Mapping[str, Program | NotBuiltError]

    @property
    def names(self) -> Sequence[str]:
        return sorted(self.programs)

    async def program(self, name: str) -> Program:
        program = self.programs.get(name)
        if program is None:
            raise UnknownFunctionError(name)
        if isinstance(program, NotBuiltError):
            raise program
        return program


@dataclass
class Serving:
    """A server that runs."""

    port: int
    lines: list[tuple[str, bytes]] = field(default_factory=list)
    """What functions have logged: the name of the function, and a line."""
    notes: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def logged(self, function: str) -> bytes:
        return b"".join(line for name, line in self.lines if name == function)


@contextmanager
def serving(programs: Mapping[str, Program | NotBuiltError], **options: Any) -> Iterator[Serving]:
    """Serve functions; `options` are those of Front."""
    ready = threading.Event()
    state: dict[str, Any] = {}

    async def run() -> None:
        stop = asyncio.Event()
        state["loop"], state["stop"] = asyncio.get_running_loop(), stop

        async def handle(request: Request) -> Response:
            front: Front = state["front"]
            return await front.handle(request)

        server = Server(handle)
        serves = Serving(await server.listen())
        platform = Platform(
            credentials={"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"},
            endpoint=serves.address,
        )
        pools = Pools(
            Built(programs), platform, lambda name, line: serves.lines.append((name, line))
        )
        control = Control(pools, "/project", TOKEN)
        front = Front(pools, control=control, note=serves.notes.append, **options)
        state["front"], state["serving"] = front, serves
        ready.set()
        await stop.wait()
        await front.close()
        await server.close()
        await pools.close()

    def main() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            state["error"] = error
            raise
        finally:
            ready.set()

    thread = threading.Thread(target=main, name="serving")
    thread.start()
    ready.wait()
    if "error" in state:
        raise state["error"]
    try:
        yield state["serving"]
    finally:
        state["loop"].call_soon_threadsafe(state["stop"].set)
        thread.join(30)
        assert not thread.is_alive(), "the server does not end"
