"""Which main packages are written for one of eawsy's runtimes."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from lambdabuild.config.options import BuildSettings
from lambdabuild.core.build import Adapter
from lambdabuild.core.gopackage import Diagnostic, Package
from lambdabuild.survey.eawsy.detection import adapter_of
from lambdabuild.survey.eawsy.libraries import CORE, OFFICIAL, REGISTRY
from tests.unit.values import graph, package

MAIN, OWN, BROKEN = "example.com/shop/api/a", "example.com/shop/handlers", "example.com/shop/broken"
HANDLE = (
    "func Handle(evt interface{}, ctx *runtime.Context) (interface{}, error) { return evt, nil }\n"
)
NET = "github.com/eawsy/aws-lambda-go-net/service/lambda/runtime/net/apigatewayproxy"
BUSY = "func main() { local() }\n"
LAMBDA = min(OFFICIAL)
SHIM = Adapter("eawsy/aws-lambda-go-shim", "Handle")
LIBRARY = Adapter("eawsy/aws-lambda-go")
AUTO = BuildSettings()


def packages(
    directory: Path, text: str, *imports: str, main: bool = False
) -> Mapping[str, Package]:
    (directory / "handler.go").write_text(f"package main\n\n{text}")
    error = Diagnostic(BROKEN, "no required module provides it")
    return graph(
        package(MAIN)._replace(
            directory=str(directory), go_files=("handler.go",), imports=imports, declares_main=main
        ),
        package(OWN)._replace(imports=(CORE,)),
        package(BROKEN)._replace(errors=(error,)),
        package(NET)._replace(errors=(error,)),
        *(package(path) for path in imports if path in {CORE, REGISTRY}),
        *([package(CORE)] if OWN in imports else []),
    )


@pytest.mark.parametrize(
    ("text", "imports", "main", "expected"),
    [
        (HANDLE, (CORE,), False, SHIM),
        ("var Handle = handlers.Fn\n", (OWN,), False, SHIM),
        ("", (CORE,), False, SHIM),
        (HANDLE + "func main() {}\n", (CORE,), True, SHIM),
        # What a plugin's `main` does, it never did on Lambda.
        (HANDLE + BUSY, (CORE,), True, SHIM),
        ("var Handle = handlers.Fn\n" + BUSY, (OWN,), True, SHIM),
        # That there is no `Handle` is an error, rather than a program that ends at once.
        (HANDLE.replace("Handle", "HandleOrder") + BUSY, (CORE,), True, SHIM),
        # It may call a handler of another package.
        (BUSY, (CORE,), True, None),
        ("func Ping(s *shop.Shop, c *gin.Context) {}\n" + BUSY, (OWN,), True, None),
        ("func main() {}\n", (CORE,), True, None),
        ("", (REGISTRY,), False, LIBRARY),
        ("func main() {}\n", (REGISTRY,), True, LIBRARY),
        ("func init() { runtime.HandleFunc(handle) }\n" + BUSY, (REGISTRY,), True, LIBRARY),
        (BUSY, (REGISTRY,), True, None),
        # It has moved to aws-lambda-go, and shares packages with some that have not.
        (HANDLE + BUSY, (CORE, LAMBDA), True, None),
        (BUSY, (REGISTRY, LAMBDA), True, None),
        (HANDLE + "func main() {}\n", (CORE, LAMBDA), True, SHIM),
        ("func main() {}\n", (REGISTRY, LAMBDA), True, LIBRARY),
        ("func main() {}\n", (), True, None),
        ("var Handle = handlers.Fn\n", (BROKEN,), False, SHIM),
        ("var other = 1\n", (BROKEN,), False, None),
        ("var Proxy apigatewayproxy.Handler\n", (NET,), False, SHIM),
        ("var Proxy other.Handler\n", (BROKEN,), False, None),
        (HANDLE, (), False, None),
    ],
)
def test_what_a_main_package_imports_says_what_it_is_for(
    tmp_path: Path, text: str, imports: tuple[str, ...], main: bool, expected: Adapter | None
) -> None:
    found = packages(tmp_path, text, *imports, main=main)
    assert adapter_of(found[MAIN], found, AUTO) == expected
    assert adapter_of(found[MAIN], found, AUTO._replace(adapter="none")) is None


def test_a_handler_beside_others_of_the_shim_need_not_import_it(tmp_path: Path) -> None:
    found = packages(tmp_path, "func Handle() {}\n")
    beside = {**found, **graph(package(CORE))}
    assert adapter_of(found[MAIN], beside, AUTO) == SHIM


def test_a_handler_that_is_named_is_one(tmp_path: Path) -> None:
    found = packages(tmp_path, "func Run() {}\n")
    named = AUTO._replace(handler_name="Run")
    assert adapter_of(found[MAIN], found, named) == SHIM._replace(handler="Run")
    assert adapter_of(found[MAIN], found, AUTO) is None
