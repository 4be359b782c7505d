"""Targets of a build: architectures, Lambda runtimes, and the flags that a person may choose."""

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
        """The Lambda architecture this target runs on; None where Lambda has none."""
        if self.goos != "linux":
            return None
        return {"amd64": Architecture.X86_64, "arm64": Architecture.ARM64}.get(self.goarch)

    @property
    def label(self) -> str:
        """The directory that tells this target's output from another's."""
        return self.architecture or f"{self.goos}-{self.goarch}"


TARGETS = {
    Architecture.X86_64: Target("linux", "amd64"),
    Architecture.ARM64: Target("linux", "arm64"),
}


class CCompiler(NamedTuple):
    """What compiles C for one target and runtime, as `go` is told of it."""

    identity: str
    """Differs whenever the compiler does; one that is shown has a version."""
    variables: tuple[tuple[str, str | None], ...] = ()
    """What Go reads, the same on every machine; None takes a variable away."""
    path: str | None = None
    """The PATH by which Go finds it, where that is not the one lambdabuild has."""


class Flags(NamedTuple):
    """What a person may choose about a compile and a link."""

    tags: tuple[str, ...] = ()
    ldflags: str = ""
    gcflags: str | None = None
    """None where nobody chose: lambdabuild may then leave out DWARF that the link strips."""
    environment: tuple[tuple[str, str], ...] = ()
    cgo: bool = False
    compiler: CCompiler | None = None
    """What compiles C for cgo: no choice, but what it comes to for a target and a runtime."""


GLIBC = {Runtime.AL2023: (2, 34), Runtime.AL2: (2, 26)}
"""The C library of each runtime.

https://docs.aws.amazon.com/linux/al2023/ug/glibc-gcc-and-binutils.html
"""
