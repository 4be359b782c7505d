import random
import statistics
from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.build import Shard, parse_shard
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.text import median
from lambdabuild.selection.shards import fingerprint, split

functions = st.text("abcdefgh-", min_size=1, max_size=6)
weights = st.dictionaries(functions, st.none() | st.floats(0, 1e6), max_size=30)
counts = st.integers(1, 12)


@pytest.mark.parametrize(
    ("text", "shard"), [("1/1", Shard(1, 1)), ("2/4", Shard(2, 4)), ("10/10", Shard(10, 10))]
)
def test_a_shard_is_written_as_one_of_how_many(text: str, shard: Shard) -> None:
    assert parse_shard(text) == shard
    assert str(shard) == text


@pytest.mark.parametrize(
    "text",
    ["", "0/4", "5/4", "1", "1/", "/4", "1/0", "-1/4", "1/4/4", "a/b", "1 / 4", "01/4", "1.0/4",
     "1/4\n", "٢/٤", "1/10000000"],
)  # fmt: skip
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(LambdabuildError) as refused:
        parse_shard(text)
    assert refused.value.message == f"`{text}` is not a shard"
    assert refused.value.hint == "write I/N, from `1/4` to `4/4` for four machines"


@given(weights, counts)
def test_each_function_is_in_exactly_one_shard(
    weights: Mapping[str, float | None], count: int
) -> None:
    shards = split(weights, count)
    assert len(shards) == count
    assert sorted(name for names in shards for name in names) == sorted(weights)
    assert all(names == sorted(names) for names in shards)


@given(weights, counts, st.randoms(use_true_random=False))
def test_the_order_in_which_functions_are_found_does_not_matter(
    weights: Mapping[str, float | None], count: int, shuffler: random.Random
) -> None:
    other = list(weights.items())
    shuffler.shuffle(other)
    assert split(dict(other), count) == split(weights, count)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=7), st.integers(1, 3))
def test_the_slowest_shard_takes_at_most_a_third_longer_than_the_best_split(
    seconds: list[int], count: int
) -> None:
    weights = {f"f{number}": float(value) for number, value in enumerate(seconds)}

    def slowest(places: tuple[int, ...]) -> int:
        loads = [0] * count
        for place, value in zip(places, seconds, strict=True):
            loads[place] += value
        return max(loads)

    # Which shard has the first function makes no difference.
    best = min(slowest((0, *rest)) for rest in product(range(count), repeat=len(seconds) - 1))
    took = max(sum(weights[name] for name in names) for names in split(weights, count))
    assert 3 * count * took <= (4 * count - 1) * best


@given(st.dictionaries(functions, st.integers(1, 1000), min_size=1, max_size=60), counts)
def test_no_shard_has_more_to_do_than_its_share_and_one_function(
    weights: dict[str, int], count: int
) -> None:
    took = max(sum(weights[name] for name in names) for names in split(weights, count))
    assert took <= sum(weights.values()) / count + max(weights.values()) * (1 - 1 / count)


def test_the_longest_goes_first_to_the_shard_with_the_least_to_do() -> None:
    weights = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 5.0, "e": 5.0}
    # d 5 | e 5; c 5+3 | 5; b 8 | 5+2; a 8 | 7+1
    assert split(weights, 2) == [["c", "d"], ["a", "b", "e"]]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=9))
def test_the_median_is_that_of_the_standard_library(values: list[float]) -> None:
    assert median(values) == statistics.median(values)


def test_functions_nobody_has_timed_count_as_the_median_of_the_others() -> None:
    known = {"a": 1.0, "b": 2.0, "c": 9.0}
    assert split({**known, "new": None}, 2) == split({**known, "new": 2.0}, 2)
    assert split({**known, "new": None}, 2) == [["c"], ["a", "b", "new"]]


@pytest.mark.parametrize("weight", [None, 0.0, 0.3])
def test_equal_functions_are_divided_evenly(weight: float | None) -> None:
    shards = split(dict.fromkeys("abcdefghij", weight), 4)
    assert shards == [["a", "e", "i"], ["b", "f", "j"], ["c", "g"], ["d", "h"]]


def test_with_fewer_functions_than_shards_some_have_none() -> None:
    assert split({"a": None, "b": 1.0}, 4) == [["a"], ["b"], [], []]
    assert split({}, 2) == [[], []]


def test_five_hundred_functions_on_four_machines_come_close_to_a_quarter_each() -> None:
    drawn = random.Random(5)  # noqa: S311 - the same each time
    weights = {f"f{number}": drawn.lognormvariate(-1, 1) for number in range(500)}
    took = max(sum(weights[name] for name in names) for names in split(weights, 4))
    assert took <= 1.01 * sum(weights.values()) / 4


def test_machines_that_split_alike_have_one_fingerprint_and_others_another() -> None:
    one = split({"a": 1.0, "b": 2.0, "c": 4.0}, 2)
    assert fingerprint(one) == fingerprint(split({"c": 400.0, "a": 100.0, "b": 200.0}, 2))
    others = [
        split({"a": 4.0, "b": 2.0, "c": 1.0}, 2),
        split({"a": 1.0, "b": 2.0, "c": 4.0}, 3),
        split({"a": 1.0, "b": 2.0}, 2),
        list(reversed(one)),
        [["ab"], ["c"]],
        [["a,b"], ["c"]],
    ]
    assert len({fingerprint(one), *map(fingerprint, others)}) == 1 + len(others)


def test_the_fingerprint_is_the_same_on_every_machine_and_in_every_version() -> None:
    # printf '%s' '[["a", "gr\u00f6\u00dfe"], []]' | sha256sum
    assert fingerprint([["a", "größe"], []]) == "eca5eae82683ea3d"
