"""Explain what functions lack because cgo is off: a remedy for errors, else a warning."""

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.config.settings import Settings
from lambdabuild.core.build import Batch, Plan, Step
from lambdabuild.core.gopackage import Diagnostic, Package
from lambdabuild.core.target import Target
from lambdabuild.core.text import some
from lambdabuild.golang.c_files import imports_c
from lambdabuild.golang.commands import parse_goflags, target_environment, uses_cgo
from lambdabuild.golang.constraints import left_in, named_for
from lambdabuild.golang.source import head
from lambdabuild.survey.discovery.skipped import cgo_hint
from lambdabuild.survey.golist import CONSTRAINED
from lambdabuild.survey.plan import PackageOf, order_of
from lambdabuild.system import files

_MISSING = re.compile(r"\bundefined\b|\bundefined:")
_LITERAL = re.compile(rb'"(?:\\.|[^"\\\n])*"|`[^`]*`')
_CGO = re.compile(rb"cgo", re.IGNORECASE)
# A body of one statement that only gives up.
_FUNCTION = re.compile(rb"^func\b[^\n]*?\{[ \t]*(?:\n(?P<body>.*?)^\}|(?P<line>[^\n]*)\}[ \t]*$)",
                       re.MULTILINE | re.DOTALL)  # fmt: skip
_GIVES_UP = re.compile(rb"\bpanic\(|\b[\w.]*[eE]rr(?:or)?s?\w*\b|\blog\.Fatal|\bos\.Exit\(")


class LeftOut(NamedTuple):
    """The files of a package that are for C alone, as far as a target has them."""

    with_c: tuple[bytes, ...]
    """Files that cgo would leave in, and that are out without it."""
    instead: tuple[bytes, ...]
    """Files that are in only as long as cgo is off."""


def left_out(package: Package, target: Target, tags: Iterable[str]) -> LeftOut:
    """Read which files of a package come and go with cgo."""
    chosen = frozenset(tags)
    with_c = []
    for name in package.ignored_files:
        source = _read(package, name) if named_for(name, target) else b""
        on = left_in(source, target, chosen, cgo=True)
        if on and (imports_c(source) or not left_in(source, target, chosen, cgo=False)):
            with_c.append(source)
    if not with_c:
        return LeftOut((), ())
    sources = [_read(package, name) for name in package.go_files]
    instead = [s for s in sources if not left_in(s, target, chosen, cgo=True)]
    return LeftOut(tuple(with_c), tuple(instead))


def is_missed(found: LeftOut) -> bool:
    """Return whether a package does without its C what was surely not meant.

    Many packages do with Go what they else do with C, and some of them in a few lines. A stub says
    that cgo is needed, or gives up in every function. Where nothing comes in place of files with
    `import "C"`, whatever they do is not done.
    """
    if not found.instead:
        return any(map(imports_c, found.with_c))
    return any(map(_is_stub, found.instead))


def _is_stub(source: bytes) -> bool:
    # Not in what it imports: that may do with Go what cgo is for.
    if any(_CGO.search(literal) for literal in _LITERAL.findall(source, len(head(source)))):
        return True
    bodies = [match["body"] or match["line"] or b"" for match in _FUNCTION.finditer(source)]
    working = [body for body in bodies if body.strip()]
    return bool(working) and all(
        len(body.strip().splitlines()) == 1 and _GIVES_UP.search(body) for body in working
    )


def _read(package: Package, name: str) -> bytes:
    try:
        return files.whole(os.path.join(package.directory, name))
    except OSError:
        return b""


def with_remedy(
    errors: Sequence[Diagnostic], step: Step, graph: Mapping[str, Package], goflags: str
) -> tuple[Diagnostic, ...]:
    """Add the remedy to those errors of a step that are there because cgo is off."""
    if uses_cgo(step.target, step.flags):
        return tuple(errors)
    tags = _tags(step, goflags)

    def lacks_c(path: str) -> bool:
        package = graph.get(path)
        return package is not None and bool(left_out(package, step.target, tags).with_c)

    def is_of_c(error: Diagnostic) -> bool:
        package = graph.get(error.package or "")
        if package is None or error.hint is not None:
            return False
        if error.message.startswith(CONSTRAINED):
            return lacks_c(package.import_path)
        named = [package.import_path, *package.imports]
        return bool(_MISSING.search(error.message)) and any(map(lacks_c, named))

    hint = cgo_hint(step.function.name)
    return tuple(e._replace(hint=hint) if is_of_c(e) else e for e in errors)


def _tags(step: Step, goflags: str) -> list[str]:
    theirs = parse_goflags(goflags).get("tags", "")
    return [*re.split(r"[,\s]+", theirs), *step.flags.tags]


def with_remedies(plan: Plan, loaded: PackageOf, goflags: Mapping[str, str]) -> Plan:
    """Add their remedies to the errors of what cannot be loaded; `goflags` by where `go` runs."""

    def remedied(step: Step) -> Step:
        if not step.load_errors:
            return step
        flags = goflags.get(step.function.load_directory, "")
        errors = with_remedy(step.load_errors, step, loaded[step.key][1], flags)
        return step._replace(load_errors=errors)

    return Plan(tuple(map(remedied, plan.steps)), plan.batches)


def warnings(
    batches: Iterable[Batch],
    built: Collection[tuple[str, Target]],
    settings: Settings,
    goflags: Mapping[str, str],
) -> list[tuple[str, str]]:
    """Return warnings of packages whose C is missing in what was built, each with the remedy.

    Only of packages outside the standard library, which does without, and not of a function for
    which the settings turn cgo off. `built` are keys of steps, `goflags` are GOFLAGS by
    where `go` runs.
    """
    functions: dict[str, list[str]] = defaultdict(list)
    for batch in batches:
        missed: dict[str, bool] = {}
        for step in batch.steps:
            if step.key not in built or not _is_off_by_default(step, settings):
                continue
            tags = _tags(step, goflags[batch.directory])
            for path in order_of(batch.graph, step.function.package):
                package = batch.graph.get(path)
                if package is None or not package.ignored_files:
                    continue
                if path not in missed:
                    missed[path] = is_missed(left_out(package, step.target, tags))
                if missed[path] and step.function.name not in functions[path]:
                    functions[path].append(step.function.name)
    return [
        (
            f"cgo is off, and `{path}` is built without its C into {some(names, 3)}",
            f"{cgo_hint(names[0])}; `cgo = false` there says that it is not needed",
        )
        for path, names in functions.items()
        if names
    ]


def _is_off_by_default(step: Step, settings: Settings) -> bool:
    if "cgo" in settings.chosen_for(step.function.name):
        return False
    fixed = target_environment(step.target, step.flags)
    return fixed["CGO_ENABLED"] == "0" and "CGO_ENABLED" not in dict(step.flags.environment)
