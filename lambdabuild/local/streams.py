"""Responses that are passed on while functions write them."""

import asyncio
import logging
from collections.abc import AsyncIterator

from lambdabuild.local.functions import Streamed

log = logging.getLogger(__name__)


class Readers:
    """Reads responses to their end, also where a client leaves: Lambda lets the function finish."""

    def __init__(self) -> None:
        """Begin with nothing to read."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def chunks(self, streamed: Streamed) -> AsyncIterator[bytes]:
        """Yield a response; if nobody wants the rest of it, read that in the background."""
        pieces = streamed.chunks()
        complete = False
        try:
            async for piece in pieces:
                yield piece
            complete = True
        finally:
            if not complete:
                self._finish(pieces, streamed)

    async def close(self) -> None:
        """Cancel what is read in the background."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _finish(self, pieces: AsyncIterator[bytes], streamed: Streamed) -> None:
        async def finish() -> None:
            try:
                async for _ in pieces:
                    pass
                await streamed.outcome()
            except Exception:
                log.debug("a response that nobody reads", exc_info=True)

        task = asyncio.get_running_loop().create_task(finish())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
