"""Find the C compiler for cgo: CC where it is set, else zig, which links for any glibc."""

import importlib.util
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from lambdabuild.config.settings import Settings
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.record import field, record
from lambdabuild.core.secrets import for_builds
from lambdabuild.core.target import Architecture, CCompiler, Flags, Runtime, Target
from lambdabuild.golang.commands import split_quoted, strips_dwarf, uses_cgo
from lambdabuild.system.installation import install_command

_MACHINES = {Architecture.X86_64: "x86_64", Architecture.ARM64: "aarch64"}

_CLANG = frozenset({"darwin", "freebsd", "openbsd"})
"""Systems whose own C compiler is clang."""

# What people export for the machine they sit at: its headers and libraries are not the runtime's.
_OF_THE_HOST = (
    *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH"),
    *("SDKROOT", "MACOSX_DEPLOYMENT_TARGET", "ZIG_LIBC", "ZIG_LIB_DIR"),
)


@record
class _Zig:
    """A zig that is there."""

    directory: str
    version: str


@record
class Compilers:
    """The C compilers of one run; each is looked for when it is needed."""

    environment: Mapping[str, str]
    """What lambdabuild was started in."""
    of_go: Mapping[str, str]
    """The part of it that Go reads, with what `go env -w` wrote."""
    _zig: list[_Zig | None] = field(default_factory=list, init=False)

    def of(self, target: Target, runtime: Runtime, flags: Flags) -> CCompiler:
        """Return what compiles C for a target, to run on a runtime."""
        chosen = dict(self.of_go) | dict(flags.environment)
        if chosen.get("CC"):
            return self._given(chosen)
        if target.architecture is None:
            raise LambdabuildError(
                f"there is no C compiler for {target}",
                hint="set CC, as `env` in lambdabuild.toml can for one function",
            )
        triple = _triple(target.architecture, runtime)
        if not self._zig:
            self._zig.append(_bundled() or _on_path(for_builds(self.environment)))
        zig = self._zig[0]
        if zig is None:
            raise LambdabuildError(
                "`cgo = true` needs a C compiler, and neither zig nor CC is there",
                hint=f"`{install_command('cgo')}`, or set CC to a C compiler that links for {triple}",
            )
        return CCompiler(
            identity=f"zig {zig.version}",
            variables=tuple(_variables(zig.version, triple, flags, chosen)),
            path=os.pathsep.join([zig.directory, self.environment.get("PATH", os.defpath)]),
        )

    def of_host(self, target: Target, flags: Flags) -> CCompiler:
        """Return what compiles C for the machine it is on: CC, or else what Go takes by itself.

        https://github.com/golang/go/blob/master/src/cmd/dist/build.go (`defaultcc`)
        """
        import shutil

        chosen = dict(self.of_go) | dict(flags.environment)
        if not chosen.get("CC"):
            chosen["CC"] = "clang" if target.goos in _CLANG else "gcc"
        path = chosen.get("PATH", self.environment.get("PATH", os.defpath))
        name = chosen["CC"]
        if shutil.which((split_quoted(name) or [""])[0], path=path) is None:
            raise LambdabuildError(
                f"`cgo = true` needs the C compiler of this machine, and there is no `{name}`",
                hint=f"install {name}, or set CC to a C compiler",
            )
        return self._given(chosen)

    def _given(self, chosen: Mapping[str, str]) -> CCompiler:
        """Return the compiler that the variables name: Go reads the variables by itself."""
        path = chosen.get("PATH", self.environment.get("PATH", os.defpath))
        identities = [
            _identity(name, chosen[name], path) for name in ("CC", "CXX") if chosen.get(name)
        ]
        return CCompiler("; ".join(identities))


def compilers_of(
    steps: Iterable[tuple[str, Target]],
    settings: Settings,
    environment: Mapping[str, str],
    of_go: Mapping[str, str],
) -> dict[tuple[str, Target], CCompiler]:
    """Return what compiles C for each of `steps`, functions and targets, that has cgo on.

    `of_go` is what Go reads of the environment, with what `go env -w` wrote.
    """
    compilers = Compilers(environment, of_go)
    found = {}
    for name, target in steps:
        chosen = settings.of(name)
        if chosen.flags.cgo and uses_cgo(target, chosen.flags):
            if settings.host is not None:
                found[name, target] = compilers.of_host(target, chosen.flags)
            else:
                found[name, target] = compilers.of(target, chosen.runtime, chosen.flags)
    return found


def _triple(architecture: Architecture, runtime: Runtime) -> str:
    """Return what zig calls a runtime: with it, what is linked asks for no newer glibc.

    https://ziglang.org/documentation/master/#Targets
    """
    from lambdabuild.core.target import GLIBC

    glibc = ".".join(map(str, GLIBC[runtime]))
    return f"{_MACHINES[architecture]}-linux-gnu.{glibc}"


def _variables(
    version: str, triple: str, flags: Flags, chosen: Mapping[str, str]
) -> Iterable[tuple[str, str | None]]:
    """Yield what makes Go use zig, the same wherever zig is.

    Go does not see which zig it is: it asks `zig -###`, which says nothing (cmd/go,
    gccToolID). So the version is in the command, or Go's cache would hold on to what another zig
    compiled.

    zig makes debug information unless told not to, and a `-g` in CGO_LDFLAGS, which Go's default
    has, undoes the `-s` before it. With it come the paths of zig's own headers; without it the
    bytes are the same wherever zig and its cache are. The `-s` makes the links by which Go tries
    flags out like the last one: zig compiles its runtime anew for those with debug information,
    which would double the ten seconds that the first use for a runtime takes.
    """
    options = f"-target {triple} -DLAMBDABUILD_ZIG={version}"
    yield "CC", f"zig cc {options}"
    if not chosen.get("CXX"):
        yield "CXX", f"zig c++ {options}"
    if strips_dwarf(flags.ldflags):
        for variable, value in (
            *(("CGO_CFLAGS", "-O2 -g0"), ("CGO_CXXFLAGS", "-O2 -g0")),
            ("CGO_LDFLAGS", "-O2 -s"),
        ):
            if not chosen.get(variable):
                yield variable, value
    for variable in _OF_THE_HOST:
        if variable not in dict(flags.environment):
            yield variable, None


def _bundled() -> _Zig | None:
    """Return the zig of the extra `cgo`; its version is in the name of the wheel's metadata."""
    found = importlib.util.find_spec("ziglang")
    for directory in (found.submodule_search_locations or ()) if found else ():
        if os.access(os.path.join(directory, "zig"), os.X_OK):
            for metadata in Path(directory).parent.glob("ziglang-*.dist-info"):
                version = metadata.name.removeprefix("ziglang-").removesuffix(".dist-info")
                return _Zig(directory, version)
    return None


def _on_path(environment: Mapping[str, str]) -> _Zig | None:
    import shutil
    import subprocess

    path = environment.get("PATH", os.defpath)
    found = shutil.which("zig", path=path)
    if found is None:
        return None
    done = subprocess.run(
        [found, "version"], capture_output=True, text=True, check=False, env=environment
    )
    version = done.stdout.strip()
    return _Zig(os.path.dirname(found), version) if version and done.returncode == 0 else None


def _identity(variable: str, command: str, path: str) -> str:
    """Return a text that differs whenever the compiler does: what is run, and its size and time."""
    import shutil

    words = split_quoted(command)
    found = shutil.which(words[0], path=path) if words else None
    if found is None:
        raise LambdabuildError(
            f"{variable} is `{command}`, and there is no such program",
            hint=f"install it, or take {variable} away: then zig is used "
            f"(`{install_command('cgo')}`)",
        )
    stat = os.stat(found)
    return f"{command} {stat.st_size} {stat.st_mtime_ns}"
