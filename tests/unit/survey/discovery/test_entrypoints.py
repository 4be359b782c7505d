"""Which programs are Lambda functions, by what they import."""

from pathlib import Path

import pytest

from lambdabuild.core.gopackage import Package
from lambdabuild.survey.discovery.entrypoints import is_client, mentions_lambda, reaching_lambda

LAMBDA = "github.com/aws/aws-lambda-go/lambda"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (LAMBDA, True),
        ("github.com/aws/aws-lambda-go/lambdaurl", True),
        ("github.com/eawsy/aws-lambda-go/service/lambda/runtime", True),
        ("github.com/eawsy/aws-lambda-go-core/service/lambda/runtime", True),
        ("github.com/eawsy/aws-lambda-go-net/service/lambda/runtime/net", True),
        # Types of events: a server may have them as well.
        ("github.com/aws/aws-lambda-go/events", False),
        ("github.com/aws/aws-lambda-go/lambdacontext", False),
        ("github.com/aws/aws-sdk-go-v2/service/lambda", False),
    ],
)
def test_what_takes_events_makes_a_function(path: str, *, expected: bool) -> None:
    assert is_client(path) == expected


def package(path: str, *imports: str) -> Package:
    return Package(path, "main", f"/p/{path}", ("x.go",), (), imports, None, False, ())


def test_an_import_may_go_through_any_number_of_packages() -> None:
    packages = [
        package("direct", "fmt", LAMBDA),
        package("wrapped", "a"),
        package("a", "b"),
        package("b", "a", LAMBDA),
        package("server", "net/http", "events"),
        package("fmt"),
    ]
    graph = {one.import_path: one for one in packages}
    assert reaching_lambda(graph) == {"direct", "wrapped", "a", "b"}


def test_a_program_that_go_does_not_load_is_known_by_its_text(tmp_path: Path) -> None:
    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write("go.mod", "module example.com/shop\n\nrequre x\n")
    write("direct/main.go", f'package main\n\nimport "{LAMBDA}"\n')
    write("wrapped/main.go", 'package main\n\nimport (\n\t"example.com/shop/internal/serve"\n)\n')
    write("internal/serve/serve.go", f'package serve\n\nimport _ "{LAMBDA}"\n')
    write("server/main.go", f'package main\n\nvar text = "{LAMBDA}"\n')
    write("tested/main.go", "package main\n")
    write("tested/main_test.go", f'package main\n\nimport _ "{LAMBDA}"\n')
    found = {d.name for d in tmp_path.iterdir() if d.is_dir() and mentions_lambda(str(d))}
    assert found == {"direct", "wrapped"}
