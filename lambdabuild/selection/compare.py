"""Compare what functions are built from with what they were built from at another commit."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lambdabuild.config.file import parse_config
from lambdabuild.config.options import FILE_NAME
from lambdabuild.config.settings import Settings
from lambdabuild.core.artifact import Input
from lambdabuild.core.build import Function, Step
from lambdabuild.core.naming import excluded_by, function_name, root_of
from lambdabuild.core.record import replaced
from lambdabuild.golang import modfiles, source
from lambdabuild.golang.commands import Overlay
from lambdabuild.golang.tree import upwards, walk
from lambdabuild.state.state import Findings
from lambdabuild.survey.cgo.compiler import compilers_of
from lambdabuild.survey.discovery.functions import Discovery
from lambdabuild.survey.discovery.modules import find_places, list_all, variants_of
from lambdabuild.survey.golist import Go, Variant
from lambdabuild.survey.inputs import first_change
from lambdabuild.survey.plan import make_plan
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Key, Survey, inputs_of, loaded_packages
from lambdabuild.system import files
from lambdabuild.system.files import digest_of
from lambdabuild.system.git import Change, Repository

_OF_ADAPTERS = ("adapter", "handler_name")
ANOTHER = "another"
"""Stands for a text that is known to have been another."""
VENDORED = f"{os.sep}vendor{os.sep}modules.txt"
_SUMS = (f"{os.sep}go.sum", f"{os.sep}go.work.sum")


class Comparison(NamedTuple):
    """What is compared, and with what."""

    session: Session
    found: Survey
    repository: Repository
    changes: Mapping[str, Change]
    """By path, absolute, as the project has it; links to what changed are changes, too."""
    copies: Mapping[str, str]
    """Where the files are as they were, by path; absolute."""

    def text_before(self, path: str) -> str | None:
        """Return the text of a file as it was; None where there was none."""
        change = self.changes.get(path)
        if change is None:
            return text_of(path)
        return text_of(self.copies[path]) if path in self.copies else None

    def digest_before(self, path: str) -> str | None:
        """Return the digest of a file as it was; None where there was none."""
        change = self.changes.get(path)
        if change is None:
            return self.found.baseline.stamps.digest(path) or _digest(path)
        if not change.before:
            return None
        return _digest(self.copies[path]) if path in self.copies else ANOTHER


def compare_packages(
    comparison: Comparison, directory: str, texts: Mapping[Key, str]
) -> dict[Key, str]:
    """Ask Go what there was, and compare all that steps were built from.

    `directory` is an empty one to work in; `texts` has reasons that Go does not show.
    """
    session, found = comparison.session, comparison.found
    before = session.under(_settings_before(comparison))
    variants = list(dict.fromkeys(v for s in before.settings.variants() for v in variants_of(s)))
    roots = found.discovery.search.roots
    other_sums, instead = _merge_sums(comparison, directory)
    discovery = _overlaid(comparison, directory, variants, roots, instead)
    graphs = {key: modfiles.with_sums(g, other_sums) for key, g in discovery.graphs.items()}
    discovery = discovery._replace(graphs=graphs)
    steps, inputs = _steps_before(before, found, discovery, comparison)

    def why(step: Step) -> str | None:
        if reason := _renamed(comparison, before.settings, step.function):
            return reason
        if step.key in texts:
            is_new = _is_new(comparison, step.function.directory)
            return "it is new" if is_new else texts[step.key]
        if step.key not in steps:
            there = any(name == step.function.name for name, _ in steps)
            return f"it was not built for {step.target}" if there else "it is new"
        if steps[step.key].load_errors:
            return "it could not be loaded"
        chosen = [
            settings.of(step.function.name) for settings in (before.settings, session.settings)
        ]
        for field in ("runtime", "layer_libraries", "zip", "sbom", "assets", *_OF_ADAPTERS):
            if getattr(chosen[0], field) != getattr(chosen[1], field):
                return f"{field} changed in {FILE_NAME}"
        return first_change(inputs.get(step.key, ()), found.inputs.get(step.key, ()), session.paths)

    reasons = {step.key: why(step) for step in found.plan.steps}
    return {key: reason for key, reason in reasons.items() if reason is not None}


def _merge_sums(comparison: Comparison, directory: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the sums that modules had and have no more, and files for Go by what they stand for.

    Go takes no other sum than that of what is in its cache.
    """
    before: dict[str, str] = {}
    files: dict[str, str] = {}
    for path, change in comparison.changes.items():
        if change.now and path in comparison.copies and path.endswith(_SUMS):
            old, now = comparison.text_before(path) or "", text_of(path) or ""
            before |= modfiles.replaced(old, now)
            files[path] = os.path.join(directory, f"{len(files)}.sum")
            Path(files[path]).write_text(modfiles.merged(old, now), "utf-8")
    return before, files


def _overlaid(
    comparison: Comparison,
    directory: str,
    variants: Sequence[Variant],
    roots: Sequence[str],
    instead: Mapping[str, str],
) -> Discovery:
    """Ask Go, with an overlay of the files as they were."""
    session, found = comparison.session, comparison.found
    go = Go(
        session.tools.run, found.go.path, found.go.settings,
        Findings(environments=dict(found.go.findings.environments)),
        overlay=_overlay(comparison, directory, instead),
    )  # fmt: skip
    walked = found.go.findings.trees
    trees = {root: walked.get(root) or walk(root) for root in dict.fromkeys(roots)}
    places, environments = find_places(session.tools.run, go, trees, session.tools.environment)
    listing = list_all(session.tools.run, go, places, variants)
    return Discovery((), listing.graphs, environments, ())


def _steps_before(
    before: Session, found: Survey, discovery: Discovery, comparison: Comparison
) -> tuple[dict[Key, Step], dict[Key, tuple[Input, ...]]]:
    """Return the steps there were, of the functions that there are, and their inputs."""
    loads = {directory for directory, _ in discovery.graphs}
    functions = [
        function
        for function in dict.fromkeys(step.function for step in found.plan.steps)
        if function.load_directory in loads
    ]
    loaded = {
        key: (package, graph)
        for key, (package, graph) in loaded_packages(before.settings, discovery, functions).items()
        if package.name == "main" and not package.only_dependency
    }
    compilers = compilers_of(loaded, before.settings, before.tools.environment, found.go.settings)
    plan = make_plan(functions, before.settings, loaded, {}, compilers, out=before.paths.out)
    inputs = inputs_of(
        before.paths, found.go.settings, discovery.environments, plan, comparison.digest_before
    )
    return {step.key: step for step in plan.steps}, inputs


def _is_new(comparison: Comparison, directory: str) -> bool:
    paths = [os.path.join(directory, n) for n in os.listdir(directory) if source.is_source(n)]
    changes = [comparison.changes.get(path) for path in paths]
    return all(change is not None and not change.before for change in changes)


def _settings_before(comparison: Comparison) -> Settings:
    """Return the settings that held, with today's command line."""
    session = comparison.session
    settings = session.settings
    path = os.path.join(session.paths.project, FILE_NAME)
    if settings.config.source is not None:
        path = os.path.normpath(os.path.join(session.paths.working, settings.config.source))
    if path not in comparison.changes:
        return settings
    text = comparison.text_before(path)
    given = {name: getattr(settings.config, name) for name in settings.given}
    config = parse_config(text or "", session.paths.relative(path))._replace(**given)
    return replaced(settings, config=config)


def _renamed(comparison: Comparison, before: Settings, function: Function) -> str | None:
    """Return a reason if the configuration named a function otherwise, or left it out.

    Which roots it had does not matter: a first configuration changes no function.
    """
    project = comparison.session.paths.project
    names = [
        next(
            (
                name
                for name, table in settings.config.functions.items()
                if os.path.normpath(os.path.join(project, table.get("directory", "")))
                == function.directory
            ),
            None,
        )
        for settings in (before, comparison.session.settings)
    ]
    search = comparison.found.discovery.search
    root = root_of(function.directory, search.roots)
    name = names[0] or function_name(function.directory, root, {})
    if names[0] != names[1] and name != function.name:
        return f"it was named `{name}`" if names[0] or not search.everywhere else "it had no name"
    pattern = excluded_by(name, os.path.relpath(function.directory, project), before.exclude)
    return f"the glob `{pattern}` excluded it" if pattern else None


def _overlay(comparison: Comparison, directory: str, instead: Mapping[str, str]) -> Overlay:
    """Write what makes Go see the files as they were."""
    replaced = {
        path: instead.get(path) or comparison.copies.get(path, "")
        for path, change in comparison.changes.items()
        if change.known and (path in comparison.copies or not change.before)
    }
    parents = {parent for path in replaced for parent in upwards(os.path.dirname(path))}
    for path in [path for path, copy in replaced.items() if not copy]:
        # A file is where a directory was, or the other way round: Go refuses both in one overlay.
        if path in parents or any(
            replaced.get(parent) for parent in upwards(os.path.dirname(path))
        ):
            del replaced[path]
    made = comparison.found.go.findings.made or {}
    if made:
        from lambdabuild.survey.eawsy.overlay import put_files

        # A repository without a go.mod had none then.
        absent = {path: text for of in made.values() for path, text in of.items()}
        replaced = put_files(absent, os.path.join(directory, "made")) | replaced
    place = os.path.join(directory, "overlay.json")
    Path(place).write_text(json.dumps({"Replace": replaced}), "utf-8")
    return Overlay(place, whole=bool(made))


def _digest(path: str) -> str | None:
    try:
        return digest_of(path)
    except OSError:
        return None


def text_of(path: str) -> str | None:
    """Return the text of a file; None where there is none."""
    try:
        return files.text(path)
    except OSError:
        return None
