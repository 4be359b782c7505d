"""JSON web tokens, decoded."""

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.local.gateway.tokens import TokenError, read_token


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def jwt(**claims: Any) -> str:
    return f"{part({'alg': 'RS256'})}.{part(claims)}.signature"


def test_claims_are_texts_as_api_gateway_writes_them() -> None:
    token = read_token(
        f"Bearer {jwt(sub='ada', iat=1516239022, admin=True, groups=['a', 'b'], o={'x': 1}, n=None)}"
    )
    claims = {
        "sub": "ada",
        "iat": "1516239022",
        "admin": "true",
        "groups": "[a b]",
        "o": '{"x":1}',
        "n": "",
    }
    assert token.authorizer("http") == {"jwt": {"claims": claims, "scopes": None}}
    assert token.authorizer("rest") == {"claims": claims}


@pytest.mark.parametrize("claims", [{"scope": "read write"}, {"scp": ["read", "write"]}])
def test_scopes_are_words_or_a_list(claims: dict[str, Any]) -> None:
    token = read_token(jwt(**claims))
    assert token.scopes == ["read", "write"]
    assert token.authorizer("http")["jwt"]["scopes"] == ["read", "write"]


def test_a_token_expires_at_its_time() -> None:
    token = read_token(jwt(exp=100))
    assert [token.is_expired(now) for now in (99.5, 100, 101)] == [False, True, True]
    assert not read_token(jwt()).is_expired(1e12)


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c.d", "a.!!.c", f"a.{part([1])}.c", "a..c"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        read_token(text)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(TokenError):
        read_token(text)
