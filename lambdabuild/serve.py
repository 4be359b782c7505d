"""Serve all functions on this machine: build on demand, reload what changes affect."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from lambdabuild.config.options import Request
from lambdabuild.core.record import record
from lambdabuild.core.text import counted
from lambdabuild.filewatch.keyboard import keys
from lambdabuild.filewatch.notifier import Watcher
from lambdabuild.filewatch.on_success import FollowUp
from lambdabuild.filewatch.wakeups import Wakeups
from lambdabuild.invoke import failure_of
from lambdabuild.local.control.announcement import Announcement, announce, withdraw
from lambdabuild.local.debugging.debuggers import (
    NOBODY,
    Attached,
    Debuggers,
    instructions,
    write_launch_json,
)
from lambdabuild.local.debugging.launch_json import Entry, launching
from lambdabuild.local.front import FUNCTION_URLS
from lambdabuild.local.host import hosted
from lambdabuild.local.programs.credentials import platform_of
from lambdabuild.local.programs.supply import Change, Supply
from lambdabuild.local.programs.variables import EnvFile
from lambdabuild.local.serving.loglines import LogLines
from lambdabuild.local.serving.server import Background, Place
from lambdabuild.local.serving.talk import Talk
from lambdabuild.output import events
from lambdabuild.output.streams import print_json
from lambdabuild.survey.session import Session
from lambdabuild.watch import Loop, WatchOptions, runner_of

_LISTED = 10
"""Routes and function URLs that are listed."""


@record
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
    retries: int = 0
    """Of asynchronous calls that fail."""
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
    tools, paths = session.tools, session.paths
    env_file = _env_file(session, options)
    place = Place(options.host, options.port)
    _warn_of_host(session, options, place)
    signals = Wakeups()
    watcher = Watcher(signals.files_changed)
    supply = Supply(
        signals.asked, failure_of, env_file=env_file, eager=options.eager,
        reload=options.reload, finished=options.debuggers.finished,
    )  # fmt: skip
    platform = platform_of(tools.environment, paths.working, credentials=options.credentials)
    platform = platform._replace(retries=options.retries)
    lines = LogLines(tools.console)
    herald = _Herald(session, supply, options)
    server = Background(
        place, paths.project, supply, platform, lines, options.debuggers, herald.tell_attached
    )
    tools.console.calm = True
    request = Request(options.names, replace=True, local_cache_only=True)
    watching = WatchOptions(request, options.json, options.poll, reload=options.reload)

    def ready() -> None:
        herald.introduce(server.place.address, server.token)
        server.have_debugged_ready()

    try:
        server.start(lambda: signals.press("q"))
        follow_up = FollowUp(None, tools.environment, tools.console)
        with keys(signals.press, tools.console.stopping, signals.terminal_changed):
            loop = Loop(
                session, watching, lambda before: _hosted(reopen(before), options), watcher,
                signals, Talk(tools.console, ready), follow_up, runner_of, demand=supply,
            )  # fmt: skip
            loop.run()
        server.check()
    finally:
        # A second Ctrl-C leaves no process either.
        with tools.interrupts.held_off():
            herald.leave()
            server.stop()
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


def _warn_of_host(session: Session, options: ServeOptions, place: Place) -> None:
    if place.is_loopback:
        return
    message = f"whoever reaches `{options.host}` can call these functions"
    hint = "`--host 127.0.0.1` serves this machine alone"
    if options.credentials:
        message += ", with your credentials"
        hint += "; `--no-credentials` gives dummies"
    session.tools.console.warn(message, hint)


class _Herald:
    """Says where the server is, to people, to programs, and to `invoke`."""

    def __init__(self, session: Session, supply: Supply, options: ServeOptions) -> None:
        self._session = session
        self._supply = supply
        self._options = options
        self._announcement: Announcement | None = None

    def introduce(self, address: str, token: str) -> None:
        """Say where the server is and what it serves."""
        console, project = self._session.tools.console, self._session.paths.project
        change = self._supply.latest
        names = sorted(function.name for function in change.functions) if change else []
        debuggers = self._options.debuggers
        debuggers.check(names)
        self._announcement = Announcement(address, os.getpid(), token)
        try:
            announce(project, self._announcement)
        except OSError as error:
            console.warn(f"`lambdabuild invoke` will not find this server: {error.strerror}")
        for line in _lines_of(address, names, change):
            console.say(line)
        debuggers.introduce(console, project)
        self._print(events.serving(address, names))
        for item in debuggers.under:
            self._print(events.debugging(item.function, item.address))

    def leave(self) -> None:
        """Say no more that the server is there."""
        if self._announcement is not None:
            withdraw(self._session.paths.project, self._announcement)

    def tell_attached(self, attached: Attached) -> None:
        """Say what a process needs that somebody is to start."""
        console, project = self._session.tools.console, self._session.paths.project
        console.log("\n".join(instructions(attached)))
        if self._options.debuggers.launch_json:
            entry = self._launching(attached)
            write_launch_json(console, project, [entry] if entry else [])
        self._print(events.attaching(attached.function, attached.variables))

    def _launching(self, attached: Attached) -> Entry | None:
        """Return how VS Code starts a function; values of `--env-file` are not for a shared file."""
        session, change = self._session, self._supply.latest
        project = session.paths.project
        name, file, secret = attached.function, None, frozenset[str]()
        if self._options.env_file is not None:
            path = os.path.join(session.paths.working, self._options.env_file)
            file = os.path.relpath(path, project)
            secret = frozenset(EnvFile(path, session.tools.environment).read())
        variables = {n: value for n, value in attached.variables.items() if n not in secret}
        tags = session.settings.of(name).tags
        for function in change.functions if change else ():
            if function.name == name:
                directory = os.path.relpath(function.directory, project)
                return launching(name, directory, tags, variables, file)
        return None

    def _print(self, event: Mapping[str, Any]) -> None:
        if self._options.json:
            print_json(event, indent=None)
            sys.stdout.flush()


def _lines_of(address: str, names: list[str], change: Change | None) -> list[str]:
    """Return what to tell people first: the address, what to paste, and what there is."""
    lines = [
        f"serving {counted(len(names), 'function')} at {address}",
        f"export AWS_ENDPOINT_URL_LAMBDA={address}",
    ]
    routes = change.routes.routes if change else ()
    lines += [f"{route} → {route.function}" for route in routes[:_LISTED]]
    if len(routes) > _LISTED:
        lines.append(f"and {counted(len(routes) - _LISTED, 'more route')}")
    lines += [f"{address}{FUNCTION_URLS}{name}/" for name in names[:_LISTED]]
    if len(names) > _LISTED:
        lines.append(f"and {address}{FUNCTION_URLS}NAME/ of {len(names) - _LISTED} more")
    return lines
