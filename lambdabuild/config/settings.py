"""The options of flags and `lambdabuild.toml`, and the settings they resolve to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.model import TARGETS, Architecture, Flags, Runtime, Target

if TYPE_CHECKING:
    from lambdabuild.config.limits import Growth

_T = TypeVar("_T")

FILE_NAME = "lambdabuild.toml"
DEFAULT_TAGS = ("lambda.norpc",)
"""Leaves the RPC server of the retired go1.x runtime out of aws-lambda-go.

https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
"""
DEFAULT_LDFLAGS = "-s -w"

CACHE_MODES = ("read", "read-write", "off")

_ARCHITECTURES = {
    "x86_64": Architecture.X86_64,
    "amd64": Architecture.X86_64,
    "arm64": Architecture.ARM64,
}
_NEAR_ARCHITECTURES = {"x86-64": "x86_64", "x64": "x86_64", "aarch64": "arm64", "armv8": "arm64"}
_RETIRED = ("go1.x", "provided")
"""Runtimes on Amazon Linux 1. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""
MIGRATION = (
    "use `provided.al2023`, which runs on x86_64 and arm64: the same code, built as an executable "
    "named `bootstrap`, which is what lambdabuild writes; where the function is deployed, set "
    "Runtime: provided.al2023 and Handler: bootstrap"
)


class Choices(NamedTuple):
    """What one place (a flag, a function's table, the top level) says; None where it is silent."""

    targets: tuple[Target, ...] | None = None
    runtime: Runtime | None = None
    tags: tuple[str, ...] | None = None
    ldflags: str | None = None
    gcflags: str | None = None
    environment: Mapping[str, str] = MappingProxyType({})
    cgo: bool | None = None
    layer_libraries: tuple[str, ...] | None = None
    zip: bool | None = None
    sbom: bool | None = None
    max_size: int | None = None
    max_growth: "Growth | None" = None


class FunctionTable(NamedTuple):
    """One `[functions."name"]` table."""

    choices: Choices = Choices()
    directory: str | None = None
    """Gives the function in this directory the table's name; relative to the configuration."""
    assets: tuple[str, ...] = ()


class Config(NamedTuple):
    """A `lambdabuild.toml`, checked."""

    source: str | None = None
    """The file it was read from; None where there is none."""
    roots: tuple[str, ...] = ("api",)
    exclude: tuple[str, ...] = ()
    out: str = "dist"
    cache: str | None = None
    cache_mode: str | None = None
    choices: Choices = Choices()
    functions: Mapping[str, FunctionTable] = MappingProxyType({})


class BuildSettings(NamedTuple):
    """What holds for one function once every place has been asked."""

    targets: tuple[Target, ...]
    runtime: Runtime
    flags: Flags
    layer_libraries: tuple[str, ...] = ()
    """Shared libraries that a layer brings, as executables ask for them."""
    zip: bool = False
    sbom: bool = False
    max_size: int | None = None
    """Bytes that an executable may have."""
    max_growth: "Growth | None" = None
    """What it may have beyond the one before."""
    assets: tuple[str, ...] = ()
    """Globs of files to be packed beside `bootstrap`, relative to the function's directory."""


_NOTHING_CONFIGURED = Config()
_NOTHING_CHOSEN = Choices()


@dataclass(frozen=True)
class Settings:
    """The configuration with the command line laid over it."""

    config: Config = _NOTHING_CONFIGURED
    flags: Choices = _NOTHING_CHOSEN
    """What the command line says."""
    in_place: bool = False
    also_exclude: tuple[str, ...] = ()
    """Globs of the command line: those functions are left as they are, for this once."""
    given: tuple[str, ...] = ()
    """The keys of the configuration that the command line replaces."""
    untrusted: bool = False
    """Somebody may have written the configuration, and the code, who is not to be trusted."""
    _settled: dict[str | None, BuildSettings] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def exclude(self) -> tuple[str, ...]:
        return (*self.config.exclude, *self.also_exclude)

    def of(self, name: str) -> BuildSettings:
        """Settle what holds for the function `name`: flag, table, top level, default."""
        key = name if name in self.config.functions else None
        known = self._settled.get(key)
        if known is None:
            table = self.config.functions.get(name, FunctionTable())
            known = self._settle((self.flags, table.choices, self.config.choices))
            known = known._replace(assets=table.assets)
            self._settled[key] = known
        return known

    def variants(self) -> tuple[BuildSettings, ...]:
        """Return every distinct setting in use, the one without a table first."""
        tables = [self.of(name) for name in self.config.functions]
        return tuple(dict.fromkeys([self._settle((self.flags, self.config.choices)), *tables]))

    def _settle(self, places: tuple[Choices, ...]) -> BuildSettings:
        environment: dict[str, str] = {}
        for place in reversed(places):
            environment.update(place.environment)
        return BuildSettings(
            targets=_first((p.targets for p in places), (TARGETS[Architecture.X86_64],)),
            runtime=_first((p.runtime for p in places), Runtime.AL2023),
            flags=Flags(
                tags=_first((p.tags for p in places), DEFAULT_TAGS),
                ldflags=_first((p.ldflags for p in places), DEFAULT_LDFLAGS),
                gcflags=next((p.gcflags for p in places if p.gcflags is not None), None),
                environment=tuple(sorted(environment.items())),
                cgo=_first((p.cgo for p in places), default=False),
            ),
            layer_libraries=_first((p.layer_libraries for p in places), ()),
            zip=_first((p.zip for p in places), default=False),
            sbom=_first((p.sbom for p in places), default=False),
            max_size=_first((p.max_size for p in places), None),
            max_growth=_first((p.max_growth for p in places), None),
        )


def _first(values: Iterable[_T | None], default: _T) -> _T:
    return next((value for value in values if value is not None), default)


def parse_architecture(text: str) -> Target:
    """Return the target of an architecture as Lambda or Go names it.

    Raises:
        LambdabuildError: it is neither x86_64 (amd64) nor arm64.

    """
    if text in _ARCHITECTURES:
        return TARGETS[_ARCHITECTURES[text]]
    near = _NEAR_ARCHITECTURES.get(text.lower())
    hint = f"did you mean `{near}`?" if near else did_you_mean(text, _ARCHITECTURES)
    raise LambdabuildError(
        f"`{text}` is not an architecture that Lambda has",
        hint=hint or "use `x86_64` or `arm64`",
    )


def parse_cache_mode(text: str) -> str:
    """Return the mode of the caches that `text` names.

    Raises:
        LambdabuildError: it is none.

    """
    if text in CACHE_MODES:
        return text
    raise LambdabuildError(
        f"`{text}` is not a mode of the caches",
        hint=did_you_mean(text, CACHE_MODES) or "use `read`, `read-write` or `off`",
    )


def parse_target(text: str) -> Target:
    """Return the target that `GOOS/GOARCH` names.

    Raises:
        LambdabuildError: it does not have that shape; whether Go knows it, Go will say.

    """
    goos, slash, goarch = text.partition("/")
    if not (slash and goos.isalnum() and goarch.isalnum()):
        raise LambdabuildError(
            f"`{text}` is not a target",
            hint="write GOOS/GOARCH, such as `linux/arm64`; `go tool dist list` names them all",
        )
    return Target(goos, goarch)


def parse_runtime(text: str) -> Runtime:
    """Return the runtime named `text`.

    Raises:
        LambdabuildError: Lambda has no such runtime for executables; go1.x explains the migration.

    """
    try:
        return Runtime(text)
    except ValueError:
        pass
    if text in _RETIRED:
        raise LambdabuildError(
            f"the runtime `{text}` was retired by AWS, and has no arm64", hint=MIGRATION
        )
    raise LambdabuildError(
        f"`{text}` is not a runtime that runs Go executables",
        hint=did_you_mean(text, [*Runtime]) or "use `provided.al2023` or `provided.al2`",
    )
