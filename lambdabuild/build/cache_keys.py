"""Name what an executable is built from, so that whoever builds the same finds it; no disk."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from lambdabuild.core.model import Input, Package, Step
from lambdabuild.core.origins import UNKNOWN
from lambdabuild.golang.commands import uses_cgo
from lambdabuild.survey.inputs import is_for_c
from lambdabuild.survey.plan import order_of

VERSION = 1
"""Of what a key is made of; another one finds nothing that was kept before."""
_OF_ONE_MACHINE = frozenset({"untracked", "directory"})
"""Inputs that tell of what only Go follows, and of where the project is: trimpath is off."""


def key_of(step: Step, inputs: Sequence[Input], graph: Mapping[str, Package]) -> str | None:
    """Return the key of a step's executable, 64 hex digits; None if it is of one machine alone.

    Equal inputs give equal bytes wherever the project, Go and the module cache are, whoever runs
    it: Go's own builds rest on that (https://go.dev/blog/rebuild). As for Go itself, a release of
    the toolchain is told by its version (cmd/go, `toolID`).
    """
    if not inputs or any(name in _OF_ONE_MACHINE or text == UNKNOWN for name, text in inputs):
        return None
    if uses_cgo(step.target, step.flags) and not _is_c_portable(step, inputs, graph):
        return None
    told = json.dumps([VERSION, sorted(inputs)], separators=(",", ":"))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _is_c_portable(step: Step, inputs: Sequence[Input], graph: Mapping[str, Package]) -> bool:
    """Tell whether C is compiled by what zig brings along, and nothing of the machine.

    Where a function's own packages have C, `#cgo` lines may name what is installed on a machine,
    by pkg-config or a path; so only C of the standard library is taken for portable.
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
