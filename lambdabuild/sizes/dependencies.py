"""Read what the linker found reachable, and by what: the output of its flag `-dumpdep`.

The linker leaves out methods that nothing calls, until it reaches a function that may call methods
by a name it cannot know: reflect's `Method` and `MethodByName`. From there on, it keeps every
exported method of every type that is converted to an interface, with all that these call.
Source: https://github.com/golang/go/blob/go1.26.0/src/cmd/link/internal/ld/deadcode.go
"""

from collections.abc import Iterable
from typing import NamedTuple

_ARROW = " -> "
_MARK = " <ReflectMethod>"
_MARKS = (_MARK, " <UsedInIface>")
"""What the linker writes behind names."""
_REFLECTING = frozenset({
    "reflect.Value.Method",
    "reflect.Value.MethodByName",
    "reflect.Value.Methods",
    "reflect.(*rtype).Method",
    "reflect.(*rtype).MethodByName",
})  # fmt: skip
_MOST = 50
"""Causes that are kept; a program has a few."""


class Cause(NamedTuple):
    """A function that may call any method, and what leads to it."""

    function: str
    """Its symbol: `text/template.(*state).evalField`."""
    calls: str | None
    """The function of reflect that it calls, if the linker said so: it says it of one caller alone."""
    chain: tuple[str, ...]
    """Symbols from where the program starts to the function; each leads to the next."""

    @property
    def method(self) -> str | None:
        """The name of the last method on the way that no call leads to, only its type; None for none.

        Something calls a method of that name: by an interface, or by `MethodByName` with a constant.
        """
        steps = zip(self.chain, self.chain[1:], strict=False)
        reached = [target for source, target in steps if _is_method_of_type(source, target)]
        return reached[-1].rpartition(".")[2] if reached else None


class Reached(NamedTuple):
    """What made the linker keep all methods."""

    causes: tuple[Cause, ...] = ()
    """What it reached before it kept any method because of this: each keeps all, without the others."""
    followers: tuple[Cause, ...] = ()
    """What it reached only later: perhaps nothing calls it but methods that were kept."""
    symbols: int = 0
    """How many lines it printed; 0 where it printed nothing."""


def read_dependencies(lines: Iterable[str]) -> Reached:
    """Return what keeps all methods, from lines such as `main.main -> fmt.Println`.

    The linker prints each symbol once, with what it found it by; a type again, once it is converted
    to an interface. Lines of any other shape are passed over.
    """
    parents: dict[str, str] = {}
    marked: dict[str, bool] = {}
    calls: dict[str, str] = {}
    is_over = False
    count = 0
    for line in lines:
        source, arrow, target = line.rstrip("\n").partition(_ARROW)
        if not arrow:
            continue
        count += 1
        source, is_reflecting = _unmarked(source)
        target, is_marked = _unmarked(target)
        # The methods of all types come after what else was reachable, and so end that.
        is_over = is_over or (bool(marked) and _is_method_of_type(source, target))
        parents.setdefault(target, source)
        if is_marked and target not in marked and len(marked) < _MOST:
            marked[target] = is_over
        if is_reflecting and target in _REFLECTING:
            calls[source] = target
    causes = {
        later: tuple(
            Cause(function, calls.get(function), _chain(function, parents))
            for function, is_later in marked.items()
            if is_later is later
        )
        for later in (False, True)
    }
    return Reached(causes[False], causes[True], count)


def _unmarked(symbol: str) -> tuple[str, bool]:
    """Return a name without the linker's marks, and whether it calls methods by name."""
    is_marked = False
    while symbol.endswith(_MARKS):
        is_marked = is_marked or symbol.endswith(_MARK)
        symbol = symbol[: symbol.rindex(" <")]
    return symbol, is_marked


def _is_method_of_type(source: str, target: str) -> bool:
    """Tell whether a line is about a method that is reached by its type, not by a call.

    A type also leads to other types, and to how its values are compared and collected.
    """
    if not source.startswith("type:") or target.startswith(("type:", "go:", "runtime.gcbits")):
        return False
    return "·" not in target and ".." not in target.partition("[")[0]


def _chain(symbol: str, parents: dict[str, str]) -> tuple[str, ...]:
    chain = [symbol]
    while (symbol := parents.get(symbol, "_")) != "_" and symbol not in chain:
        chain.append(symbol)
    return tuple(reversed(chain))
