"""Restore executables from the caches instead of building them, and store what is built."""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from lambdabuild.cache.local import LocalCache, cache_limit
from lambdabuild.cache.transfer import Caches, Mode, Stores
from lambdabuild.config.parsing import parse_cache_mode
from lambdabuild.core.artifact import UNKNOWN, Input
from lambdabuild.core.build import Plan, Step
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Package
from lambdabuild.core.result import Activity, Linked, Status, StepResult
from lambdabuild.core.secrets import CACHE_KEY
from lambdabuild.golang.commands import uses_cgo
from lambdabuild.survey.inputs import is_for_c
from lambdabuild.survey.plan import order_of
from lambdabuild.survey.session import Session, Tools
from lambdabuild.survey.survey import Key, Survey
from lambdabuild.system.links import cache_directory

_TIMEOUT = "LAMBDABUILD_CACHE_TIMEOUT"
_PATIENCE = 10.0
"""Seconds that one request to a store may take."""


class Caching(NamedTuple):
    """The caching that is configured."""

    mode: Mode
    url: str | None
    secret: bytes | None
    timeout: float
    """Seconds."""


def caching_of(session: Session) -> Caching:
    """Return which caches are used, and how."""
    config, environment = session.settings.config, session.tools.environment
    mode, url = config.cache_mode, config.cache
    if not mode and session.settings.untrusted:
        mode = Mode.READ
    if url:
        from lambdabuild.cache.addresses import parsed

        parsed(url)
    secret = environment.get(CACHE_KEY)
    return Caching(
        Mode(parse_cache_mode(mode)) if mode else Mode.READ_WRITE,
        url,
        os.fsencode(secret) if secret else None,
        _seconds(environment.get(_TIMEOUT)),
    )


def _seconds(text: str | None) -> float:
    if not text:
        return _PATIENCE
    with contextlib.suppress(ValueError):
        seconds = float(text)
        if 0 < seconds < float("inf"):
            return seconds
    raise LambdabuildError(f"{_TIMEOUT} is `{text}`, which is no number of seconds")


def open_caches(tools: Tools, caching: Caching) -> Caches | None:
    """Open the caches; None where they are off."""
    if caching.mode is Mode.OFF:
        return None
    environment = tools.environment
    read_only = caching.mode is Mode.READ
    remote = None
    if caching.url is not None:
        from lambdabuild.cache.remote import RemoteStore

        remote = RemoteStore(caching.url, environment, caching.timeout)
    local = local_cache(environment, caching.secret, read_only=read_only and remote is None)
    stores = Stores(local, remote, caching.secret, read_only)
    return Caches(stores, tools.console.warn, tools.timeline)


def local_cache(
    environment: Mapping[str, str], secret: bytes | None = None, *, read_only: bool = False
) -> LocalCache:
    """Return the cache on this machine."""
    directory = cache_directory(environment, sys.platform)
    return LocalCache(directory, cache_limit(environment), secret, read_only=read_only)


class Keeper:
    """The executables of one run in their caches."""

    def __init__(self, session: Session, caches: Caches, found: Survey, directory: str) -> None:
        """Store what is built of `found`; what is restored is staged in `directory`."""
        self._session = session
        self._caches = caches
        self._found = found
        self._directory = directory
        self._steps = {
            step.key: (step, batch.graph) for batch in found.plan.batches for step in batch.steps
        }
        self._restored: set[Key] = set()

    def restore(self, plan: Plan) -> list[Linked]:
        """Return the steps whose executables the caches have, staged."""
        steps = {step.key: step for batch in plan.batches for step in batch.steps}
        keys = {key: text for key in steps if (text := self._key(key, self._found.inputs))}
        if not keys:
            return []
        place = {key: os.path.join(self._directory, f"{n}") for n, key in enumerate(keys)}

        def why_not(key: Key, path: str) -> str | None:
            from lambdabuild.packaging.verify import unfit

            return unfit(steps[key], path) or self._why_no_sbom(steps[key], path)

        with self._session.tools.timeline.span(Activity.RESTORE):
            fetched = self._caches.fetch(keys, place.__getitem__, itemgetter(0), why_not)
        self._restored |= fetched.keys()
        if fetched and not self._session.tools.console.calm:
            count = f"{len(fetched)} of {len(steps)}"
            self._session.tools.console.say(f"restored {count} from the cache")
        return [
            Linked(steps[key], executable=place[key], restored=taken.sha256)
            for key, taken in fetched.items()
        ]

    def _why_no_sbom(self, step: Step, path: str) -> str | None:
        """Return why the SBOM that a step asks for cannot be made of an executable."""
        if step.sbom is None:
            return None
        from lambdabuild.packaging.sbom import read_build_info

        try:
            read_build_info(
                self._session.tools.run, self._found.go.path, [path], self._session.paths.project
            )
        except LambdabuildError as error:
            return error.message
        return None

    def finish(
        self, results: Sequence[StepResult], inputs: Mapping[Key, tuple[Input, ...]]
    ) -> None:
        """Store all that was built; `inputs` are those that were rechecked after the build."""
        done = {Status.BUILT, Status.UNCHANGED}
        for result in results:
            key = result.step.key
            if result.status not in done or key in self._restored:
                continue
            text = self._key(key, inputs)
            if text is not None and result.artifact is not None and result.sha256 is not None:
                self._caches.store(text, result.artifact, result.sha256, key[0])

    def _key(self, key: Key, inputs: Mapping[Key, tuple[Input, ...]]) -> str | None:
        if key not in self._steps:
            return None
        step, graph = self._steps[key]
        return key_of(step, inputs.get(key, ()), graph)


VERSION = 1
"""Of the format of keys; a new one finds nothing that was stored before."""
_OF_ONE_MACHINE = frozenset({"untracked", "directory"})
"""Inputs that only this machine has: what only Go follows, and a path without -trimpath."""


def key_of(step: Step, inputs: Sequence[Input], graph: Mapping[str, Package]) -> str | None:
    """Return the key of a step's executable, 64 hex digits; None if it is of one machine alone.

    Equal inputs give equal bytes wherever the project, Go and the module cache are, whoever runs
    it: Go's own builds rest on that (https://go.dev/blog/rebuild). A release of the toolchain is
    identified by its version, as in cmd/go (`toolID`).
    """
    if not inputs or any(name in _OF_ONE_MACHINE or text == UNKNOWN for name, text in inputs):
        return None
    if uses_cgo(step.target, step.flags) and not _is_c_portable(step, inputs, graph):
        return None
    text = json.dumps([VERSION, sorted(inputs)], separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_c_portable(step: Step, inputs: Sequence[Input], graph: Mapping[str, Package]) -> bool:
    """Return whether C is compiled with what zig contains, and nothing of the machine.

    In a function's own packages, `#cgo` lines may name what is installed on a machine, by
    pkg-config or a path; so only C of the standard library is portable.
    """
    compiler = step.flags.compiler
    if compiler is None or not compiler.identity.startswith("zig "):
        return False
    settings = (name.removeprefix("setting ").removeprefix("env ") for name, _ in inputs
                if name.startswith(("setting ", "env ")))  # fmt: skip
    if any(is_for_c(name) for name in settings):
        return False
    members = order_of(graph, step.function.package)
    return not any(graph[path].cgo for path in members if path in graph)
