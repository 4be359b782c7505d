"""List the inputs of functions, and find the first that changed: one list decides and explains."""

import os
from collections.abc import Callable, Mapping, Sequence

from lambdabuild.core.artifact import UNKNOWN, Input
from lambdabuild.core.build import Step
from lambdabuild.core.gopackage import GoEnvironment, Module, Package
from lambdabuild.core.paths import Paths, name_of, path_of
from lambdabuild.core.secrets import DIGEST, remembered
from lambdabuild.golang.commands import (
    build_flags,
    parse_goflags,
    profile_path,
    target_environment,
    uses_cgo,
)
from lambdabuild.golang.source import PROFILE
from lambdabuild.survey.eawsy.libraries import ADAPTER_VERSION, MENDED
from lambdabuild.survey.plan import order_of

# Where packages come from, what is kept where, and how `go` itself runs.
_WITHOUT_EFFECT = frozenset({
    "GOAUTH", "GOBIN", "GOCACHE", "GOCACHEPROG", "GOENV", "GOEXE", "GOGC", "GOGCCFLAGS",
    "GOARCH", "GOHOSTARCH", "GOHOSTOS", "GOOS", "GOINSECURE", "GOMAXPROCS", "GOMEMLIMIT", "GOMODCACHE", "GONOPROXY",
    "GONOSUMDB", "GOPATH", "GOPRIVATE", "GOPROXY", "GOSUMDB", "GOTELEMETRY", "GOTELEMETRYDIR",
    "GOTMPDIR", "GOTOOLDIR", "GOTRACEBACK", "GOVCS", "GOVERSION",
})  # fmt: skip
# What decides which modules, packages and Go there are, and is seen by that.
_ONLY_LOADING = frozenset({"GO111MODULE", "GOROOT", "GOTOOLCHAIN", "GOWORK"})
_FOR_C = frozenset({
    "AR", "CC", "CPATH", "CPLUS_INCLUDE_PATH", "CXX", "C_INCLUDE_PATH", "FC", "LIBRARY_PATH",
    "MACOSX_DEPLOYMENT_TARGET", "PKG_CONFIG", "PKG_CONFIG_PATH", "SDKROOT",
})  # fmt: skip
_MICROARCHITECTURES = frozenset({
    "GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM",
})  # fmt: skip
# Flags in GOFLAGS by which Go reads what cannot be followed from here.
_UNTRACKED = ("compiler", "modfile", "overlay", "toolexec")

# How `go` runs and what it prints; where modules come from, which is seen by the modules.
_HARMLESS_FLAGS = frozenset({"mod", "modcacherw", "n", "p", "v", "x", "work", "json", "insecure"})
# What is passed where GOFLAGS is silent.
_OWN_FLAGS = frozenset({
    ("trimpath", "true"), ("trimpath", "1"), ("buildvcs", "false"), ("buildvcs", "0"),
})  # fmt: skip
_OWN_ARGUMENTS = frozenset({"-trimpath", "-buildvcs=false"})


def settings_of(environment: Mapping[str, str], goenv: str) -> dict[str, str]:
    """Return every variable that Go reads and that is set, in the environment or by `go env -w`.

    `goenv` is the text of the file that `go env -w` writes. An empty variable counts as unset, as
    for Go (cmd/go/internal/cfg, `Getenv`).
    """
    written = (line.partition("=") for line in goenv.splitlines())
    values = {name: value for name, _, value in written if value and _is_go(name)}
    values |= {name: value for name, value in environment.items() if value and _is_go(name)}
    return values


def goenv_path(environment: Mapping[str, str], platform: str) -> str | None:
    """Return where `go env -w` writes; None where that is turned off.

    https://pkg.go.dev/os#UserConfigDir
    """
    if chosen := environment.get("GOENV"):
        return None if chosen == "off" else chosen
    home = environment.get("HOME")
    if platform == "darwin":
        base = f"{home}/Library/Application Support" if home else None
    else:
        base = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None)
    return f"{base}/go/env" if base else None


def is_for_c(name: str) -> bool:
    """Return whether a variable decides how C is compiled or linked."""
    return name in _FOR_C or name.startswith(("CGO_", "GO_EXTLINK", "GO_LDSO"))


def _is_go(name: str) -> bool:
    if is_for_c(name):
        return True
    # Not every name that begins so is Go's: GOOGLE_APPLICATION_CREDENTIALS.
    return name.startswith("GO") and name.isalnum() and name.isupper()


def loading_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that may change what `go list` says."""
    harmless = _WITHOUT_EFFECT - {"GOMODCACHE", "GOPATH"}
    return {name: value for name, value in settings.items() if name not in harmless}


def untracked(goflags: str) -> str | None:
    """Return the flag in GOFLAGS, if any, by which a binary depends on what only Go can follow."""
    flags = parse_goflags(goflags)
    if flags.get("buildvcs", "false") not in {"false", "0"}:
        return "buildvcs"
    return next((flag for flag in _UNTRACKED if flag in flags), None)


def deciding_goflags(goflags: str) -> dict[str, str]:
    """Return the flags in GOFLAGS but for those that decide no bytes, or repeat lambdabuild's own.

    A build is the same whether those are set or not.
    """
    return {
        name: value
        for name, value in sorted(parse_goflags(goflags).items())
        if name not in _HARMLESS_FLAGS and (name, value) not in _OWN_FLAGS
    }


class Inputs:
    """List the inputs of the steps of one load; what several steps share is made once."""

    def __init__(
        self,
        graph: Mapping[str, Package],
        environment: GoEnvironment,
        settings: Mapping[str, str],
        *,
        project: str,
        digest_of: Callable[[str], str | None],
    ) -> None:
        """`digest_of` returns the digest of a file by its absolute path; None where there is none."""
        self._graph = graph
        self._environment = environment
        self._settings = settings
        self._project = project
        self._digest_of = digest_of
        self._packages: dict[str, tuple[Input, ...]] = {}
        self._modules: dict[int, Input] = {}
        self._prefixes: dict[object, tuple[Input, ...]] = {}

    def of(self, step: Step) -> tuple[Input, ...]:
        """Return what the step's executable is made from, what is nearest to it first."""
        prefix = self._prefixes.get((step.target, step.flags))
        if prefix is None:
            prefix = self._prefixes[step.target, step.flags] = tuple(self._prefix(step))
        found: dict[Input, None] = dict.fromkeys(prefix)
        if step.runtime is not None and uses_cgo(step.target, step.flags):
            # It is linked for, and held against, what is there; what is without C runs on all.
            found["runtime", step.runtime] = None
            if step.layer_libraries:
                found["layer_libraries", " ".join(step.layer_libraries)] = None
        if step.function.adapter is not None:
            found["adapter", f"{step.function.adapter}, version {ADAPTER_VERSION}"] = None
        path = step.function.package
        found["package", path] = None
        package = self._graph.get(path)
        if package is not None:
            found["godebug", package.godebug] = None
            profile = f"{package.directory}{os.sep}{PROFILE}"
            if (digest := self._digest_of(profile)) is not None:
                found[f"file {self._name(profile)}", digest] = None
        for member in order_of(self._graph, path):
            found.update(dict.fromkeys(self._of_package(member)))
        return tuple(found)

    def _prefix(self, step: Step) -> list[Input]:
        flags = step.flags
        goflags = self._environment.flags
        fixed = target_environment(step.target, flags)
        cgo = fixed.get("CGO_ENABLED") != "0"
        found: list[Input] = []
        if reason := untracked(goflags):
            found.append(("untracked", reason))
        found.append(("go", self._environment.version))
        # As Go puts it together, with what its own go.env says.
        settings = dict(self._settings)
        settings.pop("GOFLAGS", None)
        if deciding := deciding_goflags(goflags):
            settings["GOFLAGS"] = "\n".join(f"-{n}={value}" for n, value in deciding.items())
        for name, value in sorted(settings.items()):
            if name not in fixed and _decides(name, step.target.goarch, cgo=cgo):
                found.append((f"setting {name}", value))
        found += [
            ("flag tags", ",".join(flags.tags)),
            ("flag ldflags", flags.ldflags),
            ("flag gcflags", flags.gcflags or ""),
            *([("flag cgo", "true")] if flags.cgo else []),
            *([("compiler", flags.compiler.identity)] if flags.compiler is not None else []),
            *((f"env {name}", value) for name, value in flags.environment),
            # Last: for what a later lambdabuild may pass by itself.
            (
                "command",
                " ".join(f for f in build_flags(flags, goflags) if f not in _OWN_ARGUMENTS),
            ),
            ("variables", " ".join(f"{n}={v}" for n, v in fixed.items() if v is not None)),
        ]
        theirs = parse_goflags(goflags)
        if not flags.trimpath or theirs.get("trimpath", "true") not in {"true", "1"}:
            places = (self._project, self._environment.module_cache, self._environment.root)
            found.append(("directory", " ".join(places)))
        if (profile := profile_path(goflags, step.function.load_directory)) is not None:
            digest = self._digest_of(profile) or UNKNOWN
            found.append((f"file {self._name(profile)}", digest))
        # They are kept on disk: also what has a password in an address.
        return [(name, remembered(value)) for name, value in found]

    def _of_package(self, path: str) -> tuple[Input, ...]:
        known = self._packages.get(path)
        if known is None:
            package = self._graph.get(path)
            known = tuple(self._list(package)) if package is not None else ()
            self._packages[path] = known
        return known

    def _list(self, package: Package) -> list[Input]:
        found: list[Input] = []
        if package.import_path in MENDED:
            found.append((f"mended {package.import_path}", str(ADAPTER_VERSION)))
        if package.module is not None:
            found.append(self._of_module(package.module))
        if package.local:
            names = (*package.go_files, *package.other_files, *package.embed_files)
            found += [self._file(f"{package.directory}{os.sep}{name}") for name in names]
        paths = (*package.foreign.files, *package.foreign.libraries)
        found += [self._file(path) for path in paths]
        return found

    def _of_module(self, module: Module) -> Input:
        # By the object: the packages of a module share one, and a hash of its text costs more.
        known = self._modules.get(id(module))
        if known is None:
            known = self._modules[id(module)] = _module_input(module, self._project)
        return known

    def _file(self, path: str) -> Input:
        digest = self._digest_of(path)
        return (f"file {self._name(path)}", UNKNOWN if digest is None else digest)

    def _name(self, path: str) -> str:
        return name_of(path, self._project)


def _decides(name: str, goarch: str, *, cgo: bool) -> bool:
    """Return whether a setting is part of what is compiled for a GOARCH."""
    if name in _WITHOUT_EFFECT or name in _ONLY_LOADING:
        return False
    if name in _MICROARCHITECTURES:
        return goarch.startswith(name.removeprefix("GO").lower())
    return cgo or not is_for_c(name)


def _module_input(module: Module, project: str) -> Input:
    if module.version is None or (module.replacement or "").startswith((".", "/")):
        # A directory of the repository, or one that takes a module's place: its files are inputs
        # by themselves, and go.mod gives the language version they are compiled as. Which
        # directory it is counts: two modules may change places.
        place = name_of(module.directory, project) if module.directory else ""
        parts = [module.go_version or "", *filter(None, [module.version]), place]
        return (f"go.mod {module.path}", " ".join(parts).rstrip())
    version = module.version
    if module.replacement:
        version = f"{version}=>{module.replacement.replace(' ', '@')}"
    return (f"module {module.path}", f"{version} {module.go_sum or ''}".strip())


def path_of_input(name: str, project: str) -> str | None:
    """Return the absolute path of an input that is a file; None for any other."""
    return path_of(name.removeprefix("file "), project) if name.startswith("file ") else None


# What is named first where several inputs changed: what explains the others.
_KINDS = (
    *("untracked", "go", "setting", "flag", "env", "runtime", "compiler", "layer_libraries"),
    "adapter",
    *("go.mod", "module", "package", "file"),
)
_RANKS = {kind: rank for rank, kind in enumerate(_KINDS)}


def first_change(before: Sequence[Input], now: Sequence[Input], paths: Paths) -> str | None:
    """Return the first input that is not what it was, as people read it; None if none is."""
    if before == now and not any(value == UNKNOWN or name == "untracked" for name, value in before):
        return None
    old, new = dict(before), dict(now)
    names = dict.fromkeys([*new, *old])
    for name in sorted(names, key=lambda name: _RANKS.get(name.partition(" ")[0], len(_RANKS))):
        if name == "untracked" and name in new:
            return f"GOFLAGS has -{new[name]}, which only Go can follow"
        if old.get(name) != new.get(name) or old.get(name) == UNKNOWN:
            kind, _, what = name.partition(" ")
            if kind == "file":
                shown = paths.relative(os.path.join(paths.project, what))
                return f"{shown} {_verb(old.get(name), new.get(name))}"
            if kind in _WORDINGS:
                return _WORDINGS[kind](what, old.get(name), new.get(name))
            return "another lambdabuild passes other flags to Go"
    # The same inputs in another order: an import moved, and some file with it.
    return None


_WORDINGS: Mapping[str, Callable[[str, str | None, str | None], str]] = {
    "untracked": lambda _what, _old, _new: "GOFLAGS changed",
    "untold": lambda _what, _old, _new: "a run was killed while it put it in place",
    "go": lambda _what, old, new: f"{old} → {new}",
    "setting": lambda what, _old, _new: f"{what} changed",
    "env": lambda what, _old, _new: f"{what} changed",
    "flag": lambda what, old, new: f"{what} changed{_shown_change(old, new)}",
    "runtime": lambda _what, old, new: f"runtime changed: {old or 'any'} → {new or 'any'}",
    "compiler": lambda _what, old, new: _compilers(old, new),
    "layer_libraries": lambda _what, old, new: (
        f"layer_libraries changed: {old or 'none'} → {new or 'none'}"
    ),
    "adapter": lambda _what, old, new: f"adapter changed{_shown_change(old, new)}",
    "mended": lambda what, _old, _new: f"how {what} is mended changed",
    "go.mod": lambda what, old, new: f"go.mod: {_language(what, old, new)}",
    "module": lambda what, old, new: f"go.mod: {what} {_versions(old, new)}",
    "package": lambda _what, old, new: f"its import path changed: {old} → {new}",
    "godebug": lambda _what, _old, _new: "its GODEBUG defaults changed",
    "directory": lambda _what, _old, _new: (
        "the project, its modules or Go moved, and trimpath is off"
    ),
}
"""How a changed input is reported, by its kind: name, text before, text now."""


def _shown_change(old: str | None, new: str | None) -> str:
    # A digest, in place of what holds a password, says nothing to people.
    if any(text and text.startswith(DIGEST) for text in (old, new)):
        return ""
    return f": {old or 'none'} → {new or 'none'}"


def _compilers(old: str | None, new: str | None) -> str:
    # A CC is identified by times and sizes, which mean nothing to people.
    if old and new and old.startswith("zig ") and new.startswith("zig "):
        return f"the C compiler changed: {old} → {new}"
    return "the C compiler changed"


def _language(module: str, old: str | None, new: str | None) -> str:
    if old is None or new is None:
        return f"{module} {_verb(old, new)}"
    before, after = old.partition(" "), new.partition(" ")
    if before[0] == after[0]:
        return f"{module} {before[2]} → {after[2]}"
    return f"go {before[0]} → {after[0]}"


def _verb(old: str | None, new: str | None) -> str:
    if UNKNOWN in (old, new):
        return "changed during the last build"
    if old is None:
        return "added"
    return "removed" if new is None else "changed"


def _versions(old: str | None, new: str | None) -> str:
    before, after = (old or "").partition(" ")[0], (new or "").partition(" ")[0]
    if old is None:
        return f"{after} added"
    if new is None:
        return f"{before} removed"
    if before == after:
        return f"{after} has another sum"
    return f"{before} → {after}"
