from lambdabuild.local.events.handlers.skeleton import skeleton
from lambdabuild.local.events.handlers.types import Named
from tests.unit.local.events.handlers.gopackages import MAIN, packages_of


def made(source: str, name: str = "Event") -> object:
    packages = packages_of({MAIN: f"package main\n\n{source}"})
    return skeleton(Named(MAIN, name), packages)


def test_each_field_has_the_name_that_json_has_for_it() -> None:
    source = """
type Event struct {
	ID       string    `json:"id"`
	Count    int       `json:"count,omitempty"`
	Price    float64   `db:"x" json:"price"`
	Paid     *bool     `json:"paid"`
	Plain    uint8
	Number   int64     `json:"number,string"`
	Left     string    `json:"-"`
	Dash     string    `json:"-,"`
	hidden   string
	Raw      []byte    `json:"raw"`
	Tags     []string  `json:"tags"`
	Lines    []Line    `json:"lines"`
	More     map[string]Line `json:"more"`
	Any      any       `json:"any"`
}

type Line struct { Name Kind `json:"name"` }

type Kind string
"""
    assert made(source) == {
        "id": "",
        "count": 0,
        "price": 0.0,
        "paid": False,
        "Plain": 0,
        "number": "0",
        "-": "",
        "raw": "",
        "tags": [""],
        "lines": [{"name": ""}],
        "more": {},
        "any": None,
    }


def test_what_is_embedded_is_promoted_unless_it_has_a_name() -> None:
    source = """
type Event struct {
	Base
	*Other `json:"other"`
}

type Base struct { ID string `json:"id"` }

type Other struct { Name string }
"""
    assert made(source) == {"id": "", "other": {"Name": ""}}


def test_what_refers_to_itself_ends() -> None:
    source = """
type Event struct { Children []*Event `json:"children"`; Next *Event `json:"next"` }
"""
    assert made(source) == {"children": [], "next": None}


def test_times_and_other_types_of_libraries_are_what_they_read() -> None:
    source = """
import (
	"encoding/json"
	"time"
)

type Event struct {
	At  time.Time       `json:"at"`
	Raw json.RawMessage `json:"raw"`
}
"""
    assert made(source) == {"at": "2026-01-02T03:04:05Z", "raw": {}}


def test_type_parameters_are_filled_in() -> None:
    source = """
type Page[T any] struct { Items []T `json:"items"` }

type Item struct { ID int `json:"id"` }

type Event = Page[Item]
"""
    assert made(source) == {"items": [{"id": 0}]}


def test_a_type_that_reads_text_is_a_text() -> None:
    source = """
type Event struct { Level Level `json:"level"` }

type Level int

func (l *Level) UnmarshalText(text []byte) error { return nil }
"""
    assert made(source) == {"level": ""}
