import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.config.limits import Growth, parse_growth, parse_size, problem_of
from lambdabuild.core.errors import LambdabuildError
from tests.unit.values import sizes


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("20MB", 20_000_000),
        ("19MiB", 19 * 1024 * 1024),
        ("500kB", 500_000),
        ("500 KB", 500_000),
        ("1KiB", 1024),
        ("1.1 MB", 1_100_000),
        ("0.5gb", 500_000_000),
        ("1GiB", 1024**3),
        ("12B", 12),
        ("12", 12),
        (12, 12),
    ],
)
def test_a_size_is_a_number_with_a_unit(value: str | int, size: int) -> None:
    assert parse_size(value) == size


@pytest.mark.parametrize(
    "value",
    ["", "MB", "20M", "20 TB", "-5MB", "5%", "1e6", "1,5MB", "0", "0MB", 0, -1, True, "20MB/s",
     "٢MB", "1.MB", "9" * 30],
)  # fmt: skip
def test_what_is_no_size_is_refused(value: str | int) -> None:
    with pytest.raises(LambdabuildError) as refused:
        parse_size(value)
    assert refused.value.message == f"`{value}` is not a size"
    assert refused.value.hint == "write a number with a unit, such as `20MB`, `19MiB` or `500kB`"


@pytest.mark.parametrize(
    ("value", "growth", "told"),
    [
        ("5%", Growth(percent=5), "5 %"),
        ("2.5 %", Growth(percent=2.5), "2.5 %"),
        ("0%", Growth(percent=0), "0 %"),
        ("500kB", Growth(bytes=500_000), "0.5 MB"),
        (20_000, Growth(bytes=20_000), "20.0 kB"),
        (0, Growth(bytes=0), "0 B"),
    ],
)
def test_a_growth_is_a_percentage_or_a_size(value: str | int, growth: Growth, told: str) -> None:
    assert parse_growth(value) == growth
    assert str(growth) == told


@pytest.mark.parametrize("value", ["", "%", "five", "-5%", "5 percent", "5%%", -1, True, "1e3%"])
def test_what_is_no_growth_is_refused(value: str | int) -> None:
    with pytest.raises(LambdabuildError) as refused:
        parse_growth(value)
    assert refused.value.message == f"`{value}` is not a growth"
    assert refused.value.hint == "write a percentage or a size, such as `5%` or `500kB`"


@pytest.mark.parametrize(
    ("size", "previous", "max_size", "max_growth", "problem"),
    [
        (21_300_000, None, 20_000_000, None, "bootstrap is 21.3 MB, over max_size (20.0 MB)"),
        (20_000_000, None, 20_000_000, None, None),
        (
            20_000_001,
            None,
            20_000_000,
            None,
            "bootstrap is 20000001 B, over max_size (20000000 B)",
        ),
        (
            9_443_000,
            8_900_000,
            None,
            Growth(percent=5),
            "bootstrap grew by 6.1 % (8.9 MB → 9.4 MB), over max_growth (5 %)",
        ),
        (1050, 1000, None, Growth(percent=5), None),
        (
            1_050_001,
            1_000_000,
            None,
            Growth(percent=5),
            "bootstrap grew by 5.0001 % (1.0 MB → 1.1 MB), over max_growth (5 %)",
        ),
        (
            1_000_001,
            1_000_000,
            None,
            Growth(percent=0),
            "bootstrap grew by 0.0001 % (1000000 B → 1000001 B), over max_growth (0 %)",
        ),
        (
            9_600_000,
            8_900_000,
            None,
            Growth(bytes=500_000),
            "bootstrap grew by 0.7 MB (8.9 MB → 9.6 MB), over max_growth (0.5 MB)",
        ),
        (9_400_000, 8_900_000, None, Growth(bytes=500_000), None),
        (9_000_000, None, None, Growth(percent=0), None),
        (9_000_000, 0, None, Growth(percent=5), None),
        (8_000_000, 9_000_000, None, Growth(bytes=0), None),
        (
            30_000_000,
            15_000_000,
            20_000_000,
            Growth(percent=5),
            "bootstrap is 30.0 MB, over max_size (20.0 MB) "
            "and grew by 100.0 % (15.0 MB → 30.0 MB), over max_growth (5 %)",
        ),
        (30_000_000, 15_000_000, None, None, None),
    ],
)
def test_what_is_too_large_says_by_how_much(
    size: int,
    previous: int | None,
    max_size: int | None,
    max_growth: Growth | None,
    problem: str | None,
) -> None:
    assert problem_of(size, previous, max_size, max_growth) == problem


@given(
    sizes,
    st.none() | sizes,
    st.none() | st.integers(1, 10**9),
    st.none()
    | st.builds(Growth, percent=st.floats(0, 1000))
    | st.builds(Growth, bytes=sizes),
)  # fmt: skip
def test_there_is_a_problem_if_a_limit_is_passed_and_only_then(
    size: int, previous: int | None, max_size: int | None, max_growth: Growth | None
) -> None:
    problem = problem_of(size, previous, max_size, max_growth) or ""
    assert ("max_size" in problem) == (max_size is not None and size > max_size)
    grown = size - (previous or 0)
    assert ("max_growth" in problem) == (
        max_growth is not None
        and previous is not None
        and (
            grown > max_growth.bytes
            if max_growth.bytes is not None
            else previous > 0 and grown * 100 > (max_growth.percent or 0) * previous
        )
    )
