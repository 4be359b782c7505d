"""Go's packages and modules, as `go list` and `go env` print them."""

from typing import NamedTuple


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
