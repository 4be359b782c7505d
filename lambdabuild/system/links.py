"""Never read or write by way of a link: lambdabuild's own files, and the outputs it is asked for.

A repository may bring a `.lambdabuild` of its own making. A link in it would have lambdabuild write
wherever that leads, with the rights of whoever builds; plain `go build` writes nothing there.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Mapping

from lambdabuild.core.artifact import TEMPORARY
from lambdabuild.core.errors import LambdabuildError

_NEVER = (".git", ".lambdabuild")
"""Git and lambdabuild trust what is in there: hooks, among others."""
_SAFE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Follow no link, leave it to no child, and do not block on a pipe that nobody reads."""
MOST = 64 << 20
"""Bytes of the largest file: a state of 2,000 functions takes some MB, a history 4."""
_FOLDERS = frozenset({"logs", "local", "calls"})
"""Directories whose files are written in place. What is in others is made anew, or checked there."""
_WRITTEN_ANEW = frozenset(
    {"state.json", "publishing.json", ".gitignore", "config.schema.json", "serve.json"}
)
"""What is never written in place, so that another name of the file keeps its content."""


def caches_of(environment: Mapping[str, str], platform: str) -> str:
    """Return the directory of the user's caches; `platform` is `sys.platform`'s value.

    A relative XDG_CACHE_HOME does not count: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    home = environment.get("HOME") or os.path.expanduser("~")
    xdg = environment.get("XDG_CACHE_HOME", "")
    if platform != "darwin" and os.path.isabs(xdg):
        return xdg
    return os.path.join(home, *(("Library", "Caches") if platform == "darwin" else (".cache",)))


def cache_directory(environment: Mapping[str, str], platform: str) -> str:
    """Return where the cache is; `platform` is `sys.platform`'s value."""
    if chosen := environment.get("LAMBDABUILD_CACHE_DIR"):
        return os.path.abspath(os.path.expanduser(chosen))
    return os.path.join(caches_of(environment, platform), "lambdabuild")


def open_own(path: str | os.PathLike[str], flags: int) -> int:
    """Open a file and return its descriptor; refuse links, hard ones too where it is written."""
    directory, name = os.path.split(path)
    parent = os.open(directory or ".", os.O_RDONLY | os.O_DIRECTORY | _SAFE)
    try:
        descriptor = os.open(name, flags | _SAFE, 0o666, dir_fd=parent)
    finally:
        os.close(parent)
    found = os.fstat(descriptor)
    writing = flags & (os.O_WRONLY | os.O_RDWR)
    if stat.S_ISREG(found.st_mode) and not (writing and found.st_nlink > 1):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EMLINK, "It is not a regular file of one name", str(path))


def read_own(path: str | os.PathLike[str], most: int = MOST) -> bytes:
    """Return the content of a file; one of more than `most` bytes is not lambdabuild's."""
    with open(open_own(path, os.O_RDONLY), "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return content


def temporary(target: str) -> str:
    """Return where a file is written that is to replace `target` in one step."""
    directory, slash, name = target.rpartition(os.sep)
    return f"{directory}{slash}.{name}{TEMPORARY}"


def create_new(path: str, mode: int = 0o666) -> int:
    """Create a file, where not even a link is, and return its descriptor."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, mode)


def replace_whole(path: str, content: bytes, mode: int = 0o666) -> None:
    """Replace a file atomically; its new mode is `mode` without the umask."""
    beside = temporary(path)
    try:
        # A killed run, or somebody else, may have left something there: never write through it.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        with open(create_new(beside, mode), "wb") as file:
            file.write(content)
        os.replace(beside, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def write_whole(path: str, content: bytes) -> None:
    """Write a file that was asked for, atomically; pipes, devices and links are written to."""
    try:
        at_once = stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        at_once = True
    if at_once:
        # Somebody may be allowed to write the file, and not in its directory.
        with contextlib.suppress(PermissionError):
            replace_whole(path, content)
            return
    with open(path, "wb") as file:
        file.write(content)


def check_own(directory: str) -> None:
    """Check that a directory of lambdabuild's, and all in it, is what lambdabuild makes."""
    if os.path.islink(directory):
        raise _refused(directory, directory, "is a symbolic link")
    _check_inside(directory, directory)


def _check_inside(directory: str, top: str) -> None:
    try:
        with os.scandir(directory) as entries:
            found = list(entries)
    except OSError:
        # There is none yet, or writing there will report the error.
        return
    for entry in found:
        if entry.is_symlink():
            raise _refused(entry.path, top, "is a symbolic link")
        if entry.is_dir(follow_symlinks=False):
            if entry.name in _FOLDERS:
                _check_inside(entry.path, top)
        elif not entry.is_file(follow_symlinks=False) and os.path.lexists(entry.path):
            raise _refused(entry.path, top, "is neither a file nor a directory")
        elif entry.name not in _WRITTEN_ANEW and _names(entry) > 1:
            raise _refused(entry.path, top, "has another name as well (it is a hard link)")


def _names(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat(follow_symlinks=False).st_nlink
    except OSError:
        # Another lambdabuild has just replaced it.
        return 1


def _refused(path: str, top: str, what: str) -> LambdabuildError:
    shown = os.path.basename(top) + path[len(top) :]
    return LambdabuildError(
        f"`{shown}` {what}: lambdabuild did not make it, and writes through nothing of the kind",
        at=[path],
        hint=f"see what it is; then `rm -r {os.path.basename(top)}`: lambdabuild makes its own",
    )


def check_out(out: str, project: str) -> None:
    """Check that an output directory is where its name says; both are absolute."""
    real = os.path.realpath(out)
    if left := _left(out, real, project):
        raise LambdabuildError(
            f"the output directory `{os.path.relpath(out, project)}` leads out of the project, "
            f"to `{left}`",
            hint=f"take the link away; or say `--out {left}`, if that is what you mean",
        )
    within = _within(real, os.path.realpath(project)) or real
    if name := _never(within):
        raise LambdabuildError(
            f"the output directory `{os.path.relpath(out, project)}` is in `{name}`, "
            f"which is not for outputs",
            hint="choose another with `out` in lambdabuild.toml, or with `--out`",
        )


def check_file(path: str, project: str) -> None:
    """Check that a requested file is no link of the project's to elsewhere; both are absolute."""
    real = os.path.realpath(path)
    if left := _left(path, real, project):
        raise LambdabuildError(
            f"`{os.path.basename(path)}` leads out of the project, to `{left}`",
            at=[path],
            hint="take the link away, or name the file that you mean",
        )


def leads_out(path: str, boundary: str, project: str) -> str | None:
    """Return where the directory of an output really is, if a link leads it to elsewhere.

    `boundary` is the output directory, or the project where outputs are beside their sources; all
    three are absolute. What is not below it, by name, is not checked.
    """
    directory, boundary = os.path.normpath(os.path.dirname(path)), os.path.normpath(boundary)
    real = os.path.realpath(directory)
    left = _left(directory, real, boundary) or _left(boundary, os.path.realpath(boundary), project)
    if left is None and _never(_within(real, os.path.realpath(boundary)) or ""):
        return real
    return left


def _left(path: str, real: str, top: str) -> str | None:
    """Return the real path of what is below a directory by name only."""
    if path != top and _within(path, top) is None:
        return None
    real_top = os.path.realpath(top)
    return None if real == real_top or _within(real, real_top) is not None else real


def _within(path: str, top: str) -> str | None:
    """Return a path from a directory that it is below; None where it is not."""
    start = top if top.endswith(os.sep) else f"{top}{os.sep}"
    return path[len(start) :] if path.startswith(start) else None


def _never(path: str) -> str | None:
    """Return what of a path is no place for outputs; a file system may fold case."""
    return next((part for part in path.split(os.sep) if part.casefold() in _NEVER), None)
