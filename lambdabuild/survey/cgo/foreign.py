"""Find inputs that `go list` does not name: only C, assembly and linkers read them."""

import contextlib
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from lambdabuild.config.settings import Settings
from lambdabuild.core.build import Function
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Foreign, Package
from lambdabuild.core.target import Flags
from lambdabuild.golang import c_files
from lambdabuild.golang.commands import (
    build_flags,
    parse_goflags,
    split_quoted,
    target_environment,
    uses_cgo,
)
from lambdabuild.golang.tree import enclosing
from lambdabuild.survey.cgo.compiler import Compilers
from lambdabuild.survey.cgo.headers import Reading, Repository, Way, pkg_config
from lambdabuild.survey.discovery.functions import Discovery
from lambdabuild.survey.discovery.modules import ASSEMBLY, Graph, variants_of
from lambdabuild.survey.golist import Go, Variant
from lambdabuild.survey.inputs import is_for_c
from lambdabuild.survey.plan import order_of
from lambdabuild.survey.session import Session
from lambdabuild.system.files import content_digest
from lambdabuild.system.process import Run, in_parallel

T = TypeVar("T")
_AT_ONCE = 4
_MOST = 200
"""How many answers are kept at least; beyond, those of other flags and compilers go."""
_ENVIRONMENT_FLAGS = ("CPPFLAGS", "CFLAGS", "CXXFLAGS", "LDFLAGS")


def with_foreign_inputs(
    session: Session,
    go: Go,
    discovery: Discovery,
    functions: Sequence[Function],
    own: Collection[str],
) -> Discovery:
    """Return what was discovered, with all that the packages of `functions` take in.

    Earlier answers come from the findings. `own` are the absolute paths that
    lambdabuild writes.
    """
    run = session.tools.run
    asker = _Asker(go, discovery, session.settings, session.tools.environment)
    listed = (item for function in functions for item in asker.questions(function))
    questions = list({(item.place, item.key): item for item in listed}.values())
    if not questions:
        return discovery
    known = go.findings.foreign
    missing = {item.key: item for item in questions if item.key not in known}
    if missing:
        go.asked = True
        repository = _repository(discovery, session.paths.project, own)
        work = list(missing.values())
        found = in_parallel(run, lambda item: item.answer(run, repository), work, _AT_ONCE)
        if len(known) + len(work) > _MOST:
            used = {item.key for item in questions}
            go.findings.foreign = known = {k: v for k, v in known.items() if k in used}
        known |= {item.key: foreign for item, foreign in zip(work, found, strict=True)}
    graphs = {place: dict(graph) for place, graph in discovery.graphs.items()}
    for item in questions:
        graph = graphs[item.place]
        package = graph[item.package.import_path]
        foreign = _joined(package.foreign, known[item.key])
        graph[item.package.import_path] = package._replace(foreign=foreign)
    return discovery._replace(graphs=graphs)


def _joined(one: Foreign, other: Foreign) -> Foreign:
    if other == one or not any(one):
        return other
    return Foreign(
        _united(one.files, other.files),
        _united(one.libraries, other.libraries),
        _united(one.searched, other.searched),
        _united(one.absent, other.absent),
        one.doubtful or other.doubtful,
    )


def _united(one: tuple[T, ...], other: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys([*one, *other]))


def _repository(discovery: Discovery, project: str, own: Collection[str]) -> Repository:
    local = [p for graph in discovery.graphs.values() for p in graph.values() if p.local]
    modules = {p.module.directory for p in local if p.module is not None and p.module.directory}
    tops = {project, *modules, *discovery.environments}
    above = [enclosing(top, ".git", os.path.lexists) for top in tops]
    tops |= {top for top in above if top is not None and top != os.sep}
    left_out = {path for e in discovery.environments.values()
                for path in (e.module_cache, e.root, e.cache) if path}  # fmt: skip
    return Repository(tuple(sorted(tops)), (*sorted(left_out), *sorted(own)))


class Question(NamedTuple):
    """What is to be found out of one package, or of one link."""

    key: str
    place: tuple[str, Variant]
    """The graph that it is in."""
    package: Package
    way: Way
    directories: tuple[str, ...]
    """Where the other packages of the link have libraries looked for."""
    links: bool
    """It is the main package of a link, all of whose flags count."""

    def answer(self, run: Run, repository: Repository) -> Foreign:
        package, way = self.package, self.way
        compiler = way.compiler
        if compiler is not None and compiler.path is not None:
            zig = os.path.realpath(compiler.path.partition(os.pathsep)[0])
            repository = repository._replace(left_out=(*repository.left_out, zig))
        found = Foreign()
        flags: list[str] = []
        if package.cgo and way.cgo:
            pkg_flags = pkg_config(run, package, way)
            found = Reading(run, repository, package, way, pkg_flags).of_c()
            flags = [*way.flags("CGO_LDFLAGS"), *package.c_flags.linker, *pkg_flags]
        elif package.local:
            found = Reading(run, repository, package, way, ()).of_assembly()
        if self.links:
            flags += [*way.flags("CGO_LDFLAGS"), *way.linker]
        if flags:
            libraries, absent = self._libraries(repository, flags)
            found = found._replace(libraries=libraries, absent=absent)
        return found

    def _libraries(
        self, repository: Repository, flags: Sequence[str]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        named_by = c_files.libraries(flags)
        bases = dict.fromkeys((self.package.directory, self.way.load))
        places = [
            os.path.join(b, d) for d in (*named_by.directories, *self.directories) for b in bases
        ]
        named = [
            (os.path.join(d, name), True)
            for names in named_by.names
            for d in places
            for name in names
        ]
        named += [
            (os.path.join(b, p), c_files.is_linkable(p)) for p in named_by.paths for b in bases
        ]
        there: dict[str, None] = {}
        absent: dict[str, None] = {}
        for candidate, linkable in named:
            path = os.path.normpath(candidate)
            if repository.holds(path):
                if os.path.isfile(path):
                    there[path] = None
                elif linkable:
                    absent[path] = None
        return tuple(there), tuple(absent)


class _Asker:
    """List the questions to ask; what functions have in common is looked up once."""

    def __init__(
        self, go: Go, discovery: Discovery, settings: Settings, environment: Mapping[str, str]
    ) -> None:
        self._go = go
        self._discovery = discovery
        self._settings = settings
        self._compilers = Compilers(environment, go.settings)
        self._candidates: dict[tuple[str, Variant], frozenset[str]] = {}

    def questions(self, function: Function) -> Iterable[Question]:
        chosen = self._settings.of(function.name)
        for variant in variants_of(chosen):
            place = (function.load_directory, variant)
            graph = self._discovery.graphs.get(place)
            if graph is None or function.load_directory not in self._discovery.environments:
                # Nothing could be loaded there.
                continue
            cgo = uses_cgo(variant.target, chosen.flags)
            flags = chosen.flags
            decided = dict(self._go.settings) | dict(flags.environment)
            reaching = any(decided.get(f"CGO_{name}") for name in _ENVIRONMENT_FLAGS)
            links = cgo and (bool(decided.get("CGO_LDFLAGS")) or "-extld" in flags.ldflags)
            candidates = self._candidates_in(place, graph)
            if not (candidates or (cgo and (reaching or links))):
                continue
            members = [graph[p] for p in order_of(graph, function.package) if p in graph]
            asked = [
                member for member in members
                if member.import_path in candidates
                or (cgo and member.cgo and reaching)
                or (links and member.import_path == function.package)
            ]  # fmt: skip
            if not asked:
                continue
            compiler = None
            if cgo and any(member.cgo for member in asked):
                # The build reports it; until then, all that might be read counts.
                with contextlib.suppress(LambdabuildError):
                    compiler = self._compilers.of(variant.target, chosen.runtime, flags)
            way = self._way(function, variant, flags._replace(compiler=compiler), cgo=cgo)
            directories = [
                d for m in members for d in c_files.libraries(m.c_flags.linker).directories
            ]
            for member in asked:
                link = links and member.import_path == function.package
                key = [
                    member.import_path, member.directory, list(way), link, directories,
                ]  # fmt: skip
                yield Question(
                    content_digest(json.dumps(key).encode("utf-8", "surrogatepass")), place,
                    member, way, tuple(directories), link,
                )  # fmt: skip

    def _candidates_in(self, place: tuple[str, Variant], graph: Graph) -> frozenset[str]:
        """Return the packages with C or assembly that is no fixed version's."""
        known = self._candidates.get(place)
        if known is None:
            known = frozenset(
                path
                for path, package in graph.items()
                if package.local
                and (package.cgo or any(name.endswith(ASSEMBLY) for name in package.other_files))
            )
            self._candidates[place] = known
        return known

    def _way(self, function: Function, variant: Variant, flags: Flags, *, cgo: bool) -> Way:
        goflags = self._discovery.environments[function.load_directory].flags
        fixed = target_environment(variant.target, flags)
        decided = {name: value for name, value in self._go.settings.items() if is_for_c(name)}
        decided |= {n: v for n, v in fixed.items() if v is not None and is_for_c(n)}
        return Way(
            load=function.load_directory,
            target=variant.target.goarch,
            cgo=cgo,
            settings=tuple(sorted((n, v) for n, v in decided.items() if fixed.get(n, v))),
            environment=tuple(sorted(fixed.items())),
            linker=tuple(_external(build_flags(flags, goflags))),
            assembler=tuple(split_quoted(parse_goflags(goflags).get("asmflags", ""))),
            compiler=flags.compiler,
        )


def _external(arguments: Iterable[str]) -> list[str]:
    """Return what `-ldflags` passes on to the C linker."""
    found: list[str] = []
    for argument in arguments:
        name, _, value = argument.partition("=")
        words = iter(split_quoted(value) if name == "-ldflags" else ())
        for word in words:
            option, equals, given = word.lstrip("-").partition("=")
            if option == "extldflags":
                found += split_quoted(given if equals else next(words, ""))
    return found
