"""Invocations that nobody waits for: those of type Event."""

import asyncio
import logging

from lambdabuild.local.functions import Call, Functions, UnknownFunctionError

log = logging.getLogger(__name__)

MOST_WAITING = 1000
"""Events that have not ended yet."""
MOST_BYTES = 64 * 1024 * 1024
"""What their payloads may take."""


class Background:
    """The events that are on their way, bounded in number and size."""

    def __init__(self, functions: Functions, retries: int = 0) -> None:
        """Retry an event that fails up to `retries` times, at once, with the same request ID."""
        self._functions = functions
        self._retries = retries
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes = 0

    def start(self, call: Call) -> bool:
        """Start a call, and return True; False if too many are on their way."""
        size = len(call.payload)
        if len(self._tasks) >= MOST_WAITING or self._bytes + size > MOST_BYTES:
            return False
        self._bytes += size
        task = asyncio.get_running_loop().create_task(self._run(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def close(self) -> None:
        """Cancel what has not ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, call: Call) -> None:
        try:
            for _ in range(1 + self._retries):
                outcome = await self._functions.invoke(call)
                if not outcome.failed:
                    return
        except UnknownFunctionError:
            log.debug("%s is gone, and its event with it", call.function)
        except Exception:
            log.exception("an event of %s", call.function)
        finally:
            self._bytes -= len(call.payload)
