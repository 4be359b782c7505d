"""What a Lambda authorizer's answer means; no I/O.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

import fnmatch
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from lambdabuild.deployment.routes.apis import FORMAT_2, HTTP, Authorizer

_INVOKE = "execute-api:Invoke"


class PolicyError(Exception):
    """An authorizer's answer is not of its format; the message says why."""


class Verdict(NamedTuple):
    """Whether a request may pass, and what the function learns of its caller."""

    allowed: bool
    explicitly: bool = False
    """It was refused by a statement with `Deny`, not for want of one with `Allow`."""
    authorizer: Mapping[str, Any] | None = None
    """`requestContext.authorizer` of the event."""


def verdict(payload: bytes, authorizer: Authorizer, kind: str, arn: str) -> Verdict:
    """Return what an answer says of a request to `arn`, an API's method.

    Raises:
        PolicyError: it says nothing.

    """
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise PolicyError("it is not JSON") from error
    if not isinstance(answer, dict):
        raise PolicyError("it is no object")
    context = answer.get("context") or {}
    if not isinstance(context, dict):
        raise PolicyError("`context` is no object")
    simple = "isAuthorized" in answer if authorizer.simple is None else authorizer.simple
    if kind == HTTP and authorizer.payload == FORMAT_2 and simple:
        allowed = answer.get("isAuthorized")
        if not isinstance(allowed, bool):
            raise PolicyError("`isAuthorized` is neither true nor false")
        return Verdict(allowed, authorizer={"lambda": context or None})
    principal = answer.get("principalId")
    if not isinstance(principal, str) or not principal:
        raise PolicyError("`principalId` is no string")
    effect = _effect(answer.get("policyDocument"), arn)
    if kind == HTTP:
        known: Mapping[str, Any] = {"lambda": context or None}
    else:
        known = {"principalId": principal, "integrationLatency": 0, **_texts(context)}
    return Verdict(effect == "allow", effect == "deny", known)


def _texts(context: Mapping[str, Any]) -> dict[str, str]:
    """Return a context as a REST API passes it on: every value as text."""
    texts = {}
    for name, value in context.items():
        if isinstance(value, bool):
            texts[name] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            texts[name] = str(value)
        elif value is not None:
            raise PolicyError(f"`context` has an object or an array at `{name[:40]}`")
    return texts


def _effect(policy: Any, arn: str) -> str:
    """Return `allow`, `deny`, or nothing; a Deny beats every Allow. Conditions count as fulfilled."""
    if not isinstance(policy, dict):
        raise PolicyError("it has no `policyDocument`")
    effect = ""
    for statement in _list(policy.get("Statement")):
        if not isinstance(statement, dict) or statement.get("Effect") not in {"Allow", "Deny"}:
            raise PolicyError("a statement of its policy has neither the effect Allow nor Deny")
        if _is_about(statement, arn):
            if statement["Effect"] == "Deny":
                return "deny"
            effect = "allow"
    return effect


def _is_about(statement: Mapping[str, Any], arn: str) -> bool:
    acts = any(_fits(_INVOKE.lower(), str(a).lower()) for a in _list(statement.get("Action")))
    if "NotResource" in statement:
        return acts and not _any_fits(arn, _list(statement["NotResource"]))
    return acts and _any_fits(arn, _list(statement.get("Resource")))


def _any_fits(arn: str, patterns: Iterable[Any]) -> bool:
    return any(_fits(arn, str(pattern)) for pattern in patterns)


def _fits(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
