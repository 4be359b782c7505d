"""How much of what could go on for ever a test does: little, more in `make test-all`, or as asked."""

import os
from collections.abc import Callable
from typing import Any

import pytest

STEPS = "LAMBDABUILD_RANDOM_STEPS"
KILLS = "LAMBDABUILD_KILLS"
ROUNDS = "LAMBDABUILD_SAVE_AND_UNDO_ROUNDS"


def amounts(name: str, variable: str, *, short: int, long: int) -> Callable[..., Any]:
    """Parametrize a test with an amount; where an environment variable says it, with that alone.

    `long` is for `make test-all`. What was asked for takes as much time as it needs.
    """
    asked = os.environ.get(variable)
    if asked is None:
        values = [pytest.param(short), pytest.param(long, marks=pytest.mark.extended)]
    else:
        values = [pytest.param(int(asked), marks=pytest.mark.timeout(0))]
    return pytest.mark.parametrize(name, values)
