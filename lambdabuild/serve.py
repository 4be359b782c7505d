"""Serve all functions on this machine: build on demand, reload what changes affect."""

import asyncio
import concurrent.futures
import contextlib
import errno
import ipaddress
import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from lambdabuild.config import options as settings
from lambdabuild.core.build import Function
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.text import counted
from lambdabuild.deployment.routes.apis import Cors
from lambdabuild.filewatch.keyboard import keys
from lambdabuild.filewatch.notifier import Watcher
from lambdabuild.filewatch.on_success import FollowUp
from lambdabuild.filewatch.wakeups import Wakeups
from lambdabuild.invoke import failure_of
from lambdabuild.local.control import control
from lambdabuild.local.control.announcement import Announcement, announce, withdraw
from lambdabuild.local.control.control import Control
from lambdabuild.local.debugging.debuggers import (
    NOBODY,
    Attached,
    Attendant,
    Debuggers,
    instructions,
    write_launch_json,
)
from lambdabuild.local.debugging.launch_json import Entry, launching
from lambdabuild.local.front import FUNCTION_URLS, Front
from lambdabuild.local.functions import Platform
from lambdabuild.local.gateway.configured import Found
from lambdabuild.local.gateway.gateway import Gateway
from lambdabuild.local.host import hosted
from lambdabuild.local.http.messages import Request, Response
from lambdabuild.local.http.server import Server
from lambdabuild.local.programs.credentials import platform_of
from lambdabuild.local.programs.supply import Change, Supply
from lambdabuild.local.programs.variables import EnvFile
from lambdabuild.local.recording.calls import Calls
from lambdabuild.local.recording.record import Recording
from lambdabuild.local.runtime.pools import Pools
from lambdabuild.local.serving.loglines import LogLines
from lambdabuild.local.serving.talk import Talk
from lambdabuild.output import events
from lambdabuild.output.streams import print_json
from lambdabuild.survey.session import Session
from lambdabuild.watch import Loop, WatchOptions, runner_of

log = logging.getLogger(__name__)

_LISTED = 10
"""Function URLs that are listed."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where to serve what, and how."""

    names: tuple[str, ...] = ()
    """Names, globs and paths; empty for every function."""
    host: str = "127.0.0.1"
    port: int = 9000
    """0 takes a free one."""
    env_file: str | None = None
    credentials: bool = True
    """Functions get those of the caller; else dummies."""
    eager: bool = False
    reload: bool = True
    poll: bool = False
    json: bool = False
    debuggers: Debuggers = NOBODY
    """The functions that somebody debugs."""


def serve(session: Session, options: ServeOptions, reopen: Callable[[Session], Session]) -> None:
    """Serve until `q` is pressed; `reopen` reads the configuration again.

    Raises:
        LambdabuildError: it could not start: the port is taken, or there is nothing to serve.
        Interrupted: a signal came. No process is left.

    """
    session = _hosted(session, options)
    tools, working = session.tools, session.paths.working
    env_file = _env_file(session, options)
    _warn_of_host(session, options)
    signals = Wakeups()
    watcher = Watcher(signals.files_changed)
    supply = Supply(
        signals.asked, failure_of, env_file=env_file, eager=options.eager,
        reload=options.reload, finished=options.debuggers.finished,
    )  # fmt: skip
    platform = platform_of(tools.environment, working, credentials=options.credentials)
    lines = LogLines(tools.console)
    served = _Served(supply, platform, options, session.paths.project, lines)
    tools.console.calm = True
    request = settings.Request(options.names, replace=True, local_cache_only=True)
    watching = WatchOptions(request, options.json, options.poll, reload=options.reload)

    def ready() -> None:
        served.introduce(session, supply.latest)
        served.debug(session, supply.latest)

    try:
        served.start(signals)
        follow_up = FollowUp(None, tools.environment, tools.console)
        with keys(signals.press, tools.console.stopping, signals.terminal_changed):
            loop = Loop(
                session, watching, lambda before: _hosted(reopen(before), options), watcher,
                signals, Talk(tools.console, ready), follow_up, runner_of, demand=supply,
            )  # fmt: skip
            loop.run()
        served.check()
    finally:
        # A second Ctrl-C leaves no process either.
        with tools.interrupts.held_off():
            served.stop()
            watcher.close()
            lines.close()


def _hosted(session: Session, options: ServeOptions) -> Session:
    session = hosted(session)
    return session.under(options.debuggers.adjusted(session.settings))


def _env_file(session: Session, options: ServeOptions) -> EnvFile | None:
    """Return the file of variables, which can be read; tell of one that is not asked for."""
    if options.env_file is None:
        there = os.path.join(session.paths.project, ".env")
        if os.path.exists(there):
            shown = session.paths.relative(there)
            session.tools.console.say(f"`{shown}` is not read; `--env-file {shown}` does that")
        return None
    path = os.path.join(session.paths.working, options.env_file)
    file = EnvFile(path, session.tools.environment)
    file.read()
    return file


def _warn_of_host(session: Session, options: ServeOptions) -> None:
    if _is_loopback(options.host):
        return
    message = f"whoever reaches `{options.host}` can call these functions"
    hint = "`--host 127.0.0.1` serves this machine alone"
    if options.credentials:
        message += ", with your credentials"
        hint += "; `--no-credentials` gives dummies"
    session.tools.console.warn(message, hint)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


class _Served:
    """The server, on a thread and an event loop of its own."""

    def __init__(
        self,
        supply: Supply,
        platform: Platform,
        options: ServeOptions,
        project: str,
        lines: LogLines,
    ) -> None:
        self._supply = supply
        self._platform = platform
        self._options = options
        self._project = project
        self._lines = lines
        self._bound: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._port = options.port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._announcement: Announcement | None = None
        self._token = control.new_token()
        self._thread: threading.Thread | None = None
        self._attendant: Attendant | None = None
        self._session: Session | None = None
        self._functions: tuple[Function, ...] = ()

    def start(self, signals: Wakeups) -> None:
        """Listen.

        Raises:
            LambdabuildError: the port is taken, or not allowed.

        """

        def run() -> None:
            try:
                asyncio.run(self._serve())
            except BaseException as error:
                self._failure = error
                if not self._bound.done():
                    self._bound.set_exception(error)
                    return
                log.exception("the server ended")
                signals.press("q")

        self._thread = threading.Thread(target=run, name="server", daemon=True)
        self._thread.start()
        try:
            self._bound.result()
        except OSError as error:
            raise self._cannot_listen(error) from error

    def check(self) -> None:
        """Raise what ended the server, if anything did."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the server with all processes; return when they are gone."""
        if self._announcement is not None:
            withdraw(self._project, self._announcement)
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stopping.set)
        if self._thread is not None:
            self._thread.join()

    @property
    def address(self) -> str:
        """As `http://127.0.0.1:9000`."""
        host = self._options.host
        if host in {"0.0.0.0", "::"}:  # noqa: S104 - what the user asked for
            host = "127.0.0.1"
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self._port}"

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        front: Front | None = None

        async def handle(request: Request) -> Response:
            assert front is not None  # noqa: S101 - it is there before anybody can ask
            return await front.handle(request)

        server = Server(handle)
        options = self._options
        self._port = await server.listen(options.host, options.port)
        platform = self._platform._replace(endpoint=self.address)
        pools = self.pools = Pools(self._supply, platform, self._lines.put)
        recording = Recording(pools, Calls(self._project))
        region, note = platform.region, self._lines.note
        gateway = Gateway(recording, (), note, region=region, debugged=options.debuggers.names)
        found = Found()

        def cors_of_url(name: str) -> Cors | None:
            return found.urls.get(name)

        front = Front(
            recording,
            gateway,
            Control(recording, self._project, self._token, region),
            note=note,
            described=lambda: [str(route) for route in found.routes],
            url_cors=cors_of_url,
            deployed=lambda: found.deployed,
            region=region,
            bound=options.host,
        )
        attendant = self._attendant = Attendant(
            options.debuggers, pools, self._supply, platform, self._tell_attached
        )

        def changed(change: Change) -> None:
            nonlocal found
            for name, reason in change.retired:
                pools.retire([name], reason)
            attendant.ready([name for name, _ in change.retired])
            if change.routes.routes != found.routes:
                gateway.use(change.routes.routes)
            found = change.routes

        self._supply.attach(changed)
        self._bound.set_result(None)
        try:
            await self._stopping.wait()
        finally:
            await server.close()
            await front.close()
            await pools.close()
            recording.flush()

    def introduce(self, session: Session, change: Change | None) -> None:
        """Say where the server is and what it serves, to people and to `invoke`."""
        address = self.address
        self._announcement = Announcement(address, os.getpid(), self._token)
        try:
            announce(self._project, self._announcement)
        except OSError as error:
            session.tools.console.warn(
                f"`lambdabuild invoke` will not find this server: {error.strerror}"
            )
        names = sorted(function.name for function in change.functions) if change else []
        self._options.debuggers.check(names)
        console = session.tools.console
        console.say(f"serving {counted(len(names), 'function')} at {address}")
        console.say(f"export AWS_ENDPOINT_URL_LAMBDA={address}")
        routes = change.routes.routes if change else ()
        for route in routes[:_LISTED]:
            console.say(f"{route} → {route.function}")
        if len(routes) > _LISTED:
            console.say(f"and {counted(len(routes) - _LISTED, 'more route')}")
        for name in names[:_LISTED]:
            console.say(f"{address}{FUNCTION_URLS}{name}/")
        if len(names) > _LISTED:
            console.say(f"and {address}{FUNCTION_URLS}NAME/ of {len(names) - _LISTED} more")
        if self._options.json:
            print_json(events.serving(address, names), indent=None)
            sys.stdout.flush()

    def debug(self, session: Session, change: Change | None) -> None:
        """Say where debuggers are, and have ready what is debugged."""
        debuggers = self._options.debuggers
        self._session, self._functions = session, change.functions if change else ()
        debuggers.introduce(session.tools.console, self._project)
        if self._options.json:
            for item in debuggers.under:
                print_json(events.debugging(item.function, item.address), indent=None)
            sys.stdout.flush()
        if self._loop is not None and self._attendant is not None:
            self._loop.call_soon_threadsafe(self._attendant.ready)

    def _tell_attached(self, attached: Attached) -> None:
        """Say what a process needs that somebody is to start."""
        session = self._session
        if session is None:
            return
        console = session.tools.console
        console.log("\n".join(instructions(attached)))
        if self._options.debuggers.launch_json:
            entry = self._launching(session, attached)
            write_launch_json(console, self._project, [entry] if entry else [])
        if self._options.json:
            print_json(events.attaching(attached.function, attached.variables), indent=None)
            sys.stdout.flush()

    def _launching(self, session: Session, attached: Attached) -> Entry | None:
        """Return how VS Code starts a function; values of `--env-file` are not for a shared file."""
        name, file, secret = attached.function, None, frozenset[str]()
        if self._options.env_file is not None:
            path = os.path.join(session.paths.working, self._options.env_file)
            file = os.path.relpath(path, self._project)
            secret = frozenset(EnvFile(path, session.tools.environment).read())
        variables = {n: value for n, value in attached.variables.items() if n not in secret}
        tags = session.settings.of(name).tags
        for function in self._functions:
            if function.name == name:
                directory = os.path.relpath(function.directory, self._project)
                return launching(name, directory, tags, variables, file)
        return None

    def _cannot_listen(self, error: OSError) -> LambdabuildError:
        place = f"port {self._options.port} of {self._options.host}"
        if error.errno == errno.EADDRINUSE:
            return LambdabuildError(
                f"{place} is taken", hint="`--port 0` takes a free one, or name another"
            )
        if error.errno in {errno.EACCES, errno.EPERM}:
            return LambdabuildError(
                f"{place} is not allowed: {error.strerror}", hint="ports from 1024 on are"
            )
        return LambdabuildError(
            f"cannot listen at {place}: {error.strerror or error}",
            hint="--host names an address of this machine; by default 127.0.0.1",
        )
