"""Select the affected functions, and this machine's share of them."""

import importlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lambdabuild.config.options import Narrowing
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.paths import Paths
from lambdabuild.core.result import Activity, Share
from lambdabuild.selection import shards
from lambdabuild.state.history import read_history
from lambdabuild.state.state import State
from lambdabuild.state.store import Home
from lambdabuild.state.trends import recorded_seconds, times_of
from lambdabuild.survey.session import Session
from lambdabuild.survey.survey import Key, Survey, survey
from lambdabuild.system import files
from lambdabuild.system.threads import Later

if TYPE_CHECKING:
    from lambdabuild.selection.base_files import Earlier

_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPES = {
    b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r",
}  # fmt: skip


class Selected(NamedTuple):
    """The steps that a run is limited to."""

    keys: frozenset[Key]
    reasons: Mapping[Key, str]
    """Why each step was selected, where that depends on what changed."""
    share: Share | None = None


def survey_some(  # what `survey` takes, and two more
    session: Session,
    names: Sequence[str],
    state: State,
    clock: int,
    narrowing: Narrowing,
    *,
    force: bool = False,
    next_: str = "lambdabuild.golang.output",
) -> tuple[Survey, Selected]:
    """Survey all there is, and select from it; for the rest see `survey`.

    `next_` is a module that will be needed: it is imported while `go list` is at work.
    """
    ref = narrowing.since
    earlier = Later(lambda: _look_back(session, ref, next_)) if ref is not None else None
    try:
        with session.tools.timeline.span(Activity.SURVEY):
            found = survey(session, names, state, clock, force=force)
        return found, _select(session, found, narrowing, state, earlier)
    except BaseException:
        # Nobody waits for git any more.
        session.tools.run.close()
        raise
    finally:
        if earlier is not None:
            _clean(earlier)


def _look_back(session: Session, ref: str, next_: str) -> "Earlier":
    from lambdabuild.selection.base_files import look_back

    earlier = look_back(session, ref)
    # `go list` is at work by now, and does not wait for these.
    for name in ("lambdabuild.selection.since", "lambdabuild.golang.output", next_):
        importlib.import_module(name)
    return earlier


def _clean(earlier: "Later[Earlier]") -> None:
    """Remove the copies of files, once nothing writes there any more."""
    found = earlier.wait()
    if found is not None:
        found.prepared.wait()
        shutil.rmtree(found.directory, ignore_errors=True)


def _select(
    session: Session,
    found: Survey,
    narrowing: Narrowing,
    state: State,
    earlier: "Later[Earlier] | None",
) -> Selected:
    keys = {step.key for step in found.plan.steps}
    reasons: dict[Key, str] = {}
    if narrowing.by_change:
        reasons = _touched(session, found, narrowing, earlier)
        failed = dict.fromkeys(state.failed, "it did not build before")
        reasons = {key: why for key, why in (failed | reasons).items() if key in keys}
        keys = set(reasons)
    if narrowing.shard is None:
        return Selected(frozenset(keys), reasons)
    names = {name for name, _ in keys}
    recorded = _recorded(session, narrowing)
    split = shards.split({name: recorded.get(name) for name in names}, narrowing.shard.count)
    mine = set(split[narrowing.shard.index - 1])
    share = Share(*narrowing.shard, len(names), shards.fingerprint(split))
    return Selected(frozenset(key for key in keys if key[0] in mine), reasons, share)


def restricted(found: Survey, selected: Selected) -> Survey:
    """Return the survey of what was selected; all that there is stays known."""
    return found._replace(plan=found.plan.only(selected.keys), everything=found.plan)


def _touched(
    session: Session, found: Survey, narrowing: Narrowing, earlier: "Later[Earlier] | None"
) -> dict[Key, str]:
    # Slow to import, and seldom needed.
    with session.tools.timeline.span(Activity.SELECT):
        if earlier is not None:
            from lambdabuild.selection.since import touched_since

            return touched_since(session, found, earlier.get())
        from lambdabuild.selection.files_from import touched_by

        return touched_by(session, found, _paths_from(session.paths, str(narrowing.files_from)))


def _paths_from(paths: Paths, source: str) -> list[str]:
    """Return the paths, absolute, that a file has one a line, or with NUL characters between."""
    try:
        if source != "-":
            content = _read(paths, source)
        else:
            # None where it was closed.
            content = files.stream(sys.stdin.fileno()) if sys.stdin is not None else b""
    except OSError as error:
        raise LambdabuildError(f"cannot read `{source}`: {error.strerror}") from error
    text = content.decode("utf-8", "surrogateescape")
    if "\0" in text:
        names = text.split("\0")
    else:
        # No other line ends: a name may hold what Python takes for one.
        names = [_unquoted(line.removesuffix("\r")) for line in text.split("\n")]
    return [os.path.normpath(os.path.join(paths.working, name)) for name in names if name.strip()]


def _read(paths: Paths, path: str) -> bytes:
    return files.named(os.path.join(paths.working, path))


def _unquoted(name: str) -> str:
    r"""Return a path that git may have put in quotes, as it does if there is a `\303` in it.

    https://git-scm.com/docs/git-config#Documentation/git-config.txt-corequotePath
    """
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        if "\t" in name:
            raise LambdabuildError(
                f"these are not paths, one a line: `{name}`",
                hint="`git diff --name-only` lists them",
            )
        return name
    raw = name[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_escaped, raw).decode("utf-8", "surrogateescape")


def _escaped(match: re.Match[bytes]) -> bytes:
    what = match[1]
    return bytes([int(what, 8) & 0xFF]) if what.isdigit() else _ESCAPES.get(what, what)


def _recorded(session: Session, narrowing: Narrowing) -> dict[str, float]:
    """Return the seconds that functions took, by name, of the report that was named or of here."""
    if narrowing.times is None:
        home = Home(session.paths.project, session.tools.environment)
        return recorded_seconds(read_history(home.history))
    try:
        return times_of(json.loads(_read(session.paths, narrowing.times)))
    except OSError as error:
        message = f"cannot read `{narrowing.times}`: {error.strerror}"
        raise LambdabuildError(message) from error
    except (ValueError, RecursionError) as error:
        raise LambdabuildError(
            f"`{narrowing.times}` is no report: {error}", hint="`--report FILE` writes one"
        ) from error
