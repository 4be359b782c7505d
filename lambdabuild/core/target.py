"""Targets of a build: architectures, Lambda runtimes, and flags."""

from enum import StrEnum
from typing import NamedTuple


class Architecture(StrEnum):
    """An instruction set, as the Lambda API names it."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


class Runtime(StrEnum):
    """A Lambda runtime that runs an executable named `bootstrap`.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
    """

    AL2023 = "provided.al2023"
    AL2 = "provided.al2"


class Target(NamedTuple):
    """A GOOS/GOARCH pair."""

    goos: str
    goarch: str

    def __str__(self) -> str:
        return f"{self.goos}/{self.goarch}"

    @property
    def architecture(self) -> Architecture | None:
        """The Lambda architecture of this target; None where Lambda has none."""
        return _ARCHITECTURES.get(self)

    @property
    def label(self) -> str:
        """The name of its output directory."""
        return self.architecture or f"{self.goos}-{self.goarch}"


TARGETS = {
    Architecture.X86_64: Target("linux", "amd64"),
    Architecture.ARM64: Target("linux", "arm64"),
}
_ARCHITECTURES = {target: architecture for architecture, target in TARGETS.items()}


class CCompiler(NamedTuple):
    """The C compiler for one target and runtime."""

    identity: str
    """Differs whenever the compiler does; where shown, it has a version."""
    variables: tuple[tuple[str, str | None], ...] = ()
    """Go's variables, the same on every machine; None removes a variable."""
    path: str | None = None
    """The PATH on which Go finds it, where that is not lambdabuild's own."""


class Flags(NamedTuple):
    """The settings of a compile and a link."""

    tags: tuple[str, ...] = ()
    ldflags: str = ""
    gcflags: str | None = None
    """None by default: lambdabuild may then leave out DWARF that the link strips."""
    environment: tuple[tuple[str, str], ...] = ()
    cgo: bool = False
    compiler: CCompiler | None = None
    """Derived from target and runtime, for cgo."""
    trimpath: bool = True
    """If not, files are named as they are on this machine: where a debugger finds them."""


GLIBC = {Runtime.AL2023: (2, 34), Runtime.AL2: (2, 26)}
"""The C library of each runtime.

https://docs.aws.amazon.com/linux/al2023/ug/glibc-gcc-and-binutils.html
"""
