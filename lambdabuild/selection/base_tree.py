"""Ask Go what there was in a copy of the whole tree, where an overlay does not do."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from lambdabuild.core.model import Command, Completed, GoEnvironment, Package
from lambdabuild.core.naming import is_below
from lambdabuild.golang.tree import walk
from lambdabuild.selection.base_files import check_out
from lambdabuild.state.state import Findings
from lambdabuild.survey.functions import Discovery
from lambdabuild.survey.golist import Go, Variant
from lambdabuild.survey.modules import Graph, find_places, list_all
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Survey
from lambdabuild.system import directories
from lambdabuild.system.git import Repository

_GOWORK = "GOWORK"


class Shadow:
    """A copy of the base below `place`, each file with its absolute path after that."""

    def __init__(self, session: Session, repository: Repository, place: str) -> None:
        self._session = session
        self._repository = repository
        self._place = place
        self._real = os.path.realpath(session.project)

    def discover(
        self,
        found: Survey,
        variants: Iterable[Variant],
        roots: Iterable[str],
        instead: Mapping[str, str],
    ) -> Discovery:
        """Return what there was, as if it had been where the project is.

        `roots` are absolute directories of the project; `instead` names files to be read in place
        of some of what there was.

        Raises:
            LambdabuildError: git fails, or Go cannot load the modules that there were.

        """
        session = self._session
        check_out(session.run, self._repository, self._place)
        self._link_what_is_elsewhere(found)
        for path, other in instead.items():
            copy = self._copied(path)
            if self._is_in_place(copy):
                # What there was may be a link: what that leads to is none of ours.
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(copy)
                shutil.copyfile(other, copy)
        run = _Redirected(session, self._place)
        go = Go(run, found.go.path, found.go.settings, Findings(), overlay=self._overlay(found))
        trees = {root: walk(root) for root in dict.fromkeys(map(self._copied, roots))}
        trees = {root: tree for root, tree in trees.items() if tree.directories}
        places, environments = find_places(run, go, trees, session.environment)
        graphs = list_all(run, go, places, list(variants)).graphs
        return Discovery(
            (),
            {(self._original(d), variant): self._graph(g) for (d, variant), g in graphs.items()},
            {self._original(d): self._environment(e) for d, e in environments.items()},
            (),
        )

    def _copied(self, path: str) -> str:
        if is_below(path, self._session.project):
            path = os.path.join(self._real, os.path.relpath(path, self._session.project))
        return os.path.normpath(f"{self._place}{path}")

    def _original(self, path: str) -> str:
        if not is_below(path, self._place):
            return path
        path = path.removeprefix(self._place) or os.sep
        if self._real != self._session.project and is_below(path, self._real):
            inside = os.path.relpath(path, self._real)
            path = os.path.normpath(os.path.join(self._session.project, inside))
        return path

    def _link_what_is_elsewhere(self, found: Survey) -> None:
        """Lead to the local modules that are in none of the repositories."""
        for directory in sorted(_local_modules(found)):
            copy = self._copied(directory)
            elsewhere = not is_below(os.path.realpath(directory), self._repository.top)
            if elsewhere and self._is_in_place(copy):
                directories.make(os.path.dirname(copy))
                if not os.path.lexists(copy):
                    os.symlink(directory, copy)

    def _is_in_place(self, copy: str) -> bool:
        """Tell whether a copy is where it seems to be, and not where a link of the commit leads."""
        return is_below(os.path.realpath(os.path.dirname(copy)), os.path.realpath(self._place))

    def _overlay(self, found: Survey) -> str:
        """Add the files that git does not know: what they were then is what they are now."""
        replaced = {
            self._copied(path): path
            for path in found.baseline.stamps.files
            if is_below(os.path.realpath(path), self._repository.top)
            and not self._repository.tells_of(os.path.realpath(path))
            and os.path.isfile(path)
        }
        path = f"{self._place}.json"
        Path(path).write_text(json.dumps({"Replace": replaced}), "utf-8")
        return path

    def _graph(self, graph: Graph) -> Graph:
        return {path: self._package(package) for path, package in graph.items()}

    def _package(self, package: Package) -> Package:
        module = package.module
        if module is not None and module.directory is not None:
            module = module._replace(directory=self._original(module.directory))
        return package._replace(directory=self._original(package.directory), module=module)

    def _environment(self, environment: GoEnvironment) -> GoEnvironment:
        if environment.workspace is None:
            return environment
        return environment._replace(workspace=self._original(environment.workspace))


class _Redirected:
    """Run commands with a workspace that the environment names in the copy."""

    def __init__(self, session: Session, place: str) -> None:
        self._run = session.run
        named = session.environment.get(_GOWORK, "")
        copy = f"{place}{os.path.realpath(named)}" if os.path.isabs(named) else ""
        self._changed: dict[str, str | None] = {_GOWORK: copy} if os.path.exists(copy) else {}

    def __call__(
        self, command: Command, tick: Callable[[], bool] | None = None, interval: float = 0.1
    ) -> Completed:
        changed = command._replace(environment={**command.environment, **self._changed})
        return self._run(changed, tick, interval)

    def close(self) -> None:
        self._run.close()


def _local_modules(found: Survey) -> set[str]:
    return {
        package.module.directory
        for graph in found.discovery.graphs.values()
        for package in graph.values()
        if package.local and package.module is not None and package.module.directory
    }
