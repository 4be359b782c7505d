"""Judge the programs that Go's patterns leave out: which are skipped, and which have failed.

A program that the walk finds and Go did not list is listed by name, and Go's answer counts. Skipped
is only what a build constraint, `ignore` in go.mod, go.work or the settings leave out.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lambdabuild.config.settings import Settings
from lambdabuild.core.build import Skipped
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic, Package
from lambdabuild.core.target import TARGETS, Target
from lambdabuild.golang.source import ignores, needs_cgo, parse_directives
from lambdabuild.golang.tree import IRREGULAR, enclosing, sources_with_main
from lambdabuild.survey.discovery.modules import import_path_of, pattern_of, program_of, variants_of
from lambdabuild.survey.golist import Go, Variant
from lambdabuild.system import files


class LeftOut(NamedTuple):
    """A directory with a program that Go did not list."""

    directory: str
    name: str
    """What the function is called, or would be."""
    load: str | None
    """Where Go runs for it; None where it is in no module."""


class Verdicts(NamedTuple):
    """What became of the programs that Go did not list."""

    project: str
    skipped: list[Skipped]
    failed: list[tuple[LeftOut, Package]]
    """With a package that says what is wrong."""

    def skip(
        self, program: LeftOut, reason: str, package: str | None = None, hint: str | None = None
    ) -> None:
        here = os.path.relpath(program.directory, self.project)
        self.skipped.append(Skipped(here, reason, package, hint))

    def fail(self, program: LeftOut, *errors: Diagnostic) -> None:
        load = program.load or self.project
        self.failed.append((program, program_of(program.directory, load, errors)))


def cgo_hint(name: str) -> str:
    """Return the remedy for a function that C is needed for."""
    return f'`cgo = true` under [functions."{name}"] in lambdabuild.toml turns cgo on'


def constraint_hint(name: str, target: Target) -> str:
    architecture = target.architecture or target.goarch
    return (
        f'it builds for {target}: set `architecture = "{architecture}"` under '
        f'[functions."{name}"] in lambdabuild.toml, or exclude it'
    )


def judge(programs: Iterable[LeftOut], settings: Settings, go: Go, *, project: str) -> Verdicts:
    """List programs by name, and judge each by what Go reports.

    One that another of Lambda's architectures would build was surely meant to be built: it gets a
    hint, and so a warning.
    """
    verdicts = Verdicts(project, [], [])
    listed: list[LeftOut] = []
    for program in programs:
        if program.load is None:
            message = "it is in no module: there is no go.mod in its directory or above"
            hint = "`go mod init` makes one; or exclude the function"
            verdicts.fail(program, Diagnostic(None, message, hint=hint))
        elif _is_ignored(program.directory):
            verdicts.skip(program, "`ignore` in go.mod leaves it out")
        else:
            listed.append(program)
    left = []
    for program, packages in _list(listed, settings, go).items():
        errors = [error for package in packages for error in package.errors]
        if not packages:
            hint = "give its directory a name that may be part of an import path, or exclude it"
            verdicts.fail(program, Diagnostic(None, "Go does not tell of it", hint=hint))
        elif errors:
            verdicts.fail(program, *errors)
        elif any(package.declares_main for package in packages):
            verdicts.fail(program, _by_name_alone(program))
        elif any(package.go_files for package in packages):
            verdicts.skip(program, "it has no `func main`", packages[0].import_path)
        else:
            left.append(program)
    constrained(verdicts, left, settings, go)
    return verdicts


def constrained(
    verdicts: Verdicts,
    programs: Sequence[LeftOut],
    settings: Settings,
    go: Go,
    what: str = "exclude all its Go files",
) -> None:
    """Add to the verdicts those of programs of which constraints leave out the `func main`."""
    with_c = [p for p in programs if _needs_cgo(p, settings)]
    for program, packages in _list(with_c, settings, go, cgo=True).items():
        if any(map(_makes_program, packages)):
            message = 'it has `import "C"`, or a constraint that asks for cgo, and cgo is off'
            verdicts.fail(program, Diagnostic(None, message, hint=cgo_hint(program.name)))
    failed = {program for program, _ in verdicts.failed}
    rest = [program for program in programs if program not in failed]
    found: dict[LeftOut, tuple[str | None, Target | None]] = {}
    for target in TARGETS.values():
        others = [p for p in rest if target not in settings.of(p.name).targets]
        for program, packages in _list(others, settings, go, target=target).items():
            for package in packages:
                other = target if _makes_program(package) else None
                known = found.get(program, (None, None))
                found[program] = (package.import_path, known[1] or other)
    for program in rest:
        package_path, other = found.get(program, (None, None))
        targets = ", ".join(map(str, settings.of(program.name).targets))
        reason = f"build constraints {what} for {targets}"
        hint = constraint_hint(program.name, other) if other else None
        verdicts.skip(program, reason, package_path, hint)


def _makes_program(package: Package) -> bool:
    """Return whether a file that constraints leave in declares a `main`, or a handler in its place."""
    return package.declares_main or not set(package.go_files).isdisjoint(
        sources_with_main(package.directory)
    )


def _by_name_alone(program: LeftOut) -> Diagnostic:
    message = "Go builds it by name, and its pattern `./...` leaves it out"
    hint = "move it where `go list ./...` names it, or exclude the function"
    if "vendor" in program.directory.split(os.sep):
        message = "it is below a directory called `vendor`, which Go keeps for dependencies"
        hint = "give that directory another name, or exclude the function"
    return Diagnostic(None, message, hint=hint)


def _list(
    programs: Sequence[LeftOut],
    settings: Settings,
    go: Go,
    *,
    cgo: bool = False,
    target: Target | None = None,
) -> Mapping[LeftOut, list[Package]]:
    """Return what Go says of each program: under its own settings, or with some of them others."""
    groups: dict[tuple[str, Variant], list[LeftOut]] = defaultdict(list)
    for program in programs:
        variants = variants_of(settings.of(program.name))
        if cgo:
            variants = [variant._replace(cgo=True) for variant in variants]
        if target is not None:
            variants = [variants[0]._replace(target=target)]
        for variant in variants:
            groups[str(program.load), variant].append(program)
    answers: dict[LeftOut, list[Package]] = {program: [] for program in programs}
    for (load, variant), inside in groups.items():
        patterns = {pattern_of(p.directory, load).removesuffix("/..."): p for p in inside}
        places = {p.directory: p for p in inside}
        paths = {import_path_of(p.directory, load): p for p in inside}
        for package in _packages(go, load, patterns, variant):
            answered = (
                places.get(package.directory)
                or patterns.get(package.import_path)
                or paths.get(package.import_path)
            )
            if answered is not None:
                answers[answered].append(package)
    return answers


def _packages(
    go: Go, load: str, patterns: Mapping[str, LeftOut], variant: Variant
) -> Iterator[Package]:
    try:
        yield from go.packages(load, sorted(patterns), variant, dependencies=False)
    except LambdabuildError as error:
        go.findings.incomplete = True
        problem = Diagnostic(None, error.message, error.file, error.line, error.column, error.hint)
        for program in patterns.values():
            yield program_of(program.directory, load, [problem])


def _needs_cgo(program: LeftOut, settings: Settings) -> bool:
    if settings.of(program.name).flags.cgo:
        return False
    return any(
        needs_cgo(source)
        for name in sources_with_main(program.directory)
        if (source := _content(os.path.join(program.directory, name))) is not None
    )


def _is_ignored(directory: str) -> bool:
    module = enclosing(directory, "go.mod")
    if module is None:
        return False
    text = _content(os.path.join(module, "go.mod"))
    patterns = parse_directives((text or b"").decode("utf-8", "replace")).ignore
    return ignores(patterns, os.path.relpath(directory, module))


def _content(path: str) -> bytes | None:
    try:
        return files.whole(path)
    except OSError:
        return None


def unreadable(
    directories: Mapping[str, str], name_of: Callable[[str], str]
) -> Iterator[tuple[LeftOut, Package]]:
    """Yield the directories that cannot be read as functions that have failed."""
    for directory, why in directories.items():
        module = enclosing(directory, "go.mod") or directory
        hint = "let the user that runs lambdabuild read it, or exclude it"
        if why.endswith(IRREGULAR):
            hint = "put a file in its place, or exclude the function"
        message = f"what is in it is not known: {why}"
        problem = Diagnostic(None, message, file=directory, hint=hint)
        program = LeftOut(directory, name_of(directory), module)
        yield program, program_of(directory, module, [problem])


def not_in_workspace(directory: str, why: Diagnostic, project: str) -> Skipped | None:
    """Return a module that go.work leaves out as skipped; None where Go does not list it for another reason."""
    if "go.work" not in why.message:
        return None
    here = os.path.relpath(directory, project)
    hint = f"`go work use {here}` adds it; GOWORK=off builds every module by itself"
    return Skipped(here, "its module is not in go.work", hint=hint)
