"""Whatever is in a Go file, it is read to its end: somebody may be in the middle of typing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lambdabuild.local.events.handlers.handlers import handler_of
from lambdabuild.local.events.handlers.libraries import LIBRARY
from lambdabuild.local.events.handlers.skeleton import skeleton
from lambdabuild.local.events.handlers.tokens import tokens_of
from lambdabuild.local.events.handlers.types import Named
from tests.unit.local.events.handlers.gopackages import MAIN, packages_of

PIECES = st.sampled_from(
    [
        *("func", "type", "var", "const", "import", "struct", "interface", "map", "chan", "return"),
        *("(", ")", "[", "]", "{", "}", ".", ",", ";", ":=", "=", "*", "&", "...", "<-", "\n", " "),
        *(
            "a",
            "b",
            "lambda",
            "Start",
            "lambda.Start(",
            "main",
            "T",
            "string",
            "any",
            "error",
            "go",
        ),
        *(
            '"x"',
            "`y`",
            "'z'",
            '"',
            "`",
            "1",
            "0x",
            "// c\n",
            "/*",
            "*/",
            "if",
            "case",
            "é",
            "\x00",
        ),
        *(f'"{LIBRARY}/lambda"', "func main() {", "func (a T) b(", "a := b(", "type T struct {"),
    ]
)
SOURCES = st.lists(PIECES, max_size=60).map(" ".join)


@settings(max_examples=100)
@given(source=SOURCES)
def test_any_pieces_of_go_are_read_to_their_end(source: str) -> None:
    head = f'package main\n\nimport (\n\t"{LIBRARY}/lambda"\n)\n\n'
    packages = packages_of({MAIN: f"{head}{source}\n"})

    handler_of(packages, MAIN)
    skeleton(Named(MAIN, "T"), packages)


@given(source=st.text())
def test_any_text_is_split_into_its_characters(source: str) -> None:
    tokens = tokens_of(source)

    assert [token.line for token in tokens] == sorted(token.line for token in tokens)
    assert all(token.text in source or token.text == ";" for token in tokens)
