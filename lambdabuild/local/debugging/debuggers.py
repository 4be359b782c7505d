"""The functions of a server that somebody debugs: how they are built, started, and announced."""

import asyncio
import logging
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, Self

from lambdabuild.config.settings import Settings
from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.text import one_line
from lambdabuild.golang.toolchain import find_go
from lambdabuild.local.debugging import attaching, delve, launch_json
from lambdabuild.local.debugging.delve import Debugged
from lambdabuild.local.functions import (
    NotBuiltError,
    Platform,
    Program,
    Programs,
    UnknownFunctionError,
)
from lambdabuild.output.terminal.console import Console
from lambdabuild.survey.session import Session

log = logging.getLogger(__name__)


class Standing(Protocol):
    """Has processes ready before they are called: the pools."""

    async def attach(self, name: str) -> None:
        """Start, or wait for, the process of a function."""


class Wanted(NamedTuple):
    """What flags ask for, each as `NAME` or `NAME:PORT`."""

    debug: Sequence[str] = ()
    """Functions to run under delve."""
    attach: Sequence[str] = ()
    """Functions that somebody starts himself."""
    launch_json: bool = False
    """Whether VS Code's configurations are written."""


class Debuggers(NamedTuple):
    """The functions that are debugged; by default there are none."""

    under: tuple[Debugged, ...] = ()
    """They run under delve, at these ports."""
    attached: tuple[Debugged, ...] = ()
    """Somebody starts them; their Runtime APIs are at these ports."""
    dlv: str = ""
    launch_json: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.function for item in (*self.under, *self.attached))

    @classmethod
    def of(cls, wanted: Wanted, session: Session) -> Self:
        """Return what flags ask for, with a port for each function."""
        debug, attach = map(delve.parse, wanted.debug), list(map(delve.parse, wanted.attach))
        under = delve.with_ports(list(debug))
        if wanted.launch_json and not (under or attach):
            raise LambdabuildError(
                "--launch-json is for functions that are debugged",
                hint="name one with `--debug NAME` or `--attach NAME`",
            )
        twice = {item.function for item in under} & {name for name, _ in attach}
        if twice:
            raise LambdabuildError(
                f"--debug and --attach both name `{one_line(min(twice))}`",
                hint="the one starts it under delve; with the other you start it yourself",
            )
        attached = delve.with_ports(attach, "--attach", delve.RUNTIME_API_PORT)
        dlv = ""
        if under:
            tools, directory = session.tools, session.paths.project
            dlv = delve.find(tools.environment, tools.run, find_go(tools.environment), directory)
            delve.check_tracing(tools.run, directory)
        return cls(under, attached, dlv, wanted.launch_json)

    def adjusted(self, settings: Settings) -> Settings:
        """Return settings by which functions are built for delve."""
        return delve.settings_for(settings, [item.function for item in self.under])

    def finished(self, program: Program) -> Program:
        """Return a program as it is started here."""
        for item in self.under:
            if item.function == program.name:
                return delve.under(program, self.dlv, item.port)
        for item in self.attached:
            if item.function == program.name:
                return attaching.attached(program, item.port)
        return program

    def check(self, known: Iterable[str]) -> None:
        """Refuse functions that there are not."""
        known = sorted(known)
        for name in self.names:
            if name not in known:
                raise LambdabuildError(
                    f"there is no function `{one_line(name)}` to debug",
                    hint=did_you_mean(name, known) or "`lambdabuild list` names the functions",
                )

    def introduce(self, console: Console, project: str) -> None:
        """Say where debuggers are, and write VS Code's configurations of them if that is asked for."""
        for item in self.under:
            console.say(
                f"debug {item.function} at {item.address}: `dlv connect` or an IDE attaches"
            )
        if self.launch_json:
            entries = [launch_json.connecting(item) for item in self.under]
            write_launch_json(console, project, entries)


NOBODY = Debuggers()


class Attached(NamedTuple):
    """A function that somebody is to start, and what its process needs."""

    function: str
    variables: Mapping[str, str]


class Attendant:
    """Has what is debugged ready before it is called; of the server's event loop."""

    def __init__(
        self,
        debuggers: Debuggers,
        pools: Standing,
        programs: Programs,
        platform: Platform,
        announce: Callable[[Attached], None],
    ) -> None:
        """`announce` hears, once, of each function that somebody is to start."""
        self._debuggers = debuggers
        self._pools = pools
        self._programs = programs
        self._platform = platform
        self._announce = announce
        self._announced: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def ready(self, names: Container[str] | None = None) -> None:
        """Start, or wait for, functions that are debugged: all, or those of `names`.

        One that does not build is started once it does: this is called after each build.
        """
        for name in self._debuggers.names:
            if names is None or name in names:
                task = asyncio.get_running_loop().create_task(self._stand(name))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _stand(self, name: str) -> None:
        try:
            program = await self._programs.program(name)
            await self._pools.attach(name)
        except (NotBuiltError, UnknownFunctionError):
            return  # whoever builds it says why
        except LambdabuildError as error:
            log.warning("%s", error)
            return
        if program.attached is not None and name not in self._announced:
            self._announced.add(name)
            variables = attaching.variables(program, self._platform, program.attached)
            self._announce(Attached(name, variables))


def instructions(attached: Attached) -> list[str]:
    """Return what somebody is told who is to start a function."""
    return [
        f"{attached.function} is called once you start it, in a debugger or not, with these variables:",
        *(f"  {line}" for line in attaching.exports(attached.variables)),
    ]


def write_launch_json(console: Console, project: str, entries: Sequence[launch_json.Entry]) -> None:
    """Add configurations to `.vscode/launch.json`, and say so, or why that is not possible."""
    if not entries:
        return
    try:
        written = launch_json.write(project, entries)
    except LambdabuildError as error:
        console.warn(error.message, error.hint)
        return
    done = [*(f"added `{name}`" for name in written.added)]
    done += [f"gave `{name}` its port" for name in written.changed]
    if done:
        console.say(f"{launch_json.PLACE}: {', '.join(done)}")
