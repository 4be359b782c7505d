"""Functions, steps, batches, plans, and the events of a build."""

import re
from collections.abc import Container, Mapping
from typing import NamedTuple

from lambdabuild.core.artifact import Asset
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic, Package
from lambdabuild.core.record import record
from lambdabuild.core.target import Flags, Runtime, Target


class Adapter(NamedTuple):
    """What starts a function that was written for one of eawsy's runtimes; see `survey/eawsy`."""

    library: str
    """The repository of the runtime, as `list` shows it: `eawsy/aws-lambda-go-shim`."""
    handler: str | None = None
    """The exported symbol that handles events; None where the code registers a handler."""

    def __str__(self) -> str:
        return f"{self.library} {self.handler or ''}".rstrip()


class Function(NamedTuple):
    """A main package that becomes a Lambda function."""

    name: str
    package: str
    directory: str
    """The absolute path."""
    load_directory: str
    """Where to run `go` for it: the directory of its `go.work`, else of its `go.mod`."""
    adapter: Adapter | None = None
    """None where it starts by itself, as aws-lambda-go has it."""


class Skipped(NamedTuple):
    """A main package that is not built, and why."""

    directory: str
    reason: str
    package: str | None = None
    hint: str | None = None
    """Set where it was probably meant to be built; shown as a warning."""


class Step(NamedTuple):
    """A unit of work: one function for one target."""

    function: Function
    target: Target
    runtime: Runtime | None
    """None where it is not for Lambda."""
    flags: Flags
    artifact: str
    """The absolute path of the executable."""
    load_errors: tuple[Diagnostic, ...] = ()
    """Why it cannot be loaded: one such package would stop `go build` for all."""
    zip: str | None = None
    """The absolute path of the deployment package; None for none."""
    sbom: str | None = None
    """The absolute path of the SBOM; None for none."""
    assets: tuple[Asset, ...] = ()
    """By name."""
    layer_libraries: tuple[str, ...] = ()
    """Shared libraries that a layer brings."""

    @property
    def key(self) -> tuple[str, Target]:
        return (self.function.name, self.target)


class Batch(NamedTuple):
    """Steps that share one `go build`."""

    directory: str
    target: Target
    flags: Flags
    steps: tuple[Step, ...]
    graph: Mapping[str, Package]
    """All packages that may be compiled for it, by import path."""
    number: int = 0
    """Its index in the plan, also where some steps were left out."""


class Plan(NamedTuple):
    """What to build, in which order, and what cannot be built."""

    steps: tuple[Step, ...]
    batches: tuple[Batch, ...]

    @property
    def set_aside(self) -> tuple[Step, ...]:
        """The steps that fail before `go build`."""
        return tuple(step for step in self.steps if step.load_errors)

    def only(self, keys: Container[tuple[str, Target]]) -> "Plan":
        """Return the plan of the steps with these keys, without empty batches."""

        def chosen(steps: tuple[Step, ...]) -> tuple[Step, ...]:
            return tuple(step for step in steps if step.key in keys)

        batches = (batch._replace(steps=chosen(batch.steps)) for batch in self.batches)
        return Plan(chosen(self.steps), tuple(batch for batch in batches if batch.steps))


@record
class Event:
    """A line of the toolexec wrapper."""

    batch: Batch
    kind: str
    """`start`, `done`, `failed`, `current` (nothing to link) or `refused` (a source changed)."""
    tool: str
    package: str
    at: float
    """When it was read, in seconds of the monotonic clock: at most a tick later."""


_SHAPE = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", re.ASCII)


class Shard(NamedTuple):
    """One machine's part of the work."""

    # These hide methods of tuples, which nobody calls.
    index: int  # type: ignore[assignment]
    """Counted from 1."""
    count: int  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parse_shard(text: str) -> Shard:
    """Return the shard that `I/N` names."""
    match = _SHAPE.fullmatch(text)
    shard = Shard(int(match[1]), int(match[2])) if match else None
    if shard is None or shard.index > shard.count:
        raise LambdabuildError(
            f"`{text}` is not a shard",
            hint="write I/N, from `1/4` to `4/4` for four machines",
        )
    return shard
