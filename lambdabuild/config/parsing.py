"""Turn what a person wrote for an option into its value; no disk."""

from typing import TYPE_CHECKING

from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.target import TARGETS, Architecture, Runtime, Target

if TYPE_CHECKING:
    from lambdabuild.config.limits import Growth
    from lambdabuild.core.build import Shard

# Most runs have no option of the kinds whose modules are imported further down.

CACHE_MODES = ("read", "read-write", "off")
ENTRYPOINTS = ("all", "lambda")
EVENTS = ("rest", "http", "alb", "alb-multi-value")
COLORS = ("auto", "always", "never")
ADAPTERS = ("auto", "none")
ARCHITECTURES = {
    "x86_64": Architecture.X86_64,
    "amd64": Architecture.X86_64,
    "arm64": Architecture.ARM64,
}
_NEAR_ARCHITECTURES = {"x86-64": "x86_64", "x64": "x86_64", "aarch64": "arm64", "armv8": "arm64"}
_RETIRED = ("go1.x", "provided")
"""Runtimes on Amazon Linux 1. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""
_LONGEST = 900
"""Seconds of a call."""
_MEMORY = (128, 10240)
"""MB, least and most."""
_MOST_PROCESSES = 1000
"""Of a function; it is what Lambda gives an account."""
MIGRATION = (
    "use `provided.al2023`, which runs on x86_64 and arm64: the same code, built as an executable "
    "named `bootstrap`, which is what lambdabuild writes; where the function is deployed, set "
    "Runtime: provided.al2023 and Handler: bootstrap"
)


class UnfitError(Exception):
    """Say why a value does not do: words that follow the name of its place, and what helps."""


def parse_architecture(text: str) -> Target:
    """Return the target of an architecture as Lambda or Go names it."""
    if text in ARCHITECTURES:
        return TARGETS[ARCHITECTURES[text]]
    near = _NEAR_ARCHITECTURES.get(text.lower())
    hint = f"did you mean `{near}`?" if near else did_you_mean(text, ARCHITECTURES)
    raise LambdabuildError(
        f"`{text}` is not an architecture that Lambda has",
        hint=hint or "use `x86_64` or `arm64`",
    )


def parse_architectures(texts: str | tuple[str, ...]) -> tuple[Target, ...]:
    """Return the targets of one architecture or several, each once."""
    if not texts and not isinstance(texts, str):
        raise UnfitError("names none", 'use "x86_64", "arm64", or both in a list')
    several = (texts,) if isinstance(texts, str) else texts
    return tuple(dict.fromkeys(map(parse_architecture, several)))


def parse_target(text: str) -> Target:
    """Return the target that `GOOS/GOARCH` names; whether Go knows it, Go will say."""
    goos, slash, goarch = text.partition("/")
    if not (slash and goos.isalnum() and goarch.isalnum()):
        raise LambdabuildError(
            f"`{text}` is not a target",
            hint="write GOOS/GOARCH, such as `linux/arm64`; `go tool dist list` names them all",
        )
    return Target(goos, goarch)


def parse_targets(texts: tuple[str, ...]) -> tuple[Target, ...]:
    """Return the targets that `GOOS/GOARCH` name, each once."""
    return tuple(dict.fromkeys(map(parse_target, texts)))


def parse_runtime(text: str) -> Runtime:
    """Return the runtime named `text`; the error about go1.x explains the migration."""
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


def parse_entrypoints(text: str) -> str:
    """Return which main packages are functions."""
    if text in ENTRYPOINTS:
        return text
    raise LambdabuildError(
        f"`{text}` is no kind of entrypoints",
        hint=did_you_mean(text, ENTRYPOINTS)
        or "use `all` for every main package, or `lambda` for those that import the Lambda library",
    )


def parse_cache_mode(text: str) -> str:
    """Return the mode of the caches that `text` names."""
    if text in CACHE_MODES:
        return text
    raise LambdabuildError(
        f"`{text}` is not a mode of the caches",
        hint=did_you_mean(text, CACHE_MODES) or "use `read`, `read-write` or `off`",
    )


def parse_color(text: str) -> str:
    """Return when there are colours."""
    if text in COLORS:
        return text
    raise LambdabuildError(
        f"--color is auto, always or never, not `{text}`", hint=did_you_mean(text, COLORS)
    )


def parse_directories(texts: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """Return one directory, or several: each is named, and there are some."""
    if not texts or not all(texts):
        # An empty path would be the directory that it is relative to.
        raise UnfitError("names no directory", "name one, such as `api` or `dist`")
    return texts


def parse_assets(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return globs of files below a function's directory."""
    from lambdabuild.config.globs import pattern_problem

    for pattern in patterns:
        if problem := pattern_problem(pattern):
            raise UnfitError(f"has `{pattern}`, which {problem[0]}", problem[1])
    return patterns


def parse_libraries(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of shared libraries, as executables ask for them."""
    for name in names:
        if not name or "/" in name:
            raise UnfitError(
                f"has `{name}`, which is not the name of a library",
                "name each as the executable asks for it, such as `libpq.so.5`",
            )
    return names


def parse_ldflags(text: str) -> str:
    """Return flags of the linker."""
    return _tool_flags("ldflags", text)


def parse_gcflags(text: str) -> str | None:
    """Return flags of the compiler; none is the default written down: nobody chose."""
    return _tool_flags("gcflags", text) or None


def _tool_flags(kind: str, text: str) -> str:
    if text:
        from lambdabuild.golang.tool_flags import problem_of

        if problem := problem_of(kind, text):
            raise UnfitError(*problem)
    return text


def parse_max_size(value: str | int) -> int:
    """Return a limit of size in bytes."""
    from lambdabuild.config.limits import parse_size

    return parse_size(value)


def parse_max_growth(value: str | int) -> "Growth":
    """Return a limit of growth."""
    from lambdabuild.config.limits import parse_growth

    return parse_growth(value)


def parse_timeout(seconds: int) -> int:
    """Return a timeout in seconds: https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html."""
    if not 1 <= seconds <= _LONGEST:
        raise UnfitError(f"is {seconds}", f"Lambda takes 1 to {_LONGEST} seconds")
    return seconds


def parse_memory(megabytes: int) -> int:
    """Return memory in MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html."""
    least, most = _MEMORY
    if not least <= megabytes <= most:
        raise UnfitError(f"is {megabytes}", f"Lambda takes {least} to {most} MB")
    return megabytes


def parse_concurrency(processes: int) -> int:
    """Return how many processes there may be of a function."""
    if not 1 <= processes <= _MOST_PROCESSES:
        raise UnfitError(f"is {processes}", f"it can be 1 to {_MOST_PROCESSES}")
    return processes


def parse_share(text: str) -> "Shard":
    """Return one machine's share of the functions."""
    from lambdabuild.core.build import parse_shard

    return parse_shard(text)


def parse_routes(texts: str | tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the method and the path of one route or several."""
    from lambdabuild.deployment.routes.written import RouteError, read_route

    found = []
    for text in (texts,) if isinstance(texts, str) else texts:
        try:
            found.append(read_route(text))
        except RouteError as error:
            problem, remedy = error.args
            raise UnfitError(f"has `{text}`, which {problem}", remedy) from error
    return tuple(dict.fromkeys(found))


def parse_event(text: str) -> str:
    """Return whose events a function gets."""
    if text in EVENTS:
        return text
    raise UnfitError(
        f"is `{text}`, which calls no function by HTTP",
        did_you_mean(text, EVENTS) or f"use one of {', '.join(EVENTS)}",
    )


def parse_adapter(text: str) -> str | None:
    """Return `none`, or None where a function is adapted if it has to be."""
    if text not in ADAPTERS:
        raise UnfitError(
            f"is `{text}`, which adapts nothing",
            did_you_mean(text, ADAPTERS) or f"use one of {', '.join(ADAPTERS)}",
        )
    return text if text == "none" else None


def parse_handler_name(text: str) -> str:
    """Return the name of an exported Go symbol.

    https://go.dev/ref/spec#Exported_identifiers
    """
    if text.isidentifier() and text[0].isupper():
        return text
    # As the function's Handler on AWS had it: the plugin's file, then the symbol.
    _, _, last = text.rpartition(".")
    near = f"write `{last}`" if last.isidentifier() and last[0].isupper() else ""
    raise UnfitError(
        f"is `{text}`, which is no exported Go name",
        near or "write the name of an exported function or variable of the main package",
    )


def parse_authorizer(text: str) -> tuple[str, str]:
    """Return the kind of an authorizer, empty for the usual one, and its function."""
    words = text.split()
    if words == ["JWT"]:
        return "JWT", ""
    if len(words) == 1:
        return "", words[0]
    if len(words) == 2 and words[0] in {"TOKEN", "REQUEST"}:  # noqa: PLR2004
        return words[0], words[1]
    raise UnfitError(
        "is not the name of a function",
        "name one, with or without `TOKEN` or `REQUEST` before it; or write `JWT`",
    )


def parse_origins(texts: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return origins as browsers name them."""
    origins = (texts,) if isinstance(texts, str) else texts
    for origin in origins:
        scheme, found, host = origin.partition("://")
        if origin != "*" and not (
            found and scheme in {"http", "https"} and host and "/" not in host
        ):
            raise UnfitError(
                f"has `{origin}`, which is not an origin",
                "write a scheme and a host, such as `http://localhost:5173`, or `*`",
            )
    return origins
