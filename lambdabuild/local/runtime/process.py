"""A process of a function: start it or say why not, see it end, and leave nothing of it behind."""

import asyncio
import contextlib
import errno
import os
import os.path
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.core.errors import LambdabuildError

_BUSY = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds between attempts at an executable that somebody still has open for writing.

That is so for a moment where another thread forks meanwhile: https://github.com/golang/go/issues/22315
"""
_SYSTEMS = {"linux": "Linux", "darwin": "macOS"}
_MACHINES = {"aarch64": "arm64", "amd64": "x86_64"}


class Exit(NamedTuple):
    """How a process ended."""

    status: int
    """As `wait` gives it."""
    memory: int
    """Bytes that it had at most; 0 where that is not known."""

    @property
    def words(self) -> str:
        """The end in Go's words; empty for exit status 0."""
        if not os.WIFSIGNALED(self.status):
            code = os.waitstatus_to_exitcode(self.status)
            return f"exit status {code}" if code else ""
        number = os.WTERMSIG(self.status)
        name = (signal.strsignal(number) or f"signal {number}").partition(":")[0].lower()
        core = " (core dumped)" if os.WCOREDUMP(self.status) else ""
        return f"signal: {name}{core}"


class Process:
    """A process in a session of its own."""

    def __init__(
        self,
        command: Sequence[str],
        directory: str,
        environment: Mapping[str, str],
        output: int,
    ) -> None:
        """Start it; stdout and stderr go to the descriptor `output`.

        Raises:
            OSError: it cannot be started.
            ValueError: the environment has a name or a value that no process can have.

        """
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Exit] = self._loop.create_future()
        self._inherited = 0 if sys.platform == "darwin" else _own_memory()
        self._most = 0
        self._child = _started(command, directory, environment, output)
        self.pid = self._child.pid
        self._there = True
        self._status = _opened(f"/proc/{self.pid}/status")
        self._watch()

    def _watch(self) -> None:
        # A thread of its own where there are no descriptors of processes: SIGCHLD would need the main
        # thread, which is another one.
        try:
            descriptor = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            threading.Thread(target=self._wait, name=f"wait-{self.pid}", daemon=True).start()
            return

        def readable() -> None:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)
            self._reap()

        self._loop.add_reader(descriptor, readable)

    def _wait(self) -> None:
        _, status, usage = os.wait4(self.pid, 0)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._end, status, usage.ru_maxrss)

    def _reap(self) -> None:
        self.kill()  # as long as its number is not free
        _, status, usage = os.wait4(self.pid, 0)
        self._end(status, usage.ru_maxrss)

    def _end(self, status: int, maxrss: int) -> None:
        if self._there and not hasattr(os, "pidfd_open"):
            self.kill()
        self._there = False
        self._child.returncode = os.waitstatus_to_exitcode(status)
        # Linux counts what the process had before it executed the function: ours.
        grown = maxrss * (1 if sys.platform == "darwin" else 1024)
        self._most = max(self._most, grown if grown > self._inherited or not self._most else 0)
        if self._status >= 0:
            os.close(self._status)
            self._status = -1
        if not self.ended.done():
            self.ended.set_result(Exit(status, self._most))

    def memory(self) -> int:
        """Return the bytes that it had at most so far; 0 where that is not known."""
        if self._there:
            now = _memory_by_libproc(self.pid) if sys.platform == "darwin" else self._high_water()
            self._most = max(self._most, now)
        return self._most

    def alive(self) -> bool:
        """Tell whether it has not ended, nor will before it does anything; true where nobody knows.

        An event for a process that SIGKILL was sent to may still be read by the kernel on its behalf,
        and then be lost. Only Linux tells.
        """
        if not self._there or self._status < 0:
            return self._there
        text = self._about()
        return b"VmHWM:" in text and not any(
            int(text.partition(name)[2][:17] or b"0", 16) & 1 << signal.SIGKILL - 1
            for name in (b"SigPnd:", b"ShdPnd:")
        )

    def _high_water(self) -> int:
        found = self._about().partition(b"VmHWM:")[2].split(None, 1)
        return int(found[0]) * 1024 if found else 0

    def _about(self) -> bytes:
        """Return /proc/PID/status: `man 5 proc_pid_status`."""
        try:
            return os.pread(self._status, 4096, 0) if self._status >= 0 else b""
        except OSError:  # it has ended
            return b""

    def terminate(self) -> None:
        """Ask it to end."""
        if self._there:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it, with all that it started and that did not leave its session."""
        if not self._there:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for pid in _session(self.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _started(
    command: Sequence[str], directory: str, environment: Mapping[str, str], output: int
) -> "subprocess.Popen[bytes]":
    for pause in (*_BUSY, None):
        try:
            return subprocess.Popen(
                list(command),
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            if error.errno != errno.ETXTBSY or pause is None:
                raise
            time.sleep(pause)
    raise AssertionError


def _session(leader: int) -> Iterator[int]:
    """Yield the other processes of a session, in groups of their own: a debugger starts such.

    Only Linux shows them.
    """
    try:
        names = os.listdir("/proc")
    except OSError:
        return
    for name in names:
        if name.isdigit() and int(name) != leader:
            with contextlib.suppress(OSError):
                if os.getsid(int(name)) == leader:
                    yield int(name)


def _own_memory() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _memory_by_libproc(pid: int) -> int:
    """Return ri_resident_size of proc_pid_rusage: `man 3 libproc`, <sys/resource.h> of macOS."""
    import ctypes

    usage = (ctypes.c_uint64 * 32)()
    try:
        libproc = ctypes.CDLL("/usr/lib/libproc.dylib")
        failed = libproc.proc_pid_rusage(ctypes.c_int(pid), ctypes.c_int(0), ctypes.byref(usage))
    except (OSError, AttributeError):
        return 0
    # After a UUID of 16 bytes: user and system time, two kinds of wakeups, pageins, wired size.
    return 0 if failed else int(usage[8])


def reason(error: OSError | ValueError) -> str:
    """Return what Go's `fork/exec` says of an error."""
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()
    return str(error)


def remedy(path: str, error: OSError | ValueError) -> str:
    """Return what is wrong with the executable at `path`; empty where the error says it all."""
    from lambdabuild.packaging.elf import read

    if not isinstance(error, OSError) or error.errno not in {errno.ENOEXEC, errno.ENOENT}:
        return ""
    if not os.path.exists(path):
        return ""
    try:
        binary = read(path)
    except LambdabuildError as wrong:
        return f"{path} {wrong.message}"
    if error.errno == errno.ENOENT:
        loader = binary.interpreter
        return f"{path} needs {loader}, which is not on this machine" if loader else ""
    return (
        f"{path} is for Linux on {binary.machine}, and this is {_here()}: "
        "build it for this machine to run it here"
    )


def _here() -> str:
    machine = platform.machine().lower()
    return f"{_SYSTEMS.get(sys.platform, sys.platform)} on {_MACHINES.get(machine, machine)}"
