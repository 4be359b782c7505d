"""Find delve, and say how it starts a function."""

import contextlib
import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lambdabuild.config.options import BuildSettings, Chosen
from lambdabuild.config.settings import Settings
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.debugging import under_delve
from lambdabuild.local.functions import Program
from lambdabuild.system.process import Command, Run

PACKAGE = "github.com/go-delve/delve/cmd/dlv"
HOST = under_delve.HOST
DELVE_PORT = 2345
"""What IDEs propose: https://www.jetbrains.com/help/go/attach-to-running-go-processes-with-debugger.html"""
RUNTIME_API_PORT = 9001
"""That of Lambda's own environments, as AWS_LAMBDA_RUNTIME_API has it there."""
_SCRIPT = os.path.abspath(under_delve.__file__)
_ALL_PORTS = range(1, 65536)


class Debugged(NamedTuple):
    """A function that is debugged, one call at a time."""

    function: str
    port: int
    """Where IDEs find delve, the same after each reload; where nothing is started, its Runtime API."""

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"


def parse(text: str) -> tuple[str, int | None]:
    """Return the function and the port of `NAME[:PORT]`; None where there is no port."""
    name, colon, port = text.rpartition(":")
    if not colon:
        return text, None
    if not (port.isascii() and port.isdigit() and int(port) in _ALL_PORTS and name):
        raise LambdabuildError(
            f"`{text}` does not name a function to debug",
            hint="write its name, and perhaps a port: `users-get:2345`",
        )
    return name, int(port)


def with_ports(
    wanted: Sequence[tuple[str, int | None]], flag: str = "--debug", preferred: int = DELVE_PORT
) -> tuple[Debugged, ...]:
    """Give every function a port: the one that was asked for, or a free one.

    The first that asked for none gets the `preferred` one if that is free.
    """
    taken: set[int] = set()
    found = []
    for name, asked in wanted:
        if asked is not None and (asked in taken or not _is_free(asked)):
            raise LambdabuildError(
                f"port {asked}, to debug `{name}`, is taken",
                hint=f"give another, or none: `{flag} {name}`",
            )
        port = _free_port(taken, preferred) if asked is None else asked
        taken.add(port)
        found.append(Debugged(name, port))
    return tuple(found)


def _free_port(taken: set[int], preferred: int) -> int:
    if preferred not in taken and _is_free(preferred):
        return preferred
    while True:
        with socket.socket() as trial:
            trial.bind((HOST, 0))
            port: int = trial.getsockname()[1]
        if port not in taken:
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
    return True


def find(environment: Mapping[str, str], run: Run, go: str, directory: str) -> str:
    """Return the path of `dlv`: from PATH, or from where `go install` puts it."""
    if found := shutil.which("dlv", path=environment.get("PATH", os.defpath)):
        return found
    asked = run(Command((go, "env", "-json", "GOBIN", "GOPATH"), directory))
    places: Mapping[str, str] = {}
    with contextlib.suppress(ValueError):
        places = json.loads(asked.output)
    for place in (places.get("GOBIN", ""), *_below(places.get("GOPATH", ""))):
        if place and os.access(path := os.path.join(place, "dlv"), os.X_OK):
            return path
    raise LambdabuildError(
        "delve, the debugger of Go, was not found: there is no `dlv` on PATH, nor in GOPATH/bin",
        hint=f"`go install {PACKAGE}@latest`",
    )


def _below(gopath: str) -> list[str]:
    return [os.path.join(place, "bin") for place in gopath.split(os.pathsep) if place]


def check_tracing(run: Run, directory: str) -> None:
    """Refuse to begin where this system lets no process trace another."""
    done = run(Command((sys.executable, "-I", "-S", _SCRIPT, under_delve.PROBE), directory))
    if done.code != under_delve.REFUSED:
        return
    scope = ""
    with contextlib.suppress(OSError):
        scope = Path("/proc/sys/kernel/yama/ptrace_scope").read_text("ascii").strip()
    if scope in {"2", "3"}:
        hint = "`sudo sysctl kernel.yama.ptrace_scope=1`"
        if scope == "3":
            hint = "the setting cannot be changed until the machine is started again; then " + hint
        raise LambdabuildError(
            "this machine lets no process be debugged: kernel.yama.ptrace_scope is " + scope,
            hint=hint,
        )
    raise LambdabuildError(
        "ptrace is refused here, without which nothing can be debugged",
        hint="in a container: `docker run --cap-add=SYS_PTRACE --security-opt seccomp=unconfined …`",
    )


def prefix(dlv: str, port: int) -> tuple[str, ...]:
    """Return what goes before a function's executable on the command line.

    The process to be started ends with the function, and terminated (SIGTERM, not SIGKILL) it takes
    delve and the function along.
    """
    return (sys.executable, "-I", "-S", _SCRIPT, dlv, str(port), str(os.getpid()))


def under(program: Program, dlv: str, port: int) -> Program:
    """Return a function as it is debugged: one instance, and as much time as a person takes."""
    return program._replace(prefix=prefix(dlv, port), timeout=None, concurrency=1)


def settings_for(settings: Settings, names: Sequence[str]) -> Settings:
    """Return settings by which functions are built for a debugger, whatever tables and flags say.

    https://github.com/go-delve/delve/blob/master/Documentation/usage/dlv_exec.md
    """
    return settings.with_overrides({name: _for_debugging(settings.of(name)) for name in names})


def _for_debugging(chosen: BuildSettings) -> Chosen:
    return {
        "gcflags": "all=-N -l",
        # Last, since they may be in GOFLAGS too.
        "ldflags": f"{chosen.ldflags} -s=false -w=false".strip(),
        "trimpath": False,
    }
