"""Combine what Go and the walk over the roots found: functions, and what is skipped."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lambdabuild.config.settings import Settings
from lambdabuild.core import naming
from lambdabuild.core.build import Adapter, Function, Skipped
from lambdabuild.core.gopackage import Package
from lambdabuild.core.naming import is_below
from lambdabuild.core.paths import name_of
from lambdabuild.core.record import field, record
from lambdabuild.golang import tree
from lambdabuild.golang.tree import sources_with_main
from lambdabuild.survey.discovery.entrypoints import (
    NO_LAMBDA,
    Search,
    lambdas_in,
    mentions_lambda,
)
from lambdabuild.survey.discovery.modules import Graph, Listing, Place, variants_of
from lambdabuild.survey.discovery.names import Names
from lambdabuild.survey.discovery.skipped import (
    LeftOut,
    Verdicts,
    constrained,
    judge,
    not_in_workspace,
    unreadable,
)
from lambdabuild.survey.eawsy.libraries import may_be_adapted
from lambdabuild.survey.golist import Go, Variant

_NO_MAIN = "it has no `func main`"


@record
class _Candidate:
    """A directory with something that is, or may be, a main package."""

    directory: str
    package: str
    load: str
    loaded: dict[Variant, Package] = field(default_factory=dict)


@record
class Assembly:
    """What is put together in one run: made of the walk first, then of what Go lists."""

    settings: Settings
    go: Go
    search: Search
    names: Names
    trees: Mapping[str, tree.Tree]
    project: str
    functions: list[Function] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    excluded: list[naming.Excluded] = field(default_factory=list)
    unasked: set[str] = field(default_factory=set)
    """Possible names of functions that Go was not asked to list."""
    others: int = 0
    """How many main packages are left out, as they do not import the Lambda library."""
    _lambdas: set[str] = field(default_factory=set)
    """The directories of main packages that do, where only these are functions."""

    def put_together(self, places: Sequence[Place], listing: Listing) -> None:
        """Separate functions from what is skipped, by what Go listed in the places."""
        graphs = listing.graphs
        listable = [place for place in places if place.patterns]
        sources = [directory for place in listable for directory in place.sources]
        listed: set[str] = set()
        if self.search.only_lambda:
            for graph in graphs.values():
                self._lambdas |= lambdas_in(
                    graph, lambda package: package.directory or _directory_of(package, sources)
                )
        if self.search.everywhere:
            # What npm installs is nobody's function.
            self._lambdas = {d for d in self._lambdas if "node_modules" not in d.split(os.sep)}
            unloaded = {
                s for place in places if place.directory in listing.failures for s in place.sources
            }
            self._lambdas |= {s for s in unloaded if sources_with_main(s) and mentions_lambda(s)}
            self.names.derive(self._lambdas)
        without = list(self._take_listed(_candidates(graphs, sources, listed), graphs))
        outside = self._take_outside(listing, [s for s in sources if s not in listed])
        unlisted: dict[str, str | None] = {
            source: place.directory
            for place in places
            if place.directory not in listing.failures
            for source in place.sources
        }
        known = {source for place in places for source in place.sources}
        nowhere = (s for t in self.trees.values() for s in t.sources if s not in known)
        unlisted |= dict.fromkeys(nowhere)
        loads = {None, *(place.directory for place in listable)}
        left = [
            LeftOut(directory, self.names.of(directory), load)
            for directory, load in unlisted.items()
            if directory not in listed
            and not any(is_below(directory, module) for module in outside)
            and sources_with_main(directory)
            and not self._excludes(directory)
            and not self._is_other(directory)
        ]
        self.unasked |= {program.name for program in left if program.load not in loads}
        left = [program for program in left if program.load in loads]
        verdicts = judge(left, self.settings, self.go, project=self.project)
        constrained(verdicts, without, self.settings, self.go, "leave out its `func main`")
        self.skipped += verdicts.skipped
        failed = [*verdicts.failed, *self._missing(graphs), *self._unreadable()]
        self.functions += [self._failed(program, package, graphs) for program, package in failed]
        for found in self.trees.values():
            self.skipped += [
                Skipped(name_of(directory, self.project), reason)
                for directory, reason in found.passed_over.items()
                if sources_with_main(directory)
            ]

    def _is_other(self, directory: str, package: str | None = None) -> bool:
        """Take note of a program that is no Lambda function; return whether it is none."""
        if not self.search.only_lambda or directory in self._lambdas:
            return False
        if package is None and mentions_lambda(directory):
            return False
        self.others += 1
        self.skipped.append(Skipped(name_of(directory, self.project), NO_LAMBDA, package))
        return True

    def _excludes(self, directory: str, package: str | None = None) -> bool:
        """Take note of a program that a glob leaves out; return whether one does."""
        pattern = self.names.exclusion(directory)
        if pattern is None:
            return False
        function = Function(self.names.of(directory), package or "", directory, directory)
        self.excluded.append(naming.Excluded(function, pattern))
        reason = f"the glob `{pattern}` excludes it"
        self.skipped.append(Skipped(name_of(directory, self.project), reason, package))
        return True

    def _take_listed(
        self, candidates: Iterable[_Candidate], graphs: Mapping[tuple[str, Variant], Graph]
    ) -> Iterator[LeftOut]:
        """Take in what Go listed; return that of which it leaves out just the `func main`."""
        for candidate in candidates:
            if self._excludes(candidate.directory, candidate.package):
                continue
            name = self.names.of(candidate.directory)
            adapter = self._adapter(candidate, name, graphs)
            variants = variants_of(self.settings.of(name))
            reason = _reason_to_skip(candidate, variants, adapted=adapter is not None)
            directory, package, load = candidate.directory, candidate.package, candidate.load
            if reason is None and adapter is None and self._is_other(directory, package):
                continue
            if reason is None:
                self.functions.append(Function(name, package, directory, load, adapter))
            elif sources_with_main(directory, handlers=reason != _NO_MAIN):
                if self._is_other(directory):
                    continue
                yield LeftOut(directory, name, load)
            else:
                self.skipped.append(Skipped(name_of(directory, self.project), reason, package))

    def _adapter(
        self, candidate: _Candidate, name: str, graphs: Mapping[tuple[str, Variant], Graph]
    ) -> Adapter | None:
        chosen = self.settings.of(name)
        for variant, package in candidate.loaded.items():
            graph = graphs[candidate.load, variant]
            if not (chosen.handler_name or may_be_adapted(package, graph)):
                continue
            from lambdabuild.survey.eawsy.detection import adapter_of

            if found := adapter_of(package, graph, chosen):
                return found
        return None

    def _take_outside(self, listing: Listing, unlisted: Sequence[str]) -> list[str]:
        """Return the directories of modules that go.work leaves out; report each once."""
        outside = []
        for directory, why in listing.unlisted:
            if skipped := not_in_workspace(directory, why, self.project):
                outside.append(directory)
                inside = [s for s in unlisted if is_below(s, directory) and sources_with_main(s)]
                excluded = [self._excludes(source) for source in inside]
                if not all(excluded):
                    self.skipped.append(skipped)
        return outside

    def _missing(
        self, graphs: Mapping[tuple[str, Variant], Graph]
    ) -> Iterator[tuple[LeftOut, Package]]:
        """Return functions that would be built for one target, and need cgo for another."""
        partly = []
        for function in self.functions:
            load, variants = function.load_directory, variants_of(self.settings.of(function.name))
            missing = any(function.package not in graphs.get((load, v), {}) for v in variants)
            if missing and sources_with_main(function.directory):
                partly.append(LeftOut(function.directory, function.name, load))
        verdicts = Verdicts(self.project, [], [])
        constrained(verdicts, partly, self.settings, self.go)
        failing = {program.directory for program, _ in verdicts.failed}
        self.functions = [f for f in self.functions if f.directory not in failing]
        yield from verdicts.failed

    def _unreadable(self) -> Iterator[tuple[LeftOut, Package]]:
        for found in self.trees.values():
            for program, package in unreadable(found.unreadable, self.names.of):
                if self.search.everywhere:
                    here = name_of(program.directory, self.project)
                    (problem,) = package.errors
                    self.skipped.append(Skipped(here, problem.message, hint=problem.hint))
                elif not self._excludes(program.directory):
                    yield program, package

    def _failed(
        self, program: LeftOut, package: Package, graphs: dict[tuple[str, Variant], Graph]
    ) -> Function:
        """Enter a program that has failed among what Go listed, and return its function."""
        load = program.load or self.project
        for (place, _), graph in graphs.items():
            known = graph.get(package.import_path) if place == load else None
            if known is not None and known.directory != program.directory:
                package = package._replace(import_path=os.path.relpath(program.directory, load))
        for variant in variants_of(self.settings.of(program.name)):
            graphs.setdefault((load, variant), {})[package.import_path] = package
        return Function(program.name, package.import_path, program.directory, load)


def _candidates(
    graphs: Mapping[tuple[str, Variant], Graph], sources: Sequence[str], listed: set[str]
) -> Iterable[_Candidate]:
    """Collect the main packages of all graphs by directory; add what Go listed to `listed`."""
    candidates: dict[str, _Candidate] = {}
    for (load, variant), graph in graphs.items():
        imported = {path for package in graph.values() for path in package.imports}
        for package in graph.values():
            if package.only_dependency:
                continue
            directory = package.directory or _directory_of(package, sources)
            if directory is None:
                continue
            listed.add(directory)
            if not _may_be_main(package, imported):
                continue
            new = _Candidate(directory, package.import_path, load)
            candidates.setdefault(directory, new).loaded[variant] = package
    return candidates.values()


def _directory_of(package: Package, sources: Sequence[str]) -> str | None:
    """Return where a package is that Go gives no directory, for its path is none it accepts."""
    inside = [d for d in sources if package.import_path.endswith(f"/{os.path.basename(d)}")]
    if len(inside) > 1:
        parts = package.import_path.split("/")
        inside.sort(key=lambda d: -_common_end(parts, d.split(os.sep)))
    return inside[0] if inside else None


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _may_be_main(package: Package, imported: set[str]) -> bool:
    if package.name == "main":
        return True
    if not package.errors:
        return False
    # Broken before its name could be read, or of two names: unless something imports it, it has
    # to be taken for a function, or its fault would go unseen.
    unknown = package.name == "" or " main (" in package.errors[0].message
    return unknown and package.import_path not in imported


def _reason_to_skip(
    candidate: _Candidate, variants: Sequence[Variant], *, adapted: bool
) -> str | None:
    loaded = [candidate.loaded[variant] for variant in variants if variant in candidate.loaded]
    if not loaded:
        return "build constraints exclude all its Go files"
    for package in loaded:
        if package.errors:
            return None
        if not package.go_files:
            return "it has only test files"
        if not package.declares_main and not adapted:
            return _NO_MAIN
    return None
