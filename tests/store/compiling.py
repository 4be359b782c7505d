"""Runners that share compiled packages by GOCACHEPROG, and a list of what each compiled itself."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.conftest import LAMBDABUILD, Project
from tests.environment import CLEAN

CIGOCACHER = LAMBDABUILD.with_name("cigocacher")
GOCACHED = LAMBDABUILD.with_name("gocached")

# Who asks for a tool's version compiles nothing.
_RECORDER = """#!/bin/sh
case "$*" in *" -V=full"*) ;; *) echo "${1##*/} $TOOLEXEC_IMPORTPATH" >>"$RECORDED" ;; esac
exec "$@"
"""


@contextlib.contextmanager
def gocached(directory: Path, *flags: str) -> Iterator[str]:
    """Run a server of compiled packages on loopback, and yield its address."""
    assert GOCACHED.exists(), "`make test-extended` installs the server"
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [str(GOCACHED), f"--cache-dir={directory}", f"--listen={address}", *flags]
    with (
        (directory.parent / f"{directory.name}.log").open("wb") as log,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=CLEAN
        ) as server,
    ):
        try:
            _wait_for(address, server)
            yield f"http://{address}"
        finally:
            server.terminate()


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    host, _, port = address.partition(":")
    until = time.monotonic() + 60
    while True:
        assert server.poll() is None, "the server ended"
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.02)
        else:
            return


class Runner:
    """A machine with nothing on it but Go and a checkout, in directories of its own."""

    def __init__(self, directory: Path, go: str, *flags: str) -> None:
        """`flags` are those of its cigocacher."""
        assert CIGOCACHER.exists(), "`make test-extended` installs it"
        self._recorded = directory / "recorded"
        recorder = directory / "recorder.sh"
        home = directory / "home"
        home.mkdir(parents=True)
        recorder.write_text(_RECORDER, "utf-8")
        recorder.chmod(0o755)
        environment = {n: value for n, value in CLEAN.items() if n != "XDG_CACHE_HOME"} | {
            "HOME": str(home),
            "GOCACHE": str(directory / "go-build"),
            "GOCACHEPROG": " ".join([str(CIGOCACHER), f"--cache-dir={directory}/shared", *flags]),
            "GOFLAGS": f"-toolexec={recorder}",
            "RECORDED": str(self._recorded),
        }
        self.project = Project(directory / f"checkout-{directory.name}", environment, go)

    def compiled(self) -> list[str]:
        """Return the packages that were compiled here since this was last asked."""
        if not self._recorded.exists():
            return []
        lines = self._recorded.read_text("utf-8").splitlines()
        self._recorded.unlink()
        return sorted({line.partition(" ")[2] for line in lines if line.startswith("compile ")})
