"""Define classes by their fields, as `dataclasses` does, at no cost for a run with nothing to do.

`dataclasses` imports `inspect`, and compiles the methods of each class when it is defined: together
more than reading and checking the state of 40 functions. Here a class gets methods that are there
already. Type checkers know it by `dataclass_transform`
(https://docs.python.org/3.11/library/typing.html#typing.dataclass_transform).
"""

from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")
_FIELDS = "__record_fields__"
_TAKES = "__record_takes__"
"""The names of the fields that the constructor takes."""


class _Field:
    """How a field begins that its class gives no plain value."""

    def __init__(
        self,
        *,
        default: Any = ...,
        default_factory: Callable[[], Any] | None = None,
        init: bool = True,
        compare: bool = True,
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.compare = compare


def field(
    *,
    default: Any = ...,
    default_factory: Callable[[], Any] | None = None,
    init: bool = True,
    compare: bool = True,
) -> Any:
    """Return what stands for a field's default: a value, or what makes one for each record.

    Without `init`, the constructor does not take it; without `compare`, equality ignores it.
    """
    return _Field(default=default, default_factory=default_factory, init=init, compare=compare)


@dataclass_transform(field_specifiers=(field,))
def record(class_: type[T]) -> type[T]:
    """Give a class a constructor that takes its annotated fields, equality, and a representation."""
    made: Any = class_
    fields: dict[str, _Field] = {}
    for name in made.__annotations__:
        default = made.__dict__.get(name, ...)
        fields[name] = default if isinstance(default, _Field) else _Field(default=default)
        if default is not ...:
            delattr(made, name)
    setattr(made, _FIELDS, fields)
    setattr(made, _TAKES, [name for name, each in fields.items() if each.init])
    made.__init__ = _initialize
    made.__eq__ = _equal
    made.__hash__ = None
    made.__repr__ = _represent
    return class_


def replaced(value: T, **changes: Any) -> T:
    """Return a copy of a record with other values of some fields."""
    fields: dict[str, _Field] = getattr(value, _FIELDS)
    kept = {name: getattr(value, name) for name, each in fields.items() if each.init}
    return type(value)(**kept | changes)


def _initialize(self: Any, *values: Any, **named: Any) -> None:
    fields: dict[str, _Field] = getattr(self, _FIELDS)
    takes: list[str] = getattr(self, _TAKES)
    given = dict(zip(takes, values, strict=False))
    if len(values) > len(takes) or (named and (given.keys() & named or named.keys() - set(takes))):
        raise TypeError(f"{type(self).__name__} takes {', '.join(takes)}, each once")
    given |= named
    for name, each in fields.items():
        if name in given:
            value = given[name]
        elif each.default_factory is not None:
            value = each.default_factory()
        elif each.default is not ...:
            value = each.default
        else:
            raise TypeError(f"{type(self).__name__} needs {name}")
        setattr(self, name, value)
    if (finish := getattr(self, "__post_init__", None)) is not None:
        finish()


def _equal(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    fields: dict[str, _Field] = getattr(self, _FIELDS)
    return all(
        getattr(self, name) == getattr(other, name) for name, each in fields.items() if each.compare
    )


def _represent(self: Any) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in getattr(self, _FIELDS))
    return f"{type(self).__name__}({shown})"
