"""Calls of functions, for which an API waits only so long."""

import asyncio
import logging
from collections.abc import Container, Mapping

from lambdabuild.deployment.routes.apis import HTTP, REST
from lambdabuild.local.functions import Call, Functions, Outcome
from lambdabuild.local.identity import function_arn, new_request_id

log = logging.getLogger(__name__)

INTEGRATION_TIMEOUTS = {REST: 29.0, HTTP: 30.0}
"""Seconds: the most that an API waits for a function, unless AWS raised the quota.

https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""


class Caller:
    """Calls functions with events."""

    def __init__(
        self,
        functions: Functions,
        region: str,
        debugged: Container[str] = (),
        timeouts: Mapping[str, float] = INTEGRATION_TIMEOUTS,
    ) -> None:
        """Wait for functions that are `debugged` as long as it takes; `timeouts` are by kinds of API."""
        self._functions = functions
        self._region = region
        self._debugged = debugged
        self.timeouts = timeouts
        self._running: set[asyncio.Task[Outcome]] = set()

    async def call(self, kind: str, function: str, payload: bytes, trace_id: str) -> Outcome:
        """Call a function on behalf of an API of that kind.

        Raises:
            TimeoutError: the API has waited long enough. The function goes on, as on AWS.
            UnknownFunctionError: there is no such function.

        """
        call = Call(
            function,
            payload,
            new_request_id(),
            function_arn(self._region, function),
            trace_id=trace_id,
        )
        limit = self.timeouts.get(kind)
        if limit is None or function in self._debugged:
            return await self._functions.invoke(call)
        task = asyncio.ensure_future(self._functions.invoke(call))
        self._running.add(task)
        task.add_done_callback(self._ended)
        try:
            done, _ = await asyncio.wait({task}, timeout=limit)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            raise TimeoutError
        return task.result()

    def _ended(self, task: "asyncio.Task[Outcome]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.debug("a call ended: %r", error)
