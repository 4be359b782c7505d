"""What the compiler says of a handler, in words of its author."""

import pytest

from lambdabuild.survey.eawsy.overlay import names_in
from lambdabuild.survey.eawsy.signatures import reworded

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
