"""Programs for calls: those that are up to date at once, others as soon as a watcher has built them.

Calls come on the thread of the server, and builds are made by the watcher, on the main thread.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from lambdabuild.core.build import Function, Step
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Status, StepResult
from lambdabuild.deployment.declared import Declared, Deployment
from lambdabuild.local.functions import NotBuiltError, Program, UnknownFunctionError
from lambdabuild.local.gateway.configured import Found, routes_of
from lambdabuild.local.programs.footprint import Footprint
from lambdabuild.local.programs.variables import (
    Declarations,
    EnvFile,
    declarations,
    program_of,
)
from lambdabuild.state.stamps import WHOLE
from lambdabuild.state.state import Evidence
from lambdabuild.survey.inputs import path_of_input
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Key, Survey

_NEW = frozenset({Status.BUILT, Status.RESTORED})
_NOT_BUILT = frozenset({Status.FAILED, Status.CANCELLED})
_MOST_TRIES = 5
"""Surveys after which a program counts, though something that it is built from changes again and again."""


class Change(NamedTuple):
    """What a run of the watcher changed for those who call."""

    retired: tuple[tuple[str, str], ...]
    """The functions whose processes run old code, each with the reason."""
    functions: tuple[Function, ...]
    """All that there are."""
    routes: Found


class _Offer(NamedTuple):
    """A function, as far as the last run knows."""

    function: Function
    key: Key
    program: Program | None = None
    """None where it is out of date."""
    failure: str = ""
    """Why it does not build."""


class Supply:
    """What is called, and what there is to start for it: `Programs` for the pools, `Demand` for the watch."""

    def __init__(
        self,
        wake: Callable[[], None],
        explain: Callable[[Session, Iterable[StepResult]], str],
        *,
        env_file: EnvFile | None = None,
        eager: bool = False,
        reload: bool = True,
        finished: Callable[[Program], Program] = lambda program: program,
    ) -> None:
        """`wake` wakes the watcher; `explain` says why functions did not build, for people.

        `finished` changes how a program is started: under a debugger.
        """
        self._wake = wake
        self._explain = explain
        self._env_file = env_file
        self._eager = eager
        self._reload = reload
        self._finish = finished
        self._lock = threading.Lock()
        # Guarded by the lock: both threads use it.
        self._asked: set[str] = set()
        self._called: set[str] = set()
        self._begun = 0
        # Of the watcher's thread.
        self._serving: frozenset[str] = frozenset()
        self._known: dict[str, _Offer] = {}
        self._retired: set[str] = set()
        self._declarations = Declarations()
        self._basis: object = None
        self.latest: Change | None = None
        """What the last run left; of the watcher's thread."""
        # Of the server's thread.
        self._offers: dict[str, _Offer] = {}
        self._noted: set[str] = set()
        self._footprints: dict[str, Footprint] = {}
        self._found: Survey | None = None
        self._project = ""
        self._seen = 0
        self._problem = ""
        self._news: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: Callable[[Change], None] = lambda _: None

    # The side of the server.

    def attach(self, changed: Callable[[Change], None]) -> None:
        """Begin to serve the running event loop; there `changed` hears of each run of the watcher."""
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._changed = changed

    @property
    def names(self) -> Sequence[str]:
        """The functions that are known, sorted."""
        return sorted(self._offers)

    async def program(self, name: str) -> Program:
        """Return the function as its sources are now; have it built if it is out of date.

        Raises:
            UnknownFunctionError: there is no such function.
            NotBuiltError: it does not build.

        """
        ticket: int | None = None
        tries = 0
        while True:
            offer = self._offers.get(name)
            if (
                offer is not None
                and (offer.program is not None or offer.failure)
                and (self._holds(offer) or tries >= _MOST_TRIES)
            ):
                self._note(name)
                if offer.program is not None:
                    return self._finished(offer.program)
                raise NotBuiltError(offer.failure)
            if ticket is None or self._seen > ticket:
                if ticket is not None and self._problem:
                    raise NotBuiltError(self._problem)
                if ticket is not None and offer is None:
                    raise UnknownFunctionError(name)
                ticket = self._ask(name)
                tries += 1
            if self._news is None:
                raise UnknownFunctionError(name)
            await self._news.wait()

    def _note(self, name: str) -> None:
        """Note that a function is called, though it need not be built for that."""
        if name not in self._noted:
            self._noted.add(name)
            with self._lock:
                self._called.add(name)

    def _ask(self, name: str) -> int:
        """Ask for a function, and return the number of the last survey that has not seen this."""
        with self._lock:
            self._asked.add(name)
            ticket = self._begun
        self._wake()
        return ticket

    def _holds(self, offer: _Offer) -> bool:
        """Return whether nothing changed that a function is built from."""
        if not self._reload or self._found is None:
            return True
        if self._found.baseline.stamps.doubted:
            # Something changed while Go looked: it may have seen what was there before.
            return False
        footprint = self._footprints.get(offer.function.name)
        if footprint is None:
            stamps = self._found.baseline.stamps
            paths = _paths_of(self._found, offer, self._project)
            footprint = Footprint(stamps, paths, self._found.baseline.own)
            self._footprints[offer.function.name] = footprint
        return footprint.holds()

    def _finished(self, program: Program) -> Program:
        if self._env_file is not None:
            try:
                variables = self._env_file.read()
            except LambdabuildError as error:
                raise NotBuiltError(str(error)) from error
            program = program._replace(environment={**program.environment, **variables})
        return self._finish(program)

    def _apply(
        self, seen: int, project: str, offers: dict[str, _Offer], found: Survey, change: Change
    ) -> None:
        # First of all: whoever is told of a program may start it at once.
        self._changed(change)
        self._offers = offers
        self._found = found
        self._project = project
        self._footprints = {}
        self._tell(max(seen, self._seen), "")

    def _tell(self, seen: int, problem: str) -> None:
        self._seen, self._problem = seen, problem
        news, self._news = self._news, asyncio.Event()
        if news is not None:
            news.set()

    # The side of the watcher.

    @property
    def pending(self) -> bool:
        """Whether a function is asked for, and no survey has begun since."""
        with self._lock:
            return bool(self._asked)

    def begin(self) -> None:
        """Note that a survey begins: what is saved and asked for by now, it will see."""
        with self._lock:
            self._begun += 1
            self._serving = frozenset(self._asked)
            self._asked.clear()
        self._retired = set()

    def wanted(self, found: Survey) -> AbstractSet[Key]:
        """Return the steps to build: of what was called so far, or of all."""
        steps = found.plan.steps
        names = {step.function.name for step in steps}
        with self._lock:
            self._called |= self._serving & names
            called = set(self._called)
        if self._eager and (self._reload or not self._known):
            return {step.key for step in steps}
        wanted = called
        if not self._reload:
            wanted = {
                n for n in self._serving if n not in self._known or not self._known[n].program
            }
        return {step.key for step in steps if step.function.name in wanted}

    def settled(
        self,
        session: Session,
        found: Survey,
        results: Sequence[StepResult],
        evidence: Evidence,
        *,
        complete: bool,
    ) -> None:
        """Offer what there is now, and retire what is no longer so.

        Until the run is `complete`, `results` are of what was built; what is up to date stays.
        """
        functions = tuple(dict.fromkeys(step.function for step in found.plan.steps))
        deployment = self._declarations.read(evidence)
        declared = declarations(functions, deployment.functions, session.paths)
        known = {result.step.key: result for result in results}
        current = set() if complete else {step.key for step in found.up_to_date}
        offers = {
            step.function.name: self._offer(
                session, step, known.get(step.key), declared, stays=step.key in current
            )
            for step in found.plan.steps
        }
        gone = {n: offer for n, offer in self._known.items() if n not in offers}
        for name, offer in gone.items():
            for directory, error in found.discovery.failures.items():
                if f"{offer.function.directory}/".startswith(f"{directory}/"):
                    offers[name] = offer._replace(program=None, failure=str(error))
        retired = [
            (result.step.function.name, result.reason or "")
            for result in results
            if result.step.function.name not in self._retired
            if result.status in _NEW
            or (result.status is Status.UNCHANGED and result.step.key in found.to_pack)
        ]
        self._retired |= {name for name, _ in retired}
        retired += [(name, "it was removed") for name in gone if name not in offers]
        self._known = offers
        routes = self._routes(session, functions, deployment)
        self.latest = change = Change(tuple(retired), functions, routes)
        project = session.paths.project
        # What a run has not come to yet, a call waits for.
        seen = self._begun if complete else 0
        self._call(lambda: self._apply(seen, project, offers, found, change))

    def _routes(
        self, session: Session, functions: tuple[Function, ...], deployment: Deployment
    ) -> Found:
        """Return the routes as they are now; those of before, where they are wrong now.

        Raises:
            LambdabuildError: they were wrong from the first.

        """
        basis = (session.settings.config, functions, deployment)
        if self.latest is not None and basis == self._basis:
            return self.latest.routes
        self._basis = basis
        console = session.tools.console
        try:
            found = routes_of(session.settings, deployment, functions, session.paths)
        except LambdabuildError as error:
            if self.latest is None:
                raise
            console.error(error, session.paths.relative)
            return self.latest.routes
        for message, hint in found.warnings:
            console.warn_once(message, hint)
        return found

    def stuck(self, error: LambdabuildError) -> None:
        """Tell those who wait why nothing can be built for now."""
        seen, text = self._begun, str(error)
        self._call(lambda: self._tell(seen, text))

    def _offer(
        self,
        session: Session,
        step: Step,
        result: StepResult | None,
        declared: dict[str, Declared],
        *,
        stays: bool,
    ) -> _Offer:
        name = step.function.name
        offer = _Offer(step.function, step.key)
        before = self._known.get(name)
        if result is None:
            # It failed, and did not change; or nobody looks whether it did.
            if before is not None and (before.failure or stays or not self._reload):
                return offer._replace(program=before.program, failure=before.failure)
            return offer
        if result.status is Status.FAILED:
            return offer._replace(failure=self._explain(session, [result]))
        if result.status in _NOT_BUILT:
            return offer
        settings = session.settings.local_of(name)
        return offer._replace(program=program_of(name, step.artifact, settings, declared.get(name)))

    def _call(self, callback: Callable[[], None]) -> None:
        if self._loop is not None:
            # It may have been closed.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(callback)


def _paths_of(found: Survey, offer: _Offer, project: str) -> Iterable[str]:
    """Return the files that a function is built from, and the directories of its packages."""
    stamps = found.baseline.stamps
    paths = [path for path, stamp in stamps.files.items() if stamp.kind == WHOLE]
    for name, _ in found.made_from(offer.key):
        if (path := path_of_input(name, project)) is not None:
            paths.append(path)
    for step in found.plan.steps:
        if step.key == offer.key:
            directories = found.directories(step)
            paths += directories
            if step.load_errors:
                paths += [p for p in stamps.files if os.path.dirname(p) in directories]
    return dict.fromkeys(paths)
