"""Go's packages and modules, as `go list` and `go env` print them."""

from typing import NamedTuple


class Diagnostic(NamedTuple):
    """An error that Go reports, and its package."""

    package: str | None
    message: str
    file: str | None = None
    """An absolute path."""
    line: int | None = None
    column: int | None = None
    hint: str | None = None


class Module(NamedTuple):
    """A Go module, as `go list` describes it."""

    path: str
    directory: str | None
    version: str | None
    main: bool
    go_version: str | None = None
    """The language version in its go.mod."""
    go_sum: str | None = None
    """Its hash in go.sum, where Go gives it."""
    replacement: str | None = None
    """Its replacement in go.mod or go.work: `path version`, or a directory."""


class CFlags(NamedTuple):
    """The flags of a package's `#cgo` lines, `${SRCDIR}` replaced."""

    c: tuple[str, ...] = ()
    preprocessor: tuple[str, ...] = ()
    cxx: tuple[str, ...] = ()
    linker: tuple[str, ...] = ()
    pkg_config: tuple[str, ...] = ()


class Foreign(NamedTuple):
    """What a package uses in the repository that `go list` does not name; absolute paths."""

    files: tuple[str, ...] = ()
    """What the C compiler or the assembler reads."""
    libraries: tuple[str, ...] = ()
    """What the linker reads."""
    searched: tuple[tuple[str, int], ...] = ()
    """Directories where another file might come first, each with its level of stamps."""
    absent: tuple[str, ...] = ()
    """Libraries that would be linked if they existed."""
    doubtful: bool = False
    """It names what is missing or outside, and may have been inside before."""

    @property
    def untracked(self) -> bool:
        """Whether Go's cache may hold it compiled with other files, and consider that current."""
        return bool(self.files or self.libraries or self.absent or self.doubtful)


class Package(NamedTuple):
    """A Go package for one target and set of tags."""

    import_path: str
    name: str
    directory: str
    go_files: tuple[str, ...]
    """The files within this target's build constraints, cgo ones too; no tests."""
    ignored_files: tuple[str, ...]
    imports: tuple[str, ...]
    module: Module | None
    only_dependency: bool
    """Not matched by the pattern, only imported."""
    errors: tuple[Diagnostic, ...]
    """Why it cannot be loaded; not whether it compiles."""
    other_files: tuple[str, ...] = ()
    """C, assembly and the like, headers too, within this target's constraints."""
    embed_files: tuple[str, ...] = ()
    embed_patterns: tuple[str, ...] = ()
    godebug: str = ""
    """The default GODEBUG of a main package."""
    cgo: bool = False
    declares_main: bool = False
    local: bool = False
    """In neither the standard library nor the module cache, which never changes."""
    c_flags: CFlags = CFlags()
    foreign: Foreign = Foreign()
    """Set once the C compiler is known."""


class GoEnvironment(NamedTuple):
    """The output of `go env` in some directory."""

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
