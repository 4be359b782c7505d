import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lambdabuild.golang.source import (
    Directives,
    embed_directories,
    embeds,
    is_source,
    outline,
    parse_directives,
)
from tests.unit.values import directories, texts

HEAD = b"""\
// Package main says func main() { of itself.
//go:build linux

/* type T struct{} */
package main

import (
	"example.com/func"
	v `example.com/var`
)
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("main.go", True),
        ("größe.go", True),
        ("add_arm64.s", True),
        ("add.S", True),
        ("cgo.c", True),
        ("cgo.hpp", True),
        ("lib.syso", True),
        ("lib.swigcxx", True),
        ("main_test.go", False),
        ("_main.go", False),
        (".main.go", False),
        # What vim and others leave behind for the time of a write.
        (".main.go.swp", False),
        ("4913", False),
        ("main.go~", False),
        ("#main.go#", False),
        (".#main.go", False),
        ("main.go.tmp", False),
        ("main.GO", False),
        ("README.md", False),
        ("go.mod", False),
        ("default.pgo", False),
        ("", False),
    ],
)
def test_a_source_file_is_told_by_its_name(name: str, expected: bool) -> None:
    assert is_source(name) is expected


DECLARATIONS = [b"func", b"type", b"var", b"const"]
# What may stand in a body without being a line that embeds, or a `func main`.
bodies = (
    texts.map(str.encode)
    | st.sampled_from([
        b" x() {}", b" T struct{}", b' s = "import"', b" (\n\ta = 1\n)", b" f() { main() }",
        b" t = `\npackage main\n`", b" r = '\"'", b" domain() {}",
    ])
).filter(lambda body: b"//go:embed" not in body and b"main" not in body)  # fmt: skip


@given(st.sampled_from(DECLARATIONS), bodies, st.sampled_from(DECLARATIONS), bodies)
def test_an_edit_after_the_first_declaration_is_out_of_sight(
    before: bytes, old: bytes, after: bytes, new: bytes
) -> None:
    assert outline(HEAD + before + b" " + old) == outline(HEAD + after + b" " + new)


@given(st.integers(0, len(HEAD)), st.sampled_from([b"x", b"\n", b" ", b'"', b"/"]))
def test_an_edit_before_the_first_declaration_shows(place: int, added: bytes) -> None:
    edited = HEAD[:place] + added + HEAD[place:]
    rest = b"var x = 1\n"
    # The same letter beside itself gives the same file, wherever it went.
    assert edited != HEAD
    assert outline(edited + rest) != outline(HEAD + rest)


@given(st.binary(), st.binary())
def test_files_without_a_declaration_are_seen_whole(one: bytes, other: bytes) -> None:
    assume(not any(word in one + b" " + other for word in (*DECLARATIONS, b"main")))
    assert (outline(one) == outline(other)) == (one == other)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b'import "a"\nfunc f() {}', b'import "b"\nfunc f() {}', id="import"),
        pytest.param(b"package a\nfunc f()", b"package b\nfunc f()", id="package clause"),
        pytest.param(b"//go:build a\nfunc f()", b"//go:build b\nfunc f()", id="constraint"),
        pytest.param(
            b'import "func a"\nimport "b"\nvar x', b'import "func a"\nimport "c"\nvar x',
            id="import after one that looks like a declaration",
        ),
        pytest.param(
            b'// func\nimport "b"\nvar x', b'// func\nimport "c"\nvar x',
            id="import after a comment that looks like a declaration",
        ),
        pytest.param(
            b'/*\nconst char *x;\n*/\nimport "C"\nvar x', b'/*\nconst int x;\n*/\nimport "C"\nvar x',
            id="what cgo reads",
        ),
        pytest.param(
            b'import funcs "b"\nvar x', b'import funcs "c"\nvar x', id="a name that begins as one"
        ),
        pytest.param(
            b"//go:embed a\nvar x string", b"//go:embed b\nvar x string", id="embed before"
        ),
        pytest.param(
            b"var x int\n//go:embed a\nvar y string", b"var x int\n//go:embed b\nvar y string",
            id="embed after",
        ),
        pytest.param(
            b"var x int\nvar y string", b"var x int\n//go:embed a\nvar y string", id="new embed"
        ),
        pytest.param(
            b"package main\nfunc f() {}", b"package main\nfunc main() {}", id="new main"
        ),
        pytest.param(
            b"package main\nfunc f() {}", b"package main\nfunc f() {}\nfunc\tmain () {}",
            id="new main after another function",
        ),
    ],
)  # fmt: skip
def test_what_decides_which_packages_there_are_shows(before: bytes, after: bytes) -> None:
    assert outline(before) != outline(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"package a\nfunc f() {}", b"package a\nfunc main() {}", id="main of no program"),
        pytest.param(
            b"package main\nfunc f() {}", b"package main\nfunc f() { /* func main() */ }",
            id="main in a comment",
        ),
        pytest.param(
            b"package main\nfunc main() { a() }", b"package main\nfunc main() { b() }",
            id="what main does",
        ),
        pytest.param(b"package a\nvar x = 1", b"package a\nconst y, z = 2, 3", id="declarations"),
    ],
)  # fmt: skip
def test_what_does_not_decide_which_packages_there_are_does_not_show(
    before: bytes, after: bytes
) -> None:
    assert outline(before) == outline(after)


# What Go accepts before the word `package`, on its line.
@pytest.mark.parametrize("before", [b"", b"  ", b"/* shop */ ", b"\xef\xbb\xbf"])
def test_a_new_main_shows_whatever_stands_before_the_package_clause(before: bytes) -> None:
    clause = before + b"package main\n"
    assert outline(clause + b"func f() {}\n") != outline(clause + b"func main() {}\n")


def test_files_of_a_go_work_are_read_in_lines_and_blocks() -> None:
    text = """\
go 1.22

use ./api // the functions
use (
	./lib
	"./my lib"
	// ./not
	`../shared`
)
replace example.com/a => ./a
replace (
	example.com/b v1.0.0 => ../b
	example.com/c => example.com/d v1.2.3
	example.com/e => /srv/e
	"example.com/f" => "./my f"
)
"""
    assert parse_directives(text) == Directives(
        use=("./api", "./lib", "./my lib", "../shared"),
        replace=("./a", "../b", "/srv/e", "./my f"),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Directives()),
        ("module example.com/use\n\ngo 1.22\n", Directives("example.com/use")),
        ("module (\n\texample.com/m\n)", Directives("example.com/m")),
        ('module "example.com/m" // why', Directives("example.com/m")),
        ("use .", Directives(use=(".",))),
        ("replace a => .", Directives(replace=(".",))),
        ("replace a => ..", Directives(replace=("..",))),
        ("replace a =>", Directives()),
        ("replace a", Directives()),
        ("require (\n\ta v1.0.0\n)\nuse ./a", Directives(use=("./a",))),
        ("use ()\nuse ./a", Directives(use=("./a",))),
        ("use (\n)\nuse ./a", Directives(use=("./a",))),
        ("  use\t./a  ", Directives(use=("./a",))),
        ("use (\r\n\t./a\r\n)\r\n", Directives(use=("./a",))),
        ("// use ./a", Directives()),
        ("retract (\n\tv1.0.0 // use ./a\n)", Directives()),
    ],
)
def test_only_directories_are_taken_from_directives(text: str, expected: Directives) -> None:
    assert parse_directives(text) == expected


@given(
    st.lists(directories.map("./{}".format), max_size=4),
    st.lists(directories.map("../{}".format), max_size=4),
    st.booleans(),
)
def test_directives_are_the_same_in_lines_and_in_a_block(
    use: list[str], replace: list[str], quoted: bool
) -> None:
    used = [f'"{item}"' if quoted else item for item in use]
    replaced = [f"example.com/x => {item}" for item in replace]
    lines = [*(f"use {item}" for item in used), *(f"replace {item}" for item in replaced)]
    blocks = ["use (", *used, ")", "replace (", *replaced, ")"]
    expected = Directives(use=tuple(use), replace=tuple(replace))
    assert parse_directives("\n".join(lines)) == expected
    assert parse_directives("\n".join(blocks)) == expected


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], []),
        (["static"], ["static"]),
        (["static/logo.svg"], ["static/logo.svg"]),
        (["static/*.svg", "static/*.css"], ["static"]),
        (["*"], ["."]),
        (["*.sql", "all:static"], [".", "static"]),
        (["all:*"], ["."]),
        (["a/b[0-9]/c"], ["a"]),
        (["a/b?/c"], ["a"]),
        ([r"a/b\*/c"], ["a"]),
        (["a/b/*/d/*"], ["a/b"]),
    ],
)
def test_an_embed_pattern_matches_below_what_it_names_for_certain(
    patterns: list[str], expected: list[str]
) -> None:
    assert embed_directories(patterns) == expected


@given(directories, st.text(string.ascii_letters + "*?", max_size=5))
def test_an_embed_pattern_matches_only_below_its_directory(directory: str, last: str) -> None:
    (found,) = embed_directories([f"{directory}/*{last}"])
    assert found == directory


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "bootstrap", True),
        ("all:*", "bootstrap.sbom.json", True),
        ("boot*", "bootstrap.zip", True),
        ("*.txt", "bootstrap", False),
        (".", "bootstrap", True),
        ("static", "static/out/a/bootstrap", True),
        ("static", "static/.out/a/bootstrap", False),
        ("all:static", "static/.out/a/bootstrap", True),
        ("static/*.css", "static/out/a/bootstrap", False),
        ("[^b]*", "bootstrap", False),
        ("static/out/a/bootstrap/x", "static/out", False),
    ],
)
def test_an_embed_pattern_matches_files_and_what_is_below_directories(
    pattern: str, name: str, matches: bool
) -> None:
    assert embeds([pattern], name) == matches
