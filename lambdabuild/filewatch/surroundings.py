"""Choose the files and directories that a watcher looks at."""

import os
import sys
from pathlib import PurePath

from lambdabuild.config.options import FILE_NAME
from lambdabuild.core.paths import Paths
from lambdabuild.golang import tree
from lambdabuild.golang.toolchain import find_go
from lambdabuild.state.stamps import TOOL, WHOLE, Level, Stamps, World
from lambdabuild.state.state import Findings
from lambdabuild.survey.discovery.entrypoints import DEFAULT_ROOT
from lambdabuild.survey.inputs import goenv_path
from lambdabuild.survey.session import Session
from lambdabuild.survey.world import world_of
from lambdabuild.system.directories import Links


def directories_to_watch(
    paths: Paths, stamps: Stamps, configuration: Stamps, deployment: Stamps
) -> set[str]:
    """Return where events matter: neither where Go lives, nor what is only above all the rest.

    What is above is left to the look that a watcher takes now and then: a file that would count
    there comes once in a while, and in `/tmp` or a home there is always something going on.

    No event comes from behind a symbolic link, nor from a missing directory: so the target of
    each link is watched, and the nearest directory above a missing one. No event comes from a
    directory that is moved together with one above it: so on the way to a module outside the
    project, what can be moved is watched too, but for what the project is in as well.
    """
    inside = {*stamps.directories, paths.project, paths.working}
    inside |= {os.path.dirname(path) for path in deployment.files}
    of_go = ("VERSION", "go.env")
    files = [
        path
        for path, stamp in stamps.files.items()
        if stamp.kind != TOOL and os.path.basename(path) not in of_go
    ]
    files += [path for path in configuration.files if os.path.isdir(os.path.dirname(path))]
    elsewhere = {os.path.dirname(path) for path in files}
    above = {parent for directory in inside for parent in _parents(directory)}
    links = Links()
    for directory in (paths.project, paths.working):
        links.follow(directory)
    # Links on the way to the project are above all the rest as well.
    links.places.clear()
    named = inside | (elsewhere - above)
    project = os.path.join(paths.project, "")
    outside = {path for path in stamps.directories if not f"{path}{os.sep}".startswith(project)}
    way = {parent for directory in outside for parent in _parents(directory)}
    way -= {*_parents(paths.project), *_parents(paths.working)}
    # Nobody moves `/tmp` or `/home`.
    named |= {path for path in way if _may_be_moved(os.path.dirname(path))}
    behind = {links.follow(directory) for directory in named}
    behind |= {os.path.dirname(links.follow(path)) for path in files if os.path.islink(path)}
    watched = named | behind | links.places
    return {tree.nearest_directory(directory) for directory in watched}


def configuration(session: Session) -> World:
    """Return the files that say what is to be built, and those that would if they were there."""
    working = session.paths.working
    paths = {os.path.join(place, FILE_NAME) for place in [working, *_parents(working)]}
    if session.settings.config.source is not None:
        paths.add(os.path.normpath(os.path.join(working, session.settings.config.source)))
    written = goenv_path(session.tools.environment, sys.platform)
    if written is not None:
        paths.add(written)
    return World(files=dict.fromkeys(paths, WHOLE))


def paths_that_may_mend(session: Session, stamps: Stamps) -> World:
    """Return the paths whose change could fix a failed survey: the last known, and the roots."""
    named = session.settings.config.roots
    roots = [os.path.join(session.paths.project, root) for root in named or (DEFAULT_ROOT, "")]
    trees = {root: tree.walk(root) for root in map(os.path.normpath, roots)}
    world = world_of(
        Findings(trees=trees), find_go(session.tools.environment), session.paths.project
    )
    world.enter(session.paths.project, Level.TREE)
    for root in trees:
        # It may be the root itself that is missing.
        world.enter(tree.nearest_directory(root), Level.TREE)
    for path, stamp in stamps.files.items():
        world.files.setdefault(path, stamp.kind)
    for path, entries in stamps.directories.items():
        world.enter(path, entries.level)
    return world


def git_at_work(project: str) -> bool:
    """Return whether git is changing the work tree: it holds its index locked meanwhile."""
    for top in (project, *_parents(project)):
        if os.path.lexists(os.path.join(top, ".git")):
            return os.path.exists(os.path.join(top, ".git", "index.lock"))
    return False


def _may_be_moved(parent: str) -> bool:
    """Return whether what is in a directory can be moved by who runs this."""
    return parent != os.path.dirname(parent) and os.access(parent, os.W_OK)


def _parents(directory: str) -> list[str]:
    return [str(parent) for parent in PurePath(directory).parents]
