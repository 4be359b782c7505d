"""Which function a client means: by name, partial ARN or ARN, with or without a qualifier."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote

from lambdabuild.core.errors import did_you_mean
from lambdabuild.local.functions import LATEST
from lambdabuild.local.identity import function_arn
from lambdabuild.local.lambda_api.errors import ServiceError, invalid, not_found

_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?"
    r"(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
"""https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters"""
_FUNCTION = re.compile(
    _PATTERN.replace(r"([a-zA-Z0-9-_\.]+)", r"(?P<name>[a-zA-Z0-9-_\.]+)").replace(
        r"(\$LATEST", r"(?P<qualifier>\$LATEST"
    )
)
_QUALIFIER_PATTERN = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
_QUALIFIER = re.compile(_QUALIFIER_PATTERN)
_LONGEST = 256
NOTHING: Mapping[str, str] = MappingProxyType({})


class Named(NamedTuple):
    """A function that is known, and the qualifier that it was asked for by; empty for none."""

    name: str
    qualifier: str = ""


def meant(
    segment: str,
    qualifier: str,
    known: Sequence[str],
    region: str,
    deployed: Mapping[str, str] = NOTHING,
) -> Named:
    """Return the function that a segment of a path means, and the qualifier in it or in the query.

    Region and account of an ARN do not count: what is deployed under it runs here under its name. The
    name may be one that it is deployed under, if `deployed` has it: functions are told those of others.

    Raises:
        ServiceError: it is no name, or names nothing that is known.

    """
    text = unquote(segment)
    if text in known:
        # lambdabuild's names may have letters that Lambda's pattern refuses.
        name, own = text, ""
    else:
        match = _FUNCTION.fullmatch(text) if len(text) <= _LONGEST else None
        if match is None:
            raise invalid(
                f"Value '{text}' at 'functionName' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {_PATTERN}"
            )
        name, own = match["name"], match["qualifier"] or ""
    if qualifier and not _QUALIFIER.fullmatch(qualifier):
        raise invalid(
            f"Value '{qualifier}' at 'qualifier' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {_QUALIFIER_PATTERN}"
        )
    if own and qualifier and own != qualifier:
        raise ServiceError(
            400,
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    if name not in known:
        name = deployed.get(name, name)
    named = Named(name, own or qualifier)
    if name not in known:
        raise not_found(function_arn(region, name, named.qualifier or LATEST), _hint(name, known))
    if named.qualifier not in {"", LATEST}:
        hint = f"no versions or aliases are here: leave `{named.qualifier}` out"
        raise not_found(function_arn(region, name, named.qualifier), hint)
    return named


def _hint(name: str, known: Sequence[str]) -> str:
    return did_you_mean(name, known) or f"the functions here are: {', '.join(known) or 'none'}"
