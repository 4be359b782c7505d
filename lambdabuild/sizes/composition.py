"""Add up what an executable is made of: by module and package, and what the linker names for none."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from lambdabuild.core.gopackage import Package
from lambdabuild.sizes.executable import Executable, Symbol
from lambdabuild.sizes.imports import is_standard
from lambdabuild.sizes.symbols import package_of

STANDARD = "std"
"""Stands for the modules of Go itself, as in `go list std`."""
FUNCTION_TABLE = "function table"
"""Names and line numbers, for panics and the garbage collector."""
CONSTANTS = "types, strings and other constants"
"""What has no symbol of its own in read-only memory, and what describes the frames of functions."""
WITHOUT_PACKAGE = "alignment of functions, assembly and C"
SECTIONS = "other sections"
UNLOADED = "symbol table, DWARF and headers"
"""What is in the file alone; `-s -w` leaves out most of it."""
_READ_ONLY = frozenset({".rodata", ".data.rel.ro"})
_TABLES = frozenset({".gopclntab", ".data.rel.ro.gopclntab"})


class Sized(NamedTuple):
    """A package, or a part without one, and its bytes in the file."""

    name: str
    size: int


class ModuleSize(NamedTuple):
    """What an executable has of a module."""

    path: str
    version: str | None
    """None for the standard library, and for modules of the repository."""
    size: int
    packages: tuple[Sized, ...]
    """The largest first."""


class Composition(NamedTuple):
    """What an executable is made of; together, all bytes that are loaded from its file."""

    modules: tuple[ModuleSize, ...]
    """The largest first."""
    rest: tuple[Sized, ...]
    """What is of no package, the largest first."""
    has_data: bool = True
    """The modules have their data, too, and not their code alone, as there are symbols."""

    @property
    def size(self) -> int:
        parts = [module.size for module in self.modules] + [part.size for part in self.rest]
        return sum(parts)


def composition(executable: Executable, main: str, graph: Mapping[str, Package]) -> Composition:
    """Return what an executable is made of, from the linker's symbols.

    `main` is the import path of its main package, and `graph` has the packages that it was compiled
    from, but for those of the standard library. Without symbols, modules have their code alone.

    Raises:
        one of `executable.DAMAGE`: the file is damaged.

    """
    sections = executable.sections
    loaded = {number for number, section in enumerate(sections) if section.is_loaded}
    packages: dict[str, int] = defaultdict(int)
    left = {number: sections[number].size for number in loaded}
    sized = [
        (symbol.name, symbol.section, size)
        for symbol, size in _apart(s for s in executable.symbols() if s.section in loaded)
    ]
    has_data = bool(sized)
    if not has_data:
        text = next((number for number in loaded if sections[number].name == ".text"), 0)
        sized = [(name, text, size) for name, size in executable.functions()]
    for name, section, size in sized:
        if path := package_of(name):
            packages[main if path == "main" else path] += size
            left[section] -= size
    rest: dict[str, int] = defaultdict(int)
    for number, size in left.items():
        rest[_part(sections[number].name)] += size
    return Composition(_by_module(packages, graph), _largest_first(rest), has_data)


def code(executable: Executable) -> tuple[ModuleSize, ...]:
    """Return how much code an executable has of each module; that is there without symbols, too.

    Its modules are those that Go embeds in it: a package is of the one its path begins with.

    Raises:
        one of `executable.DAMAGE`: the file is damaged.

    """
    packages: dict[str, int] = defaultdict(int)
    modules: dict[str, str | None] = {}
    main = "main"
    for kind, path, version in executable.embedded():
        if kind == "path":
            main = path
        else:
            modules[path] = version or None
    for name, size in executable.functions():
        path = package_of(name)
        packages[main if path == "main" else path or "runtime"] += size
    found: _Packages = defaultdict(dict)
    for path, size in packages.items():
        module = _enclosing(path, modules)
        found[module or STANDARD, modules.get(module)][path] = size
    return _modules(found)


_Packages = dict[tuple[str, str | None], dict[str, int]]
"""The sizes of packages, by path and version of their modules."""


def _by_module(packages: Mapping[str, int], graph: Mapping[str, Package]) -> tuple[ModuleSize, ...]:
    modules = [package.module for package in graph.values() if package.module is not None]
    versions = {module.path: None if module.main else module.version for module in modules}
    found: _Packages = defaultdict(dict)
    for path, size in packages.items():
        package = graph.get(path)
        module = package.module.path if package is not None and package.module is not None else ""
        if package is None and not is_standard(path):
            # What only a part of a symbol names.
            module = _enclosing(path, versions)
        elif package is not None and not module:
            module = path  # of GOPATH, where there are no modules
        found[module or STANDARD, versions.get(module)][path] = size
    return _modules(found)


def _modules(found: _Packages) -> tuple[ModuleSize, ...]:
    sizes = (
        ModuleSize(path, version, sum(own.values()), _largest_first(own))
        for (path, version), own in found.items()
    )
    return tuple(sorted(sizes, key=lambda module: (-module.size, module.path)))


def _apart(symbols: Iterable[Symbol]) -> Iterable[tuple[Symbol, int]]:
    """Yield symbols with the bytes that none before had: some stand for parts of others."""
    end = 0
    for symbol in sorted(symbols, key=lambda s: (s.address, -s.size)):
        begin = max(end, symbol.address)
        end = max(end, symbol.address + symbol.size)
        if end > begin:
            yield symbol, end - begin


def _part(section: str) -> str:
    if section in _TABLES:
        return FUNCTION_TABLE
    if section in _READ_ONLY:
        return CONSTANTS
    return WITHOUT_PACKAGE if section == ".text" else SECTIONS


def _enclosing(path: str, modules: Container[str]) -> str:
    """Return the path of the module that a package's path begins with; "" where there is none."""
    while path and path not in modules:
        path = path.rpartition("/")[0]
    return path


def _largest_first(sizes: Mapping[str, int]) -> tuple[Sized, ...]:
    every = (Sized(name, size) for name, size in sizes.items() if size > 0)
    return tuple(sorted(every, key=lambda item: (-item.size, item.name)))
