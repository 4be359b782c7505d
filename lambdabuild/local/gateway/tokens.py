"""JSON web tokens: decoded, not verified. There are no keys here, and no issuer is asked; no I/O.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from lambdabuild.deployment.routes.apis import HTTP


class TokenError(Exception):
    """A token is no JWT; the message says why."""


class Token(NamedTuple):
    """What a token says, whoever made it."""

    claims: Mapping[str, Any]

    def is_expired(self, now: float) -> bool:
        """Return whether its time is over; `now` is in seconds since 1970."""
        expires = self.claims.get("exp")
        return isinstance(expires, int | float) and expires <= now

    @property
    def scopes(self) -> list[str]:
        """What it allows: `scope` as OAuth has it, or `scp`."""
        said = self.claims.get("scope", self.claims.get("scp")) or []
        return [str(s) for s in said] if isinstance(said, list) else str(said).split()

    def authorizer(self, kind: str) -> dict[str, Any]:
        """Return `requestContext.authorizer` of the event; claims are texts there."""
        claims = {name: _text(value) for name, value in self.claims.items()}
        if kind == HTTP:
            return {"jwt": {"claims": claims, "scopes": self.scopes or None}}
        return {"claims": claims}


def read_token(text: str) -> Token:
    """Return what a token says, with or without `Bearer` before it.

    Raises:
        TokenError: it is no JWT.

    """
    token = text.strip()
    if token[:7].lower() == "bearer ":
        token = token[7:].strip()
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004
        raise TokenError("it does not have three parts")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError) as error:
        raise TokenError("its claims are not JSON in base64") from error
    if not isinstance(claims, dict):
        raise TokenError("its claims are no object")
    return Token(claims)


def _text(value: Any) -> str:
    """Return a claim as API Gateway writes it: `[admin users]`, `true`, `1516239022`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"))
    return "" if value is None else str(value)
