"""Compare what is built with what deployment files declare, and find what these agree on; no disk."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.deployment.declared import (
    ARCHITECTURES,
    BOOTSTRAP,
    COMPUTED,
    GO_RUNTIMES,
    OF_PLUGINS,
    RETIRED,
    Declared,
    Deployment,
)
from lambdabuild.deployment.matching import Source, match


class Built(NamedTuple):
    """What lambdabuild makes of a function."""

    source: Source
    architectures: tuple[str, ...]
    """Of Lambda; none where it is built for other systems alone."""
    runtime: str
    adapted: bool = False
    """It is written for a runtime in which python2.7 started it."""


class Difference(NamedTuple):
    """One way in which a deployment would not run what is built."""

    kind: str
    """`missing`, `undeployed`, `architecture`, `runtime`, `handler` or `retired`."""
    function: str
    """The function of the repository, or what the deployment file calls it."""
    message: str
    hint: str
    file: str | None = None
    """The deployment file, an absolute path."""
    line: int | None = None


class Agreement(NamedTuple):
    """What all deployment files say alike, with one place that says it."""

    value: str
    file: str
    line: int | None


def differences(
    deployment: Deployment, built: Sequence[Built], outputs: Mapping[str, str]
) -> list[Difference]:
    """Return how the deployment differs from what is built; for `outputs` see `match`."""
    by_name = {item.source.name: item for item in built}
    names = match(deployment.functions, [item.source for item in built], outputs)
    found: list[Difference] = []
    for declared, name in zip(deployment.functions, names, strict=True):
        if name is None and declared.names_its_code:
            found.append(_missing(declared))
        elif name is not None:
            found += _unlike(declared, by_name[name])
    deployed = set(names)
    # Of what else runs in Python, nothing is known here.
    adapted = [item.source for item in built if item.adapted]
    for declared, name in zip(
        deployment.of_plugins, match(deployment.of_plugins, adapted, outputs), strict=True
    ):
        if name is not None:
            found += _unlike(declared, by_name[name])
            deployed.add(name)
    # Where nothing is known to be deployed, or not everything, no function is known not to be.
    if deployed - {None} and None not in deployed and not deployment.unreadable:
        found += [_undeployed(name) for name in by_name if name not in deployed]
    return found


def _missing(declared: Declared) -> Difference:
    return Difference(
        "missing",
        declared.name,
        f"`{declared.name}` is declared, and no function here is built for it",
        "give the function this name in lambdabuild.toml, under [functions], or correct where its "
        "code is",
        declared.file,
        declared.line_of("code"),
    )


def _undeployed(name: str) -> Difference:
    return Difference(
        "undeployed",
        name,
        f"`{name}` is built, and no deployment file has it",
        "declare it, or leave it out with `exclude` in lambdabuild.toml",
    )


def _unlike(declared: Declared, built: Built) -> Iterator[Difference]:
    def difference(kind: str, message: str, hint: str) -> Difference:
        name = built.source.name
        return Difference(kind, name, message, hint, declared.file, declared.line_of(kind))

    name = built.source.name
    architecture = declared.deployed_architecture
    if architecture in ARCHITECTURES and architecture not in built.architectures:
        made = " and ".join(built.architectures) or "no architecture of Lambda's"
        yield difference(
            "architecture",
            f"`{name}` is deployed on {architecture}, and built for {made}",
            f'set `architecture = "{architecture}"` in lambdabuild.toml, or {made} there',
        )
    if declared.runtime in {*RETIRED, OF_PLUGINS}:
        yield difference(
            "runtime",
            f"`{name}` has the runtime `{declared.runtime}`, which AWS has retired",
            f"set the runtime to `{built.runtime}`, and the handler to `{BOOTSTRAP}`",
        )._replace(kind="retired")
    elif declared.runtime not in {None, COMPUTED, built.runtime}:
        yield difference(
            "runtime",
            f"`{name}` is deployed on {declared.runtime}, and built for {built.runtime}",
            f'set `runtime = "{declared.runtime}"` in lambdabuild.toml, or {built.runtime} there',
        )
    if declared.runtime not in {*RETIRED, OF_PLUGINS} and _is_another(declared.handler):
        yield difference(
            "handler",
            f"`{name}` has the handler `{declared.handler}`, and its executable is `{BOOTSTRAP}`",
            f"set the handler to `{BOOTSTRAP}`",
        )


def _is_another(handler: str | None) -> bool:
    """Return whether a handler names another executable; the path of a package names none."""
    return handler is not None and handler.rpartition("/")[2] != BOOTSTRAP and "/" not in handler


def agreements(deployment: Deployment) -> dict[str, Agreement]:
    """Return what all deployment files say alike, of `architecture` and `runtime`."""
    said = {
        "architecture": agreed_architecture(deployment),
        "runtime": agreed_runtime(deployment),
    }
    return {kind: item for kind, item in said.items() if isinstance(item, Agreement)}


def agreed_architecture(deployment: Deployment) -> Agreement | list[Agreement] | None:
    """Return the architecture that all declare; two places that differ; or None where nobody does.

    GOARCH in a script counts where no function is declared.
    """
    said = [
        Agreement(declared.deployed_architecture, declared.file, declared.line_of("architecture"))
        for declared in deployment.functions
        if declared.deployed_architecture in ARCHITECTURES
    ]
    return _agreement(said or [Agreement(*witness) for witness in deployment.witnesses])


def agreed_runtime(deployment: Deployment) -> Agreement | list[Agreement] | None:
    """Return the runtime that all declare, of those not retired; else as for architectures."""
    return _agreement(
        Agreement(declared.runtime, declared.file, declared.line_of("runtime"))
        for declared in deployment.functions
        if declared.runtime in GO_RUNTIMES and declared.runtime not in RETIRED
    )


def _agreement(said: Iterable[Agreement]) -> Agreement | list[Agreement] | None:
    first: dict[str, Agreement] = {}
    for item in said:
        first.setdefault(item.value, item)
    different = list(first.values())
    return different if len(different) > 1 else next(iter(different), None)
