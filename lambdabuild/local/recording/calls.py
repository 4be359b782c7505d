"""The calls that are kept, so that they can be repeated after an edit: `.lambdabuild/calls/`.

A call is one file: a line of JSON that tells what it was, then the payload and the response as they
were. Only the owner may read it, since a payload may hold what nobody else should see. A file has its
name once it is complete.
"""

import contextlib
import json
import os
import re
import stat
from collections.abc import Iterator
from typing import Any, NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.paths import CALLS
from lambdabuild.core.text import counted
from lambdabuild.local.functions import Call, Outcome
from lambdabuild.state.store import Home

MOST_CALLS = 100
MOST_BYTES = 50_000_000
"""Of all calls together."""
_HEADER = 64 * 1024
"""Bytes of the longest first line."""
_NAME = re.compile(r"([0-9]{6,})-.*\.call")
_UNFINISHED = re.compile(r"\.([0-9]{6,})\.tmp")
_STALE = 3600.0
"""Seconds after which what a killed process left is removed."""
_SAFE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Recorded(NamedTuple):
    """A call that was kept."""

    id: str
    function: str
    time: float
    """When it was answered, in seconds since 1970."""
    payload: bytes
    outcome: Outcome
    client_context: str = ""
    """JSON; empty for none."""


class Listed(NamedTuple):
    """A call that was kept, without what was sent."""

    id: str
    function: str
    time: float
    failed: bool
    error_type: str
    seconds: float
    payload_size: int
    response_size: int


class Calls:
    """The calls that are kept of a project, oldest first."""

    def __init__(
        self, project: str, *, most_calls: int = MOST_CALLS, most_bytes: int = MOST_BYTES
    ) -> None:
        """`project` is the directory that has `.lambdabuild`."""
        self._project = project
        self._most_calls = most_calls
        self._most_bytes = most_bytes

    @contextlib.contextmanager
    def _opened(self, *, create: bool = False) -> Iterator[int]:
        """Open the folder, through no link, and yield its descriptor."""
        flags = os.O_RDONLY | os.O_DIRECTORY | _SAFE
        path, folder_name = os.path.split(os.path.join(self._project, CALLS))
        if create and not os.path.lexists(path):
            Home(self._project).create()
        above = os.open(path, flags)
        try:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(folder_name, 0o700, dir_fd=above)
            folder = os.open(folder_name, flags, dir_fd=above)
        finally:
            os.close(above)
        try:
            yield folder
        finally:
            os.close(folder)

    def keep(self, call: Call, outcome: Outcome, at: float) -> str:
        """Write a call, remove the oldest where there are too many, and return its id.

        Raises:
            OSError: it cannot be written.

        """
        with self._opened(create=True) as folder:
            names = _names(folder)
            number = _number(names[-1]) + 1 if names else 1
            while True:
                unfinished = f".{number:06}.tmp"
                try:
                    descriptor = os.open(
                        unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, 0o600,
                        dir_fd=folder,
                    )  # fmt: skip
                except FileExistsError:
                    # Another process writes a call of this number, or was killed.
                    number += 1
                    continue
                if any(_number(name) == number for name in _names(folder)):
                    os.close(descriptor)
                    os.unlink(unfinished, dir_fd=folder)
                    number += 1
                    continue
                break
            identifier = f"{number:06}"
            try:
                with open(descriptor, "wb") as file:
                    file.writelines(_written(identifier, call, outcome, at))
                plain = re.sub(r"[^\w.-]", "_", call.function)[:150]
                os.rename(
                    unfinished, f"{identifier}-{plain}.call", src_dir_fd=folder, dst_dir_fd=folder
                )
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(unfinished, dir_fd=folder)
                raise
            self._prune(folder, at)
        return identifier

    def _prune(self, folder: int, now: float) -> None:
        names = _names(folder)
        left = self._most_bytes
        kept = 0
        for name in reversed(names):
            with contextlib.suppress(FileNotFoundError):
                left -= os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
                kept += 1
                # The newest stays, however large it is.
                if kept > 1 and (kept > self._most_calls or left < 0):
                    os.unlink(name, dir_fd=folder)
        with os.scandir(folder) as entries:
            for entry in entries:
                if not _UNFINISHED.fullmatch(entry.name):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    age = now - entry.stat(follow_symlinks=False).st_mtime
                    if age > _STALE:
                        os.unlink(entry.name, dir_fd=folder)

    def listed(self) -> list[Listed]:
        """Return the calls that there are, oldest first; what cannot be read is left out."""
        found = []
        with contextlib.suppress(FileNotFoundError), self._opened() as folder:
            for name in _names(folder):
                with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
                    with _file(folder, name) as file:
                        header = _header(file.readline(_HEADER))
                    found.append(_listing(header))
        return found

    def find(self, word: str, function: str | None = None) -> Recorded:
        """Return the call of an id, which may lack zeros; `last` is the newest, of `function` if given."""
        wanted = int(word) if word.isascii() and word.isdecimal() else None
        if word != "last" and wanted is None:
            raise LambdabuildError(
                f"`{word}` is no call that was kept",
                hint="--replay takes `last`, or an id, as `lambdabuild events --calls` lists them",
            )
        try:
            with self._opened() as folder:
                for name in reversed(_names(folder)):
                    if wanted is not None and _number(name) != wanted:
                        continue
                    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
                        found = _read(folder, name)
                        if function is None or found.function == function or wanted is not None:
                            return found
        except FileNotFoundError:
            pass
        except OSError as error:
            raise LambdabuildError(
                f"cannot read `{CALLS}`: {error.strerror}",
                hint="lambdabuild makes it anew if it is taken away",
            ) from error
        there = self.listed()
        of = f" of `{function}`" if function is not None and wanted is None else ""
        raise LambdabuildError(
            f"no call{of} was kept" if word == "last" else f"no call {word} was kept",
            hint=f"{counted(len(there), 'call')} kept: `lambdabuild events --calls`"
            if there
            else "`lambdabuild invoke NAME` keeps each call",
        )


def _names(folder: int) -> list[str]:
    return sorted((n for n in os.listdir(folder) if _NAME.fullmatch(n)), key=_number)


def _number(name: str) -> int:
    return int(name.partition("-")[0])


def _written(identifier: str, call: Call, outcome: Outcome, at: float) -> list[bytes]:
    header = {
        "id": identifier,
        "function": call.function,
        "time": round(at, 3),
        "client_context": call.client_context,
        "failed": outcome.failed,
        "error_type": outcome.error_type,
        "content_type": outcome.content_type,
        "seconds": round(outcome.seconds, 6),
        "payload": len(call.payload),
        "response": len(outcome.payload),
    }
    return [json.dumps(header).encode(), b"\n", call.payload, b"\n", outcome.payload, b"\n"]


@contextlib.contextmanager
def _file(folder: int, name: str) -> Iterator[Any]:
    descriptor = os.open(name, os.O_RDONLY | _SAFE, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(name)
    with open(descriptor, "rb") as file:
        yield file


def _header(line: bytes) -> dict[str, Any]:
    value = json.loads(line)
    if not isinstance(value, dict):
        raise TypeError(line)
    return value


def _listing(header: dict[str, Any]) -> Listed:
    return Listed(
        str(header["id"]),
        str(header["function"]),
        float(header["time"]),
        bool(header["failed"]),
        str(header["error_type"]),
        float(header["seconds"]),
        int(header["payload"]),
        int(header["response"]),
    )


def _read(folder: int, name: str) -> Recorded:
    with _file(folder, name) as file:
        header = _header(file.readline(_HEADER))
        listing = _listing(header)
        most = 2 * MOST_BYTES
        if not (0 <= listing.payload_size < most and 0 <= listing.response_size < most):
            raise ValueError(name)
        payload = file.read(listing.payload_size)
        file.read(1)
        response = file.read(listing.response_size)
    if len(payload) != listing.payload_size or len(response) != listing.response_size:
        raise ValueError(name)
    outcome = Outcome(
        response, listing.failed, listing.error_type, str(header["content_type"]), listing.seconds
    )
    context = str(header.get("client_context", ""))
    return Recorded(listing.id, listing.function, listing.time, payload, outcome, context)
