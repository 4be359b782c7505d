"""What a deployment file declares of a function; no disk."""

import os.path
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lambdabuild.deployment.routes.apis import Cors, Route

ARCHITECTURES = ("x86_64", "arm64")
"""https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html"""
GO_RUNTIMES = ("provided.al2023", "provided.al2", "provided", "go1.x")
"""Runtimes that Go executables run on; the last two are retired.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""
RETIRED = ("go1.x", "provided")
OF_PLUGINS = "python2.7"
"""What Go functions ran in before AWS had a runtime for Go; retired as well."""


COMPUTED = ""
"""In the place of a value that only a deployment knows."""
BOOTSTRAP = "bootstrap"


class Declared(NamedTuple):
    """A Lambda function, as one deployment file declares it; None for what it does not say."""

    name: str
    """What the file calls it: a logical ID, a key, a resource's name."""
    file: str
    """The file, an absolute path."""
    line: int | None = None
    """Where the declaration begins; counts from 1."""
    deployed_as: str | None = None
    """FunctionName, if it is a literal."""
    code: str | None = None
    """The directory or file to deploy, or to build from; an absolute path."""
    handler: str | None = None
    architecture: str | None = None
    """None where the file says nothing, which means x86_64 to Lambda; COMPUTED where it is no literal."""
    runtime: str | None = None
    """As for the architecture; but None is an error to Lambda."""
    timeout: int | None = None
    """Seconds."""
    memory: int | None = None
    """MB."""
    environment: Mapping[str, str] = MappingProxyType({})
    """The variables whose values are literals."""
    routes: "tuple[Route, ...]" = ()
    """The HTTP routes that lead to it."""
    lines: Mapping[str, int] = MappingProxyType({})
    """The lines that say `architecture`, `runtime`, `handler` and `code`."""
    url: "Cors | None" = None
    """What its function URL allows; None where it has none."""
    computed: tuple[str, ...] = ()
    """The variables whose values only a deployment knows."""

    def line_of(self, field: str) -> int | None:
        """Return the line that sets a field, or else the one where the declaration begins."""
        return self.lines.get(field, self.line)

    @property
    def is_go(self) -> bool:
        """Whether a Go executable may run there: by the runtime, or else by the handler."""
        return self.runtime in GO_RUNTIMES or (
            self.runtime == COMPUTED and self.handler == BOOTSTRAP
        )

    @property
    def names_its_code(self) -> bool:
        """Whether the code is a place in the repository: neither computed nor one of CDK's copies."""
        return self.code is not None and not os.path.basename(self.code).startswith("asset.")

    @property
    def deployed_architecture(self) -> str:
        """What Lambda runs it on: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html."""
        return ARCHITECTURES[0] if self.architecture is None else self.architecture


class Witness(NamedTuple):
    """A line that says for which architecture somebody builds, without naming a function."""

    architecture: str
    file: str
    """An absolute path."""
    line: int


class Deployment(NamedTuple):
    """What all deployment files of a project say."""

    functions: tuple[Declared, ...] = ()
    """Those that run Go executables, by file and line."""
    witnesses: tuple[Witness, ...] = ()
    """`GOARCH=` in Makefiles, workflows and scripts."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """Deployment files that cannot be read, each with the reason."""
    of_plugins: tuple[Declared, ...] = ()
    """Those with python2.7, of which some may be for eawsy's runtimes."""
