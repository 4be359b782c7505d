"""Run commands, each in a process group of its own, so that all of it can be stopped at once."""

import contextlib
import errno
import logging
import os
import os.path
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.secrets import for_builds, without_secrets

if TYPE_CHECKING:
    import subprocess


class Command(NamedTuple):
    """A process to run, as a value."""

    arguments: tuple[str, ...]
    directory: str
    environment: Mapping[str, str | None] = MappingProxyType({})
    """Changes to lambdabuild's own environment; None removes a variable."""


class Stop(Enum):
    """How soon to end a command whose work is no longer needed."""

    SOON = "soon"
    """Start nothing more, and report errors: `go` does so on SIGINT."""
    NOW = "now"


class Completed(NamedTuple):
    """How a process ended."""

    code: int
    """The exit code; negative for the signal that ended it."""
    output: str
    error: str
    stopped: bool = False
    """lambdabuild ended it."""


log = logging.getLogger(__name__)

_PR_SET_DUMPABLE = 4
PATIENCE = 2.0
"""Seconds between SIGTERM and SIGKILL."""
_FIRST = 0.005
"""Seconds until the first tick: what is done meanwhile begins once the command has started."""
_SLOW = 2.0
"""Seconds after which a command may be waiting for a pipe."""
_LOOK_EVERY = 0.5


Tick = Callable[[], Stop | None]
"""Called now and then while a command runs; returns how to stop it, if at all."""


class Run(Protocol):
    """Turn a command into a result.

    `tick` is called about every `interval` seconds meanwhile.
    """

    def __call__(
        self, command: Command, tick: Tick | None = None, interval: float = 0.1
    ) -> Completed: ...

    def close(self) -> None:
        """Stop whatever is running."""


_Item = TypeVar("_Item")
_Value = TypeVar("_Value")


def in_parallel(
    run: Run, work: Callable[[_Item], _Value], items: Sequence[_Item], workers: int
) -> list[_Value]:
    """Return `work` of each item, in order, several at a time.

    An exception in one ends all: `run` is closed, so that no thread waits for a process.
    """
    if len(items) <= 1 or workers <= 1:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            return list(pool.map(work, items))
        except BaseException:
            run.close()
            raise


class Runner:
    """Run commands, and stop all of them from any thread."""

    def __init__(
        self,
        environment: Mapping[str, str],
        held_off: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
        unblocking: Callable[[str], Callable[[], None]] = lambda _: lambda: None,
    ) -> None:
        """Run commands in this environment, but for secrets that are none of theirs.

        `held_off` defers signals while a process is started: one before it is registered would leave
        it running. `unblocking` returns, for the directory of a command, what to call now and then
        while the command takes long, to end its waits on pipes.
        """
        self._environment = for_builds(environment)
        self._hides = len(self._environment) < len(environment)
        self._held_off = held_off
        self._unblocking = unblocking
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def __call__(
        self, command: Command, tick: Tick | None = None, interval: float = 0.1
    ) -> Completed:
        """Run `command` to its end; what it prints on stderr is returned without secrets."""
        import subprocess

        started = time.monotonic()
        log.debug("run: %s", shell_line(command))
        process = self._start(command)
        interrupted: float | None = None
        stopped = False
        unblock: Callable[[], None] | None = None
        wait = _FIRST if tick else _LOOK_EVERY
        try:
            while True:
                try:
                    output, error = process.communicate(timeout=wait)
                    break
                except subprocess.TimeoutExpired:
                    wait = interval if tick else _LOOK_EVERY
                    now = time.monotonic()
                    if now - started > _SLOW:
                        unblock = unblock or self._unblocking(command.directory)
                        unblock()
                    stop = tick() if tick else None
                    if stop is Stop.SOON and interrupted is None:
                        interrupted = now
                        process.send_signal(signal.SIGINT)
                    late = interrupted is not None and now - interrupted > PATIENCE
                    if (stop is Stop.NOW or late) and not stopped:
                        stopped = True
                        stop_group(process)
        except BaseException:
            stop_group(process)
            raise
        finally:
            with self._lock:
                self._running.discard(process)
        error = without_secrets(error)
        seconds = time.monotonic() - started
        log.debug("exit %d after %.3f s: %s", process.returncode, seconds, command.arguments[:2])
        if error:
            log.debug("stderr: %s", error)
        stopped = stopped or interrupted is not None or self._closed
        return Completed(process.returncode, output, error, stopped)

    def _start(self, command: Command) -> "subprocess.Popen[str]":
        import subprocess

        if self._hides:
            hide_environment()
        changed = {**self._environment, **command.environment}
        environment = {name: value for name, value in changed.items() if value is not None}
        # Signals arrive in the main thread, and `close` waits for the lock.
        main = threading.current_thread() is threading.main_thread()
        with self._held_off() if main else contextlib.nullcontext(), self._lock:
            if self._closed:
                raise LambdabuildError("lambdabuild is stopping")
            try:
                process = subprocess.Popen(
                    command.arguments,
                    cwd=command.directory,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    process_group=0,
                )
            except OSError as failure:
                raise LambdabuildError(
                    f"`{command.arguments[0]}` cannot be started: {failure.strerror}",
                    at=[command.directory],
                    hint=_start_remedy(failure.errno),
                ) from failure
            self._running.add(process)
        return process

    def close(self) -> None:
        """Stop every running command, and start no more."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            stop_group(process)


def hide_environment() -> None:
    """Let only root read this process's memory and initial environment in `/proc`.

    Children could read there what they were not given. It takes 5 ms, so it is done only where there
    are secrets, and a process is about to be started. macOS has no such thing.
    https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html
    """
    if sys.platform != "linux":
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _start_remedy(number: int | None) -> str | None:
    if number in {errno.ENOMEM, errno.EAGAIN}:
        return "memory or processes ran out: `ulimit -a` shows the limits, and `-j 1` needs less"
    if number in {errno.EACCES, errno.ENOEXEC}:
        return "it is no program for this system and user: install it again"
    if number == errno.E2BIG:
        return "name fewer functions at once, or shorten the environment"
    return None


def stop_group(process: "subprocess.Popen[str]") -> None:
    """End a process and all that it started: SIGTERM, a short wait, SIGKILL."""
    import subprocess

    group = process.pid
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    # `go` ends at once, and leaves its compilers in the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    process.wait()


def end_orphans(mark: str) -> int:
    """Kill every process whose command line holds `mark`, and return how many there were.

    The `go` and the compilers that a killed lambdabuild left running all name its staging directory.
    `ps` is on every Linux and macOS; without it they end by themselves, later.
    """
    import subprocess

    try:
        listed = subprocess.run(
            ["ps", "-axww", "-o", "pid=,command="],  # noqa: S607 - wherever the system has it
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env={"PATH": os.environ.get("PATH", os.defpath)},
        ).stdout
    except OSError as error:
        log.debug("no ps: %s", error)
        return 0
    found = [line.split(None, 1)[0] for line in listed.splitlines() if mark in line]
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(int(pid), signal.SIGKILL)
    return len(found)


def shell_line(command: Command) -> str:
    """Return the command as a line for a POSIX shell, without secrets: it is shown and logged."""
    variables = sorted(command.environment.items())
    unset = [word for name, value in variables if value is None for word in ("-u", name)]
    set_ = [f"{name}={value}" for name, value in variables if value is not None and name != "PWD"]
    shown = map(without_secrets, ["env", *unset, *set_, *command.arguments])
    return f"cd {shlex.quote(command.directory)} && {shlex.join(shown)}"
