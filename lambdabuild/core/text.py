"""Format numbers for people, and make text from elsewhere harmless."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def duration(seconds: float) -> str:
    """Format seconds: `0.31 s`, `6.4 s`, `2 min 5 s`."""
    if round(seconds, 2) < 1:
        return f"{seconds:.2f} s"
    if round(seconds, 1) < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def size(count: int) -> str:
    """Format a number of bytes: `8.9 MB`."""
    if count < 1000:  # noqa: PLR2004 - a kilobyte
        return f"{count} B"
    return f"{count / 1_000_000:.1f} MB" if count >= 100_000 else f"{count / 1000:.1f} kB"  # noqa: PLR2004


def size_change(before: int | None, after: int | None) -> str:
    """Return how much an executable grew: `+1.2 kB`, `new`, or nothing."""
    if after is None or before == after:
        return ""
    if before is None:
        return "new"
    return f"{'+' if after > before else '-'}{size(abs(after - before))}"


def counted(count: int, noun: str) -> str:
    """Return a number of things, such as `1 function` or `12 functions`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def some(names: Sequence[str], most: int = 5, quote: str = "`") -> str:
    """Return the first `most` names, and how many more there are."""
    shown = ", ".join(f"{quote}{one_line(name)}{quote}" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def columns(text: str) -> int:
    """Return how many columns a line takes on a terminal: two for each wide character, such as `語`."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    import unicodedata

    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def folded(text: str, most: int) -> str:
    """Return a line within `most` columns, `…` in place of its middle: `users-creat…-handler`."""
    if columns(text) <= most:
        return text
    head = beginning(text, most // 2)
    tail = beginning(text[::-1], max(0, most - 1 - columns(head)))[::-1]
    return f"{head}…{tail}" if most > 0 else ""


def beginning(text: str, most: int) -> str:
    """Return as much of the beginning of a line as fits in `most` columns."""
    used = 0
    for number, character in enumerate(text):
        used += _columns(character)
        if used > most:
            return text[:number]
    return text


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Return a line with spaces to a width in columns, in front of it for numbers."""
    space = " " * (width - columns(text))
    return space + text if right else text + space


def median(values: Iterable[float]) -> float:
    """Return the median of one or more values.

    Importing `statistics` would take as long as a run with nothing to do.
    """
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


# C0 but for line feed and tab, DEL, C1; marks of writing direction, with which a name can look like
# another (https://trojansource.codes); Unicode's line ends; lone surrogates, which stand for bytes that
# are no UTF-8 (https://peps.python.org/pep-0383/).
_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
    "\ufeff\ufffe\uffff"
)

# A command is a line that begins with `::` once it is trimmed, or has `##[` anywhere:
# https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs. Its comparison depends
# on the culture, and ignores soft hyphens and the like. Azure Pipelines reads `##[` and `##vso[`,
# TeamCity `##teamcity[`.
_BEGINS_COMMAND = r"(?m)^((?:[^\S\n]|[\u00ad\u180e\u200b-\u200d\u2060-\u2064])*)(?=::)"
_HOLDS_COMMAND = r"(?<=#)#(?=[A-Za-z]*\[)"
_READERS = ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")


def is_read(environment: Mapping[str, str]) -> bool:
    """Tell whether output goes to a CI log, in which some lines are commands."""
    return any(environment.get(name) for name in _READERS)


def inert(text: str) -> str:
    r"""Return a text without commands for a CI log, with `\` where there were some."""
    if "::" not in text and "##" not in text:
        return text
    return re.sub(_HOLDS_COMMAND, r"\\#", re.sub(_BEGINS_COMMAND, r"\1\\", text))


def visible(text: str) -> str:
    r"""Return a text of one or more lines with `\x1b` for invisible characters."""
    if text.isprintable():
        return text
    return re.sub(f"[{_UNSEEN}]", _spelled, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    r"""Return a name, a path or a sentence on one line, with `\n` for a line end."""
    if text.isprintable():
        return text
    return re.sub(f"[{_UNSEEN}\n\t]", _spelled, text)


def in_json(text: str) -> str:
    """Return JSON of the same value, without invisible characters and commands.

    A line of JSON does not begin with `::`; all else can only be in its strings.
    """
    return re.sub(f"[{_UNSEEN}]", _escaped, re.sub(_HOLDS_COMMAND, r"\\u0023", text))


def _spelled(match: re.Match[str]) -> str:
    character = match[0]
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{ord(character):02x}" if character <= "\xff" else _escaped(match)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def to_json(value: Any, *, indent: int | None = 2, ascii_only: bool = False) -> str:
    r"""Return the JSON of a value, in valid UTF-8.

    Lone surrogates are escaped, as `\udcff`, and so is what a terminal or a CI log would obey.
    """
    if indent is None:
        return in_json(json.dumps(value, ensure_ascii=ascii_only)) + "\n"
    return in_json(_indented(value, "\n", " " * indent, ascii_only=ascii_only)) + "\n"


def _indented(value: Any, line: str, step: str, *, ascii_only: bool) -> str:
    """Return what `json.dumps` does with `indent`; that has no C for it, and is slow.

    `line` ends a line and begins the next at the depth of the value.
    """
    inner = line + step
    if isinstance(value, dict) and value:
        if not any(isinstance(item, dict | list | tuple) for item in value.values()):
            text = json.dumps(value, ensure_ascii=ascii_only, separators=(f",{inner}", ": "))
            return f"{{{inner}{text[1:-1]}{line}}}"
        members = [
            f"{json.dumps(key, ensure_ascii=ascii_only)}: "
            f"{_indented(item, inner, step, ascii_only=ascii_only)}"
            for key, item in value.items()
        ]
        return f"{{{inner}{f',{inner}'.join(members)}{line}}}"
    if isinstance(value, list | tuple) and value:
        items = [_indented(item, inner, step, ascii_only=ascii_only) for item in value]
        return f"[{inner}{f',{inner}'.join(items)}{line}]"
    return json.dumps(value, ensure_ascii=ascii_only)
