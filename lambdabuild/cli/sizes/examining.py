"""Link functions once more to tell what is in them, and what keeps all their methods."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from lambdabuild.build.gobuild.compile import stage
from lambdabuild.build.schedule import Builder
from lambdabuild.cli.options import Options
from lambdabuild.config.options import Request
from lambdabuild.core.artifact import Artifact, Kind
from lambdabuild.core.build import Batch, Step
from lambdabuild.core.gopackage import Package
from lambdabuild.core.paths import name_of
from lambdabuild.core.result import Linked
from lambdabuild.core.text import counted
from lambdabuild.output.causes import in_order
from lambdabuild.output.report import Fault
from lambdabuild.output.sizes import Examined, Keeper, size_lines, size_value
from lambdabuild.output.streams import print_json, print_line
from lambdabuild.pipeline import Run, locked
from lambdabuild.selection.explain import asked, colored
from lambdabuild.sizes.composition import Composition, composition
from lambdabuild.sizes.dependencies import Cause, Reached, read_dependencies
from lambdabuild.sizes.executable import DAMAGE, Executable, opened
from lambdabuild.sizes.imports import import_chain, shortest_imports
from lambdabuild.sizes.methods import keeps_all
from lambdabuild.sizes.symbols import package_of
from lambdabuild.survey.session import Session, shown
from lambdabuild.survey.survey import Survey
from lambdabuild.system.files import whole

_NO_SYMBOLS = "data of packages, as the C linker left no symbols: above, they have code alone"
_NO_ELF = "sizes, as it is no 64-bit ELF file"
_DAMAGED = "sizes, as its ELF file is not as Go writes it"
_NO_DEPENDENCIES = "what calls methods by name, as the linker says nothing to `-dumpdep`"
_NO_CAUSE = "what calls methods by name, as `-dumpdep` names none"


class Found(NamedTuple):
    """What was examined, and whether all was."""

    examined: list[Examined]
    ok: bool


def show(
    session: Session, options: Options, names: Sequence[str], *, everything: bool, json: bool
) -> bool:
    """Print what executables are made of; return whether all that was asked for could be linked."""
    found = examine(session, options.request(names))
    if json:
        print_json(size_value(found.examined, session.paths.relative))
    else:
        color = colored(options.general.color, session.tools.environment)
        for line in size_lines(found.examined, everything=everything):
            print_line(line.text, line.subject, line.style if color else "")
    return found.ok


def examine(session: Session, request: Request) -> Found:
    """Link what is requested once more, with symbols, and tell what it is made of.

    The published artifacts stay as they are. What does not build is reported.
    """
    console = session.tools.console
    # What is built is not what is asked for.
    console.calm = True
    with locked(session, request) as run:
        found = run.survey()
        console.skipped(shown(found.discovery.skipped, session.paths))
        steps = [step for step in found.plan.steps if not step.load_errors]
        if steps:
            console.say(f"linking {counted(len(steps), 'function')} once more, with symbols")
        elif request.narrowing.by_change and not found.plan.steps:
            console.say("no function is affected")
        builder = Builder(run.session, request, run.home, run.state, found, examines=True)
        examined: dict[tuple[str, object], Examined] = {}
        with run.home.staging() as staging:
            linked = builder.staged(staging)
            batches = {step.key: batch for batch in found.plan.batches for step in batch.steps}
            for item in linked:
                if item.executable is not None:
                    batch = batches[item.step.key]
                    examined[item.step.key] = _examined(run, found, batch, item, staging)
        if run.state.changed:
            run.home.save(run.state)
    failed = [(step, step.load_errors) for step in found.plan.set_aside]
    failed += [(item.step, item.errors) for item in linked if item.executable is None]
    for step, errors in failed:
        console.fault(
            Fault(step.function.package, (step.function.name,), errors), session.paths.relative
        )
    names = asked(session, found, request.names)
    ordered = [examined[step.key] for step in in_order(steps, names) if step.key in examined]
    return Found(ordered, not failed)


def _examined(run: Run, found: Survey, batch: Batch, linked: Linked, staging: str) -> Examined:
    step, path = linked.step, str(linked.executable)
    artifact = _in_place(run, found, step)
    with opened(path) as executable:
        parts, missing = _parts(executable, step, batch.graph)
        kept = keeps_all(executable)
        loaded = parts.size if parts is not None else os.path.getsize(path)
    reached = _reached(stage(staging, batch.number, batch).dependencies(step.function.package))
    keepers = tuple(_keeper(cause, step, batch.graph) for cause in reached.causes)
    later = (_keeper(cause, step, batch.graph) for cause in reached.followers)
    # Methods of reflect call each other, so all of it is there once methods are kept.
    followers = tuple(
        keeper
        for keeper in later
        if keeper.by_name or package_of(keeper.cause.function) != "reflect"
    )
    if not reached.symbols:
        missing = (*missing, _NO_DEPENDENCIES)
    elif kept and not keepers:
        missing = (*missing, _NO_CAUSE)
    packed = artifact.sidecar(Kind.ZIP) if artifact is not None else None
    return Examined(
        step=step,
        size=artifact.identity.size if artifact is not None else loaded,
        is_built=artifact is not None,
        zip_size=packed.identity.size if packed is not None else None,
        parts=parts,
        keeps_all=bool(keepers) if keepers or (kept is None and reached.symbols) else kept,
        keepers=keepers,
        followers=followers,
        missing=missing,
    )


def _in_place(run: Run, found: Survey, step: Step) -> Artifact | None:
    """Return the artifact that is what would be built now."""
    if step.key in found.reasons and step.key not in found.to_pack:
        return None
    return run.state.artifacts.get(name_of(step.artifact, run.session.paths.project))


def _parts(
    executable: Executable | None, step: Step, graph: Mapping[str, Package]
) -> tuple[Composition | None, tuple[str, ...]]:
    """Return what an executable is made of, and what of that is not known."""
    if executable is None:
        return None, (_NO_ELF,)
    try:
        parts = composition(executable, step.function.package, graph)
    except DAMAGE:
        return None, (_DAMAGED,)
    return parts, (() if parts.has_data else (_NO_SYMBOLS,))


def _reached(path: str) -> Reached:
    try:
        with open(path, encoding="utf-8", errors="replace") as lines:
            return read_dependencies(lines)
    except OSError:
        return Reached()


def _keeper(cause: Cause, step: Step, graph: Mapping[str, Package]) -> Keeper:
    main = step.function.package
    caller = _caller(cause.method, graph) if cause.method is not None else None
    if caller is not None:
        imports = shortest_imports(main, caller, graph)
    else:
        imports = import_chain(main, cause.chain, graph)
    foreign = (path for path in imports if path not in graph or not graph[path].local)
    return Keeper(cause, imports, next(foreign, None), caller)


def _caller(method: str, graph: Mapping[str, Package]) -> str | None:
    """Return the package that calls a method by its name as a constant, as its sources say.

    The linker then keeps every method of that name, of which `-dumpdep` does not tell the reason.
    """
    call = b'MethodByName("%s")' % method.encode()
    for path, package in graph.items():
        for name in package.go_files:
            with suppress(OSError):
                if call in whole(os.path.join(package.directory, name)):
                    return path
    return None
