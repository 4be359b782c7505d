"""The `.lambdabuild` directory: the state between runs, and a lock."""

import contextlib
import errno
import fcntl
import functools
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from lambdabuild.core.artifact import Artifact
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.paths import HOME
from lambdabuild.golang.tree import upwards
from lambdabuild.state.serialization import (
    DAMAGE,
    ForeignError,
    announcement_text,
    from_announcement,
    from_text,
    to_text,
)
from lambdabuild.state.signing import Keys, keys_of
from lambdabuild.state.stamps import clock_of
from lambdabuild.state.state import State
from lambdabuild.system import directories
from lambdabuild.system.links import (
    check_own,
    create_new,
    open_own,
    read_own,
    replace_whole,
    temporary,
)
from lambdabuild.system.process import end_orphans

log = logging.getLogger(__name__)

DIRECTORY = HOME
SCHEMA = "config.schema.json"
"""The file in it that tells editors of `lambdabuild.toml`; it is as in the package."""
STATE = "state.json"
"""The file in it that any run may write."""


class Home:
    """The `.lambdabuild` directory of a project."""

    def __init__(
        self,
        project: str,
        environment: Mapping[str, str] = os.environ,
        directory: str = DIRECTORY,
    ) -> None:
        """`environment` names the directory of the user's key.

        `directory` is `.lambdabuild`, or one in it with a state and a lock of its own.
        """
        self.project = project
        self.top = Path(project, DIRECTORY)
        self.path = Path(project, directory)
        self.foreign = False
        """The state that was read last is somebody else's, and ignored."""
        self._environment = environment
        self._state = self.path / STATE
        self._announced = self.path / "publishing.json"
        self._new = False

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def history(self) -> Path:
        return self.path / "history.jsonl"

    @functools.cached_property
    def _keys(self) -> Keys:
        keys = keys_of(self._environment, sys.platform, self.project)
        return keys if any(keys) else _keys_of_process()

    def create(self) -> None:
        """Create the directory, with a .gitignore for all in it."""
        check_own(str(self.top))
        try:
            self._new = self._new or not self.logs.is_dir()
            self.logs.mkdir(parents=True, exist_ok=True)
            ignore = self.top / ".gitignore"
            # Another process may create it at the same time.
            with contextlib.suppress(FileExistsError):
                if not ignore.exists():
                    with open(create_new(str(ignore)), "wb") as file:
                        file.write(b"# lambdabuild's own: state, staging, logs\n*\n")
        except OSError as error:
            raise cannot_write(error, str(self.path)) from error

    def keep_schema(self) -> None:
        """Write the schema of `lambdabuild.toml`, unless it is that of this version already."""
        shipped, kept = Path(__file__).parents[1] / "schemas" / SCHEMA, self.top / SCHEMA
        try:
            wanted = shipped.stat()
            with contextlib.suppress(FileNotFoundError):
                found = kept.stat()
                # File systems round times, to two seconds at most.
                late = abs(found.st_mtime_ns - wanted.st_mtime_ns) > 2_000_000_000  # noqa: PLR2004
                if found.st_size == wanted.st_size and not late:
                    return
            replace_whole(str(kept), shipped.read_bytes())
            os.utime(kept, ns=(wanted.st_mtime_ns, wanted.st_mtime_ns))
        except OSError as error:
            raise cannot_write(error, str(kept)) from error

    @contextlib.contextmanager
    def locked(self, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold the project's lock; if another process has it, call `waiting` once with its id."""
        # The lock lasts as long as the file is open: the system ends it however this process ends.
        with contextlib.ExitStack() as stack:
            has_waited = False
            while True:
                self.create()
                path = self.path / "lock"
                try:
                    descriptor = open_own(path, os.O_RDWR | os.O_CREAT)
                except OSError as error:
                    raise cannot_write(error, str(path)) from error
                file = stack.enter_context(open(descriptor, "r+", encoding="ascii"))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if not has_waited:
                        waiting(_holder(file))
                        has_waited = True
                    fcntl.flock(file, fcntl.LOCK_EX)
                # `lambdabuild clean` may have removed the file meanwhile: then this is no lock.
                with contextlib.suppress(OSError):
                    if os.path.samestat(os.fstat(descriptor), path.stat()):
                        break
            file.seek(0)
            file.truncate()
            file.write(str(os.getpid()))
            file.flush()
            yield

    def sweep(self) -> None:
        """End processes of a killed run, and remove what it staged; under the lock."""
        place = self.path / "staging"
        if place.exists():
            log.info("%d processes of a killed run ended", end_orphans(str(place)))
            directories.remove(str(place))
        for path in (self._state, self._announced):
            with contextlib.suppress(OSError):
                os.unlink(temporary(str(path)))

    @contextlib.contextmanager
    def staging(self) -> Iterator[str]:
        """Create a directory for one run, and remove it after; under the lock.

        There every other directory is a killed run's, and removed as well.
        """
        self.sweep()
        place = self.path / "staging"
        try:
            place.mkdir(parents=True, exist_ok=True)
            directory = str(place / f"run-{os.urandom(6).hex()}")
            os.mkdir(directory, 0o700)
        except OSError as error:
            raise cannot_write(error, str(place)) from error
        try:
            yield directory
        finally:
            directories.remove(str(place))

    def clock(self) -> int:
        """Return the time by the project's file system, in nanoseconds."""
        if self._new:
            # Else the directory that holds it would look as if it was changed just now.
            time.sleep(0.03)
            self._new = False
        return clock_of(str(self.path / "lock"))

    def load(self) -> State:
        """Return the state that the last run saved; an empty one where it cannot be read."""
        self.foreign = False
        text = self._read(self._state)
        if text is None:
            return State()
        try:
            state = from_text(text, self.project, self._keys)
        except ForeignError as error:
            log.warning("state is not taken, starting from nothing: %s", error)
            self.foreign = True
            return State()
        except DAMAGE as error:
            log.warning("state is damaged or of another version, starting from nothing: %r", error)
            return State()
        if state.project != self.project:
            log.warning("state is of %s: packages are found out anew here", state.project)
        return state

    def _read(self, path: Path) -> str | None:
        try:
            return read_own(path).decode()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("state cannot be read, starting from nothing: %s", error)
            return None

    def save(self, state: State) -> None:
        """Replace the state, atomically."""
        write_atomically(self._state, to_text(state, self.project, self._keys))
        self._announced.unlink(missing_ok=True)

    def announce(self, artifacts: Sequence[Artifact]) -> None:
        """Save which artifacts are about to be published, in case this run is killed meanwhile."""
        write_atomically(self._announced, announcement_text(artifacts, self._keys))

    def announced(self) -> list[Artifact]:
        """Return what a killed run was about to publish."""
        text = self._read(self._announced)
        try:
            return from_announcement(text, self._keys) if text is not None else []
        except DAMAGE as error:
            log.warning("what a killed run was publishing is not known: %r", error)
            return []

    def forget(self) -> None:
        """Remove the directory with all in it."""
        directories.remove(str(self.path))


@functools.cache
def _keys_of_process() -> Keys:
    """Return a key of this process: where none can be kept, a watch still trusts what it wrote."""
    return Keys(os.urandom(32))


def _holder(file: IO[str]) -> str:
    """Return the id of the process that holds a lock; `?` where it has not written it yet."""
    with contextlib.suppress(ValueError):
        return str(int(file.read(20)))
    return "?"


def write_atomically(path: Path, text: str) -> None:
    """Replace a file atomically."""
    try:
        replace_whole(str(path), text.encode())
    except OSError as error:
        raise cannot_write(error, str(path)) from error


def check_writable(places: Iterable[str]) -> None:
    """See that files can be made in each directory, or where it would be made."""
    for directory in places:
        existing = next(filter(os.path.lexists, upwards(directory)))
        try:
            _make_file(existing)
        except OSError as error:
            raise cannot_write(error, directory) from error


def _make_file(directory: str) -> None:
    """Make a file without a name in a directory, or one that goes at once."""
    if unnamed := getattr(os, "O_TMPFILE", 0):
        # Not every file system has such files.
        with contextlib.suppress(OSError):
            os.close(os.open(directory, unnamed | os.O_RDWR, 0o600))
            return
    import tempfile

    with tempfile.TemporaryFile(dir=directory):
        pass


def cannot_write(error: OSError, path: str) -> LambdabuildError:
    """Return the error of a file that cannot be written, with the remedy for its cause."""
    return LambdabuildError(
        f"cannot write `{path}`: {error.strerror}", hint=remedy_of(error.errno, path)
    )


def remedy_of(number: int | None, path: str) -> str | None:
    """Return the remedy for an error number of writing a file."""
    read_only = "it is on a read-only file system; `--out` chooses where executables go"
    if DIRECTORY in path.split(os.sep):
        read_only = (
            "the lock and what is staged are there, wherever executables go: mount a file system "
            "that can be written on it, or build in a copy of the project"
        )
    full = "free some space on that disk"
    permission = "the directory has to be writable by the user that runs lambdabuild"
    taken = "something else is in its place; move it away"
    long = "give the function a shorter name: a `directory` under [functions] in lambdabuild.toml"
    many = "too many files are open: `ulimit -n` is the limit"
    remedies = {
        **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), full),
        errno.EROFS: read_only,
        **dict.fromkeys((errno.EACCES, errno.EPERM), permission),
        **dict.fromkeys((errno.ENOTDIR, errno.EEXIST, errno.EISDIR), taken),
        errno.ENAMETOOLONG: long,
        errno.ELOOP: "a symbolic link on the way there leads in a circle; take it away",
        errno.EFBIG: "`ulimit -f` is the limit of the system",
        **dict.fromkeys((errno.EMFILE, errno.ENFILE), many),
    }
    return remedies.get(number) if number else None
