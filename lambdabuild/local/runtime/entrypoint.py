"""Why the kernel does not start an executable: in Go's words, and in words for people."""

import errno
import os.path
import platform
import sys

from lambdabuild.core.errors import LambdabuildError

_SYSTEMS = {"linux": "Linux", "darwin": "macOS"}
_MACHINES = {"aarch64": "arm64", "amd64": "x86_64"}


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
