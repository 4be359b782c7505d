"""A record is what a dataclass would be, as far as this project uses them."""

from typing import Any

import pytest

from lambdabuild.core.record import field, record, replaced


@record
class Shelf:
    """Has a field of each kind."""

    place: str
    books: list[str] = field(default_factory=list)
    full: bool = False
    _sorted: bool = field(default=False, init=False, compare=False)

    def __post_init__(self) -> None:
        self._sorted = self.books == sorted(self.books)


def test_fields_are_given_in_order_or_by_name_and_begin_as_the_class_says() -> None:
    shelf = Shelf("wall", full=True)
    assert (shelf.place, shelf.books, shelf.full, shelf._sorted) == ("wall", [], True, True)
    assert Shelf("a").books is not Shelf("a").books


def test_two_are_equal_if_the_fields_are_that_count() -> None:
    one, two = Shelf("wall"), Shelf("wall")
    two._sorted = False
    assert one == two
    assert one != Shelf("floor")
    other: object = "wall"
    assert one != other
    assert repr(two) == "Shelf(place='wall', books=[], full=False, _sorted=False)"


def test_a_copy_has_other_values_of_some_fields() -> None:
    shelf = Shelf("wall", ["b", "a"])
    other = replaced(shelf, full=True)
    assert (other.full, shelf.full, other.books is shelf.books) == (True, False, True)


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), (("a",), {"place": "b"}), (("a",), {"_sorted": True}), (("a", [], True, True), {})],
)
def test_wrong_fields_are_refused(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="Shelf"):
        Shelf(*values, **named)
