"""Remove outputs that lambdabuild wrote and no function produces any more."""

import logging
import os
import sys
from pathlib import Path

from lambdabuild.build.manifest import remove_manifest
from lambdabuild.config.options import Request
from lambdabuild.core.artifact import Artifact
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.paths import CALLS, LOCAL, name_of
from lambdabuild.core.secrets import CACHE_KEY
from lambdabuild.output.terminal.console import Console
from lambdabuild.state import artifacts
from lambdabuild.state.state import State
from lambdabuild.state.store import DIRECTORY, STATE, Home
from lambdabuild.state.tracked import refuse_tracked
from lambdabuild.survey.discovery.functions import Discovery
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Survey
from lambdabuild.system import directories
from lambdabuild.system.links import cache_directory

log = logging.getLogger(__name__)


def recall(session: Session, home: Home) -> tuple[State, list[Artifact]]:
    """Return the state that earlier runs left, and what a killed one announced and did not record.

    What it had put in place is in the state by now; what it had not put there yet is removed.
    """
    state = home.load()
    # Everything in these directories, by their paths from the project, counts as lambdabuild's.
    own = [DIRECTORY]
    cache = os.path.realpath(cache_directory(session.tools.environment, sys.platform))
    top = f"{os.path.realpath(session.paths.project)}{os.sep}"
    if cache.startswith(top):
        own.append(cache.removeprefix(top))
    state.note_index(refuse_tracked(session.tools.run, session.paths.project, own, state.index))
    if home.foreign:
        session.tools.console.say_once(
            f"`{session.paths.relative(str(home.path / STATE))}` is not as this user's lambdabuild wrote "
            f"it on this machine, or one with the same {CACHE_KEY}: it counts for nothing"
        )
    announced = home.announced()
    if announced:
        from lambdabuild.build.recovery import recover

        recover(announced, state, home.project)
    return state, announced


def prune(session: Session, request: Request, found: Survey, state: State) -> list[Artifact]:
    """Remove the outputs of functions that went away, and of targets no longer configured.

    Return what was removed, with absolute paths.
    """
    there = found.everything or found.plan
    planned = {name_of(step.artifact, session.paths.project) for step in there.steps}
    building = {step.function.name for step in found.plan.steps}
    removed = []
    for artifact in list(state.artifacts.values()):
        if artifact.layout != session.paths.layout or artifact.path in planned:
            continue
        if artifact.function in building or (
            not request.names and _is_gone(session, artifact, found.discovery)
        ):
            boundary = session.paths.out if session.paths.layout else session.paths.project
            path = os.path.normpath(os.path.join(session.paths.project, artifact.path))
            if path in _remove(session, artifact, state, boundary):
                directory = os.path.join(session.paths.project, artifact.directory)
                removed.append(artifact._replace(path=path, directory=directory))
    return removed


def _remove(session: Session, artifact: Artifact, state: State, boundary: str) -> tuple[str, ...]:
    """Remove one artifact; return the paths that were removed, and say so if it may not be."""
    done = artifacts.remove(artifact, state, session.paths.project, boundary)
    for path in done.left:
        _warn_of_left(session, path)
    for path in done.refused:
        session.tools.console.warn(f"`{session.paths.relative(path)}` cannot be removed")
    return done.files


def _warn_of_left(session: Session, path: str) -> None:
    session.tools.console.warn(
        f"`{session.paths.relative(path)}` is left, for somebody else has changed it"
    )


def _is_gone(session: Session, artifact: Artifact, discovery: Discovery) -> bool:
    """Return whether an artifact's function surely is gone, and not just not found."""
    directory = os.path.normpath(os.path.join(session.paths.project, artifact.directory))
    also = session.settings.also_exclude
    if any(e.function.name == artifact.function and e.glob in also for e in discovery.excluded):
        return False
    # What a broken link leads to may just not be mounted.
    places = (directory, *map(str, Path(directory).parents))
    if any(os.path.islink(place) and not os.path.exists(place) for place in places):
        return False
    try:
        os.lstat(directory)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    # What could not be read, has a warning, or is outside `--root` has not gone away.
    warned = (s.directory for s in discovery.skipped if s.hint)
    return (
        artifact.function not in discovery.unasked
        and not _is_below(directory, *discovery.unreadable, *discovery.failures)
        and not _is_below(artifact.directory, *warned)
        and _is_below(directory, *discovery.search.roots)
    )


def _is_below(directory: str, *roots: str) -> bool:
    path = Path(os.path.normpath(directory))
    return any(path.is_relative_to(os.path.normpath(root)) for root in roots)


def clean(session: Session) -> list[str]:
    """Remove what lambdabuild wrote and is unchanged since; return the paths removed."""
    home = Home(session.paths.project, session.tools.environment)
    if not home.path.exists():
        return []
    removed = []
    with home.locked(lambda who: say_waiting(session.tools.console, who)):
        home.sweep()
        state, announced = recall(session, home)
        if home.foreign:
            # The files that it names are somebody else's to remove.
            return []
        _forget_local(session)
        layouts = {artifact.layout for artifact in (*state.artifacts.values(), *announced)}
        layouts |= {os.path.dirname(path) for path in state.manifests}
        for path in list(state.manifests):
            full = os.path.normpath(os.path.join(session.paths.project, path))
            try:
                gone = remove_manifest(path, state, session.paths.project)
            except LambdabuildError as error:
                session.tools.console.warn(error.message)
                continue
            if gone:
                removed.append(full)
            elif gone is False:
                _warn_of_left(session, full)
        for artifact in list(state.artifacts.values()):
            boundary = os.path.normpath(os.path.join(session.paths.project, artifact.layout))
            removed += _remove(session, artifact, state, boundary)
        for layout in layouts - {""}:
            _remove_if_empty(os.path.normpath(os.path.join(session.paths.project, layout)))
        if state.artifacts or state.manifests:
            home.save(state)
        else:
            home.forget()
    return removed


def _forget_local(session: Session) -> None:
    """Remove what was built to run on this machine, with its state, and the calls that were kept."""
    directories.remove(os.path.join(session.paths.project, CALLS))
    local = Home(session.paths.project, session.tools.environment, LOCAL)
    if local.path.exists():
        with local.locked(lambda who: say_waiting(session.tools.console, who)):
            local.sweep()
            local.forget()


def _remove_if_empty(directory: str) -> None:
    try:
        os.rmdir(directory)
    except OSError as error:
        log.debug("left in place: %s", error)


def say_waiting(console: Console, who: str) -> None:
    console.say(f"waiting for another lambdabuild (process {who}) to finish in this repository")
