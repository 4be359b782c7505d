"""Where a handler is declared, and how it is reached."""

import pytest

from lambdabuild.survey.eawsy.declarations import (
    declared_in,
    has_empty_main,
    like_handlers,
    package_clause,
)


@pytest.mark.parametrize(
    ("line", "column", "pointers"),
    [
        ("func Handle(evt interface{}, ctx *runtime.Context) (interface{}, error) {", 6, 0),
        ("var Handle apigatewayproxy.Handler", 5, 0),
        ("var Handle = handlers.Fn", 5, 0),
        ("var Handle = &handle", 5, 1),
        ("var Handle *func()", 5, 1),
        ("var Handle **apigatewayproxy.Handler", 5, 2),
        ("var Other, Handle = 1, handlers.Fn", 12, 0),
        ("var Handle func(evt *Event, ctx *runtime.Context) (interface{}, error)", 5, 0),
    ],
)
def test_a_declaration_is_found(line: str, column: int, pointers: int) -> None:
    text = f"package main\n\n// func Handle is below.\n{line}\n"
    found = declared_in(text, "Handle")
    assert found is not None
    assert (found.line, found.column, found.pointers) == (4, column, pointers)


def test_a_declaration_in_a_block_is_found() -> None:
    text = "package main\n\nvar (\n\tother = 1\n\tHandle = &other\n)\n"
    found = declared_in(text, "Handle")
    assert found is not None
    assert (found.line, found.column, found.pointers) == (5, 2, 1)


@pytest.mark.parametrize(
    "text",
    [
        "/*\nfunc Handle() {}\n*/\n",
        "var text = `\nfunc Handle() {}\n`\n",
        "func Handler() {}\n",
        "func (t T) Handle() {}\n",
        "func main() {\n\tvar Handle = 1\n\t_ = Handle\n}\n",
    ],
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert declared_in(f"package main\n\n{text}", "Handle") is None


def test_a_package_clause_is_found_behind_comments() -> None:
    found = package_clause("// package main is documented here.\n\npackage main\n")
    assert found is not None
    assert (found.line, found.column) == (3, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("func main() {}\n", True),
        ("func main() {\n\t// Only the plugin counts.\n}\n", True),
        ("func main() { run() }\n", False),
        ("// func main() {}\nfunc main() {\n\trun()\n}\n", False),
    ],
)
def test_a_main_that_does_nothing_is_told_from_one_that_does(text: str, expected: bool) -> None:
    assert has_empty_main(f"package main\n\n{text}") is expected


def test_functions_that_seem_to_be_handlers_are_found() -> None:
    text = """package main

// func Gone(evt int, ctx *runtime.Context) {}
func Publish(evt json.RawMessage, _ *runtime.Context) (interface{}, error) {
func (s Shop) Method(evt int, ctx *runtime.Context) error {
func Log(evt interface{}, ctx *Context) error {
var Proxy apigatewayproxy.Handler
var proxy apigatewayproxy.Handler
func Ping(c *gin.Context) {
func private(evt int, ctx *runtime.Context) error {
func Other(evt int, ctx context.Context) error {
"""
    assert like_handlers(text) == ["Publish", "Log", "Proxy"]
