"""The server of `serve`, on a thread and an event loop of its own: the main thread watches and builds."""

import asyncio
import concurrent.futures
import contextlib
import errno
import ipaddress
import logging
import sys
import threading
from collections.abc import Callable
from typing import NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.deployment.routes.apis import Cors
from lambdabuild.local.control.control import Control, new_token
from lambdabuild.local.debugging.debuggers import Attached, Attendant, Debuggers
from lambdabuild.local.front import Front
from lambdabuild.local.functions import Platform
from lambdabuild.local.gateway.configured import Found
from lambdabuild.local.gateway.gateway import Gateway
from lambdabuild.local.http.messages import Request, Response
from lambdabuild.local.http.server import Server
from lambdabuild.local.programs.supply import Change, Supply
from lambdabuild.local.recording.calls import Calls
from lambdabuild.local.recording.record import Recording
from lambdabuild.local.runtime.pools import Pools
from lambdabuild.local.serving.loglines import LogLines

log = logging.getLogger(__name__)

_SWITCH = 0.0005
"""Seconds that a thread may keep the interpreter while another wants it."""


class Place(NamedTuple):
    """Where a server listens."""

    host: str
    port: int
    """0 for a free one, until it listens."""

    @property
    def address(self) -> str:
        """What calls it on this machine: `http://127.0.0.1:9000`."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine reaches it."""
        if self.host == "localhost":
            return True
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return False


class Background:
    """The server, with all that is behind it."""

    def __init__(
        self,
        place: Place,
        project: str,
        supply: Supply,
        platform: Platform,
        lines: LogLines,
        debuggers: Debuggers,
        attached: Callable[[Attached], None],
    ) -> None:
        """`attached` hears of functions that somebody is to start."""
        self.place = place
        self.token = new_token()
        self._project = project
        self._supply = supply
        self._platform = platform
        self._lines = lines
        self._debuggers = debuggers
        self._attached = attached
        self._bound: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._attendant: Attendant | None = None
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def start(self, ended: Callable[[], None]) -> None:
        """Listen; `ended` is called where the server ends by a fault.

        Raises:
            LambdabuildError: the port is taken, or not allowed.

        """

        def run() -> None:
            try:
                # A call that comes while another thread computes would wait for 5 ms.
                sys.setswitchinterval(_SWITCH)
                asyncio.run(self._serve())
            except BaseException as error:
                self._failure = error
                if not self._bound.done():
                    self._bound.set_exception(error)
                    return
                log.exception("the server ended")
                ended()

        self._thread = threading.Thread(target=run, name="server", daemon=True)
        self._thread.start()
        try:
            self._bound.result()
        except OSError as error:
            raise _cannot_listen(self.place, error) from error

    def check(self) -> None:
        """Raise what ended the server, if anything did."""
        if self._failure is not None:
            raise self._failure

    def have_debugged_ready(self) -> None:
        """Start, or wait for, the functions that are debugged."""
        if self._loop is not None and self._attendant is not None:
            self._loop.call_soon_threadsafe(self._attendant.ready)

    def stop(self) -> None:
        """End the server with all processes; return when they are gone."""
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stopping.set)
        if self._thread is not None:
            self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        front: Front | None = None
        # Until then nobody knows what there is: a call that comes first waits.
        surveyed = asyncio.Event()

        async def handle(request: Request) -> Response:
            assert front is not None  # noqa: S101 - it is there before anybody can ask
            await surveyed.wait()
            return await front.handle(request)

        server = Server(handle)
        port = await server.listen(*self.place)
        self.place = self.place._replace(port=port)
        platform = self._platform._replace(endpoint=self.place.address)
        pools = Pools(self._supply, platform, self._lines.put)
        recording = Recording(pools, Calls(self._project))
        region, note = platform.region, self._lines.note
        gateway = Gateway(recording, (), note, region=region, debugged=self._debuggers.names)
        found = Found()

        def cors_of_url(name: str) -> Cors | None:
            return found.urls.get(name)

        front = Front(
            recording,
            gateway,
            Control(recording, self._project, self.token, region),
            note=note,
            described=lambda: [str(route) for route in found.routes],
            url_cors=cors_of_url,
            deployed=lambda: found.deployed,
            region=region,
            bound=self.place.host,
            retries=platform.retries,
        )
        attendant = self._attendant = Attendant(
            self._debuggers, pools, self._supply, platform, self._attached
        )

        def changed(change: Change) -> None:
            nonlocal found
            for name, reason in change.retired:
                pools.retire([name], reason)
            attendant.ready([name for name, _ in change.retired])
            if change.routes.routes != found.routes:
                gateway.use(change.routes.routes)
            found = change.routes
            surveyed.set()

        self._supply.attach(changed)
        self._bound.set_result(None)
        try:
            await self._stopping.wait()
        finally:
            await server.close()
            await front.close()
            await pools.close()
            recording.flush()


def _cannot_listen(place: Place, error: OSError) -> LambdabuildError:
    shown = f"port {place.port} of {place.host}"
    if error.errno == errno.EADDRINUSE:
        return LambdabuildError(
            f"{shown} is taken", hint="`--port 0` takes a free one, or name another"
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return LambdabuildError(
            f"{shown} is not allowed: {error.strerror}", hint="ports from 1024 on are"
        )
    return LambdabuildError(
        f"cannot listen at {shown}: {error.strerror or error}",
        hint="--host names an address of this machine; by default 127.0.0.1",
    )
