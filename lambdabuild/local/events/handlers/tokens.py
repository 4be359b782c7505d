"""Split Go source into tokens, and find what belongs together.

https://go.dev/ref/spec#Lexical_elements
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r]+|//[^\n]*)
    |(?P<comment>/\*.*?\*/)
    |(?P<line>\n)
    |(?P<text>"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\\n])*')
    |(?P<name>[^\W\d]\w*)
    |(?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
    |(?P<sign>\.\.\.|<-|:=|\+\+|--|&&|\|\||[-+*/%&|^<>=!:]=|<<=?|>>=?|&\^=?|.)
    """,
    re.DOTALL | re.VERBOSE,
)
_KEYWORDS = frozenset(
    [
        "break",
        "case",
        "chan",
        "const",
        "continue",
        "default",
        "defer",
        "else",
        "fallthrough",
        "for",
        "func",
        "go",
        "goto",
        "if",
        "import",
        "interface",
        "map",
        "package",
        "range",
        "return",
        "select",
        "struct",
        "switch",
        "type",
        "var",
    ]
)
_ENDING = {"break", "continue", "fallthrough", "return", "++", "--", ")", "]", "}"}
"""What a semicolon follows at the end of a line, beside names and literals."""
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class Token(NamedTuple):
    """A piece of source."""

    kind: str
    """`name`, `keyword`, `text` (a string or a rune), `number` or `sign`."""
    text: str
    line: int
    """Counted from 1."""


Tokens = Sequence[Token]
END = Token("end", "", 0)
"""What comes after the last one."""


def tokens_of(source: str) -> list[Token]:
    """Return the tokens of a file, with the semicolons that its lines imply."""
    found: list[Token] = []
    line = 1
    for match in _TOKEN.finditer(source):
        kind, text = str(match.lastgroup), match[0]
        breaks = text.count("\n")
        if kind in {"line", "comment"}:
            if breaks and found and _ends(found[-1]):
                found.append(Token("sign", ";", line))
        elif kind == "name" and text in _KEYWORDS:
            found.append(Token("keyword", text, line))
        elif kind != "space":
            found.append(Token(kind, text, line))
        line += breaks
    if found and _ends(found[-1]):
        found.append(Token("sign", ";", line))
    return found


def _ends(token: Token) -> bool:
    return token.kind in {"name", "text", "number"} or token.text in _ENDING


def closing(tokens: Tokens, opening: int) -> int:
    """Return where the bracket at `opening` is closed; the end where it is not."""
    depth = 0
    for place in range(opening, len(tokens)):
        token = tokens[place]
        if token.kind == "sign":
            if token.text in _CLOSING:
                depth += 1
            elif token.text in {")", "]", "}"}:
                depth -= 1
                if depth == 0:
                    return place
    return len(tokens)


def opening(tokens: Tokens, closed: int) -> int:
    """Return where the bracket that is closed at `closed` was opened; -1 where it was not."""
    depth = 0
    for place in range(closed, -1, -1):
        token = tokens[place]
        if token.kind == "sign":
            if token.text in {")", "]", "}"}:
                depth += 1
            elif token.text in _CLOSING:
                depth -= 1
                if depth == 0:
                    return place
    return -1


def split(tokens: Tokens, sign: str = ",") -> list[Tokens]:
    """Return what is between signs that are in no brackets, but for what is empty."""
    parts: list[Tokens] = []
    start = place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.kind == "sign" and token.text in _CLOSING:
            place = closing(tokens, place)
        elif token.kind == "sign" and token.text == sign:
            parts.append(tokens[start:place])
            start = place + 1
        place += 1
    return [part for part in (*parts, tokens[start:]) if part]


def unquoted(text: str) -> str:
    """Return what a string literal says, as far as imports and tags need it."""
    if text[:1] == "`":
        return text[1:-1]
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def at(tokens: Tokens, place: int) -> Token:
    """Return a token; END where there is none."""
    return tokens[place] if 0 <= place < len(tokens) else END
