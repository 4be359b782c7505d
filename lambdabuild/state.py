"""What lambdabuild remembers between runs, in `.lambdabuild`: what it wrote, and a lock."""

import contextlib
import fcntl
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from lambdabuild.errors import LambdabuildError
from lambdabuild.model import Artifact, Identity, Runtime, Target
from lambdabuild.process import end_orphans

log = logging.getLogger(__name__)

VERSION = 1
DIRECTORY = ".lambdabuild"


@dataclass(slots=True)
class State:
    """What lambdabuild wrote and has not removed; paths relative to the project directory."""

    artifacts: dict[str, Artifact] = field(default_factory=dict)
    manifests: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of each manifest, by its path."""


class Home:
    """The `.lambdabuild` directory of a project."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.path = Path(project, DIRECTORY)
        self._state = self.path / "state.json"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def create(self) -> None:
        """Make the directory, which hides itself from git.

        Raises:
            LambdabuildError: it cannot be written.

        """
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            ignore = self.path / ".gitignore"
            if not ignore.exists():
                ignore.write_text("# lambdabuild's own: state, staging, logs\n*\n", "utf-8")
        except OSError as error:
            raise cannot_write(error, str(self.path)) from error

    @contextlib.contextmanager
    def locked(self, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold the project's lock; `waiting` is told who has it, once, if somebody else does."""
        # Kept open for as long as it is held; the system lets go of it however this process ends.
        with contextlib.ExitStack() as stack:
            told = False
            while True:
                self.create()
                file = stack.enter_context(self._open_lock())
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    file.seek(0)
                    if not told:
                        waiting(file.read().strip())
                        told = True
                    fcntl.flock(file, fcntl.LOCK_EX)
                # `lambdabuild clean` may have removed the file meanwhile: then this is no lock.
                if _is_same_file(file.fileno(), self.path / "lock"):
                    break
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def _open_lock(self) -> IO[str]:
        path = self.path / "lock"
        try:
            return path.open("a+", encoding="ascii")
        except OSError as error:
            raise cannot_write(error, str(path)) from error

    @contextlib.contextmanager
    def staging(self) -> Iterator[str]:
        """Make a directory for one run and remove it after, with what a killed run left.

        To be used under the lock: then every other directory there is a dead run's.
        """
        place = self.path / "staging"
        if place.exists():
            log.info("%d processes of a killed run ended", end_orphans(str(place)))
            remove_tree(place)
        try:
            place.mkdir(parents=True, exist_ok=True)
            directory = tempfile.mkdtemp(prefix="run-", dir=place)
        except OSError as error:
            raise cannot_write(error, str(place)) from error
        try:
            yield directory
        finally:
            remove_tree(place)

    def load(self) -> State:
        """Return what the last run saved; nothing where that cannot be read."""
        try:
            text = self._state.read_text("utf-8")
        except FileNotFoundError:
            return State()
        except (OSError, ValueError) as error:
            log.warning("state cannot be read, starting from nothing: %s", error)
            return State()
        try:
            return _parse(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("state is damaged or of another version, starting from nothing: %r", error)
            return State()

    def save(self, state: State) -> None:
        """Replace what is remembered, all or nothing."""
        value = {
            "version": VERSION,
            "artifacts": [asdict(a) for a in state.artifacts.values()],
            "manifests": state.manifests,
        }
        write_atomically(self._state, json.dumps(value, indent=1, ensure_ascii=False))

    def forget(self) -> None:
        """Remove the directory with all that is in it."""
        remove_tree(self.path)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _parse(value: dict[str, Any]) -> State:
    if value["version"] != VERSION:
        raise ValueError(f"version {value['version']}")
    artifacts = [_parse_artifact(item) for item in value["artifacts"]]
    manifests = {str(path): str(digest) for path, digest in value["manifests"].items()}
    return State({artifact.path: artifact for artifact in artifacts}, manifests)


def _parse_artifact(value: dict[str, Any]) -> Artifact:
    runtime = value.pop("runtime")
    return Artifact(
        target=Target(**value.pop("target")),
        runtime=Runtime(runtime) if runtime else None,
        identity=Identity(**value.pop("identity")),
        **value,
    )


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that whoever reads it sees the old text or the new one.

    Raises:
        LambdabuildError: it cannot be written; the old one is as it was.

    """
    temporary = path.with_name(f".{path.name}.lambdabuild-tmp")
    try:
        temporary.write_text(text, "utf-8")
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise cannot_write(error, str(path)) from error


def remove_tree(path: Path) -> None:
    """Remove a directory of lambdabuild's own, whatever is in it."""
    shutil.rmtree(path, ignore_errors=True)


def cannot_write(error: OSError, path: str) -> LambdabuildError:
    """Return the error of a file that cannot be written, with the remedy for its cause."""
    return LambdabuildError(
        f"cannot write `{path}`: {error.strerror}", hint=_write_remedy(error.errno)
    )


def _write_remedy(number: int | None) -> str:
    import errno  # noqa: PLC0415 - only when something went wrong

    if number in {errno.ENOSPC, errno.EDQUOT}:
        return "free some space on that disk"
    if number == errno.EROFS:
        return "it is on a read-only file system; `--out` chooses where executables go"
    if number in {errno.EACCES, errno.EPERM}:
        return "the directory has to be writable by the user that runs lambdabuild"
    if number in {errno.ENOTDIR, errno.EEXIST, errno.EISDIR}:
        return "something else is in its place; move it away"
    return "`lambdabuild doctor` checks where it writes"
