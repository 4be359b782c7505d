"""Random edits, and after each the bytes of a clean build, with nothing built that need not be.

With a cache, what was built once is restored; only that, whatever else was done meanwhile.
"""

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.amounts import STEPS, amounts
from tests.e2e.conftest import Project
from tests.e2e.walk import Walk, take_steps

# Any Go that lambdabuild supports would do; the newest builds fastest.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


@pytest.mark.extended
@amounts("steps", STEPS, short=14, long=60)
@pytest.mark.parametrize("cached", [False, pytest.param(True, marks=pytest.mark.extended)])
def test_any_edits_leave_the_bytes_of_a_clean_build_and_build_nothing_twice(
    empty: Project,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    steps: int,
    cached: bool,
) -> None:
    folder = tmp_path / "random-test"
    numbers = itertools.count(1)

    def took() -> None:
        (tmp_path / "steps").write_text(f"{next(numbers)}\n")

    try:
        walk = partial(Walk, empty, folder, took, cached=cached)
        take_steps(walk, steps)
    finally:
        taken = (tmp_path / "steps").read_text().strip()
        record_property("steps", taken)
        print(f"{taken} random steps")
