"""Keep wrong packages out of Go's build cache.

Go hashes a file, gives it to the compiler later, and keeps the result under the first hash. A file
that is saved and undone in between leaves the wrong package in Go's cache for good. So the wrapper
around Go's tools (`toolexec.sh`) looks at the files once more when a tool is done, and fails where
one of them changed: Go keeps nothing of a tool that failed. `list_sources` lists what it looks at.
A `.syso` is read by Go itself, after all tools: of that, only the executable is doubted.

`forget_packages` removes packages that may be wrong, so that they are compiled anew. `go build -a`
would compile the standard library and all modules again as well, once for each module of the
repository. The cache keeps an index file for each action, named after the action's hash
(cmd/go/internal/cache, `fileName`); the first 15 bytes of the hash are in the package's build ID
(cmd/go/internal/work, `hashToString`), which `go list -export` prints. Without its index file a
package is compiled again, and nobody who reads it right now is disturbed.

What GOCACHEPROG names has no such files, may be shared with other machines, and may keep what it has
whatever it is given later. So where packages are distrusted, it is asked for nothing and given
nothing: Go keeps to its cache on this machine (`keep_apart`).
"""

import base64
import binascii
import contextlib
import glob
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from lambdabuild.core.build import Batch
from lambdabuild.core.gopackage import Package
from lambdabuild.golang.commands import Staging, overlay_path, parse_overlay, profile_path
from lambdabuild.golang.output import parse_build_ids
from lambdabuild.golang.source import PROFILE, is_source
from lambdabuild.golang.tree import upwards
from lambdabuild.system import directories, files
from lambdabuild.system.process import Command

_SECOND = 1_000_000_000
_COARSE_TICK = 2 * _SECOND
"""Nanoseconds in which two changes may show one time, where a file system keeps whole seconds."""


_PROGRAM = "GOCACHEPROG"


class Distrusted(NamedTuple):
    """What Go's build cache may have wrong."""

    cache: str
    """Its directory."""
    packages: frozenset[str]
    """By import path."""
    apart: Mapping[str, str] = MappingProxyType({})
    """What is to be set for Go to keep to that directory."""


def find_distrusted(
    batch: Batch,
    cache: str,
    environment: Mapping[str, str],
    settings: Mapping[str, str],
    *,
    everything: bool,
) -> Distrusted | None:
    """Return the packages that Go has to compile, whatever it has kept; None if there are none.

    What C and assembly take in from elsewhere is no part of its keys: https://go.dev/issue/24355.
    `settings` are what Go reads from `environment` and from what `go env -w` wrote.
    """
    packages = frozenset(
        path
        for path, package in batch.graph.items()
        if package.local and (everything or package.foreign.untracked)
    )
    if not packages:
        return None
    named = {**settings, **dict(batch.flags.environment)}.get(_PROGRAM)
    return Distrusted(cache, packages, _without_program(environment, settings) if named else {})


def _without_program(environment: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """Return what turns GOCACHEPROG off.

    An empty variable does not override what `go env -w` wrote. So Go is kept from reading that,
    and given the rest of it.
    """
    written = {n: value for n, value in settings.items() if environment.get(n) != value}
    return {**written, "GOENV": "off", _PROGRAM: ""}


def keep_apart(command: Command, distrusted: Distrusted | None) -> Command:
    """Have a command keep to Go's own cache, where that has to be."""
    if distrusted is None or not distrusted.apart:
        return command
    apart = distrusted.apart
    # What is set for the target is stronger than what `go env -w` wrote.
    caches = {name: apart[name] for name in ("GOENV", _PROGRAM)}
    return command._replace(environment={**apart, **command.environment, **caches})


def list_sources(batch: Batch, staging: Staging, goflags: str = "") -> None:
    """Write, for each package of the repository that may be compiled, what the wrapper looks at.

    The list's own time is that of the last change before: what changes from now on is younger.
    To be called right before what compiles.
    """
    also = list(_named_by(goflags, batch.directory))
    latest = 0
    for package in _compiled(batch):
        listed = [*dict.fromkeys(_looked_at(package, batch.directory, also))]
        # A source that came since `go list` is no change either: Go hashes it later.
        changed = list(_changes({*listed, *_sources_in(package.directory)}))
        newest = max(changed, default=0)
        if not any(moment % _SECOND for moment in changed):
            latest = max(latest, newest)
        place = staging.sources(package.import_path)
        directories.make(os.path.dirname(place))
        Path(place).write_text("".join(f"{path}\n" for path in listed), "utf-8", "surrogateescape")
        os.utime(place, ns=(newest, newest))
    # Wait until any change is sure to have a later time, by a coarse clock.
    left = latest + _COARSE_TICK - time.time_ns()
    if 0 < left <= _COARSE_TICK:
        time.sleep(left / _SECOND)


def _named_by(goflags: str, directory: str) -> Iterator[str]:
    """Yield the files of GOFLAGS that any package may be compiled from."""
    if profile := profile_path(goflags, directory):
        yield profile
    if overlay := overlay_path(goflags, directory):
        yield overlay
        with contextlib.suppress(OSError, ValueError):
            yield from parse_overlay(files.text(overlay), directory)


def _compiled(batch: Batch) -> Iterator[Package]:
    """Yield the packages of the repository that the batch's functions are or import."""
    order = list(dict.fromkeys(step.function.package for step in batch.steps))
    seen = set(order)
    for path in order:
        package = batch.graph.get(path)
        if package is None:
            continue
        if package.local:
            yield package
        new = [imported for imported in package.imports if imported not in seen]
        seen.update(new)
        order += new


def _looked_at(package: Package, load: str, also: Iterable[str]) -> Iterator[str]:
    names = (*package.go_files, *package.other_files, *package.embed_files)
    for name in names:
        yield from _with_targets(os.path.join(package.directory, name))
    for path in (*package.foreign.files, *package.foreign.libraries):
        yield from _with_targets(path)
    profile = os.path.join(package.directory, PROFILE)
    if package.name == "main" and os.path.lexists(profile):
        yield from _with_targets(profile)
    for path in also:
        yield from _with_targets(path)
    # A directory that took another's place brings files whose own times are old.
    module = package.module.directory if package.module is not None else None
    top = module or load
    yield package.directory
    for above in upwards(os.path.dirname(package.directory)):
        if not above.startswith(f"{top}{os.sep}"):
            break
        yield above


def _sources_in(directory: str) -> Iterator[str]:
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        yield from (entry.path for entry in entries if is_source(entry.name))


def _with_targets(path: str) -> Iterator[str]:
    """Yield a path, and, where it is a symbolic link, all it leads to: each may be replaced."""
    seen = set()
    while path not in seen:
        seen.add(path)
        yield path
        try:
            target = os.readlink(path)
        except OSError:
            return
        path = os.path.normpath(os.path.join(os.path.dirname(path), target))


def _changes(paths: Iterable[str]) -> Iterator[int]:
    """Yield when each path changed last, by ctime in nanoseconds, which nobody can set."""
    for path in paths:
        try:
            yield os.lstat(path).st_ctime_ns
        except OSError:
            # It went away since `go list` saw it; the wrapper will not find it either.
            continue


def forget_packages(listed: str, distrusted: Distrusted) -> bool:
    """Remove what Go's cache has of the packages that are distrusted.

    `listed` is what `go list -export` says of their build IDs. Return False where that does not
    tell: then only `go build -a` is sure to compile them.
    """
    for path, build_id in parse_build_ids(listed):
        if path not in distrusted.packages:
            continue
        try:
            prefix = base64.urlsafe_b64decode(build_id.partition("/")[0]).hex()
        except (binascii.Error, ValueError):
            return False
        entries = (
            glob.glob(f"{glob.escape(distrusted.cache)}/{prefix[:2]}/{prefix}*-a") if prefix else []
        )
        if not entries:
            return False
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(entry)
    return True
