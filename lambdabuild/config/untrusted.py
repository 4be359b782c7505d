"""Restrict a configuration that is not trusted to what a plain `go build` could do.

A `lambdabuild.toml` may name programs that a build runs, and places that it reads and writes. Where
the repository is a stranger's, as in a pull request from a fork, it may not: `--untrusted`.
"""

import os.path
from collections.abc import Callable, Iterator, Sequence

from lambdabuild.config import positions
from lambdabuild.config.options import Chosen, Config
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.golang.tool_flags import reaching

_HARMLESS = frozenset({
    "CGO_ENABLED", "GO386", "GOAMD64", "GOARM", "GOARM64", "GOEXPERIMENT", "GOFIPS140", "GOMIPS",
    "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM",
})  # fmt: skip
"""Variables that decide for what is compiled, and run and read nothing.

Whatever is not among them may: CC and PATH are programs, GOPROXY is where modules come from,
GOFLAGS has -toolexec, and nobody knows them all.
"""


def check(config: Config, text: str, project: str, real: Callable[[str], str]) -> None:
    """Refuse a configuration that runs a program or reaches beyond its project.

    `text` is what it was read from; `project` is the directory that its paths are relative to, and
    `real` resolves symbolic links.
    """
    for path, message, remedy in _reaching(config, project, real):
        place = positions.of_key(text, path)
        names = ["functions", f'"{path[1]}"', *path[2:]] if path[0] == "functions" else path
        raise LambdabuildError(
            f"`{'.'.join(names)}` {message}, which --untrusted does not allow",
            at=[config.source] if config.source else [],
            hint=f"{remedy}; or, where you trust who wrote the file, run without --untrusted "
            "(LAMBDABUILD_UNTRUSTED; the input `untrusted` of the action)",
            **(place._asdict() if place else {}),
        )


def _reaching(
    config: Config, project: str, real: Callable[[str], str]
) -> Iterator[tuple[Sequence[str], str, str]]:
    """Yield the path of each key that reaches too far, what it does, and the remedy."""
    places: list[tuple[Sequence[str], str]] = [(["out"], config.out)]
    places += [(["roots"], root) for root in config.roots]
    places += [
        (["functions", name, "directory"], table["directory"])
        for name, table in config.functions.items()
        if "directory" in table
    ]
    for path, directory in places:
        if not _is_inside(real(os.path.join(project, directory)), real(project)):
            yield path, f"names `{directory}`, outside of the project", "name a directory in it"
    if config.cache is not None:
        yield (
            *(["cache"], "says where executables come from"),
            "name the cache by --cache or LAMBDABUILD_CACHE",
        )
    if config.cache_mode == "read-write":
        yield (
            *(["cache_mode"], "gives others what is built here"),
            "choose by --cache-mode or LAMBDABUILD_CACHE_MODE",
        )
    yield from _reaching_choices([], config.choices)
    for name, table in config.functions.items():
        yield from _reaching_choices(["functions", name], table)


def _reaching_choices(
    table: Sequence[str], choices: Chosen
) -> Iterator[tuple[Sequence[str], str, str]]:
    for variable in choices.get("environment", ()):
        if variable not in _HARMLESS:
            yield (
                [*table, "env", variable],
                "may have a build run programs, or read and write elsewhere",
                f"export {variable} where lambdabuild is started",
            )
    for kind in ("ldflags", "gcflags"):
        if flag := reaching(kind, choices.get(kind, "")):
            yield [*table, kind], f"has `{flag}`", f"pass it by --{kind}"


def _is_inside(path: str, project: str) -> bool:
    return path == project or path.startswith(f"{project.rstrip('/')}/")
