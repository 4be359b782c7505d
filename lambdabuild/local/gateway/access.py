"""Who may call a function: what authorizers say of a request."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from lambdabuild.deployment.routes.apis import HTTP, IAM, JWT, Authorizer
from lambdabuild.local.functions import UnknownFunctionError
from lambdabuild.local.gateway import authorizers, policies, tokens
from lambdabuild.local.gateway.answers import RefusedError, denied, refusal
from lambdabuild.local.gateway.calls import Caller
from lambdabuild.local.gateway.routes import Route
from lambdabuild.local.payloads import v1
from lambdabuild.local.payloads.incoming import Incoming


class Access:
    """Asks the authorizers of routes. Each request asks anew: no answer is cached."""

    def __init__(self, caller: Caller, note: Callable[[str], None]) -> None:
        """Say by `note` why a client is refused."""
        self._caller = caller
        self._note = note
        self._noted: set[str] = set()

    async def authorized(
        self, incoming: Incoming, place: v1.Place, route: Route
    ) -> Mapping[str, Any] | None:
        """Return what the authorizer of a route says of the caller: `requestContext.authorizer`.

        Raises:
            RefusedError: it does not let him pass.

        """
        authorizer = route.declared.authorizer
        assert authorizer is not None  # noqa: S101  (its callers looked)
        if authorizer.kind == IAM:
            self._note_once(f"{route}: signatures (AWS_IAM) are not checked here")
            return None
        values = authorizers.identity(authorizer, incoming, place)
        if values is None and authorizer.kind == JWT:
            raise _unauthorized(route.kind)
        if values is None and authorizer.required:
            raise RefusedError(refusal(route.kind, "unauthorized"))
        if authorizer.kind == JWT:
            return self._of_token(authorizer, (values or [""])[0], route, incoming.now)
        if not authorizer.function:
            self._note_once(f"{route}: its authorizer is not a function here; requests pass it by")
            return None
        question = authorizers.question(authorizer, incoming, place, values)
        return await self._of_function(authorizer, question, route, incoming)

    def _of_token(
        self, authorizer: Authorizer, text: str, route: Route, now: float
    ) -> Mapping[str, Any]:
        try:
            token = tokens.read_token(text)
        except tokens.TokenError as error:
            self._note(f"{route}: the client gets 401: its token is no JWT, {error}")
            raise _unauthorized(route.kind, "invalid_token", "the token is malformed") from None
        self._note_once("JSON web tokens are decoded here, and not verified")
        if token.is_expired(now):
            self._note(f"{route}: the client gets 401: its token is expired")
            raise _unauthorized(route.kind, "invalid_token", "the token has expired")
        if authorizer.scopes and not set(authorizer.scopes) & set(token.scopes):
            self._note(f"{route}: the client gets 403: its token has none of the scopes")
            raise RefusedError(denied(route.kind, explicitly=False))
        return token.authorizer(route.kind)

    async def _of_function(
        self,
        authorizer: Authorizer,
        question: Mapping[str, Any],
        route: Route,
        incoming: Incoming,
    ) -> Mapping[str, Any] | None:
        """Return what a Lambda authorizer says."""
        name = authorizer.function
        arn = question.get("methodArn") or question.get("routeArn") or ""
        began = time.monotonic()
        try:
            payload = json.dumps(question, ensure_ascii=False).encode("utf-8", "replace")
            outcome = await self._caller.call(route.kind, name, payload, incoming.trace_id)
        except (TimeoutError, UnknownFunctionError) as error:
            self._note(f"{route}: its authorizer `{name}` did not answer: {type(error).__name__}")
            raise RefusedError(refusal(route.kind, "authorizer")) from None
        if outcome.failed:
            if _message(outcome.payload) == "Unauthorized":
                raise RefusedError(refusal(route.kind, "unauthorized"))
            self._note(f"{route}: its authorizer `{name}` failed: {outcome.error_type or 'error'}")
            raise RefusedError(refusal(route.kind, "authorizer"))
        try:
            verdict = policies.verdict(outcome.payload, authorizer, route.kind, arn)
        except policies.PolicyError as error:
            self._note(f"{route}: the answer of its authorizer `{name}` is not valid: {error}")
            raise RefusedError(refusal(route.kind, "authorizer")) from None
        if not verdict.allowed:
            raise RefusedError(denied(route.kind, explicitly=verdict.explicitly))
        known = dict(verdict.authorizer or {})
        if "integrationLatency" in known:
            known["integrationLatency"] = round((time.monotonic() - began) * 1000)
        return known

    def _note_once(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self._note(text)


def _unauthorized(kind: str, error: str = "", why: str = "") -> RefusedError:
    """Return the refusal of a token; an HTTP API says why: https://www.rfc-editor.org/rfc/rfc6750#section-3."""
    response = refusal(kind, "unauthorized")
    if kind == HTTP:
        detail = f' scope="" error="{error}" error_description="{why}"' if error else ""
        response.headers.append(("www-authenticate", f"Bearer{detail}"))
    return RefusedError(response)


def _message(payload: bytes) -> object:
    try:
        error = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return error.get("errorMessage") if isinstance(error, dict) else None
