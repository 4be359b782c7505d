"""How invocations fail: by what the platform says, and by what functions post."""

import base64
import binascii
import json
import re
from typing import Any, NamedTuple

from lambdabuild.local.functions import RESPONSE_LIMIT, Outcome
from lambdabuild.local.http.messages import Headers

JSON = "application/json"
_CAUSE = "application/vnd.aws.lambda.error.cause+json"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
_ERROR_BODY = "Lambda-Runtime-Function-Error-Body"
_KNOWN = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")
TIMED_OUT = "Sandbox.Timedout"
OF_RESPONSES = frozenset({
    "Function.ResponseSizeTooLarge", "Runtime.InvalidResponseModeHeader",
    "Runtime.TruncatedResponse",
})  # fmt: skip
"""Types of failures that are the platform's judgement of a response."""


class Failure(NamedTuple):
    """What the platform says of an invocation that did not end by itself."""

    error_type: str
    message: str

    def outcome(self) -> Outcome:
        """Return it as the caller gets it."""
        body = {"errorType": self.error_type, "errorMessage": self.message}
        return Outcome(_text(body), failed=True, error_type=self.error_type)


def exited(request_id: str, how: str) -> Failure:
    """Return the failure of a process that ended; `how` is empty for exit status 0."""
    reason = f"with error: {how}" if how else "without providing a reason"
    return Failure("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited {reason}")


def not_started(request_id: str, path: str, reason: str) -> Failure:
    """Return the failure of an executable that the kernel refuses, in Go's words."""
    return Failure(
        "Runtime.InvalidEntrypoint",
        f"RequestId: {request_id} Error: fork/exec {path}: {reason}",
    )


def timed_out(request_id: str, seconds: float) -> Failure:
    """Return the failure of a function that took longer than `seconds`."""
    return Failure(
        TIMED_OUT,
        f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds",
    )


def too_large() -> Failure:
    """Return the failure of a response that exceeds Lambda's limit."""
    return Failure(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes).",
    )


def truncated(request_id: str) -> Failure:
    """Return the failure of a response that broke off."""
    return Failure(
        "Runtime.TruncatedResponse",
        f"RequestId: {request_id} Error: The response broke off before it was complete",
    )


def invalid_mode(request_id: str, mode: str) -> Failure:
    """Return the failure of a response in a mode that Lambda does not have."""
    return Failure(
        "Runtime.InvalidResponseModeHeader",
        f"RequestId: {request_id} Error: Invalid response mode: {mode}",
    )


def not_built(message: str) -> Failure:
    """Return the failure of a function that has no executable: the compiler's text."""
    return Failure("BuildFailed", message)


def posted(headers: Headers, body: bytes) -> Outcome:
    """Return what a function posted as its error: byte for byte, unless it holds a cause for X-Ray."""
    content_type = headers.get("Content-Type") or JSON
    if content_type.partition(";")[0].strip().lower() == _CAUSE:
        body, content_type = _without_cause(body), JSON
    return Outcome(
        body,
        failed=True,
        error_type=_own_type(body) or known_type(headers.get(_ERROR_TYPE), "Function.Unknown"),
        content_type=content_type,
    )


def in_trailers(trailers: Headers) -> Outcome | None:
    """Return the error with which a response that was begun ended, if it did.

    https://github.com/aws/aws-lambda-go/blob/main/lambda/runtime_api_client.go
    """
    error_type, encoded = trailers.get(_ERROR_TYPE), trailers.get(_ERROR_BODY)
    if not error_type and not encoded:
        return None
    try:
        body = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        body = b""
    if not body:
        kind = known_type(error_type, "Function.Unknown")
        return Failure(kind, "The response ended with an error").outcome()
    return Outcome(body, failed=True, error_type=_own_type(body) or error_type)


def known_type(name: str, otherwise: str) -> str:
    """Return the type of an error as Lambda counts it: a name of its own form, else `otherwise`."""
    if _KNOWN.fullmatch(name):
        return name
    return "Runtime.Unknown" if name.startswith("Runtime.") else otherwise


def _without_cause(body: bytes) -> bytes:
    try:
        error = json.loads(body)
    except ValueError:
        error = None
    if not isinstance(error, dict):
        return b'"Invalid error body"'
    return _text({name: value for name, value in error.items() if name != "errorCause"})


def _own_type(body: bytes) -> str:
    """Return `errorType` of an error's JSON; empty where there is none."""
    try:
        error = json.loads(body)
    except ValueError:
        return ""
    found = error.get("errorType") if isinstance(error, dict) else None
    return found if isinstance(found, str) else ""


def _text(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")
