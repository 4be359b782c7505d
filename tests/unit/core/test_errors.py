from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.errors import (
    FAILED,
    INTERRUPTED,
    NOT_STARTED,
    Interrupted,
    LambdabuildError,
    did_you_mean,
    nearest,
)


def test_an_error_reads_what_then_where_then_how_to_settle_it() -> None:
    error = LambdabuildError(
        "two functions are named `users-get`",
        at=["api/users/get and api/users-get", "lambdabuild.toml"],
        hint="name one of them",
    )
    assert str(error) == (
        "two functions are named `users-get`\n"
        "  at: api/users/get and api/users-get\n"
        "  at: lambdabuild.toml\n"
        "  hint: name one of them"
    )


def test_an_error_without_place_and_hint_is_its_message() -> None:
    assert str(LambdabuildError("lambdabuild is stopping")) == "lambdabuild is stopping"


def test_an_error_means_that_lambdabuild_could_not_start_unless_it_says_otherwise() -> None:
    assert LambdabuildError("no").exit_code == NOT_STARTED
    assert LambdabuildError("no", exit_code=FAILED).exit_code == FAILED


def test_exit_codes_are_those_of_the_contract() -> None:
    assert (FAILED, NOT_STARTED, INTERRUPTED) == (1, 2, 130)


def test_no_handler_of_exceptions_swallows_an_interrupt() -> None:
    assert not issubclass(Interrupted, Exception)


def test_the_near_miss_is_suggested_and_nothing_that_is_far() -> None:
    words = ["users-get", "users-list", "orders-create"]
    assert did_you_mean("user-get", words) == "did you mean `users-get`?"
    assert did_you_mean("thumbnails", words) is None
    assert did_you_mean("users-get", []) is None


@given(st.text(), st.lists(st.text()))
def test_the_nearest_word_is_one_of_the_words(word: str, words: list[str]) -> None:
    assert nearest(word, words) in [None, *words]


@given(st.text(min_size=1), st.lists(st.text()))
def test_a_word_that_is_there_is_the_nearest_to_itself(word: str, words: list[str]) -> None:
    assert nearest(word, [*words, word]) == word
