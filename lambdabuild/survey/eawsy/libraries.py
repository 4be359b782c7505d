"""The libraries of eawsy, by which functions were written before AWS had a runtime for Go.

https://github.com/eawsy/aws-lambda-go, https://github.com/eawsy/aws-lambda-go-shim
"""

from collections.abc import Mapping

from lambdabuild.core.gopackage import Package
from lambdabuild.survey.plan import order_of

REGISTRY = "github.com/eawsy/aws-lambda-go/service/lambda/runtime"
"""Takes a handler that code registers in an `init`; `main` is empty."""
CORE = "github.com/eawsy/aws-lambda-go-core/service/lambda/runtime"
"""Has the context that an exported handler gets; there is no `main`."""
RUNTIMES = frozenset({REGISTRY, CORE})
OFFICIAL = frozenset(
    {"github.com/aws/aws-lambda-go/lambda", "github.com/aws/aws-lambda-go/lambdaurl"}
)
"""By which a `main` takes events from Lambda itself: https://pkg.go.dev/github.com/aws/aws-lambda-go"""
LIBRARIES = "github.com/eawsy/aws-lambda-go"
"""What the paths of all of them begin with."""
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
LIBRARY = "eawsy/aws-lambda-go"
"""The repositories, as people know them."""


def may_be_adapted(package: Package, graph: Mapping[str, Package]) -> bool:
    """Return whether a main package may be for one of the runtimes, without a look at its files.

    What it imports may lead to one once it is mended: until then the function has failed, and is not
    gone. And where others are for the shim, a handler of a wrong signature need not import anything.
    """
    if not package.go_files:
        return False
    if package.declares_main:
        # The other way round would go through the graph, once for each function.
        return not graph.keys().isdisjoint(RUNTIMES)
    reached = order_of(graph, package.import_path)
    broken = any(path in graph and graph[path].errors for path in reached)
    return broken or CORE in graph or REGISTRY in reached
