"""A project with one function, whose executable tests publish; `project` is its fixture."""

import hashlib
import io
import os
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from lambdabuild.build.obstacles import Replacing
from lambdabuild.build.publish import Publisher
from lambdabuild.config.settings import Settings
from lambdabuild.core.artifact import (
    Artifact,
    Identity,
    Input,
    Kind,
    Sidecar,
    packed_text,
    sbom_made_from,
)
from lambdabuild.core.build import Function, Step
from lambdabuild.core.paths import name_of
from lambdabuild.core.result import Linked, StepResult
from lambdabuild.core.target import Flags, Runtime
from lambdabuild.output.terminal.console import Console
from lambdabuild.output.terminal.look import Look
from lambdabuild.packaging.packer import Packed, Packer, Staged
from lambdabuild.state import artifacts
from lambdabuild.state.artifacts import Removal
from lambdabuild.state.state import State
from lambdabuild.state.store import Home
from lambdabuild.survey import assets
from lambdabuild.survey.assets import reason_to_pack
from lambdabuild.survey.session import Session, Tools
from lambdabuild.system.files import content_digest
from lambdabuild.system.process import Runner
from lambdabuild.system.signals import Interrupts
from lambdabuild.system.timeline import Timeline
from tests.unit.values import X86_64

PACKAGE = "example.com/shop/api/users/get"
FINAL = "link/main/main/content"
HALF_WAY = "link/main/main/link"
GO = ("go", "go1.26.8")

LEAVING = Replacing()
FORCED = Replacing(forced=True)
"""Whether what others wrote is replaced."""

NOTHING: Mapping[str, str] = MappingProxyType({})

_MACHINES = {"amd64": 62, "arm64": 183}


def executable(text: str = "one", build_id: str = "", machine: str = "amd64") -> bytes:
    """Return an executable, as far as lambdabuild looks at it: an ELF header, and a note of Go."""
    note = b""
    if build_id:
        length = len(build_id).to_bytes(4, "little")
        note = b"\4\0\0\0" + length + b"\4\0\0\0Go\0\0" + build_id.encode()
    header = struct.pack(
        "<16s2HL3QL6H", b"\x7fELF\2\1\1", 2, _MACHINES[machine], 1, 64, 0, 0, 0, 64, 56, 0, 64, 0, 0
    )
    return header + note + text.encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Project:
    """A project directory, with what lambdabuild remembers of it."""

    path: Path
    state: State

    @property
    def directory(self) -> Path:
        """Where the function's sources are."""
        return self.path / "api/users/get"

    @property
    def step(self) -> Step:
        function = Function("users-get", PACKAGE, str(self.directory), str(self.path))
        return Step(function, X86_64, Runtime.AL2023, Flags(), str(self.artifact))

    def wanting(
        self,
        *globs: str,
        zip: bool = True,  # noqa: A002 - as in Step
        sbom: bool = False,
    ) -> Step:
        """Return the step with what is to stand with its executable."""
        selection = assets.select(str(self.directory), globs, ())
        assert selection.problems == ()
        return self.step._replace(
            zip=str(self.zip) if zip else None,
            sbom=str(self.sbom) if sbom else None,
            assets=selection.assets,
        )

    @property
    def artifact(self) -> Path:
        return self.path / "dist/users-get/bootstrap"

    @property
    def zip(self) -> Path:
        return self.path / "dist/users-get.zip"

    @property
    def sbom(self) -> Path:
        return self.path / "dist/users-get.sbom.json"

    @property
    def remembered(self) -> Artifact:
        return self.state.artifacts["dist/users-get/bootstrap"]

    @property
    def sidecars(self) -> Mapping[str, Sidecar]:
        """What is remembered to stand with the executable, by its path in `dist`."""
        return {c.path.removeprefix("dist/"): c for c in self.remembered.sidecars}

    @property
    def out(self) -> str:
        return str(self.path / "dist")

    @property
    def there(self) -> set[str]:
        """The files in `dist`, by their paths in it."""
        out = Path(self.out)
        return {str(path.relative_to(out)) for path in out.rglob("*") if not path.is_dir()}

    @property
    def standing(self) -> dict[str, bytes]:
        """What is in `dist`; of a zip, what is in it."""
        found: dict[str, bytes] = {}
        for name in sorted(self.there):
            content = Path(self.out, name).read_bytes()
            if name.endswith(".zip"):
                with zipfile.ZipFile(io.BytesIO(content)) as read:
                    found |= {f"{name}/{inside}": read.read(inside) for inside in read.namelist()}
            else:
                found[name] = content
        return found

    def write(self, name: str, content: bytes | str = "", mode: int = 0o644) -> Path:
        """Write a file into the function's directory."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def linked(self, content: bytes, step: Step | None = None) -> Linked:
        """Stage an executable."""
        staged = self.path / "staging/exe"
        staged.parent.mkdir(exist_ok=True)
        staged.write_bytes(content)
        return Linked(step or self.step, str(staged), compile_seconds=0.5, link_seconds=0.25)

    def packer(self, *, epoch: int | None = None, in_place: bool = False) -> Packer:
        """Return the packer of a run."""
        return Packer(
            str(self.path), str(self.path / "staging/packages"), self.state.artifacts,
            epoch=epoch, in_place=in_place, timeline=Timeline(),
        )  # fmt: skip

    def packed(self, linked: Linked, *, epoch: int | None = None) -> Packed:
        """Return the package of what was linked, or is in place as it would be linked."""
        return self.packer(epoch=epoch).pack(linked)

    def with_bill(self, packed: Packed, text: str = "bill") -> Packed:
        """Add a bill of materials, as far as publishing knows of it."""
        staged = self.path / "staging/bill"
        staged.write_text(text)
        bill = Staged(
            Kind.SBOM, str(staged), str(self.sbom), sha256(text.encode()), len(text),
            sbom_made_from(packed.sha256, None),
        )  # fmt: skip
        return packed._replace(files=(*packed.files, bill))

    def publisher(self, *inputs: Input, replacing: Replacing = LEAVING) -> Publisher:
        """Return the publisher of a run that built the step from `inputs`."""
        known = {self.step.key: inputs}
        return Publisher(str(self.path), "dist", self.state, known, replacing)

    def publish(
        self,
        content: bytes,
        *inputs: Input,
        step: Step | None = None,
        bill: str | None = None,
        replacing: Replacing = LEAVING,
    ) -> StepResult:
        """Publish an executable as a run of its own does."""
        linked = self.linked(content, step)
        packed = self.packed(linked)
        if bill is not None:
            packed = self.with_bill(packed, bill)
        publisher = self.publisher(*inputs, replacing=replacing)
        return publisher.publish(linked, packed, "not built before")

    def confirm(self, *inputs: Input, step: Step | None = None) -> StepResult:
        """Confirm the executable that is in place, as a run does that would link it again."""
        linked = Linked(step or self.step, current=True, compile_seconds=0.5)
        return self.publisher(*inputs).confirm(linked, self.packed(linked), "go1.26 → go1.27")

    def why(self, step: Step, environment: Mapping[str, str] = NOTHING) -> str | None:
        """Return why the next run makes again what stands with an executable that it keeps."""
        here = str(self.path)
        console = Console(Look(terminal=False, color=False), io.StringIO())
        settings = Settings()
        tools = Tools(environment, Runner(environment), console, Interrupts(), Timeline())
        session = Session(settings.paths(here, here), settings, tools)
        contents = [(asset, Path(asset.source).read_bytes()) for asset in step.assets]
        packed = tuple(
            (f"file {name_of(asset.source, here)}", packed_text(content_digest(content), asset))
            for asset, content in contents
        )
        return reason_to_pack(session, step, self.remembered, packed)

    def remove(self) -> Removal:
        return artifacts.remove(self.remembered, self.state, str(self.path), self.out).removal


def tamper(path: Path, content: bytes, mode: int | None = None) -> None:
    """Write to a file as somebody else does, some time after lambdabuild."""
    modified = path.stat().st_mtime_ns + 10**9
    path.write_bytes(content)
    if mode is not None:
        path.chmod(mode)
    os.utime(path, ns=(modified, modified))


def identity(path: Path) -> Identity:
    found = path.lstat()
    return Identity(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def opened(path: Path) -> tuple[Session, Home]:
    """Open a session in a directory, with a `.lambdabuild`."""
    home = Home(str(path))
    home.create()
    console = Console(Look(terminal=False, color=False), io.StringIO())
    settings = Settings()
    tools = Tools({}, Runner({}), console, Interrupts(), Timeline())
    return Session(settings.paths(str(path), str(path)), settings, tools), home
