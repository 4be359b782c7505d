"""Settings by which functions are built to run on this machine, and what machine it is."""

import os
import sys

from lambdabuild.config.settings import Settings
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.record import replaced
from lambdabuild.core.target import Runtime, Target
from lambdabuild.survey.session import Session

_SYSTEMS = {"linux": "linux", "darwin": "darwin", "freebsd": "freebsd"}
"""GOOS, by the beginning of `sys.platform`."""
_MACHINES = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "i386": "386",
    "i686": "386",
    "armv6l": "arm",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
    "loongarch64": "loong64",
}
"""GOARCH, by what the kernel calls the machine, in small letters.

https://github.com/golang/go/blob/master/src/cmd/dist/main.go
"""


def host_target(system: str = sys.platform, machine: str | None = None) -> Target:
    """Return GOOS and GOARCH of this machine, without asking `go`.

    Raises:
        LambdabuildError: it is none that is known here.

    """
    found = machine if machine is not None else os.uname().machine
    goos = next((goos for name, goos in _SYSTEMS.items() if system.startswith(name)), None)
    goarch = _MACHINES.get(found.lower())
    if goos is None or goarch is None:
        raise LambdabuildError(
            f"functions cannot run on this machine: it is `{system}` on `{found}`",
            hint="run them on Linux or macOS, on amd64 or arm64",
        )
    return Target(goos, goarch)


def for_host(settings: Settings, host: Target) -> Settings:
    """Return the settings that build functions to run on `host`, and nothing to deploy."""
    own = {
        "targets": (host,),
        "runtime": Runtime.AL2023,
        "zip": False,
        "sbom": False,
        "max_size": None,
        "max_growth": None,
    }
    return replaced(
        settings,
        # It names the directory of Lambda's builds: `Settings.paths` keeps it as `deployed`.
        config=settings.config._replace(in_place=False, check_size=False, strict=False),
        flags={**settings.flags, **own},
        host=host,
    )


def hosted(session: Session) -> Session:
    """Return the session that builds functions to run on this machine.

    Raises:
        LambdabuildError: their code is not trusted, or the machine is none that is known here.

    """
    if session.settings.untrusted:
        raise LambdabuildError(
            "--untrusted does not allow what runs the code of the project",
            hint="`lambdabuild all --untrusted` builds it without running any of it",
        )
    return session.under(for_host(session.settings, host_target()))
