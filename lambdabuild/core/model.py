"""The nouns: Go's packages, Lambda's functions, and the results of building them."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.spans import Span

TEMPORARY = ".lambdabuild-tmp"
"""How the name of a file ends that is to be renamed into its place."""
MOST_UNZIPPED = 262_144_000
"""Bytes of a deployment package, unzipped; Lambda takes less.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""


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


class Status(StrEnum):
    """What became of a step."""

    BUILT = "built"
    UNCHANGED = "unchanged"
    UP_TO_DATE = "up-to-date"
    RESTORED = "restored"
    FAILED = "failed"
    CANCELLED = "cancelled"


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


class Diagnostic(NamedTuple):
    """One thing that Go says is wrong, and the package it says it of."""

    package: str | None
    message: str
    file: str | None = None
    """An absolute path."""
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    """What helps."""


class Module(NamedTuple):
    """A Go module as `go list` tells it."""

    path: str
    directory: str | None
    version: str | None
    main: bool
    go_version: str | None = None
    """The language version that its go.mod asks for."""
    go_sum: str | None = None
    """The hash that go.sum has of it, where Go tells."""
    replacement: str | None = None
    """What go.mod or go.work puts in its place: `path version`, or a directory."""


class CFlags(NamedTuple):
    """What the `#cgo` lines of a package say, `${SRCDIR}` replaced."""

    c: tuple[str, ...] = ()
    preprocessor: tuple[str, ...] = ()
    cxx: tuple[str, ...] = ()
    linker: tuple[str, ...] = ()
    pkg_config: tuple[str, ...] = ()


class Foreign(NamedTuple):
    """What a package takes in that `go list` does not name, inside the repository; absolute paths."""

    files: tuple[str, ...] = ()
    """What the C compiler or the assembler reads."""
    libraries: tuple[str, ...] = ()
    """What the linker reads."""
    searched: tuple[tuple[str, int], ...] = ()
    """Where another file might come first, each with the level at which to look."""
    absent: tuple[str, ...] = ()
    """Libraries that would be linked if they were there."""
    doubtful: bool = False
    """It names what is not there, or is somebody else's, and may have been here before."""

    @property
    def untracked(self) -> bool:
        """Whether Go's cache may hold it compiled with other files, and take that for current."""
        return bool(self.files or self.libraries or self.absent or self.doubtful)


class Package(NamedTuple):
    """A Go package under one target and set of tags."""

    import_path: str
    name: str
    directory: str
    go_files: tuple[str, ...]
    """The files that this target's build constraints leave in, cgo ones too; no tests."""
    ignored_files: tuple[str, ...]
    imports: tuple[str, ...]
    module: Module | None
    only_dependency: bool
    """Not matched by the pattern, only imported by what is."""
    errors: tuple[Diagnostic, ...]
    """Why it cannot be loaded; says nothing about whether it compiles."""
    other_files: tuple[str, ...] = ()
    """C, assembly and the like, headers too, that this target's constraints leave in."""
    embed_files: tuple[str, ...] = ()
    embed_patterns: tuple[str, ...] = ()
    godebug: str = ""
    """The GODEBUG settings that a main package starts with."""
    cgo: bool = False
    declares_main: bool = False
    local: bool = False
    """Not of the standard library, and not in the module cache, whose modules never change."""
    c_flags: CFlags = CFlags()
    foreign: Foreign = Foreign()
    """Found out once the C compiler is known."""


class Function(NamedTuple):
    """A main package that becomes a Lambda function."""

    name: str
    package: str
    directory: str
    """The absolute path."""
    load_directory: str
    """Where `go` runs for it: the directory of its `go.work`, else of its `go.mod`."""


class Skipped(NamedTuple):
    """A main package that is passed over, and why."""

    directory: str
    reason: str
    package: str | None = None
    hint: str | None = None
    """Set where a person surely meant it to be built; shown as a warning."""


class Kind(StrEnum):
    """What a file is that stands with an executable."""

    ASSET = "asset"
    ZIP = "zip"
    SBOM = "sbom"


class Asset(NamedTuple):
    """A file of the function's own, to be packed beside `bootstrap`."""

    name: str
    """Its path in the deployment package, with slashes: that from the function's directory."""
    source: str
    """The absolute path."""
    executable: bool
    """Its mode there is 0755, or else 0644."""


class Step(NamedTuple):
    """The unit of work: one function built for one target."""

    function: Function
    target: Target
    runtime: Runtime | None
    """None where the target is not one of Lambda's."""
    flags: Flags
    artifact: str
    """The absolute path the executable is published at."""
    load_errors: tuple[Diagnostic, ...] = ()
    """Why `go build` may not be asked for it: one such package stops the whole process."""
    zip: str | None = None
    """The absolute path of the deployment package; None where none is asked for."""
    sbom: str | None = None
    """The absolute path of the bill of materials; None where none is asked for."""
    assets: tuple[Asset, ...] = ()
    """By name."""
    layer_libraries: tuple[str, ...] = ()
    """Shared libraries that a layer brings."""

    @property
    def key(self) -> tuple[str, Target]:
        return (self.function.name, self.target)


class Batch(NamedTuple):
    """Steps that one `go build` does together."""

    directory: str
    target: Target
    flags: Flags
    steps: tuple[Step, ...]
    graph: Mapping[str, Package]
    """Every package that may be compiled for it, by import path."""
    number: int = 0
    """Which of its plan's it is, whatever steps are left of it."""


class Plan(NamedTuple):
    """What is to be built, in which order, and what cannot be."""

    steps: tuple[Step, ...]
    batches: tuple[Batch, ...]

    @property
    def set_aside(self) -> tuple[Step, ...]:
        """The steps that fail before `go build` is asked."""
        return tuple(step for step in self.steps if step.load_errors)

    def only(self, keys: Container[tuple[str, Target]]) -> "Plan":
        """Return the plan of the steps with these keys; a batch without steps is left out."""

        def chosen(steps: tuple[Step, ...]) -> tuple[Step, ...]:
            return tuple(step for step in steps if step.key in keys)

        batches = (batch._replace(steps=chosen(batch.steps)) for batch in self.batches)
        return Plan(chosen(self.steps), tuple(batch for batch in batches if batch.steps))


class Linked(NamedTuple):
    """What one `go build` made of one step, before anything is published."""

    step: Step
    executable: str | None = None
    """The staged file; None where there is none."""
    current: bool = False
    """Go found that the artifact of the last run is what it would link again."""
    cancelled: bool = False
    link_id: str | None = None
    """The first part of the Go build ID: a hash of everything that goes into the link."""
    errors: tuple[Diagnostic, ...] = ()
    compile_seconds: float | None = None
    link_seconds: float | None = None
    restored: str | None = None
    """The SHA-256, in hex, of what came out of a cache, where it was verified."""


class Identity(NamedTuple):
    """What `stat` says of a file: equal identities mean an untouched file."""

    inode: int
    size: int
    modified: int
    """mtime in nanoseconds."""
    changed: int
    """ctime in nanoseconds."""


Input = tuple[str, str]
"""What an input is called, and a text that differs whenever it does."""


class Companion(NamedTuple):
    """A file that lambdabuild has published with an executable."""

    kind: Kind
    path: str
    """Relative to the project directory."""
    sha256: str
    identity: Identity
    made_from: str
    """Differs whenever it has to be made again."""
    executable: bool = False


class Artifact(NamedTuple):
    """An executable that lambdabuild has published, with what stands with it."""

    path: str
    """Relative to the project directory."""
    layout: str
    """The output directory it belongs to, relative to the project directory; "" for in place."""
    function: str
    package: str
    directory: str
    """Relative to the project directory."""
    target: Target
    runtime: Runtime | None
    sha256: str
    identity: Identity
    build_id: str | None
    """Go's build ID of the executable; equal IDs mean equal bytes."""
    link_id: str | None = None
    inputs: tuple[Input, ...] = ()
    """Everything it was built from; empty where that is not known."""
    packed: tuple[Input, ...] = ()
    """What beyond the executable its deployment package holds."""
    companions: tuple[Companion, ...] = ()

    @property
    def key(self) -> tuple[str, Target]:
        return (self.function, self.target)

    def companion(self, kind: Kind) -> Companion | None:
        """Return the zip or the bill of materials, where there is one of this executable."""
        same = (
            c for c in self.companions if c.kind is kind and c.made_from.startswith(self.sha256)
        )
        return next(same, None)


class StepResult(NamedTuple):
    """What became of one step."""

    step: Step
    status: Status
    reason: str | None = None
    artifact: str | None = None
    """The absolute path, where there is one to deploy (an old one, if the step failed)."""
    size: int | None = None
    previous_size: int | None = None
    sha256: str | None = None
    compile_seconds: float | None = None
    link_seconds: float | None = None
    seconds: float | None = None
    errors: tuple[Diagnostic, ...] = ()
    zip: Companion | None = None
    """The deployment package, where one was asked for."""


class Share(NamedTuple):
    """What part of all that was selected one machine of several builds."""

    # What a tuple can do under these names, nobody asks of a share.
    index: int  # type: ignore[assignment]
    """From 1."""
    count: int  # type: ignore[assignment]
    functions: int
    """How many all of them have together."""
    split: str
    """Differs where machines did not split alike."""


class Report(NamedTuple):
    """A whole run."""

    ok: bool
    seconds: float
    go: str
    jobs: int
    results: tuple[StepResult, ...]
    removed: tuple[Artifact, ...] = ()
    """Artifacts whose function went away; their paths are absolute."""
    share: Share | None = None
    spans: tuple[Span, ...] = ()
    """What the time was spent on."""
    problem: LambdabuildError | None = None
    """What could not be written, while the functions could."""


class Command(NamedTuple):
    """A process to run, as a value."""

    arguments: tuple[str, ...]
    directory: str
    environment: Mapping[str, str | None] = MappingProxyType({})
    """Laid over the environment lambdabuild was started in; None takes a variable away."""


class Completed(NamedTuple):
    """How a process ended."""

    code: int
    """The exit code; negative for the signal that ended it."""
    output: str
    error: str
    stopped: bool = False
    """lambdabuild ended it, because what it was to make is no longer wanted."""


class GoEnvironment(NamedTuple):
    """What `go env` says where `go` is about to run."""

    version: str
    flags: str
    workspace: str | None
    """The path of the go.work file in force; None without one."""
    cache: str
    module_cache: str
    toolchain: str
    root: str = ""
    """GOROOT."""
    tools: str = ""
    """The directory of the compiler and the linker."""


SCHEMA = 1


GLIBC = {Runtime.AL2023: (2, 34), Runtime.AL2: (2, 26)}
"""The C library of each runtime.

https://docs.aws.amazon.com/linux/al2023/ug/glibc-gcc-and-binutils.html
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the toolexec wrapper, as it arrived."""

    batch: Batch
    kind: str
    """`start`, `done`, `failed`, `current`: nothing to link, or `refused`: a source changed."""
    tool: str
    package: str
    at: float
    """Seconds of the monotonic clock when it was read, at most a tick after it happened."""
