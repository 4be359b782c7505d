"""An HTTP/1.1 server."""

import asyncio
from typing import cast

from lambdabuild.local.http.connection import Connection, Handler

_TURNS = 5
"""Of the event loop, until what connected before is accepted: asyncio takes three."""
_PATIENCE = 5.0
"""Seconds for handlers to end when the server does."""


class Server:
    """A listener, with the connections that it took."""

    def __init__(self, handler: Handler) -> None:
        """Every request goes to `handler`."""
        self._handler = handler
        self._connections: set[Connection] = set()
        self._listener: asyncio.Server | None = None

    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and return the port; 0 takes a free one.

        Raises:
            OSError: the port is taken, or not allowed.

        """
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Connection(self._handler, self._connections), host, port, backlog=1024
        )
        return cast("int", self._listener.sockets[0].getsockname()[1])

    async def quiet(self, seconds: float) -> None:
        """Wait until all clients have left and what they sent was handled; at most so long."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        connections = list(self._connections)
        if connections:
            await asyncio.wait([c.gone for c in connections], timeout=seconds)
        if tasks := [c.task for c in connections if c.task is not None]:
            await asyncio.wait(tasks, timeout=seconds)

    async def close(self) -> None:
        """Stop listening, cancel handlers, and close all connections, whatever they are at."""
        if self._listener is not None:
            self._listener.close()
        tasks = [c.task for c in self._connections if c.task is not None]
        for task in tasks:
            task.cancel()
        for connection in list(self._connections):
            connection.abort()
        if tasks:
            await asyncio.wait(tasks, timeout=_PATIENCE)
