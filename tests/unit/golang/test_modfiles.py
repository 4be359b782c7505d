"""What go.mod, go.work and vendor/modules.txt say otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.golang.modfiles import bump, differences, vendored

WORK = "go 1.22\n\nuse (\n\t.\n\t./two\n)\n"
MODULES = """\
# example.org/one v1.0.0
## explicit; go 1.22
example.org/one
example.org/one/inner
# example.org/two v1.0.0 => ./two
## explicit
example.org/two
# example.org/unused v1.0.0
## explicit
# example.org/two => ./two
"""


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (WORK, WORK, {}),
        (None, None, {}),
        (None, WORK, {"": "added"}),
        (WORK, None, {"": "removed"}),
        (None, "", {"": "added"}),
        (WORK, f"// Why.\n{WORK}\n// The end.\n", {}),
        (WORK, "go 1.22\nuse ./two\nuse .", {}),
        (WORK, WORK.replace("\n", "\r\n"), {}),
        (WORK, WORK.replace("./two", '"./two"'), {}),
        (WORK, WORK.replace("1.22", "1.23"), {"go": "go 1.22 → 1.23"}),
        (WORK, "go 1.22\n", {"use": "use ., ./two → none"}),
        (WORK, WORK + "toolchain go1.24.0\n", {"toolchain": "toolchain none → go1.24.0"}),
        (
            WORK,
            WORK + "replace (\n\ta => ./a // local\n\tb v1.0.0 => c v1.1.0\n)\n",
            {"replace": "replace none → a => ./a, b v1.0.0 => c v1.1.0"},
        ),
        (
            "module a\nrequire(\n\tb v1.0.0\n)\n",
            "module c\nrequire b v1.1.0 // indirect\n",
            {"module": "module a → c", "require": "require b v1.0.0 → b v1.1.0"},
        ),
        # What is quoted goes on behind two slashes.
        ('use "./a//b"', 'use "./a//c"', {"use": "use ./a//b → ./a//c"}),
        ("use `./a//b`", "use `./a//c`", {"use": "use ./a//b → ./a//c"}),
        ('use "./a b"', "use ./a b", {"use": "use ./a b → ./a b"}),
        # To Go, a line ends here and nowhere else.
        ("use (\n./a // \u2028 replace (\n./b\n)", "use (\n./a\n./c\n)", {"use": "use ./b → ./c"}),
        ("unheard of", "", {"unheard": "unheard of → none"}),
    ],
)
def test_what_differs_by_directive(
    before: str | None, now: str | None, expected: dict[str, str]
) -> None:
    assert differences(before, now) == expected


words = st.text("abc./@", min_size=1).filter(lambda word: "//" not in word)
lines = st.lists(st.tuples(st.sampled_from(["use", "replace", "go"]), words), max_size=6)


@given(lines, lines)
def test_any_line_more_or_less_is_a_difference(
    before: list[tuple[str, str]], now: list[tuple[str, str]]
) -> None:
    texts = ["\n".join(" ".join(line) for line in side) for side in (before, now)]
    expected = {name for name, _ in set(before) ^ set(now)}
    assert differences(*texts).keys() == expected
    blocks = "\n".join(f"{name} (\n\t{word}\n)" for name, word in now)
    assert differences(texts[0], blocks).keys() == expected


def test_what_is_said_of_each_vendored_package() -> None:
    one = "example.org/one v1.0.0 ## explicit; go 1.22"
    expected = {
        "example.org/one": one,
        "example.org/one/inner": one,
        "example.org/two": "example.org/two v1.0.0 => ./two ## explicit",
    }
    assert vendored(MODULES) == expected
    assert vendored(MODULES.replace("\n", "\r\n")) == expected
    workspace = vendored(f"## workspace\n{MODULES}")
    assert workspace == {name: f"{said} ## workspace" for name, said in expected.items()}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("a v1.0.0 ## explicit", "a v1.1.0 ## explicit", "a v1.0.0 → v1.1.0"),
        ("a v1.0.0 ## go 1.20", "a v1.0.0 ## go 1.22", "a v1.0.0 changed"),
        ("a v1.0.0", "a v1.0.0 => ./b", "a v1.0.0 → v1.0.0 => ./b"),
        ("a v1.0.0", "a/b v1.0.0", "a v1.0.0 → a/b v1.0.0"),
        (None, "a v1.0.0", "none → a v1.0.0"),
        ("a v1.0.0", None, "a v1.0.0 → none"),
    ],
)
def test_what_people_read_of_a_vendored_module(
    before: str | None, now: str | None, expected: str
) -> None:
    assert bump(before, now) == expected
