"""A project with one function, whose executable tests publish; `project` is its fixture."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from lambdabuild import artifacts
from lambdabuild.artifacts import Removal
from lambdabuild.model import (
    Artifact,
    Flags,
    Function,
    Identity,
    Input,
    Linked,
    Runtime,
    Step,
    StepResult,
)
from lambdabuild.publish import Publisher
from lambdabuild.saved import State
from tests.unit.values import X86_64

PACKAGE = "example.com/shop/api/users/get"
FINAL = "link/main/main/content"
HALF_WAY = "link/main/main/link"
GO = ("go", "go1.26.8")


def executable(text: str = "one", build_id: str = "") -> bytes:
    """Return an executable, as far as lambdabuild looks at it."""
    note = b""
    if build_id:
        length = len(build_id).to_bytes(4, "little")
        note = b"\4\0\0\0" + length + b"\4\0\0\0Go\0\0" + build_id.encode()
    return b"\x7fELF" + note + text.encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Project:
    """A project directory, with what lambdabuild remembers of it."""

    path: Path
    state: State

    @property
    def step(self) -> Step:
        directory = str(self.path / "api/users/get")
        function = Function("users-get", PACKAGE, directory, str(self.path))
        return Step(function, X86_64, Runtime.AL2023, Flags(), str(self.artifact))

    @property
    def artifact(self) -> Path:
        return self.path / "dist/users-get/bootstrap"

    @property
    def remembered(self) -> Artifact:
        return self.state.artifacts["dist/users-get/bootstrap"]

    @property
    def out(self) -> str:
        return str(self.path / "dist")

    def linked(self, content: bytes) -> Linked:
        """Stage an executable."""
        staged = self.path / "staging/exe"
        staged.parent.mkdir(exist_ok=True)
        staged.write_bytes(content)
        return Linked(self.step, str(staged), compile_seconds=0.5, link_seconds=0.25)

    def publisher(self, *inputs: Input) -> Publisher:
        """Return the publisher of a run that built the step from `inputs`."""
        return Publisher(str(self.path), "dist", self.state, {self.step.key: inputs})

    def publish(self, content: bytes, *inputs: Input) -> StepResult:
        """Publish an executable as a run of its own does."""
        publisher = self.publisher(*inputs)
        linked = self.linked(content)
        return publisher.publish(linked, publisher.measure(linked), "not built before")

    def remove(self) -> Removal:
        return artifacts.remove(self.remembered, self.state, str(self.path), self.out)


def tamper(path: Path, content: bytes) -> None:
    """Write to a file as somebody else does, some time after lambdabuild."""
    modified = path.stat().st_mtime_ns + 10**9
    path.write_bytes(content)
    os.utime(path, ns=(modified, modified))


def identity(path: Path) -> Identity:
    found = path.lstat()
    return Identity(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
