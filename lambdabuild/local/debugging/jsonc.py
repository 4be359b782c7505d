"""JSON with comments, read with the places of its values, so that people's files can be added to.

https://code.visualstudio.com/docs/languages/json#_json-with-comments: VS Code takes comments, and a comma
after the last of several values.
"""

import json
import re
from typing import Any, NamedTuple

_BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_PLAIN = re.compile(r"[-+.\w]+")
_DEEPEST = 64


class Node(NamedTuple):
    """A value, and from where to where it is written."""

    value: Any
    """An object is a dictionary of nodes, an array a list of them."""
    start: int
    end: int
    comma: bool = False
    """Of an object or an array: a comma comes after its last value."""


class UnreadableError(ValueError):
    """It is no JSON, not even with comments; the message says what, and in which line."""


def parse(text: str) -> Node:
    """Return the value of a whole file.

    Raises:
        UnreadableError: there is none, or more than one.

    """
    reader = _Reader(text)
    node = reader.value(reader.blank(1 if text.startswith("\ufeff") else 0), 0)
    end = reader.blank(node.end)
    if end != len(text):
        raise reader.unreadable(end)
    return node


def plain(node: Node) -> Any:
    """Return a value as `json.loads` has it."""
    if isinstance(node.value, dict):
        return {key: plain(item) for key, item in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def blank(self, place: int) -> int:
        """Return where white space and comments end."""
        match = _BLANK.match(self._text, place)
        return match.end() if match else place

    def unreadable(self, place: int) -> UnreadableError:
        line = self._text.count("\n", 0, place) + 1
        found = self._text[place : place + 12].split("\n")[0].strip()
        return UnreadableError(f"line {line}: unexpected {f'`{found}`' if found else 'end'}")

    def value(self, place: int, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self.unreadable(place)
        opening = self._text[place : place + 1]
        if opening == "{":
            return self._object(place, depth)
        if opening == "[":
            return self._array(place, depth)
        match = (_STRING if opening == '"' else _PLAIN).match(self._text, place)
        if match is None:
            raise self.unreadable(place)
        try:
            return Node(json.loads(match[0]), place, match.end())
        except ValueError:
            raise self.unreadable(place) from None

    def _object(self, start: int, depth: int) -> Node:
        members: dict[str, Node] = {}
        place, comma = self.blank(start + 1), False
        while not self._text.startswith("}", place):
            key = self.value(place, depth + 1)
            place = self.blank(key.end)
            if not isinstance(key.value, str) or not self._text.startswith(":", place):
                raise self.unreadable(key.start)
            member = members[key.value] = self.value(self.blank(place + 1), depth + 1)
            place, comma = self._after(member.end, "}")
        return Node(members, start, place + 1, comma)

    def _array(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        place, comma = self.blank(start + 1), False
        while not self._text.startswith("]", place):
            items.append(self.value(place, depth + 1))
            place, comma = self._after(items[-1].end, "]")
        return Node(items, start, place + 1, comma)

    def _after(self, place: int, closing: str) -> tuple[int, bool]:
        """Return where the next value begins, or all is closed; and whether a comma was there."""
        place = self.blank(place)
        if self._text.startswith(",", place):
            return self.blank(place + 1), True
        if not self._text.startswith(closing, place):
            raise self.unreadable(place)
        return place, False
