"""Find the `serve` that runs in a project, and call its functions: the client of its control."""

import base64
import json
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.control.announcement import announced
from lambdabuild.local.functions import Outcome

_PATIENCE = 2.0
"""Seconds for a server to say who it is."""
_OK = 200
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - a `serve` listens there, nobody here


class Serving(NamedTuple):
    """A `serve` that runs, and answered."""

    host: str
    port: int
    token: str
    functions: Sequence[str]


def find_serving(project: str) -> Serving | None:
    """Return the `serve` that runs in a project; None where there is none.

    What it announced counts only if that is on this machine: a clone may bring such a file.
    """
    said = announced(project)
    if said is None:
        return None
    # Slow to import, and nobody is asked where no `serve` runs.
    import http.client

    token = said.token
    try:
        address = urlsplit(said.address)
        host, port = _ANY.get(address.hostname or "", address.hostname or ""), address.port or 0
        if host not in _LOOPBACK and not host.startswith("127."):
            return None
        status, body = _asked(host, port, token)
        found = json.loads(body)
        if status != _OK or os.path.realpath(found["project"]) != os.path.realpath(project):
            return None
        return Serving(host, port, token, [str(name) for name in found["functions"]])
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return None


def _asked(host: str, port: int, token: str) -> tuple[int, bytes]:
    import http.client

    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/_lambdabuild", headers={"Lambdabuild-Token": token})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def invoke(
    serving: Serving,
    name: str,
    payload: bytes,
    log: Callable[[bytes], None],
    *,
    timeout: float | None = None,
    client_context: str = "",
) -> Outcome:
    """Call a function, and return how that ended; `log` gets each line as it comes.

    `timeout` is the function's, in seconds.

    Raises:
        ConnectionError: the server went away.

    """
    import http.client

    headers = {"Lambdabuild-Token": serving.token, "Content-Type": "application/json"}
    if timeout is not None:
        headers["Lambdabuild-Timeout"] = f"{timeout:g}"
    if client_context:
        headers["Lambdabuild-Client-Context"] = base64.b64encode(client_context.encode()).decode()
    connection = http.client.HTTPConnection(serving.host, serving.port)
    path = f"/_lambdabuild/invocations/{quote(name, safe='')}"
    try:
        connection.request("POST", path, body=payload, headers=headers)
        response = connection.getresponse()
        if response.status != _OK:
            raise _refused(response.status, response.read())
        while line := response.readline():
            said = json.loads(line)
            if "log" in said:
                log(str(said["log"]).encode())
            else:
                return Outcome(
                    base64.b64decode(said["payload"]),
                    bool(said["failed"]),
                    str(said["error_type"]),
                    str(said["content_type"]),
                    float(said["seconds"]),
                )
    except (http.client.HTTPException, OSError, ValueError, LookupError, TypeError) as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()
    raise ConnectionError("it ended before the call did")


def _refused(status: int, body: bytes) -> LambdabuildError:
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, LookupError, TypeError):
        message = f"status {status}"
    return LambdabuildError(f"the `serve` of this project refuses the call: {message}")
