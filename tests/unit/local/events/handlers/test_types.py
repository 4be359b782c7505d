import pytest

from lambdabuild.local.events.handlers.declarations import declarations_of
from lambdabuild.local.events.handlers.tokens import closing, opening, tokens_of
from lambdabuild.local.events.handlers.types import Field, Func, Named, Reader, Struct, shown


def texts(source: str) -> list[str]:
    return [token.text for token in tokens_of(source)]


def test_lines_end_statements_as_in_go() -> None:
    source = "package a // b\n\nvar x = f(1,\n\t2)\nfor {\n\tbreak\n}\n/* c\n */ return"
    assert " ".join(texts(source)) == (
        "package a ; var x = f ( 1 , 2 ) ; for { break ; } ; return ;"
    )


def test_brackets_in_strings_and_comments_are_none() -> None:
    source = "f(\"(\", `)\n`, '(', /* ( */ g()) // )\n"
    tokens = tokens_of(source)

    assert tokens[closing(tokens, 1)].text == ")"
    assert closing(tokens, 1) == len(tokens) - 2
    assert opening(tokens, closing(tokens, 1)) == 1
    assert tokens[-1].line == 2


@pytest.mark.parametrize(
    "source",
    [
        "string",
        "*events.S3Event",
        "[]byte",
        "map[string][]*Order",
        "List[int, events.S3Event]",
        "[]map[string]any",
    ],
)
def test_types_are_written_as_they_were_read(source: str) -> None:
    reader = Reader(tokens_of(source), {"events": "example.com/events"}, "")

    assert shown(reader.type()) == source


@pytest.mark.parametrize(
    ("source", "parameters", "results"),
    [
        ("()", "", ""),
        ("(ctx context.Context, event Event) (Answer, error)", "ctx context.Context, event Event", " Answer,  any"),
        ("(a, b int, c ...string) error", "a int, b int, c []string", " any"),
        ("(int, []string, [2]int, List[int])", " int,  []string,  []int,  List[int]", ""),
        ("(a [2]int, b []int, c List[int], d func(x int) int)", "a []int, b []int, c List[int], d func", ""),
        ("(context.Context,\\n\\tEvent,\\n)", " context.Context,  Event", ""),
        ("(e struct{ A int; B string }) map[string]int", "e struct", " map[string]int"),
        ("(<-chan int, chan<- int, interface{ M() }) (n int, err error)", " chan,  chan,  any", "n int, err any"),
    ],
)  # fmt: skip
def test_signatures_are_read(source: str, parameters: str, results: str) -> None:
    reader = Reader(tokens_of(source.replace("\\n", "\n").replace("\\t", "\t")), {}, "")
    signature = reader.signature()

    def written(of: Func, which: str) -> str:
        return ", ".join(f"{p.name} {shown(p.type)}" for p in getattr(of, which))

    assert written(signature, "parameters") == parameters
    assert written(signature, "results") == results


def test_declarations_are_found_in_groups_and_alone() -> None:
    file = declarations_of(
        """package a

import e "example.com/events"

type (
	One struct {
		A, B int `json:"a"`
		e.Event
		*Two
	}
	Two = e.Event
)

type Three[K comparable, V any] map[K]V

var x, y = f(), 2

const z int = 1

func (o *One) Method() (n int) { return }

func Generic[T any](t T) {}
""",
        "a.go",
        "example.com/a",
    )
    event = Named("example.com/events", "Event")

    one = file.types["One"].type
    assert isinstance(one, Struct)
    assert one.fields[:3] == (
        Field("A", Named("", "int"), 'json:"a"'),
        Field("B", Named("", "int"), 'json:"a"'),
        Field("", event),
    )
    assert shown(one.fields[3].type) == "*a.Two"
    assert file.types["Two"].type == event
    assert file.types["Three"].type_parameters == ("K", "V")
    assert set(file.variables) == {"x", "y", "z"}
    assert [(f.name, f.type_parameters, f.receiver is None) for f in file.functions] == [
        ("Method", (), False),
        ("Generic", ("T",), True),
    ]
