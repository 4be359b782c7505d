import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.config.file import parse_config
from lambdabuild.config.positions import Position, of_key, of_toml_error
from lambdabuild.core.errors import LambdabuildError


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("a = 1\nroots = api\n", Position(2, 9)),
        ("roots = [\n", Position(1)),
        ('out = "dist\n', Position(1, 12)),
        ("a = 1\na = 2\n", Position(2, 6)),
        ("x = [1,\n\n2\n# more\n", Position(4)),
    ],
)
def test_what_is_no_toml_is_found(text: str, position: Position) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    message, found = of_toml_error(str(caught.value), text)
    assert found == position
    # The place is told once.
    assert not re.search(r"line \d", message)


DOCUMENT = """\
# runtime = "in a comment"
roots = [
  "api",
  "runtime",
]
note = '''
runtime = "in a text"
'''
runtime = "provided.al2"
env.GOAMD64 = "v2"

[functions."a b"]
runtime = "go1.x"
[functions.inner]
env = { GOOS = "linux" }
functions.x = 1
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (["roots"], (2, 1)),
        (["runtime"], (9, 1)),
        (["env", "GOAMD64"], (10, 5)),
        (["functions", "a b"], (12, 13)),
        (["functions", "a b", "runtime"], (13, 1)),
        (["functions", "inner", "env", "GOOS"], (15, 9)),
        (["functions", "inner", "functions", "x"], (16, 11)),
        (["nothing"], None),
        (["functions", "nobody"], None),
    ],
)
def test_the_line_of_a_key_is_that_of_its_statement(
    path: list[str], place: tuple[int, int] | None
) -> None:
    assert of_key(DOCUMENT, path) == place


@given(st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta"]), min_size=1, unique=True))
def test_a_key_is_found_wherever_it_stands(keys: list[str]) -> None:
    text = "".join(f"# {key}\n\n{key} = [\n  '{key}',\n]\n" for key in keys)
    found = [of_key(text, [key]) for key in keys]
    assert found == [Position(5 * n + 3, 1) for n in range(len(keys))]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('out = "dist"\nrots = ["api"]\n', 2, 1),
        ("roots = api\n", 1, 9),
        ('[functions."a"]\nruntime = "go1.x"\n', 2, 1),
        ('[functions."a/b"]\nzip = true\n', 1, 13),
        ('env = { GOAMD64 = "v1",\tGOOS = "linux" }\n', 1, 25),
        ('\n\nruntime = "provided.al3"\n', 3, 1),
        ("functions = 3\n", 1, 1),
    ],
)
def test_an_error_in_the_configuration_knows_its_place(
    text: str, line: int, column: int | None
) -> None:
    with pytest.raises(LambdabuildError) as caught:
        parse_config(text, "lambdabuild.toml", "/shop/lambdabuild.toml")
    error = caught.value
    assert (error.file, error.line, error.column) == ("/shop/lambdabuild.toml", line, column)
