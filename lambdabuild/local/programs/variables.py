"""The variables, timeout and memory of functions: `.env` files, lambdabuild.toml, deployment files."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from lambdabuild.config.options import LocalSettings
from lambdabuild.core.build import Function
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.paths import Paths
from lambdabuild.core.text import some
from lambdabuild.deployment.declared import BOOTSTRAP, COMPUTED, Declared, Deployment
from lambdabuild.local.functions import DEFAULT_MEMORY, DEFAULT_TIMEOUT, Program
from lambdabuild.state.state import Evidence
from lambdabuild.system import files

NOTHING: Mapping[str, str] = MappingProxyType({})
_MOST = 1 << 20
"""Bytes of a file of variables; Lambda takes 4 KB of them."""


def read_env_file(path: str, caller: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an `.env` file, in the form that python-dotenv reads.

    `${NAME}` is a variable above it, or else one of this process; a NAME without a value is the
    caller's, as for `docker run --env-file`, and left out where the caller has none.

    Raises:
        LambdabuildError: it cannot be read.

    """
    from io import StringIO

    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    try:
        text = files.whole(path, _MOST).decode()
    except OSError as error:
        raise LambdabuildError(
            f"cannot read the variables in `{path}`: {error.strerror}",
            hint="--env-file names a file that has a line `NAME=value` for each variable",
        ) from error
    except UnicodeDecodeError as error:
        raise LambdabuildError(
            f"`{path}` is not UTF-8: {error.reason}", at=[path], hint="save it in UTF-8"
        ) from error
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            # python-dotenv would leave the line out.
            raise LambdabuildError(
                "this line sets no variable",
                at=[f"{path}:{binding.original.line}"],
                hint='write `NAME=value`, or `NAME="value"` where the value has spaces',
            )
    values = dotenv_values(stream=StringIO(text))
    return {
        name: caller[name] if value is None else value
        for name, value in values.items()
        if value is not None or name in caller
    }


class Declarations:
    """What deployment files declare, read again when one of them has changed.

    What the state remembers of them is without variables and routes.
    """

    def __init__(self) -> None:
        self._digests: Mapping[str, str] | None = None
        self._deployment = Deployment()

    def read(self, evidence: Evidence) -> Deployment:
        """Return what they declare now, by what the last run saw of them."""
        if not evidence.deployment.functions:
            return evidence.deployment
        digests = {path: stamp.digest for path, stamp in evidence.stamps.files.items()}
        if digests != self._digests:
            from lambdabuild.deployment import reader

            self._deployment = reader.read(digests)
            self._digests = digests
        return self._deployment


def declarations(
    functions: Sequence[Function], declared: Sequence[Declared], paths: Paths
) -> dict[str, Declared]:
    """Return what deployment files declare of each function that they are known to mean, by name.

    Where several declare one, the first that says something counts; variables are put together.
    """
    if not declared:
        return {}
    from lambdabuild.deployment.matching import Source, match

    outputs: dict[str, str] = {}
    for function in functions:
        for out in paths.outputs:
            path = os.path.join(out, function.name)
            outputs |= {path: function.name, f"{path}.zip": function.name}
    sources = [Source(function.name, function.directory) for function in functions]
    found: dict[str, Declared] = {}
    for item, name in zip(declared, match(declared, sources, outputs), strict=True):
        if name is not None:
            found[name] = _together(found[name], item) if name in found else item
    return found


def _together(first: Declared, other: Declared) -> Declared:
    return first._replace(
        timeout=first.timeout or other.timeout,
        memory=first.memory or other.memory,
        environment={**other.environment, **first.environment},
        computed=(*first.computed, *other.computed),
    )


def program_of(
    name: str,
    executable: str,
    settings: LocalSettings,
    declared: Declared | None = None,
    file: Mapping[str, str] = NOTHING,
) -> Program:
    """Return how a function is started: a file of variables beats its settings, which beat what is declared.

    `executable` is an absolute path.
    """
    environment = dict(declared.environment) if declared is not None else {}
    environment |= dict(settings.variables)
    environment |= file
    handler = runtime = None
    remark = ""
    timeout, memory = settings.timeout, settings.memory
    if declared is not None:
        timeout, memory = timeout or declared.timeout, memory or declared.memory
        handler, runtime = declared.handler, declared.runtime
        if unset := [name for name in dict.fromkeys(declared.computed) if name not in environment]:
            remark = (
                f"{os.path.basename(declared.file)} computes {some(unset)} when it deploys: "
                "`environment` in lambdabuild.toml, or --env-file, sets it here"
            )
    return Program(
        name,
        executable,
        environment,
        float(timeout or DEFAULT_TIMEOUT),
        memory or DEFAULT_MEMORY,
        settings.concurrency,
        handler if handler not in {None, COMPUTED} else BOOTSTRAP,
        runtime if runtime not in {None, COMPUTED} else Program._field_defaults["runtime"],
        remark=remark,
    )


class EnvFile:
    """A file of variables, read again when it has changed."""

    def __init__(self, path: str, caller: Mapping[str, str]) -> None:
        """`path` is absolute."""
        self.path = path
        self._caller = caller
        self._seen: tuple[int, ...] | None = None
        self._variables: Mapping[str, str] = NOTHING

    def read(self) -> Mapping[str, str]:
        """Return its variables as they are now.

        Raises:
            LambdabuildError: it cannot be read.

        """
        seen = None
        with contextlib.suppress(OSError):
            now = os.stat(self.path)
            seen = (now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
        if seen is None or seen != self._seen:
            self._variables = read_env_file(self.path, self._caller)
            self._seen = seen
        return self._variables
