"""Select the functions affected since a commit: those whose inputs differ from the merge base."""

import os
from collections.abc import Collection

from lambdabuild.config.globs import covers
from lambdabuild.config.options import FILE_NAME
from lambdabuild.core.artifact import Asset, packed_text
from lambdabuild.core.build import Step
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.naming import is_below
from lambdabuild.core.paths import name_of
from lambdabuild.golang import source
from lambdabuild.golang.tree import upwards
from lambdabuild.selection.base_files import Earlier, copy_base
from lambdabuild.selection.compare import ANOTHER, VENDORED, Comparison, compare_packages
from lambdabuild.selection.compare_texts import Texts
from lambdabuild.selection.symlinks import Aliases
from lambdabuild.state.stamps import SOURCE, WHOLE, Level
from lambdabuild.survey.inputs import first_change, path_of_input
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Key, Survey
from lambdabuild.system import files, git
from lambdabuild.system.git import Change, Repository

_DECIDING = frozenset({"go.mod", "go.sum", "go.work", "go.work.sum"})


def touched_since(session: Session, found: Survey, earlier: Earlier) -> dict[Key, str]:
    """Return the steps whose inputs differ from what they were, and why."""
    repository, place = earlier.repository, earlier.directory
    aliases = Aliases(found.baseline.stamps)
    _warn_of_unseen(session, found, repository, aliases)
    origins = {path: c for c in repository.everything for path in aliases.of(c.path)}
    # What changed under its own name counts before what leads to it.
    origins |= {change.path: change for change in repository.everything}
    changes = {path: change._replace(path=path) for path, change in origins.items()}
    comparison = Comparison(session, found, repository, changes, {})
    paths = {
        origins[path].path
        for path, change in changes.items()
        if change.known and _may_matter(comparison, change)
    }
    if paths:
        earlier.prepared.get()
        real = copy_base(session.tools.run, repository, paths, place)
        copies = {path: real[c.path] for path, c in origins.items() if c.path in real}
        comparison = comparison._replace(copies=copies)
    if any(_is_structural(comparison, change) for change in changes.values()):
        try:
            texts = Texts(comparison)
            others = {p: c for p, c in comparison.changes.items() if p not in texts.kept}
            laid_over = comparison._replace(changes=others)
            compared = compare_packages(laid_over, place, texts.reasons)
        except LambdabuildError as error:
            message = str(error).splitlines()[0]
            session.tools.console.warn(
                f"what there was at the merge base cannot be loaded: {message}",
                "so every function counts as affected",
            )
            compared = dict.fromkeys(found.inputs, "what it was built from is not known")
    else:
        compared = _compare_files(comparison)
    unknown = _of_directories(comparison, [c for c in changes.values() if not c.known])
    return _compare_packed(comparison) | compared | unknown | broken(found)


def broken(found: Survey) -> dict[Key, str]:
    """Return the steps that cannot be loaded: none of them may go unseen."""
    return {
        step.key: f"cannot be loaded: {step.load_errors[0].message.splitlines()[0]}"
        for step in found.plan.steps
        if step.load_errors
    }


def configures(session: Session, path: str) -> bool:
    """Return whether a file is the configuration, or would be if it were there."""
    source = session.settings.config.source
    if source is not None and path == os.path.normpath(os.path.join(session.paths.working, source)):
        return True
    return os.path.basename(path) == FILE_NAME and is_below(
        session.paths.working, os.path.dirname(path)
    )


def is_deciding(path: str) -> bool:
    """Return whether a file of this name decides where packages come from."""
    return os.path.basename(path) in _DECIDING or path.endswith(VENDORED)


def _may_matter(comparison: Comparison, change: Change) -> bool:
    """Return whether what a file was may have to be looked at."""
    path, stamps = change.path, comparison.found.baseline.stamps
    if path in stamps.files or is_deciding(path) or configures(comparison.session, path):
        return True
    name = os.path.basename(path)
    return source.is_source(name) or name == source.PROFILE or _is_in_a_whole(comparison, path)


def _is_in_a_whole(comparison: Comparison, path: str) -> bool:
    """Return whether a file is in a directory of which every file may be part of something."""
    directories = comparison.found.baseline.stamps.directories
    # Its own directory may be gone as well: the file may have been embedded by one above.
    known = next((d for d in upwards(os.path.dirname(path)) if d in directories), None)
    return known is not None and directories[known].level == Level.EVERYTHING


def _is_structural(comparison: Comparison, change: Change) -> bool:
    """Return whether there may have been other packages, or packages of other files, before."""
    path = change.path
    if not change.known:
        return False
    if configures(comparison.session, path) or is_deciding(path):
        return True
    both = change.before and change.now
    stamp = comparison.found.baseline.stamps.files.get(path)
    if stamp is not None and change.now:
        if both and stamp.kind == SOURCE and path in comparison.copies:
            return _outline(path) != _outline(comparison.copies[path])
        return not both or stamp.kind in {SOURCE, WHOLE}
    return not change.now and _is_missed(comparison, path)


def _is_missed(comparison: Comparison, path: str) -> bool:
    """Return whether a file that went away may have been part of something."""
    name = os.path.basename(path)
    if source.is_source(name) or name == source.PROFILE:
        return os.path.dirname(path) in comparison.found.baseline.stamps.directories
    return _is_in_a_whole(comparison, path)


def _of_directories(comparison: Comparison, changes: Collection[Change]) -> dict[Key, str]:
    """Return the steps that are built from what is in directories of which no more is known."""
    reasons: dict[Key, str] = {}
    paths = comparison.session.paths
    if not changes:
        return reasons
    for key in comparison.found.inputs:
        names = (name for name, _ in comparison.found.made_from(key))
        files = filter(None, (path_of_input(name, paths.project) for name in names))
        change = next((c for file in files for c in changes if is_below(file, c.path)), None)
        if change is not None:
            reasons[key] = f"{paths.relative(change.path)} changed"
    return reasons


def _compare_files(comparison: Comparison) -> dict[Key, str]:
    """Compare where the packages are what they were, and only the content of files differs."""
    project, found = comparison.session.paths.project, comparison.found
    changed = {
        f"file {name_of(path, project)}": comparison.digest_before(path) or ANOTHER
        for path in comparison.changes
    }
    reasons = {}
    for key, inputs in found.inputs.items():
        if any(name in changed for name, _ in inputs):
            before = tuple((name, changed.get(name, text)) for name, text in inputs)
            if reason := first_change(before, inputs, comparison.session.paths):
                reasons[key] = reason
    return reasons


def _compare_packed(comparison: Comparison) -> dict[Key, str]:
    """Compare the assets."""
    found = comparison.found
    gone = [c.path for c in comparison.changes.values() if c.before and not c.now]
    reasons = {}
    for step in found.plan.steps:
        now = found.packed.get(step.key)
        if now is None:
            continue
        before = {}
        for (name, text), asset in zip(now, step.assets, strict=True):
            if known := _packed_before(comparison, asset, text):
                before[name] = known
        for path in gone:
            if is_asset(comparison.session, step, path):
                before[f"file {name_of(path, comparison.session.paths.project)}"] = ANOTHER
        if reason := first_change(tuple(before.items()), now, comparison.session.paths):
            reasons[step.key] = reason
    return reasons


def _packed_before(comparison: Comparison, asset: Asset, now: str) -> str | None:
    change = comparison.changes.get(asset.source)
    if change is None:
        return now
    if not change.before:
        return None
    copy = comparison.copies.get(asset.source)
    if copy is None:
        return ANOTHER
    executable = os.access(copy, os.X_OK)
    return packed_text(
        comparison.digest_before(asset.source), asset._replace(executable=executable)
    )


def is_asset(session: Session, step: Step, path: str) -> bool:
    """Return whether a function's globs of assets match a file, be it there or not."""
    if not is_below(path, step.function.directory):
        return False
    inner = os.path.relpath(path, step.function.directory).replace(os.sep, "/")
    return any(covers(pattern, inner) for pattern in session.settings.of(step.function.name).assets)


def _warn_of_unseen(
    session: Session, found: Survey, repository: Repository, aliases: Aliases
) -> None:
    """Warn of inputs in which git sees no change, whatever happens to them."""
    names = {name for key in found.inputs for name, _ in found.made_from(key)}
    files = filter(None, (path_of_input(name, session.paths.project) for name in names))
    real = {aliases.real(path): path for path in files}
    unseen = sorted(real[path] for path in git.unknown_to_git(repository, real))
    if unseen:
        more = f" and {len(unseen) - 1} more" if len(unseen) > 1 else ""
        session.tools.console.warn(
            f"git does not tell whether `{session.paths.relative(unseen[0])}`{more} changed",
            "a file that git ignores, or of another repository, does not count for --since",
        )


def _outline(path: str) -> bytes:
    try:
        return source.outline(files.whole(path))
    except OSError:
        return b""
