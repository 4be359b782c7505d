"""What the compiler says of a handler, in words of its author."""

from pathlib import Path

import pytest

from lambdabuild.core.build import Adapter
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.survey.eawsy.libraries import CORE, SHIM
from lambdabuild.survey.eawsy.overlay import HANDLER_FILE, names_in
from lambdabuild.survey.eawsy.signatures import reworded, with_signatures
from tests.unit.values import graph, package, step

_WANTED = 'func(E, *"github.com/eawsy/aws-lambda-go-core/service/lambda/runtime".Context) (R, X)'


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            f"in call to lambdabuildAdapt, type func() of Handle does not match {_WANTED} "
            "(cannot infer E, R, and X)",
            "it is `func()`",
        ),
        (
            f"in call to lambdabuildAdapt, type *func() of lambdabuildPointed(Handle) does not match {_WANTED} "
            "(cannot infer E, R, and X)",
            "it is `*func()`",
        ),
        (
            "in call to lambdabuildAdapt, type func(int, *example.com/x/runtime.Context) (int, int) "
            f"of Handle does not match inferred type {_WANTED} for {_WANTED}",
            "it is `func(int, *example.com/x/runtime.Context) (int, int)`",
        ),
        (
            "in call to lambdabuildAdapt, cannot infer E (declared at zz_lambdabuild.go:8:23)",
            "it is not a function",
        ),
        (
            "in call to lambdabuildAdapt, X (type interface{}) does not satisfy error",
            "its second result is `interface{}`, which is no error",
        ),
        ("int does not satisfy error (missing method Error)", "its second result is `int`, which is no error"),
    ],
)  # fmt: skip
def test_messages_of_the_compiler_name_nothing_that_is_generated(
    message: str, expected: str
) -> None:
    assert reworded(message) == expected


def test_generated_files_come_after_all_others() -> None:
    for taken in (["handler.go"], ["zz_lambdabuild.go"], ["zzz.go", "a.go"], []):
        first, second = names_in(taken)
        assert max(taken, default="") < first < second


def test_handlers_by_other_names_are_named_where_there_is_no_handle(tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text(
        "package main\n\n"
        "func Publish(evt json.RawMessage, ctx *runtime.Context) (interface{}, error) {\n"
    )
    made = step("orders")
    made = made._replace(function=made.function._replace(adapter=Adapter(SHIM, "Handle")))
    found = graph(package(made.function.package, CORE, directory=str(tmp_path)))
    error = Diagnostic(made.function.package, "undefined: Handle", HANDLER_FILE, 8, 9)
    (said,) = with_signatures([error], made, found)
    assert said.file == str(tmp_path / "main.go")
    assert str(said.hint).startswith(
        '`Publish` may be meant: `handler_name = "Publish"` under [functions."orders"] in lambdabuild.toml'
    )
