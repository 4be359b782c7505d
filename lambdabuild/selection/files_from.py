"""Select the functions affected by files that changed, without knowing what they were."""

import os
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cached_property

from lambdabuild.config.globs import matches_embedded
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.naming import is_below
from lambdabuild.core.paths import Paths
from lambdabuild.golang import source
from lambdabuild.golang.tree import upwards
from lambdabuild.selection.since import broken, configures, is_asset, is_deciding
from lambdabuild.selection.symlinks import Aliases
from lambdabuild.survey.inputs import path_of_input
from lambdabuild.survey.plan import order_of
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Key, Survey


def touched_by(session: Session, found: Survey, paths: Sequence[str]) -> dict[Key, str]:
    """Return the steps that may be built from any of these files, absolute paths, and why.

    What the files were is not known: one that is gone, or that build constraints leave out, counts
    for the packages it lies in; a go.mod for all that is below it.
    """
    owners, aliases = _Owners(session, found), Aliases(found.baseline.stamps)
    reasons: dict[Key, str] = {}
    for given in paths:
        _refuse_of_elsewhere(session.paths, given)
        for path in aliases.of_given(given):
            keys = owners.of(path)
            shown = session.paths.relative(path)
            if len(keys) > 1 and (is_deciding(path) or configures(session, path)):
                session.tools.console.say(
                    f"what {shown} said before is not known: {len(keys)} functions count as "
                    "affected; --since REF compares"
                )
            reasons = dict.fromkeys(keys, f"{shown} changed") | reasons
    return reasons | broken(found)


def _refuse_of_elsewhere(paths: Paths, path: str) -> None:
    """Refuse a path that is not here and would be above: it would pass for a change of nothing."""
    if os.path.lexists(path) or not is_below(path, paths.working):
        return
    name = os.path.relpath(path, paths.working)
    for above in upwards(os.path.dirname(paths.working)):
        if os.path.lexists(os.path.join(above, name)):
            raise LambdabuildError(
                f"`{name}` is not here: paths are relative to the working directory",
                at=[os.path.join(above, name)],
                hint="`git diff --relative` names files so; -C chooses the directory",
            )


class _Owners:
    """Look up who is built from a file; what that takes is put together once."""

    def __init__(self, session: Session, found: Survey) -> None:
        self._session = session
        self._found = found

    def of(self, path: str) -> Collection[Key]:
        """Return the steps that are, or may have been, built from a file or directory."""
        if configures(self._session, path):
            return list(self._found.inputs)
        if is_deciding(path):
            directory = os.path.dirname(path)
            return self._below(directory.removesuffix(f"{os.sep}vendor"))
        if path in self._by_file:
            return self._by_file[path]
        if os.path.isdir(path):
            inside = [keys for file, keys in self._by_file.items() if is_below(file, path)]
            return set().union(*inside)
        return self._perhaps(path)

    def _below(self, directory: str) -> set[Key]:
        """Return the steps that are loaded from a directory, or have packages in or below it."""
        keys = {
            step.key for step in self._found.plan.steps if step.function.load_directory == directory
        }
        inside = [owners for place, owners in self._packages.items() if is_below(place, directory)]
        return keys.union(*(keys for owners in inside for keys in owners.values()))

    def _perhaps(self, path: str) -> set[Key]:
        """Return the steps of which a file that is no input now may have been one."""
        directory, name = os.path.split(path)
        if source.is_source(name) or name == source.PROFILE:
            return set().union(*self._packages.get(directory, {}).values())
        if os.path.lexists(path):
            return set()
        found = {s.key for s in self._found.plan.steps if is_asset(self._session, s, path)}
        for place, owners in self._packages.items():
            if is_below(path, place):
                inner = os.path.relpath(path, place).replace(os.sep, "/")
                for patterns, keys in owners.items():
                    if any(matches_embedded(pattern, inner) for pattern in patterns):
                        found |= keys
        return found

    @cached_property
    def _by_file(self) -> dict[str, set[Key]]:
        by_name: dict[str, set[Key]] = defaultdict(set)
        for key in self._found.inputs:
            for name, _ in self._found.made_from(key):
                by_name[name].add(key)
        project = self._session.paths.project
        paths = {name: path_of_input(name, project) for name in by_name}
        return {path: by_name[name] for name, path in paths.items() if path is not None}

    @cached_property
    def _packages(self) -> dict[str, dict[tuple[str, ...], set[Key]]]:
        """The steps that a package is part of, by its directory and the patterns it embeds."""
        found: dict[str, dict[tuple[str, ...], set[Key]]] = defaultdict(lambda: defaultdict(set))
        for step in self._found.plan.steps:
            for (load, variant), graph in self._found.discovery.graphs.items():
                if load != step.function.load_directory or variant.target != step.target:
                    continue
                for path in order_of(graph, step.function.package):
                    package = graph.get(path)
                    if package is not None and package.local:
                        found[package.directory][package.embed_patterns].add(step.key)
        return found
