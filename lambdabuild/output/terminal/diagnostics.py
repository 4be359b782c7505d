"""Lay out errors as compilers do: place, message, source with a caret, who is affected, remedy."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.text import one_line, visible
from lambdabuild.output.report import Fault, Relative, place_of
from lambdabuild.output.terminal.excerpt import Excerpt, draw
from lambdabuild.output.terminal.style import BLUE, BOLD, CYAN, RED, YELLOW, Line, Part

ReadExcerpt = Callable[[str, int, int | None], Excerpt | None]
"""From a path, a line and a column to the source there."""


class Layout(NamedTuple):
    """What the layout of an error depends on."""

    relative: Relative
    read: ReadExcerpt
    width: int


def of_fault(fault: Fault, layout: Layout) -> Iterator[Line]:
    """Yield the lines of what did not build."""
    for error in fault.distinct:
        yield from _of_diagnostic(error, layout)
    yield (Part(f"  {fault.affected}"),)
    yield from _hints(fault.hints)


def of_error(error: LambdabuildError, layout: Layout) -> Iterator[Line]:
    """Yield the lines of why lambdabuild cannot go on."""
    diagnostic = Diagnostic(None, error.message, error.file, error.line, error.column)
    if error.file is None or error.line is None:
        diagnostic = Diagnostic(None, error.message)
        places = error.at
    else:
        # Where the place is known to the line, it comes first, and not again.
        shown = one_line(layout.relative(error.file))
        places = tuple(at for at in error.at if not _repeats(at, shown, error.file))
        diagnostic = diagnostic._replace(message=_without_place(error, layout.relative))
    yield from _of_diagnostic(diagnostic, layout)
    for place in places:
        for number, line in enumerate(f"  at: {visible(place)}".splitlines()):
            yield (Part(line if number == 0 else f"  {line.strip()}"),)
    yield from _hints([error.hint] if error.hint else [])


def of_warning(message: str, hint: str | None) -> Iterator[Line]:
    """Yield the lines of a warning."""
    yield (Part("warning", YELLOW), Part(f": {one_line(message)}"))
    yield from _hints([hint] if hint else [])


def of_note(message: str, hint: str) -> Iterator[Line]:
    """Yield the lines of what is worth a look."""
    yield (Part("note", CYAN), Part(f": {one_line(message)}"))
    yield from _hints([hint])


def _repeats(place: str, shown: str, path: str) -> bool:
    """Tell whether a place is the file of an error, its directory, or a key in it."""
    directory = os.path.dirname(path)
    return place in {shown, path, directory} or place.startswith((f"{shown}, ", f"{path}, "))


def _without_place(error: LambdabuildError, relative: Relative) -> str:
    """Return the message without the place, if Go begins it or a part of it with that."""
    name = os.path.basename(error.file or "")
    spellings = dict.fromkeys((error.file or "", relative(error.file or ""), name))
    message = error.message
    for path in spellings:
        for place in (f"{path}:{error.line}:{error.column}: ", f"{path}:{error.line}: "):
            if place in message:
                return message.replace(place, "", 1)
    return message


def _of_diagnostic(error: Diagnostic, layout: Layout) -> Iterator[Line]:
    first, *rest = visible(error.message).splitlines() or [""]
    place: Line = ()
    if error.file:
        place = (Part(place_of(error, layout.relative), BOLD, error.file), Part(": "))
    yield (*place, Part("error", RED), Part(f": {first}"))
    for line in rest:
        yield (Part(f"    {line.strip()}"),)
    # A C compiler shows the source itself.
    if error.file and error.line and not any(line.strip().strip("^~| ") == "" for line in rest):
        yield from _excerpt(layout.read(error.file, error.line, error.column), layout.width)


def _excerpt(excerpt: Excerpt | None, width: int) -> Iterator[Line]:
    if excerpt is None:
        return
    *source, last = draw(excerpt, width)
    for line in source:
        yield (Part(line.gutter, BLUE), Part(line.text))
    yield (Part(last.gutter, BLUE), Part(last.text, RED if excerpt.column is not None else ""))


def _hints(hints: Iterable[str]) -> Iterator[Line]:
    for hint in dict.fromkeys(hints):
        yield (Part("  "), Part("hint", CYAN), Part(f": {one_line(hint)}"))
