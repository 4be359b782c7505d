"""Ask `go env` and `go list`, and reuse the answers until something they rest on changes."""

import contextlib
import hashlib
import json
import logging
import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from lambdabuild.core.gopackage import Diagnostic, GoEnvironment, Package
from lambdabuild.core.target import Flags, Target
from lambdabuild.core.text import some
from lambdabuild.golang import commands, tree
from lambdabuild.golang.toolchain import ask_environment, find_go, is_go_itself, refused
from lambdabuild.golang.tree import files_with_main
from lambdabuild.state.stamps import FileStamp, Level, World, take
from lambdabuild.state.state import Findings
from lambdabuild.survey.inputs import goenv_path, loading_settings, settings_of
from lambdabuild.system import files
from lambdabuild.system.process import Run
from lambdabuild.system.threads import Later

log = logging.getLogger(__name__)

_MOST_LISTS = 24
"""How many answers of `go list` are kept; those of other flags and targets than this run's go."""


CONSTRAINED = "build constraints exclude all Go files"
"""How Go begins what it says of a package that has files, and none for the target."""


class Variant(NamedTuple):
    """What decides which files and packages Go sees."""

    target: Target
    tags: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    cgo: bool = False

    @property
    def flags(self) -> Flags:
        return Flags(tags=self.tags, environment=self.environment, cgo=self.cgo)


class Go:
    """The `go` of one run: every answer comes from the findings, or is put there."""

    def __init__(
        self,
        run: Run,
        path: str,
        settings: Mapping[str, str],
        findings: Findings,
        *,
        overlay: commands.Overlay | None = None,
    ) -> None:
        """Ask the `go` at `path`; with an overlay, as if some files were others."""
        self.path = path
        self.settings = settings
        self.findings = findings
        self.asked = False
        """Whether anything had to be found out anew."""
        self._overlay = overlay
        self._run = run
        self._itself = is_go_itself(path)
        self._used: set[str] = set()
        self._confirmed: set[str] = set()

    def tree(self, root: str) -> tree.Tree:
        """Walk a root as Go's patterns do."""
        known = self.findings.trees.get(root)
        if known is None:
            self.asked = True
            known = self.findings.trees[root] = tree.walk(root)
            if any(why.endswith(tree.IRREGULAR) for why in known.unreadable.values()):
                # What comes in its place may have the same name.
                self.findings.incomplete = True
        return known

    def environment(self, directory: str) -> GoEnvironment:
        """Return what `go env` says in `directory`."""
        key = json.dumps([self.path, directory, _digest(sorted(self.settings.items()))])
        known = self.findings.environments.get(key)
        # A version manager's `go` decides by other files than Go's which version it runs.
        if known is None or not (self._itself or key in self._confirmed):
            self._confirmed.add(key)
            self.asked = self.asked or known is None
            tree.refuse_irregular(directory)
            current = ask_environment(self._run, self.path, directory)
            self.asked = self.asked or current != known
            known = self.findings.environments[key] = current
        return known

    def packages(
        self,
        directory: str,
        patterns: Sequence[str],
        variant: Variant,
        *,
        dependencies: bool = True,
    ) -> tuple[Package, ...]:
        """Return the packages that `go list` reports of `patterns`, run in `directory`.

        Without dependencies, one that has no files for the variant has no error either.
        """
        environment = self.environment(directory)
        settings = sorted(loading_settings(self.settings).items())
        what = [
            *(str(variant.target), variant.tags, variant.environment, variant.cgo),
            *(dependencies, *patterns),
        ]
        decided = _digest([environment.flags, settings, what])
        key = json.dumps([environment.version, directory, *patterns, decided])
        self._used.add(key)
        known = self.findings.packages.get(key)
        if known is None:
            self.asked = True
            context = commands.BuildContext(
                self.path, directory, variant.target, variant.flags, environment.flags
            )
            with self._overlaid(directory) as overlay:
                done = self._run(
                    commands.list_command(
                        context, patterns, dependencies=dependencies, overlay=overlay
                    )
                )
            if done.code != 0:
                raise refused("Go cannot load the module", done, directory)
            from lambdabuild.golang.output import parse_packages

            listed = parse_packages(done.output, directory)
            if directory in (self.findings.made or {}):
                from lambdabuild.survey.eawsy.unmodular import with_places

                listed = with_places(listed)
            # An overlay hides what is in the files.
            counts = self._overlay is None
            known = tuple(_completed(p, environment, counts_mains=counts) for p in listed)
            if not dependencies:
                # It is no error; with one, `go list` would run for it each time.
                known = tuple(p._replace(errors=()) if is_left_out(p) else p for p in known)
            self.findings.packages[key] = known
        return known

    def _overlaid(self, directory: str) -> AbstractContextManager[commands.Overlay | None]:
        """Return what Go sees in the place of files, as long as it runs in a directory."""
        made = (self.findings.made or {}).get(directory)
        if made is None or self._overlay is not None:
            return contextlib.nullcontext(self._overlay)
        from lambdabuild.survey.eawsy.adapting import module_overlay

        return module_overlay(made, self.environment(directory).flags, directory)

    def forget_unused(self) -> None:
        """Drop answers of other runs than this, where there are many."""
        if len(self.findings.packages) > _MOST_LISTS:
            kept = {k: v for k, v in self.findings.packages.items() if k in self._used}
            self.findings.packages = kept


def start_go(run: Run, environment: Mapping[str, str], findings: Findings) -> Go:
    """Return the `go` on PATH, or of the extra, with the settings that hold for it."""
    path = goenv_path(environment, sys.platform)
    written = ""
    if path is not None:
        with contextlib.suppress(OSError):
            written = files.text(path)
    settings = settings_of(environment, written)
    return Go(run, find_go(environment), settings, findings)


def is_left_out(package: Package) -> bool:
    """Return whether Go has no file of a package for the variant: a pattern would leave it out."""
    return bool(package.errors) and package.errors[0].message.startswith(
        (CONSTRAINED, "no Go files in ")
    )


def _completed(package: Package, environment: GoEnvironment, *, counts_mains: bool) -> Package:
    """Add to a package what `go list` does not report."""
    # Without HOME and GOPATH there is no module cache.
    cache = f"{environment.module_cache}{os.sep}" if environment.module_cache else None
    local = bool(package.directory) and not (cache and package.directory.startswith(cache))
    if not local:
        return package
    mains = files_with_main(package) if package.name == "main" else []
    errors = package.errors
    if len(mains) > 1 and counts_mains:
        several = Diagnostic(
            package.import_path,
            f"{len(mains)} of its files have a `func main` each: {some(mains, quote='')}; "
            "Go makes one program of a directory",
            hint="give each a directory of its own, such as "
            f"`{os.path.join(os.path.splitext(mains[0])[0], 'main.go')}`",
        )
        errors = (*errors, several)
    return package._replace(local=local, declares_main=bool(mains), errors=errors)


def _digest(value: object) -> str:
    """Return a digest of settings: the key is kept on disk, where passwords have no place."""
    text = json.dumps(value).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def read_ahead(
    go: Go, roots: Iterable[str], known: Mapping[str, FileStamp], clock: int, own: Collection[str]
) -> Later[dict[str, FileStamp]] | None:
    """Begin to look at the sources below the roots; None where `go` has its answers already.

    For `known`, `clock` and `own` see `look`. Whoever takes them looks at each once more: what
    changed meanwhile is read again.
    """
    trees = [go.tree(root) for root in map(os.path.normpath, roots) if os.path.isdir(root)]
    if not go.asked:
        return None
    world = World({d: Level.TREE for tree in trees for d in tree.directories})
    return Later(lambda: take(world, known, clock, own).files)
