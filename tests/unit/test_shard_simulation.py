"""What `python -m bench --shards` says of many machines follows from what one of them took."""

import pytest

from bench.simulation import Build, Cost, cpu, pays_until, shards, slowest

EQUAL = {f"fn-{number:04}": 0.1 for number in range(64)}
FILLED = Build(EQUAL, start=Cost(1, 1), closure=Cost(), own=Cost(32, 64))
COLD = FILLED._replace(closure=Cost(5, 10))


@pytest.mark.parametrize("build", [FILLED, COLD], ids=["filled", "cold"])
def test_one_shard_is_the_build(build: Build) -> None:
    (whole,) = shards(build, 1)

    parts = (build.start, build.closure, build.own)
    assert whole.cpu == sum(part.cpu for part in parts)
    assert whole.wall == sum(part.wall for part in parts)


def test_every_machine_pays_for_its_start_and_for_shared_packages_and_divides_the_rest() -> None:
    divided = shards(COLD, 4)

    assert slowest(divided) == pytest.approx(1.0 + (10.0 + 16.0) / 2)
    assert cpu(divided) == pytest.approx(4 * (1.0 + 10.0) + 64.0)


def test_a_machine_with_nothing_to_build_compiles_nothing() -> None:
    *_, idle = shards(COLD._replace(recorded={"fn-0001": 1.0}), 2)

    assert (idle.wall, idle.cpu) == (1.0, 1.0)


def test_a_function_that_takes_longest_decides() -> None:
    build = FILLED._replace(recorded={"long": 3.0, "short": 0.5, "shorter": 0.5})

    assert slowest(shards(build, 2)) == slowest(shards(build, 8)) == 1.0 + 48.0 / 2


def test_splitting_pays_as_long_as_half_of_the_time_is_the_own_share() -> None:
    counts = (1, 2, 4, 8, 16, 32, 64)

    assert pays_until(FILLED, counts) == 32  # 1 s each, for as much of its own
    assert pays_until(COLD, counts) == 4  # 6 s each, for 8 s of its own
    assert pays_until(COLD._replace(closure=Cost(50, 100)), counts) == 1
