"""Where a running `serve` of the project is, for `invoke` to find it: `.lambdabuild/local/serve.json`."""

import contextlib
import json
import os
from typing import NamedTuple

from lambdabuild.core.paths import LOCAL
from lambdabuild.system.links import read_own, replace_whole

_FILE = "serve.json"
_PRIVATE = 0o600
_MOST = 1 << 16


class Announcement(NamedTuple):
    """A server, with what it wants to see of those who may ask it anything."""

    address: str
    """As `http://127.0.0.1:9000`."""
    pid: int
    token: str


def announce(project: str, announcement: Announcement) -> None:
    """Write where the server is; only the user can read it.

    Raises:
        OSError: it cannot be written.

    """
    text = json.dumps(announcement._asdict(), indent=2)
    replace_whole(_path(project), f"{text}\n".encode(), _PRIVATE)


def withdraw(project: str, announcement: Announcement) -> None:
    """Remove what was announced, unless another server has taken its place."""
    if announced(project) == announcement:
        with contextlib.suppress(OSError):
            os.unlink(_path(project))


def announced(project: str) -> Announcement | None:
    """Return the server that announced itself last; None where there is none.

    What somebody else wrote, or could have read, does not count. The server may have been killed since: then nobody answers at its address, or somebody who is not asked
    for this project.
    """
    try:
        status = os.lstat(_path(project))
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            return None
        value = json.loads(read_own(_path(project), _MOST))
        found = Announcement(value["address"], value["pid"], value["token"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    known = isinstance(found.address, str) and isinstance(found.token, str)
    return found if known and type(found.pid) is int else None


def _path(project: str) -> str:
    return os.path.join(project, LOCAL, _FILE)
