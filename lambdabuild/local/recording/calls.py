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
_REFRESH_AFTER = 50
"""Calls after which the folder is looked at again."""
_NAME = re.compile(r"([0-9]{6,})\.call")
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
        self._sizes: dict[int, int] = {}
        """Of the calls that are there, in bytes, as far as this process knows."""
        self._until_refresh = 0

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
            if self._until_refresh <= 0:
                self._refresh(folder, at)
            self._until_refresh -= 1
            number = max(self._sizes, default=0)
            while True:
                number += 1
                try:
                    self._sizes[number] = _write(folder, number, call, outcome, at)
                    break
                except FileExistsError:
                    # Another process has written a call of this number, or does, or was killed.
                    self._refresh(folder, at)
                    number = max(number, *self._sizes, 0)
            self._prune(folder)
        return f"{number:06}"

    def _refresh(self, folder: int, now: float) -> None:
        """Look at what is there: other processes write as well."""
        self._until_refresh = _REFRESH_AFTER
        self._sizes = {}
        for name in _names(folder):
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                self._sizes[_number(name)] = found.st_size
        for name in filter(_UNFINISHED.fullmatch, os.listdir(folder)):
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if now - found.st_mtime > _STALE:
                    os.unlink(name, dir_fd=folder)

    def _prune(self, folder: int) -> None:
        left = sum(self._sizes.values()) - self._most_bytes
        while len(self._sizes) > 1 and (len(self._sizes) > self._most_calls or left > 0):
            # The newest stays, however large it is.
            oldest = min(self._sizes)
            left -= self._sizes.pop(oldest)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(_name(oldest), dir_fd=folder)

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
    return int(name.partition(".")[0])


def _name(number: int) -> str:
    return f"{number:06}.call"


def _write(folder: int, number: int, call: Call, outcome: Outcome, at: float) -> int:
    """Write a file that has its name once it is complete; return its size in bytes.

    Raises:
        FileExistsError: there is a call of this number, or somebody else writes one.

    """
    unfinished = f".{number:06}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE
    descriptor = os.open(unfinished, flags, 0o600, dir_fd=folder)
    try:
        parts = _written(number, call, outcome, at)
        with open(descriptor, "wb") as file:
            file.writelines(parts)
        _put(folder, unfinished, _name(number))
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished, dir_fd=folder)
    return sum(map(len, parts))


def _put(folder: int, unfinished: str, name: str) -> None:
    """Give a file its name; unlike a rename, this replaces nothing."""
    try:
        os.link(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links.
        with contextlib.suppress(FileNotFoundError):
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            raise FileExistsError(name) from None
        os.rename(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)


def _written(number: int, call: Call, outcome: Outcome, at: float) -> list[bytes]:
    header = {
        "id": f"{number:06}",
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
