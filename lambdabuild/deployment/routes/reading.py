"""What routes and authorizers of all dialects have in common: tables, lists, references to functions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lambdabuild.deployment.literals import is_scalar, number
from lambdabuild.deployment.routes.apis import (
    FORMAT_1,
    JWT,
    REQUEST,
    TOKEN,
    Authorizer,
    Cors,
)

_DEEPEST = 12
_NAMED = re.compile(r"\$\{([\w]+)\.(?:Arn|Alias|AliasArn)\}|:function:([\w-]+)")
"""How an ARN names a function: by its resource, or by its name."""
_SOURCE = re.compile(
    r"\$?(?:method\.|route\.)?(?:request\.)?(header|querystring|context|stageVariables|stage)\.(.+)"
)
_NEVER = ("0", 0)


def table(value: object) -> Mapping[str, Any]:
    """Return a table; an empty one in the place of anything else."""
    return value if isinstance(value, dict) else {}


def said(value: object) -> str:
    """Return a literal as text, without the quotes of a mapping expression; empty if it is computed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value) if is_scalar(value) else ""
    quoted = len(text) > 1 and text[0] == text[-1] == "'"
    return "" if "${" in text else text[1:-1] if quoted else text


def words(value: object) -> tuple[str, ...]:
    """Return the literals of a list, or of a text with commas."""
    if isinstance(value, list):
        return tuple(filter(None, map(said, value)))
    return tuple(word.strip() for word in said(value).split(",") if word.strip())


def is_true(value: object) -> bool:
    """Return whether a value says yes."""
    return value is True or said(value).lower() == "true"


def variables(value: object) -> tuple[tuple[str, str], ...]:
    """Return the stage variables whose values are literals."""
    return tuple((name, said(item)) for name, item in table(value).items() if is_scalar(item))


def function_in(value: object) -> str:
    """Return the resource, or else the name, of the function that an ARN or an integration names."""
    return next(_functions_in(value, 0), "")


def _functions_in(value: object, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        for match in _NAMED.finditer(value):
            yield match[1] or match[2]
    elif isinstance(value, list):
        for item in value:
            yield from _functions_in(item, depth + 1)
    elif isinstance(value, dict):
        target = value.get("Fn::GetAtt")
        if isinstance(target, list) and len(target) > 1 and isinstance(target[0], str):
            if target[1] in {"Arn", "Alias"}:
                yield target[0]
            return
        for item in value.values():
            yield from _functions_in(item, depth + 1)


def reference(value: object) -> str:
    """Return the resource that a value refers to; empty for none."""
    of = table(value)
    target = of.get("Ref") or of.get("Fn::GetAtt")
    if isinstance(target, list) and target:
        target = target[0]
    return target if isinstance(target, str) else ""


def sources_of(value: object) -> tuple[str, ...]:
    """Return identity sources in one form: of `method.request.header.X` or `$request.header.X`, `header.X`."""
    found = filter(None, map(_SOURCE.fullmatch, words(value)))
    return tuple(f"{m[1].replace('stageVariables', 'stage')}.{m[2]}" for m in found)


def lambda_authorizer(
    kind: str,
    function: str,
    sources: Sequence[str],
    *,
    ttl: object = None,
    pattern: object = None,
    payload: object = None,
    simple: object = None,
) -> Authorizer:
    """Return an authorizer that is a function; `ttl` is how long a result is cached, in seconds."""
    if kind == TOKEN and not sources:
        sources = ("header.Authorization",)
    return Authorizer(
        kind=TOKEN if kind == TOKEN else REQUEST,
        function=function,
        sources=tuple(sources),
        required=kind == TOKEN or ttl not in _NEVER,
        pattern=said(pattern),
        payload=said(payload) or FORMAT_1,
        simple=is_true(simple),
    )


def jwt_authorizer(
    sources: Sequence[str], scopes: object = None, pattern: object = None
) -> Authorizer:
    """Return an authorizer that reads tokens."""
    return Authorizer(
        JWT,
        sources=tuple(sources) or ("header.Authorization",),
        scopes=words(scopes),
        pattern=said(pattern),
    )


def cors_of(value: object) -> Cors | None:
    """Return a CORS configuration of an HTTP API, of a function URL, or of SAM; None for none."""
    if value is None or value is False or value == []:
        return None
    if not isinstance(value, dict):
        origins = words(value) if value is not True else ("*",)
        return Cors(origins=("*",) if origins == ("true",) else origins)
    known = {name.lower().replace("_", ""): item for name, item in value.items()}

    def first(*names: str) -> object:
        return next((known[name] for name in names if name in known), None)

    age = said(first("maxage"))
    return Cors(
        origins=words(first("alloworigins", "alloworigin", "allowedorigins", "origins", "origin"))
        or ("*",),
        methods=words(first("allowmethods", "allowedmethods", "methods")),
        headers=words(first("allowheaders", "allowedheaders", "headers")),
        exposed=words(first("exposeheaders", "exposedresponseheaders")),
        max_age=number(age) if age else None,
        credentials=is_true(first("allowcredentials")),
    )
