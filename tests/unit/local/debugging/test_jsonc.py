import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.local.debugging import jsonc

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
blanks = st.sampled_from(["", " ", "\n", "\t", "// a, [comment]\n", '/* "one" \n { */', "\r\n"])


@given(values, st.sampled_from([None, 2, "\t"]), st.booleans())
def test_all_that_is_json_is_read_as_python_reads_it(
    value: object, indent: int | str | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert jsonc.plain(jsonc.parse(text)) == value


@given(st.lists(values, min_size=1), blanks, blanks, st.booleans())
def test_comments_and_a_last_comma_may_be_anywhere_between(
    items: list[object], before: str, after: str, comma: bool
) -> None:
    inner = f"{after},{before}".join(json.dumps(item) for item in items)
    text = f"{before}[{after}{inner}{before}{',' if comma else ''}{after}]{before}"
    node = jsonc.parse(text)
    assert jsonc.plain(node) == items
    assert node.comma == comma
    assert [json.loads(text[item.start : item.end]) for item in node.value] == items


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "line 1: unexpected end"),
        ("{", "line 1: unexpected end"),
        ('{"a" 1}', 'line 1: unexpected `"a" 1}`'),
        ("{1: 2}", "line 1: unexpected `1: 2}`"),
        ("[1,\n 2 3]", "line 2: unexpected `3]`"),
        ("[1,,2]", "line 1: unexpected `,2]`"),
        ("[1]\n[2]", "line 2: unexpected `[2]`"),
        ('["\\x"]', 'line 1: unexpected `"\\x"]`'),
        ('["a\n"]', 'line 1: unexpected `"a`'),
        ("/* never closed", "line 1: unexpected `/* never clo`"),
        ("[" * 500, "line 1: unexpected `[[[[[[[[[[[[`"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(text: str, wrong: str) -> None:
    with pytest.raises(jsonc.UnreadableError, match=f"^{re.escape(wrong)}$"):
        jsonc.parse(text)
