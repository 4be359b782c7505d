"""Find out what there is to build and why: one look at the disk decides and explains."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from lambdabuild.config.settings import Settings
from lambdabuild.core.artifact import Artifact, Input
from lambdabuild.core.build import Function, Plan, Step
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import GoEnvironment
from lambdabuild.core.paths import Paths, name_of, path_of
from lambdabuild.core.result import Activity, Span
from lambdabuild.core.target import Target
from lambdabuild.core.text import counted
from lambdabuild.state import artifacts
from lambdabuild.state.stamps import Baseline, Look, Stamps, look, take
from lambdabuild.state.state import Findings, State
from lambdabuild.survey.assets import contents_of, packed_inputs, reason_to_pack
from lambdabuild.survey.cgo.compiler import compilers_of
from lambdabuild.survey.discovery.entrypoints import search_of
from lambdabuild.survey.discovery.functions import (
    Discovery,
    find_functions,
    refuse_whole_machine,
    shown_roots,
)
from lambdabuild.survey.discovery.modules import may_take_in_more, variants_of
from lambdabuild.survey.golist import Go, Variant, read_ahead, start_go
from lambdabuild.survey.inputs import Inputs, first_change
from lambdabuild.survey.plan import AssetsOf, PackageOf, make_plan, order_of, refuse_collisions
from lambdabuild.survey.session import Session, shown
from lambdabuild.system.links import temporary

Key = tuple[str, Target]


class Survey(NamedTuple):
    """What there is to build, and why."""

    go: Go
    discovery: Discovery
    plan: Plan
    """Every requested step."""
    inputs: Mapping[Key, tuple[Input, ...]]
    reasons: Mapping[Key, str]
    """Why each step is built that is; those that are up to date are not in it."""
    seen: Look
    """How the disk differed from what the last run saw."""
    baseline: Baseline
    """What the disk was: everything that all of this rests on."""
    findings: Findings
    """What of all this holds until something changes."""
    packed: Mapping[Key, tuple[Input, ...]] = MappingProxyType({})
    """What beyond its executable each step's deployment package holds."""
    to_pack: frozenset[Key] = frozenset()
    """Steps to repackage: the executable is up to date, its sidecars are not."""
    everything: Plan | None = None
    """Every step there is, where only some are selected."""
    put_off: frozenset[Key] = frozenset()
    """Steps that are not up to date, and left as they are for now."""
    assets: Stamps | None = None
    """What was seen of the files that are packed; None where there are none."""
    verified: tuple[Artifact, ...] = ()
    """The artifacts that are in place as they were left, with their times as they are now."""

    def note_in(self, state: State) -> None:
        """Record in the state what was found out."""
        renewed = bool(self.go.asked) or self.seen.renewed
        state.note_survey(self.findings, self.assets, renewed=renewed)
        for artifact in self.verified:
            state.put(artifact)

    def made_from(self, key: Key) -> tuple[Input, ...]:
        """Return everything that a step's deployment package is made from."""
        return (*self.inputs.get(key, ()), *self.packed.get(key, ()))

    def directories(self, step: Step) -> set[str]:
        """Return where the packages are that a step is or imports, as far as they were found."""
        graphs = self.discovery.graphs
        load = step.function.load_directory
        return {
            graph[path].directory
            for (directory, variant), graph in graphs.items()
            if directory == load and variant.target == step.target
            for path in order_of(graph, step.function.package)
            if path in graph
        }

    @property
    def to_build(self) -> Plan:
        """The plan without the steps whose executables are up to date."""
        aside = {step.key for step in self.plan.set_aside}
        return self.plan.only(aside | (self.reasons.keys() - self.to_pack))

    @property
    def only_to_pack(self) -> list[Step]:
        """The steps to repackage: their executables stay as they are."""
        return [step for step in self.plan.steps if step.key in self.to_pack & self.reasons.keys()]

    @property
    def up_to_date(self) -> list[Step]:
        """The steps of which nothing changed."""
        return [
            step
            for step in self.plan.steps
            if not step.load_errors
            and step.key not in self.reasons
            and step.key not in self.put_off
        ]


class Overview(NamedTuple):
    """What there is, before anything is compared."""

    go: Go
    discovery: Discovery
    functions: Sequence[Function]
    """The requested functions."""
    seen: Look
    own: set[str]
    findings: Findings
    """What was found out, with what was known before and still holds."""


def overview(
    session: Session,
    names: Sequence[str],
    state: State,
    clock: int,
    *,
    force: bool = False,
    thorough: bool = False,
) -> Overview:
    """Look at the disk, and run Go where that does not suffice.

    `clock` is when this began, by the file system's clock in nanoseconds; with `force`, nothing
    is taken from earlier runs. `thorough` looks also into directories that Go ignores.
    """
    own = own_paths(session.paths, state)
    seen = look(state.findings.stamps, clock, own)
    keep = seen.holds and not force
    findings = state.findings.kept(seen.stamps) if keep else Findings(stamps=seen.stamps)
    go = start_go(session.tools.run, session.tools.environment, findings)
    started = time.time()
    project = session.paths.project
    refuse_whole_machine(session.settings.config.roots or (project,), project)
    roots = search_of(session.settings.config, project, go).roots
    ahead = read_ahead(go, roots, seen.stamps.files, clock, own)
    discovery, functions = find_functions(session, go, names, thorough=thorough)
    if may_take_in_more(discovery.graphs, go.settings):
        from lambdabuild.survey.cgo.foreign import with_foreign_inputs

        discovery = with_foreign_inputs(session, go, discovery, functions, own)
    if go.asked:
        session.tools.timeline.add(Span(Activity.GO_LIST, "", started, time.time()))
        from lambdabuild.survey.world import world_of

        go.forget_unused()
        world = world_of(findings, go.path, session.paths.project)
        read = ahead.get() if ahead is not None else {}
        stamps = take(world, seen.stamps.files | read, clock, own)
        stamps.doubted = _doubtful(stamps, seen.stamps)
        findings.stamps = stamps
    return Overview(go, discovery, functions, seen, own, findings)


def survey(
    session: Session, names: Sequence[str], state: State, clock: int, *, force: bool = False
) -> Survey:
    """Find out what there is as `overview` does, and compare it with the last build."""
    there = overview(session, names, state, clock, force=force)
    contents = contents_of(session.settings, there.functions, state.assets, clock, there.own)
    stamps = there.findings.stamps
    if contents.stamps is not None:
        # Of a directory, the stamp that has more entries counts.
        files = contents.stamps.files | stamps.files
        folders = stamps.directories | contents.stamps.directories
        stamps = Stamps(files, folders, stamps.doubted)
    plan = plan_for(session, there, contents.assets)
    inputs = inputs_of(
        session.paths, there.go.settings, there.discovery.environments, plan, stamps.digest
    )
    packed = {
        step.key: packed_inputs(step, stamps, session.paths.project)
        for step in plan.steps
        if not session.settings.in_place or step.zip
    }
    reasons, to_pack, verified = {}, set(), []
    for step in plan.steps:
        if step.load_errors:
            continue
        known = state.artifacts.get(name_of(step.artifact, session.paths.project))
        if force or known is None or known.key != step.key:
            reasons[step.key] = "--force" if force else "not built before"
            continue
        artifact = artifacts.verified(known, session.paths.project)
        if artifact is None:
            became = "was changed" if os.path.lexists(step.artifact) else "is missing"
            reasons[step.key] = f"{session.paths.relative(step.artifact)} {became}"
            continue
        verified.append(artifact)
        reason: str | None = "what it was built from is not known"
        if artifact.inputs:
            reason = first_change(artifact.inputs, inputs[step.key], session.paths)
        if reason is None:
            reason = reason_to_pack(session, step, artifact, packed.get(step.key, ()))
            if reason is not None:
                to_pack.add(step.key)
        if reason is not None:
            reasons[step.key] = reason
    return Survey(
        there.go, there.discovery, plan, inputs, reasons, there.seen,
        Baseline(stamps, clock, there.own),
        there.findings, packed, frozenset(to_pack), assets=contents.stamps,
        verified=tuple(verified),
    )  # fmt: skip


def own_paths(paths: Paths, state: State) -> set[str]:
    """Return the absolute paths that lambdabuild writes itself."""
    own = set(paths.own)
    for artifact in state.artifacts.values():
        path = path_of(artifact.path, paths.project)
        own |= {path, temporary(path)}
        for sidecar in artifact.sidecars:
            beside = path_of(sidecar.path, paths.project)
            own |= {beside, temporary(beside)}
        home = os.path.dirname(path)
        if home.endswith(artifact.target.label) and os.path.basename(home) == artifact.target.label:
            own.add(home)
    return own


def _doubtful(stamps: Stamps, before: Stamps) -> bool:
    """Return whether anything may have changed while Go ran.

    A stamp that is too young to trust is good only if the look before Go ran saw the same.
    """
    for path, stamp in stamps.files.items():
        known = before.files.get(path)
        if not stamp.trusted and (known is None or known[:4] != stamp[:4]):
            return True
    for path, entries in stamps.directories.items():
        listed = before.directories.get(path)
        if not entries.trusted and (listed is None or listed[:3] != entries[:3]):
            return True
    return False


def inputs_of(
    paths: Paths,
    go_settings: Mapping[str, str],
    environments: Mapping[str, GoEnvironment],
    plan: Plan,
    digest_of: Callable[[str], str | None],
) -> dict[Key, tuple[Input, ...]]:
    """Return everything that the executables of a plan are made from.

    `go_settings` is what Go reads of the environment, `environments` what `go env` says by the
    directory it ran in; `digest_of` gives the digest of a file by its absolute path.
    """
    listers: dict[tuple[str, Variant], Inputs] = {}
    found: dict[Key, tuple[Input, ...]] = {}
    for batch in plan.batches:
        flags = batch.flags
        # Batches of one load have one graph, however else they are linked.
        loaded = (batch.directory, Variant(batch.target, flags.tags, flags.environment, flags.cgo))
        lister = listers.get(loaded)
        if lister is None:
            lister = listers[loaded] = Inputs(
                batch.graph, environments[batch.directory], go_settings,
                project=paths.project, digest_of=digest_of,
            )  # fmt: skip
        for step in batch.steps:
            found[step.key] = lister.of(step)
    return found


def plan_for(session: Session, there: Overview, assets: AssetsOf) -> Plan:
    """Return the plan that builds the functions, up to date or not."""
    discovery, functions = there.discovery, there.functions
    if not functions:
        raise _no_functions(session, discovery)
    refuse_collisions(discovery.functions, session.settings, out=session.paths.out)
    loaded = loaded_packages(session.settings, discovery, functions)
    for function in functions:
        for target in session.settings.of(function.name).targets:
            if (function.name, target) not in loaded:
                session.tools.console.warn(
                    f"`{function.name}` is not built for {target}: "
                    "build constraints exclude all its Go files"
                )
    compilers = compilers_of(loaded, session.settings, session.tools.environment, there.go.settings)
    plan = make_plan(functions, session.settings, loaded, assets, compilers, out=session.paths.out)
    if not plan.set_aside:
        return plan
    from lambdabuild.survey.cgo.withoutc import with_remedies

    return with_remedies(plan, loaded, discovery.goflags)


def loaded_packages(
    settings: Settings, discovery: Discovery, functions: Sequence[Function]
) -> PackageOf:
    """Return the package of each function under each target that has files for it."""
    loaded = {}
    for function in functions:
        for variant in variants_of(settings.of(function.name)):
            package = discovery.package(function, variant)
            if package is not None and (package.go_files or package.errors):
                graph = discovery.graphs[function.load_directory, variant]
                loaded[function.name, variant.target] = (package, graph)
    return loaded


def _no_functions(session: Session, discovery: Discovery) -> LambdabuildError:
    if discovery.search.everywhere and discovery.search.only_lambda:
        if not discovery.others:
            return LambdabuildError(
                "no main package was found here",
                at=[session.paths.project],
                hint="run lambdabuild at the top of the repository that has the functions, or name "
                "their directory with --root",
            )
        return LambdabuildError(
            f"{counted(discovery.others, 'main package')} found, and none imports the Lambda library "
            "(github.com/aws/aws-lambda-go/lambda)",
            at=[item.directory for item in shown(discovery.skipped, session.paths)[:5]],
            hint="`--entrypoints all` takes every main package for a function; `lambdabuild init` "
            "writes that down",
        )
    return LambdabuildError(
        f"no function was found under {shown_roots(session, discovery.search)}",
        at=[
            f"{item.directory}: {item.reason}"
            for item in shown(discovery.skipped, session.paths)[:5]
        ],
        hint="a function is a `package main` with a `func main`; "
        "`lambdabuild list --skipped` tells what was passed over",
    )
