import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lambdabuild.config.globs import is_literal, is_reserved, matches, parts_of, pattern_problem
from tests.unit.values import texts

INSIDE = "name files in or below the function's directory, such as `templates/*.html`"
PLACE = (
    "would take the place of the executable",
    "the executable is packed anyway; give an asset another name",
)

plain = st.text("ab.-é", min_size=1, max_size=4)
globs = st.text("ab.*?-é", min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("", ("names no file", INSIDE)),
        (".", ("names no file", INSIDE)),
        ("./", ("names no file", INSIDE)),
        ("a\0", ("no file is called", INSIDE)),
        ("a\nb", ("no file is called", INSIDE)),
        ("/", ("names no file", INSIDE)),
        ("/etc/passwd", ("is absolute", INSIDE)),
        ("//etc/*", ("is absolute", INSIDE)),
        ("..", ("leaves the function's directory", INSIDE)),
        ("../secret", ("leaves the function's directory", INSIDE)),
        ("a/../../secret", ("leaves the function's directory", INSIDE)),
        ("a/../b", ("leaves the function's directory", INSIDE)),
        ("a/..", ("leaves the function's directory", INSIDE)),
        *((name, PLACE) for name in ("bootstrap", "Bootstrap", "BOOTSTRAP", "./bootstrap")),
        ("bootstrap/", PLACE),
        ("bootstrap/a.txt", PLACE),
        ("Bootstrap/*", PLACE),
    ],
)
def test_a_glob_that_can_mean_no_asset_is_refused_with_the_remedy(
    pattern: str, problem: tuple[str, str]
) -> None:
    assert pattern_problem(pattern) == problem


@pytest.mark.parametrize(
    "pattern",
    [
        *("templates/*.html", "**", "*", "a b", ".env", "./a", "a//b/", "...", "a..b", "..a/b.."),
        # Which of them are the executable, the files will tell.
        *("b*", "boot?trap", "[b]ootstrap"),
        *("bootstrap.zip", "bootstrapper", "a/bootstrap", "**/bootstrap"),
    ],
)
def test_any_other_glob_may_be_asked_for(pattern: str) -> None:
    assert pattern_problem(pattern) is None


@given(texts)
def test_a_glob_without_a_problem_stays_below_the_directory(pattern: str) -> None:
    assume(pattern_problem(pattern) is None)
    parts = parts_of(pattern)
    assert parts
    assert not pattern.startswith("/")
    assert not {"", ".", ".."} & set(parts)


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("a", ("a",)),
        ("./templates//*.html", ("templates", "*.html")),
        ("a/./b/", ("a", "b")),
        ("**/.x", ("**", ".x")),
        ("./.", ()),
    ],
)
def test_a_glob_is_its_components(pattern: str, parts: tuple[str, ...]) -> None:
    assert parts_of(pattern) == parts


@pytest.mark.parametrize(
    ("name", "reserved"),
    [
        ("bootstrap", True),
        ("bootStrap", True),
        ("bootstrap/a", True),
        ("bootstrap.txt", False),
        ("a/bootstrap", False),
        (".bootstrap", False),
    ],
)
def test_the_place_of_the_executable_is_reserved_in_any_case(name: str, *, reserved: bool) -> None:
    assert is_reserved(name) is reserved


@given(plain, plain)
def test_a_component_without_a_wildcard_means_its_own_name(name: str, part: str) -> None:
    assert is_literal(part)
    assert matches(name, part) == (name == part)


@given(plain, globs)
def test_a_wildcard_means_names_as_in_a_shell(name: str, part: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in part)
    meant = re.fullmatch(expression, name) is not None
    hidden = name.startswith(".") and not part.startswith(".")
    assert matches(name, part) == (meant and not hidden)


@pytest.mark.parametrize(
    ("name", "part", "meant"),
    [
        ("a", "[ab]", True),
        ("c", "[ab]", False),
        ("c", "[!ab]", True),
        ("b", "[a-c]", True),
        ("[", "[[]", True),
        ("*", "[*]", True),
        ("x", "[*]", False),
        # Case counts, whatever the file system thinks of it.
        ("A", "[a]", False),
        ("A.HTML", "*.html", False),
        (".env", "*", False),
        (".env", "?env", False),
        (".env", "[.]env", False),
        (".env", ".*", True),
        (".env", ".e*", True),
    ],
)
def test_sets_case_and_hidden_names(name: str, part: str, *, meant: bool) -> None:
    assert matches(name, part) is meant
