"""The libraries of eawsy, by which functions were written before AWS had a runtime for Go.

https://github.com/eawsy/aws-lambda-go, https://github.com/eawsy/aws-lambda-go-shim
"""

from collections.abc import Iterable, Mapping

from lambdabuild.core.build import Adapter
from lambdabuild.core.gopackage import Package

REGISTRY = "github.com/eawsy/aws-lambda-go/service/lambda/runtime"
"""Takes a handler that code registers in an `init`; `main` is empty."""
CORE = "github.com/eawsy/aws-lambda-go-core/service/lambda/runtime"
"""Has the context that an exported handler gets; there is no `main`."""
EVENTS = "github.com/eawsy/aws-lambda-go-event"
_EVENT_PACKAGES = f"{EVENTS}/service/lambda/runtime/event"
MENDED = frozenset(
    f"{_EVENT_PACKAGES}/{name}"
    for name in (
        *("apigatewayproxyevt", "cloudwatchlogsevt", "dynamodbstreamsevt", "kinesisfirehoseevt"),
        *("kinesisstreamsevt", "sesevt"),
    )
)
"""Packages that decode no event since Go 1.10, unless they are mended.

encoding/json sets no embedded pointer to an unexported struct: https://go.dev/doc/go1.10#encoding/json
"""
ADAPTER_VERSION = 1
"""Of what is added to functions, and of how packages are mended: another makes other executables."""

SHIM = "eawsy/aws-lambda-go-shim"
_LIBRARY = "eawsy/aws-lambda-go"


def adapter_of(
    package: Package, graph: Mapping[str, Package], handler: str | None
) -> Adapter | None:
    """Return what a main package needs to be started, by what it imports; None for nothing.

    `handler` is the symbol that a function for the shim exports; None for its usual one. It may have
    a `main` beside that: whether it does anything is not known here.
    """
    if package.declares_main and _imports(graph, package.import_path, REGISTRY):
        return Adapter(_LIBRARY)
    if _imports(graph, package.import_path, CORE):
        return Adapter(SHIM, handler or "Handle")
    return None


def _imports(graph: Mapping[str, Package], start: str, library: str) -> bool:
    """Return whether a package imports a library, directly or not."""
    if library not in graph:
        return False
    left, seen = [start], {start}
    while left:
        package = graph.get(left.pop())
        new: Iterable[str] = package.imports if package is not None else ()
        if library in new:
            return True
        left += (path for path in new if path not in seen)
        seen.update(new)
    return False
