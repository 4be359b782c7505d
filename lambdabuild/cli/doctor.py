"""Check toolchain, configuration and environment; each problem has its remedy."""

import importlib.metadata
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from lambdabuild.build.restore import caching_of
from lambdabuild.cache.transfer import Mode
from lambdabuild.config.settings import Settings
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic, GoEnvironment
from lambdabuild.core.paths import Paths
from lambdabuild.core.secrets import CACHE_KEY, PASSED, for_builds, kept_back, without_secrets
from lambdabuild.core.text import counted
from lambdabuild.golang import commands
from lambdabuild.golang.output import parse_version
from lambdabuild.golang.toolchain import ask_environment, find_go
from lambdabuild.output.report import place_of
from lambdabuild.state.signing import keys_of
from lambdabuild.state.state import Findings, State
from lambdabuild.state.store import Home, check_writable, remedy_of
from lambdabuild.survey.cgo.compiler import compilers_of
from lambdabuild.survey.discovery.functions import discover
from lambdabuild.survey.discovery.modules import variants_of
from lambdabuild.survey.evidence import compared, with_evidence
from lambdabuild.survey.golist import Go, start_go
from lambdabuild.survey.session import Session
from lambdabuild.system import machine
from lambdabuild.system.links import caches_of

_GIGABYTE = 1_000_000_000
_OVERRIDDEN = ("GOOS", "GOARCH", "GOAMD64", "GOARM64", "CGO_ENABLED")
_ASKS_A_PROGRAM = (1, 24)
"""The version of Go from which on GOCACHEPROG is known: https://go.dev/doc/go1.24."""


class Verdict(StrEnum):
    """How bad a finding is."""

    GOOD = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(NamedTuple):
    """A result of a check."""

    verdict: Verdict
    message: str
    remedy: str | None = None


_good = partial(Finding, Verdict.GOOD)
_warning = partial(Finding, Verdict.WARNING)
_error = partial(Finding, Verdict.ERROR)


def examine(session: Session, refused: LambdabuildError | None = None) -> Iterator[Finding]:
    """Check everything a build needs, one finding after another.

    `refused` is what is wrong with the configuration; then the settings are the defaults.
    """
    project, environment = session.paths.project, session.tools.environment
    yield from _processor_and_memory(environment)
    if refused is not None:
        found = _failure(refused)
        if refused.file is not None and refused.line is not None:
            place = Diagnostic(None, "", refused.file, refused.line, refused.column)
            shown = f"{place_of(place, session.paths.relative)}: {refused.message}"
            found = found._replace(message=shown)
        yield found
    yield from _guarded(_output(session.paths, environment, known=refused is None))
    yield from _guarded(_keys(project, environment))
    yield from _guarded(_go(session, refused))


def _failure(error: LambdabuildError) -> Finding:
    return _error("; ".join([error.message, *error.at]), error.hint)


def _guarded(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Make a finding of an error, and go on: a broken setup is when people run this."""
    try:
        yield from findings
    except LambdabuildError as error:
        yield _failure(error)
    except OSError as error:
        path = f"`{error.filename}`: " if error.filename is not None else ""
        message = f"cannot look at {path or 'everything: '}{error.strerror or error}"
        yield _error(message, remedy_of(error.errno, str(error.filename)))
    except (RecursionError, MemoryError, ValueError) as error:
        yield _error(f"cannot look at everything: {type(error).__name__}: {error}")


def _go(session: Session, refused: LambdabuildError | None) -> Iterator[Finding]:
    """Check Go, and what it sees with these settings."""
    settings, project = session.settings, session.paths.project
    run, environment = session.tools.run, session.tools.environment
    try:
        go = find_go(environment)
        go_env = ask_environment(run, go, project)
    except LambdabuildError as error:
        yield _error(error.message, error.hint)
        return
    yield _good(f"{go_env.version} at {go}")
    yield from _goflags(go_env)
    exported = [name for name in _OVERRIDDEN if environment.get(name)]
    if exported:
        yield _warning(
            f"{', '.join(exported)} exported; lambdabuild does not use it",
            "say it with --arch, --target, or `env` and `cgo` in lambdabuild.toml",
        )
    yield from _guarded(_caches(go_env))
    if refused is not None:
        return
    yield from _guarded(_bills(settings))
    yield from _guarded(_store(session))
    started = start_go(run, environment, Findings())
    yield from _kept_back(environment, started.settings)
    yield from _compile_cache(go_env, environment, started.settings)
    yield from _guarded(_c_compilers(settings, environment, started.settings))
    yield from _functions(session, started)


def _store(session: Session) -> Iterator[Finding]:
    """Look for something in the shared cache, where there is one."""
    caching = caching_of(session)
    if caching.url is None or caching.mode is Mode.OFF:
        return
    from lambdabuild.cache.pending import StoreError
    from lambdabuild.cache.remote import RemoteStore

    store = RemoteStore(caching.url, session.tools.environment, caching.timeout)
    try:
        store.has("0" * 64)
    except StoreError as error:
        hint = (
            "a run goes on without it; `cache` or --cache names it, the environment its credentials"
        )
        yield _error(f"the shared cache {store.url} does not answer: {error}", hint)
    else:
        yield _good(f"the shared cache {store.url} answers")


def _functions(session: Session, go: Go) -> Iterator[Finding]:
    state = State()
    session = with_evidence(session, state, time.time_ns())
    settings, found = session.settings, discover(session, go)
    broken = 0
    for directory, error in found.failures.items():
        if not any(function.load_directory == directory for function in found.functions):
            yield _error(f"`{session.paths.relative(directory)}`: {error.message}", error.hint)
    for function in found.functions:
        packages = (found.package(function, v) for v in variants_of(settings.of(function.name)))
        errors = [error for package in packages if package for error in package.errors]
        broken += bool(errors)
        for problem in errors[:1]:
            yield _error(f"`{function.name}` cannot be loaded: {problem.message}", problem.hint)
    roots = ", ".join(session.paths.relative(root) for root in found.search.roots)
    if count := len(found.functions) - broken:
        yield _good(f"{counted(count, 'function')} under {roots}")
    elif not broken:
        yield _error(f"no function under {roots}", "`lambdabuild list --skipped` tells why")
    for difference in compared(session, found.functions, state.evidence.deployment):
        if difference.file is not None:
            place = f"{session.paths.relative(difference.file)}:{difference.line}"
            yield _warning(f"{place}: {difference.message}", difference.hint)


def _processor_and_memory(environment: Mapping[str, str]) -> Iterator[Finding]:
    count = machine.processors()
    limit = machine.heap_limit(machine.available_memory(), machine.memory(), count)
    memory = f"{machine.memory() / _GIGABYTE:.1f} GB of memory"
    set_by_user = sorted({"GOGC", "GOMEMLIMIT"} & environment.keys())
    if set_by_user:
        how = f"the compiler's garbage collector is as {' and '.join(set_by_user)} say"
    elif limit is None:
        how = "the compiler's garbage collector stays on, for there is little memory for each"
    else:
        how = f"the compiler's garbage collector is off below {limit / _GIGABYTE:.1f} GB a process"
    yield _good(f"{count} processors, {memory}; {how}")


def _output(paths: Paths, environment: Mapping[str, str], *, known: bool) -> Iterator[Finding]:
    """Check the directories that are written to; that of the executables, if it is `known`."""
    project, out = paths.project, paths.out
    home = Home(project, environment)
    existed = home.path.exists()
    try:
        home.create()
        check_writable([str(home.path)])
        yield from _own_files(home)
        yield from _links(str(home.path))
        if known and os.path.isdir(out):
            check_writable([out])
            yield _good(f"{out} can be written")
        free = shutil.disk_usage(project).free
    except LambdabuildError as error:
        yield _error(error.message, error.hint)
        return
    finally:
        if not existed:
            home.forget()
    if free < _GIGABYTE:
        yield _warning(
            f"{free / _GIGABYTE:.2f} GB are free on the disk of {project}",
            "a cold build of some fifty functions takes about 1 GB for a moment",
        )


def _own_files(home: Home) -> Iterator[Finding]:
    """Report what another user left in `.lambdabuild`, as a build run by root does."""
    for name in sorted(os.listdir(home.path)):
        path = str(home.path / name)
        if not os.access(path, os.R_OK | os.W_OK):
            # The rest is made anew.
            finding = _error if name in {"lock", "staging"} else _warning
            yield finding(
                f"{path} cannot be read and written",
                "it has to belong to the user that runs lambdabuild, or go",
            )


def _keys(project: str, environment: Mapping[str, str]) -> Iterator[Finding]:
    if not any(keys_of(environment, sys.platform, project)):
        place = os.path.join(caches_of(environment, sys.platform), "lambdabuild")
        yield _warning(
            f"no key can be kept in {place}: each run finds everything out again",
            "it has to be a directory of yours outside of the project (HOME, XDG_CACHE_HOME); or "
            f"set {CACHE_KEY}",
        )


def _links(directory: str) -> Iterator[Finding]:
    if not os.access("/bin/sh", os.X_OK):
        yield _error(
            "/bin/sh is missing",
            "lambdabuild runs the linker through a few lines of POSIX shell; install a shell",
        )
    with tempfile.TemporaryDirectory(dir=directory) as place:
        one, other = os.path.join(place, "one"), os.path.join(place, "other")
        with open(one, "wb"):
            pass
        try:
            os.link(one, other)
        except OSError as error:
            yield _warning(
                f"{directory} takes no hard links: {error.strerror}",
                "symbolic links are used instead; a native file system is faster",
            )


def _c_compilers(
    settings: Settings, environment: Mapping[str, str], of_go: Mapping[str, str]
) -> Iterator[Finding]:
    names = ("", *settings.config.functions)
    targets = [(name, target) for name in names for target in settings.of(name).targets]
    found = compilers_of(targets, settings, environment, of_go)
    for compiler in dict.fromkeys(compiler.identity for compiler in found.values()):
        yield _good(f"cgo is compiled by {compiler}")


def _bills(settings: Settings) -> Iterator[Finding]:
    """Check the library for bills of materials, where the configuration asks for one."""
    if not any(settings.of(name).sbom for name in ("", *settings.config.functions)):
        return
    from lambdabuild.packaging import sbom

    sbom.check_library()
    version = importlib.metadata.version("cyclonedx-python-lib")
    yield _good(f"bills of materials are written by cyclonedx-python-lib {version}")


def _goflags(go_env: GoEnvironment) -> Iterator[Finding]:
    if not go_env.flags:
        return
    yield _good(f"GOFLAGS is merged in: {without_secrets(go_env.flags)}")
    flags = commands.parse_goflags(go_env.flags)
    if "buildid=" in flags.get("ldflags", ""):
        yield _warning(
            "-buildid in GOFLAGS keeps Go from knowing what is up to date",
            "take it out; -trimpath and -buildvcs=false make builds reproducible without it",
        )
    if flags.get("trimpath") == "false" or flags.get("buildvcs", "false") != "false":
        yield _warning(
            "GOFLAGS makes binaries depend on the checkout's path or commit",
            "without -trimpath=false and -buildvcs they are the same everywhere",
        )


def _kept_back(environment: Mapping[str, str], of_go: Mapping[str, str]) -> Iterator[Finding]:
    names = kept_back(environment, for_builds(environment))
    programs = [n for n in ("GOCACHEPROG", "GOAUTH") if of_go.get(n, "off") not in {"off", "netrc"}]
    if names and programs:
        yield _warning(
            f"{', '.join(names)} are not passed to `go`, nor to what {' and '.join(programs)} names",
            f"if it needs them, `export {PASSED}=` their names, such as `AWS_*`",
        )


def _compile_cache(
    go_env: GoEnvironment, environment: Mapping[str, str], of_go: Mapping[str, str]
) -> Iterator[Finding]:
    """Check the program that keeps what Go compiles; its flags may have a token."""
    name = next(iter(commands.split_quoted(of_go.get("GOCACHEPROG", ""))), None)
    if name is None:
        return
    if (parse_version(go_env.version) or _ASKS_A_PROGRAM) < _ASKS_A_PROGRAM:
        yield _warning(f"{go_env.version} does not know GOCACHEPROG", "Go 1.24 does")
    elif shutil.which(name, path=environment.get("PATH")) is None:
        yield _error(
            f"there is no program `{name}`, which GOCACHEPROG names",
            "install it; or unset GOCACHEPROG, with `go env -u GOCACHEPROG` as well",
        )
    else:
        yield _good(f"what Go compiles is kept by {name}, which GOCACHEPROG names")


def _caches(go_env: GoEnvironment) -> Iterator[Finding]:
    if go_env.cache in {"", "off"}:
        yield _error(
            "Go has no build cache", "set GOCACHE to a directory, or HOME so that Go finds one"
        )
        return
    check_writable([go_env.cache])
    yield _good(f"Go's build cache is {go_env.cache}")
