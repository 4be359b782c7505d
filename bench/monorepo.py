"""Write synthetic Go monorepos, of any number of functions, to measure builds of.

Generated rather than committed: 500 functions differ in one line each. What is drawn here is the
monorepo of the measurements: every function imports net/http and aws-lambda-go's `lambda` and
`events`, and some of five internal packages. How many functions a package is shared by decides what
an edit of it costs, so the five differ in just that.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import shake_128
from pathlib import Path
from typing import Literal

from bench.sources import (
    BALLAST,
    BALLAST_BYTES,
    GO_SUM,
    MODULE,
    PACKAGES,
    REQUIRE,
    REVISION,
    Kind,
    main_text,
    package_text,
)

Layout = Literal["distinct", "handler"]


@dataclass(frozen=True, slots=True)
class GeneratedFunction:
    """A function as generated: `name` as lambdabuild names it, `directory` from the module root."""

    name: str
    directory: str
    imports: tuple[str, ...]

    @property
    def source(self) -> str:
        """Name the function's only file."""
        return f"{self.directory}/main.go"


@dataclass(frozen=True, slots=True)
class Monorepo:
    """A monorepo on disk, and what a measurement may expect of it."""

    directory: Path
    functions: tuple[GeneratedFunction, ...]

    def dependants(self, package: str) -> tuple[GeneratedFunction, ...]:
        """Select the functions that import an internal package, directly or through another."""
        closures = _closures()
        return tuple(
            function
            for function in self.functions
            if any(package in closures[name] for name in function.imports)
        )


def generate(
    directory: Path,
    functions: int,
    *,
    layout: Layout = "distinct",
    kind: Kind = "real",
    go: str = "1.22",
) -> Monorepo:
    """Write a monorepo of so many functions into `directory`, which need not exist.

    `layout` is "distinct" for api/fn-0001, or "handler" for api/fn-0001/handler, where plain
    `go build -o DIR/` lets functions overwrite each other.
    """
    packages = {"http": (), "large": ()}.get(kind, PACKAGES)
    names = {package.name for package in packages}
    generated = tuple(_function(number, layout, names) for number in range(functions))
    require = REQUIRE if kind == "real" else ""
    files = {
        "go.mod": f"module {MODULE}\n\ngo {go}\n" + (f"\n{require}" if require else ""),
        **({"go.sum": GO_SUM} if require else {}),
        **{package_source(package.name): package_text(kind, package) for package in packages},
        **{
            function.source: main_text(kind, function.name, function.imports)
            for function in generated
        },
    }
    if kind == "large":
        files[package_source("ballast")] = BALLAST
    for path, text in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    if kind == "large":
        content = shake_128(b"").digest(BALLAST_BYTES)
        (directory / "internal/ballast/ballast.bin").write_bytes(content)
    return Monorepo(directory, generated)


def package_source(name: str) -> str:
    """Name the only file of an internal package, from the module root."""
    return f"internal/{name}/{name}.go"


def edit(file: Path, revision: str) -> None:
    """Change a generated file so that every binary it is part of changes.

    A comment would not do: with -trimpath and no DWARF it can leave the linked bytes as they were.
    """
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    prefix = REVISION.split("{}", maxsplit=1)[0]
    edited = [REVISION.format(revision) if line.startswith(prefix) else line for line in lines]
    file.write_text("".join(edited), encoding="utf-8")


def _function(number: int, layout: Layout, packages: AbstractSet[str]) -> GeneratedFunction:
    base = f"fn-{number + 1:04}"
    parts = (base,) if layout == "distinct" else (base, "handler")
    return GeneratedFunction(
        name="-".join(parts),
        directory="/".join(("api", *parts)),
        imports=tuple(
            package.name
            for package in PACKAGES
            if package.name in packages and number % package.every == 0
        ),
    )


def _closures() -> Mapping[str, frozenset[str]]:
    """Map each internal package to itself and all it imports; PACKAGES lists imports first."""
    closures: dict[str, frozenset[str]] = {}
    for package in PACKAGES:
        closures[package.name] = frozenset({package.name}).union(
            *(closures[name] for name in package.imports)
        )
    return closures
