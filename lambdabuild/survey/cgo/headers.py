"""Ask the C compiler what one package includes; where it cannot, take all that might be."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Foreign, Package
from lambdabuild.core.naming import is_below
from lambdabuild.core.target import CCompiler
from lambdabuild.golang import c_files, tree
from lambdabuild.golang.c_files import are_allowed
from lambdabuild.golang.commands import split_quoted
from lambdabuild.golang.source import is_source
from lambdabuild.state.stamps import Level
from lambdabuild.survey.discovery.modules import ASSEMBLY
from lambdabuild.system import directories, files
from lambdabuild.system.process import Command, Run

_PLUS_PLUS = (".cc", ".cpp", ".cxx")
_BY_C = (".c", ".m", *ASSEMBLY)
_BY_OTHERS = (".f", ".F", ".for", ".f90", ".swig", ".swigcxx")
_PATHS = ("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH")
# As Go passes them (cmd/go/internal/work, `compilerCmd`): some decide what is defined.
_OF_GO = ("-fPIC", "-pthread")
_OF_MACHINES = {"386": ("-m32",), "amd64": ("-m64",)}


class Repository(NamedTuple):
    """The directories whose files are followed."""

    tops: tuple[str, ...]
    left_out: tuple[str, ...]
    """What may lie in them, and is Go's, a compiler's or lambdabuild's own."""

    def holds(self, path: str) -> bool:
        inside = any(is_below(path, top) for top in self.tops)
        return inside and not any(is_below(path, other) for other in self.left_out)


class Way(NamedTuple):
    """How the C, the assembly and the links of a function are made."""

    load: str
    """Where `go` runs; absolute."""
    target: str
    cgo: bool
    settings: tuple[tuple[str, str], ...]
    """Of those that decide how C is compiled and linked."""
    environment: tuple[tuple[str, str | None], ...]
    linker: tuple[str, ...]
    """The part of `-ldflags` that goes to the C linker."""
    assembler: tuple[str, ...]
    """What GOFLAGS has for Go's assembler."""
    compiler: CCompiler | None
    """None where there is none, or none is needed."""

    def flags(self, name: str) -> list[str]:
        return split_quoted(dict(self.settings).get(name, ""))


def pkg_config(run: Run, package: Package, way: Way) -> tuple[str, ...]:
    """Return the flags that `#cgo pkg-config` lines come to; none where it fails."""
    if not package.c_flags.pkg_config:
        return ()
    program = dict(way.settings).get("PKG_CONFIG", "pkg-config")
    command = (program, "--cflags", "--libs", "--", *package.c_flags.pkg_config)
    done = _run(run, command, package.directory, way)
    return tuple(split_quoted(done)) if done is not None else ()


def _run(run: Run, words: Sequence[str], directory: str, way: Way) -> str | None:
    """Return what a command prints; None where it fails, or is not there."""
    environment = dict(way.environment)
    if way.compiler is not None and way.compiler.path is not None:
        environment["PATH"] = way.compiler.path
    try:
        done = run(Command(tuple(words), directory, environment))
    except LambdabuildError:
        return None
    return done.output if done.code == 0 else None


class Reading:
    """What the files of one package include."""

    def __init__(
        self, run: Run, repository: Repository, package: Package, way: Way, pkg_flags: Sequence[str]
    ) -> None:
        """Take what decides it; `pkg_flags` is what pkg-config printed."""
        self._run = run
        self._repository = repository
        self._package = package
        self._way = way
        self._pkg_flags = pkg_flags
        names = (*package.go_files, *package.other_files)
        self._listed = {os.path.join(package.directory, name) for name in names}

    def of_assembly(self) -> Foreign:
        """Return what Go's own assembler includes, whatever the conditions."""
        directories = self._inside(c_files.searched(self._way.assembler, self._package.directory))
        scan = self._scan(directories)
        for path in self._sources(ASSEMBLY):
            scan.read(path)
        return self._foreign(scan, scan.found, (), doubtful=bool(scan.doubtful()))

    def of_c(self) -> Foreign:
        """Return what the C compiler includes."""
        package = self._package
        answers: list[str] = []
        scans = []
        doubtful = False
        for path, preamble in self._parts():
            plus = path.endswith(_PLUS_PLUS)
            flags = self._flags(plus=plus)
            scan = self._scan(self._inside(self._directories(flags)))
            scans.append(scan)
            if preamble is None:
                scan.read(path)
            else:
                scan.take(preamble, package.directory)
            doubtful = doubtful or bool(scan.optional or (scan.missing and scan.elsewhere))
            # Where only the package's own files are named, no compiler is needed.
            if not (
                scan.computed
                or c_files.forces(flags)
                or scan.doubtful()
                or scan.found.keys() - self._listed
            ):
                continue
            silent = scan.odd or path.endswith(_BY_OTHERS) or not self._may_be_asked(plus=plus)
            included = None if silent else self._ask(path, preamble, flags, plus=plus)
            if included is None:
                scan.guess()
                answers += scan.found
                doubtful = True
            else:
                answers += included
        whole = self._scan(dict.fromkeys(d for scan in scans for d in scan.directories))
        for scan in scans:
            whole.names |= scan.names
            whole.computed = whole.computed or scan.computed
            answers += scan.assembled
        for path in dict.fromkeys(answers):
            if self._repository.holds(path):
                whole.assemble(path)
        return self._foreign(whole, [*answers, *whole.assembled], answers, doubtful=doubtful)

    def _parts(self) -> Iterator[tuple[str, bytes | None]]:
        """Yield what is compiled on its own: preambles with their files, and the files of C."""
        for name in self._package.go_files:
            path = os.path.join(self._package.directory, name)
            if text := c_files.preamble(_read(path) or b""):
                yield path, text
        for path in self._sources((*_BY_C, *_PLUS_PLUS, *_BY_OTHERS)):
            yield path, None

    def _sources(self, suffixes: tuple[str, ...]) -> list[str]:
        package = self._package
        names = [name for name in package.other_files if name.endswith(suffixes)]
        return [os.path.join(package.directory, name) for name in names]

    def _flags(self, *, plus: bool) -> list[str]:
        """Return the flags in the order in which Go passes them."""
        way, own = self._way, self._package.c_flags
        kind = "CGO_CXXFLAGS" if plus else "CGO_CFLAGS"
        return [
            *("-I", self._package.directory, *_OF_GO, *_OF_MACHINES.get(way.target, ())),
            *(*way.flags("CGO_CPPFLAGS"), *own.preprocessor, *self._pkg_flags),
            *(*way.flags(kind), *(own.cxx if plus else own.c)),
        ]

    def _may_be_asked(self, *, plus: bool) -> bool:
        """Return whether `go build` would run a compiler with what the package and pkg-config say.

        Where it would not, Go says so when it builds: until then, all that might be read counts.
        """
        own = self._package.c_flags
        return are_allowed([*own.preprocessor, *self._pkg_flags, *(own.cxx if plus else own.c)])

    def _directories(self, flags: Sequence[str]) -> list[str]:
        by_paths = [
            place for name in _PATHS for place in dict(self._way.settings).get(name, "").split(":")
        ]
        base = self._package.directory
        return [*c_files.searched(flags, base), *(os.path.join(base, p) for p in by_paths if p)]

    def _inside(self, directories: Iterable[str]) -> dict[str, None]:
        return dict.fromkeys(d for d in directories if self._repository.holds(d))

    def _scan(self, directories: Iterable[str]) -> "_Scan":
        base = self._package.directory
        return _Scan(self._repository, dict.fromkeys([base, *directories]))

    def _ask(
        self, path: str, preamble: bytes | None, flags: Sequence[str], *, plus: bool
    ) -> list[str] | None:
        """Return what the compiler says it would read, absolute; None where it does not say."""
        compiler = split_quoted(dict(self._way.settings).get("CXX" if plus else "CC", ""))
        if plus and not compiler:
            compiler = ["g++"]
        if not compiler or self._way.compiler is None:
            return None
        base = self._package.directory
        # Libraries are pkg-config's as well: flags of the linker are none of the compiler.
        words = [*compiler, *(f for f in flags if not f.startswith(("-l", "-L"))), "-M", "-MG"]
        if preamble is None:
            done = _run(self._run, [*words, os.path.basename(path)], base, self._way)
        else:
            import tempfile

            place = tempfile.mkdtemp(prefix="lambdabuild-")
            try:
                text = os.path.join(place, "preamble.c")
                Path(text).write_bytes(preamble)
                done = _run(self._run, [*words, text], base, self._way)
            finally:
                shutil.rmtree(place, ignore_errors=True)
        if done is None:
            return None
        return [_normal(os.path.join(base, name)) for name in c_files.parse_rule(done)]

    def _foreign(
        self, scan: "_Scan", files: Iterable[str], answers: Iterable[str], *, doubtful: bool
    ) -> Foreign:
        found = {
            path: None
            for path in files
            if path not in self._listed and self._repository.holds(path) and os.path.isfile(path)
        }
        # The compiler reports a header that does not exist by its name.
        missing = [path for path in answers if not os.path.isfile(path)]
        doubtful = doubtful or bool(missing)
        names = {*scan.names, *(os.path.basename(path) for path in missing)}
        if not names and not scan.computed:
            return Foreign(tuple(found), doubtful=doubtful)
        odd = scan.computed or any(not is_source(os.path.basename(name)) for name in names)
        level = Level.INCLUDED if odd else Level.TREE
        below = {os.path.dirname(name) for name in names if not os.path.isabs(name)}
        below |= {end for path in answers for end in _ends(os.path.dirname(path))}
        searched: dict[str, int] = {}
        for top in dict.fromkeys([*scan.directories, *map(os.path.dirname, found)]):
            for inner in below | {""}:
                place = os.path.normpath(os.path.join(top, inner))
                if not self._repository.holds(place):
                    continue
                if os.path.isdir(place):
                    searched[place] = level
                else:
                    searched.setdefault(tree.nearest_directory(place), Level.TREE)
        return Foreign(tuple(found), (), tuple(searched.items()), doubtful=doubtful)


class _Scan:
    """Follow what files name, as far as it is inside the repository; conditions do not count."""

    def __init__(self, repository: Repository, directories: dict[str, None]) -> None:
        self.directories = directories
        """Where headers are looked for; the first is that of the package."""
        self.found: dict[str, None] = {}
        self.assembled: dict[str, None] = {}
        """Of these, what the assembler includes, which a C compiler does not report."""
        self.names: set[str] = set()
        self.missing: set[str] = set()
        """Of these, what is nowhere inside: a system's, most often."""
        self.optional: set[str] = set()
        """Of the missing, what need not be anywhere."""
        self.computed = False
        self.odd = False
        """Something is named that is no regular file: a compiler might read it without an end."""
        self._repository = repository

    @property
    def elsewhere(self) -> bool:
        """Whether headers are looked for outside of the package as well."""
        return len(self.directories) > 1

    def doubtful(self) -> set[str]:
        """Return the missing names that might have been a file of which Go keeps no track.

        Headers and sources that lie with the package are part of its keys.
        """
        own = {name for name in self.missing if "/" not in name and is_source(name)}
        return self.missing if self.elsewhere else self.missing - own

    def read(self, path: str) -> None:
        content = _read(path)
        # What it names is not known.
        self.computed = self.computed or content is None
        self.take(content or b"", os.path.dirname(path))

    def take(self, content: bytes, directory: str) -> None:
        named = c_files.named_in(content)
        self.names |= {*named.quoted, *named.angled}
        self.computed = self.computed or named.computed
        for name in named.quoted:
            if not self._reach(name, [directory, *self.directories]):
                self.missing.add(name)
        for name in named.angled:
            if not self._reach(name, self.directories):
                self.missing.add(name)
        self.optional |= self.missing.intersection(named.optional)
        self._take_assembled(named.assembled, directory)

    def assemble(self, path: str) -> None:
        """Take what the assembler takes in for a file, and no more."""
        self._take_assembled(c_files.named_in(_read(path) or b"").assembled, os.path.dirname(path))

    def _take_assembled(self, names: Iterable[str], directory: str) -> None:
        for name in names:
            reached = self._reach(name, [*self.directories, directory])
            self.assembled |= dict.fromkeys(reached)
            if not reached:
                self.missing.add(name)

    def _reach(self, name: str, places: Iterable[str]) -> list[str]:
        reached = []
        for place in places:
            path = _normal(os.path.join(place, name))
            if not self._repository.holds(path):
                continue
            if os.path.isfile(path):
                reached.append(path)
                if path not in self.found:
                    self.found[path] = None
                    self.read(path)
            elif os.path.exists(path) and not os.path.isdir(path):
                self.odd = True
        return reached

    def guess(self) -> None:
        """Take everything that lies where headers are looked for."""
        package, *others = self.directories
        for top in [*others, *(os.path.join(package, d) for d in _subdirectories(package))]:
            for directory, inner, names in directories.walk(top):
                inner[:] = [name for name in inner if not name.startswith(".")]
                paths = (os.path.join(directory, name) for name in names)
                self.found |= dict.fromkeys(p for p in paths if self._repository.holds(p))
        self.computed = True


def _normal(path: str) -> str:
    """Return a path without `..`, which may have gone through a symbolic link."""
    short = os.path.normpath(path)
    return short if os.path.exists(short) or not os.path.exists(path) else os.path.realpath(path)


def _ends(directory: str) -> Iterator[str]:
    """Yield how a header in a directory may be included: by some of what is above it."""
    parts = directory.strip(os.sep).split(os.sep)
    for count in range(1, min(len(parts), 3) + 1):
        yield os.sep.join(parts[-count:])


def _subdirectories(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _read(path: str) -> bytes | None:
    """Return the content of a file; None where it cannot be read, or is too large to be."""
    try:
        return files.whole(path)
    except OSError:
        return None
