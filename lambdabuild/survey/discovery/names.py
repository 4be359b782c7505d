"""Name functions by where they are, and tell which are excluded or requested by name."""

import os
from collections.abc import Iterable, Mapping, Sequence

from lambdabuild.config.settings import Settings
from lambdabuild.core import naming
from lambdabuild.core.build import Function, Skipped
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.naming import is_below
from lambdabuild.core.paths import name_of
from lambdabuild.core.record import field, record
from lambdabuild.golang import tree
from lambdabuild.golang.tree import sources_with_main
from lambdabuild.survey.discovery.entrypoints import module_name


@record
class Names:
    """The names of the functions below the roots of one run."""

    settings: Settings
    trees: Mapping[str, tree.Tree]
    project: str
    working: str
    _module: str | None = None
    """The path of the module at the top, if that is looked into."""
    _named: dict[str, str] = field(default_factory=dict)
    """Those that are not just the path from the root, by directory."""

    def __post_init__(self) -> None:
        self._named |= {
            os.path.normpath(os.path.join(self.project, table["directory"])): name
            for name, table in self.settings.config.functions.items()
            if "directory" in table
        }
        if self.project in self.trees:
            # The directory of a checkout may be called anything.
            self._module = module_name(self.project)
            self.derive([self.project])

    def derive(self, directories: Iterable[str]) -> None:
        """Name functions that were found anywhere, by what their directories have in common."""
        self._named = naming.names_below(directories, self.project, self._module) | self._named

    def of(self, directory: str) -> str:
        """Return the name of the function in a directory below a root; absolute."""
        root = naming.root_of(directory, list(self.trees))
        return naming.function_name(directory, root, self._named)

    def exclusion(self, directory: str) -> str | None:
        """Return the glob that excludes the function in a directory; None if none does."""
        if not self.settings.exclude:
            return None
        here = name_of(directory, self.project)
        return naming.excluded_by(self.of(directory), here, self.settings.exclude)

    def requested(self, loads: Mapping[str, Sequence[str]], names: Sequence[str]) -> set[str]:
        """Return the loads that may have functions that are requested and not excluded.

        `loads` has the directories with Go files of each; with no names, all are requested.
        """
        left = {s for sources in loads.values() for s in sources if self.exclusion(s) is not None}
        if not names:
            return {
                load
                for load, sources in loads.items()
                if left.isdisjoint(sources)
                or any(s not in left and sources_with_main(s) for s in sources)
            }
        programs = {
            source: Function(self.of(source), "", source, load)
            for load, sources in loads.items()
            for source in sources
        }
        words = [os.path.join(self.working, name) for name in names]
        there = {
            name: naming.There(os.path.realpath(path), os.path.isdir(path))
            for name, path in zip(names, words, strict=True)
            if name and "\0" not in name and os.path.lexists(path)
        }
        try:
            meant = naming.select(
                names, [program for source, program in programs.items() if source not in left],
                working=self.working, there=there,
                relative={directory: directory for directory in programs},
            )  # fmt: skip
        except LambdabuildError:
            return set(loads)
        return {function.load_directory for function in meant.functions}

    def idle(
        self, functions: Iterable[Function], skipped: Iterable[Skipped]
    ) -> tuple[tuple[str, str], ...]:
        """Return the globs that exclude nothing there is, each with what was probably meant."""
        if not self.settings.exclude:
            return ()
        known = [self._glob_names(function.directory) for function in functions]
        known += [self._glob_names(os.path.join(self.project, s.directory)) for s in skipped]
        idle = naming.idle(self.settings.exclude, known)
        if idle:
            # What Go was not asked about, or passes over in silence, may be meant as well.
            meant = [*idle, *(f"{glob}/*" for glob in idle)]
            sources = [s for found in self.trees.values() for s in found.sources]
            if any(naming.may_be_ignored(glob) for glob in idle):
                walked = (tree.walk(root, everything=True).passed_over for root in self.trees)
                sources += [directory for found in walked for directory in found]
            names = {directory: self._glob_names(directory) for directory in sources}
            known += [
                both for directory, both in names.items()
                if naming.excluded_by(*both, meant) and sources_with_main(directory)
            ]  # fmt: skip
            idle = naming.idle(idle, known)
        return tuple((glob, naming.idle_hint(glob, known)) for glob in idle)

    def _glob_names(self, directory: str) -> tuple[str, str]:
        """Return the name and the directory that a glob may mean."""
        path = os.path.normpath(directory)
        inside = any(is_below(path, root) for root in self.trees)
        root = naming.root_of(path, list(self.trees)) if inside else os.path.dirname(path)
        return naming.function_name(path, root, self._named), name_of(path, self.project)
