"""The errors of the Lambda API: what SDKs make exceptions of."""

import json
from typing import Literal

from lambdabuild.local.http.messages import Response
from lambdabuild.local.identity import new_request_id

JSON = "application/json"


class ServiceError(Exception):
    """A request that the Lambda API refuses, by the full name of its exception.

    https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html, and the errors of each operation.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        key: Literal["message", "Message"] = "message",
        fault: Literal["User", "Service"] = "User",
        hint: str = "",
    ) -> None:
        """`key` is how this exception spells its message; `hint` is ours, and SDKs do not look at it."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.key = key
        self.fault = fault
        self.hint = hint

    def response(self) -> Response:
        """Return what the client gets."""
        told = {"Type": self.fault, self.key: self.message}
        if self.hint:
            told["Hint"] = self.hint
        headers = [
            ("Content-Type", JSON),
            ("x-amzn-ErrorType", self.code),
            ("x-amzn-RequestId", new_request_id()),
        ]
        return Response(self.status, headers, json.dumps(told, ensure_ascii=False).encode())


def invalid(message: str) -> ServiceError:
    """Return what a parameter that breaks its pattern causes."""
    return ServiceError(400, "ValidationException", f"1 validation error detected: {message}")


def invalid_content(message: str) -> ServiceError:
    """Return what a request with a bad body or client context causes."""
    return ServiceError(400, "InvalidRequestContentException", message)


def not_found(arn: str, hint: str = "") -> ServiceError:
    """Return what an unknown function, or an unknown version of one, causes."""
    return ServiceError(
        404, "ResourceNotFoundException", f"Function not found: {arn}", key="Message", hint=hint
    )


def too_large(size: int, limit: int, invocation_type: str) -> ServiceError:
    """Return what a payload of `size` bytes causes, or more if it is far larger than `limit`."""
    if size > 4 * limit:  # what of a body is read to its end
        return ServiceError(
            413,
            "RequestEntityTooLargeException",
            f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
        )
    return ServiceError(
        413,
        "RequestTooLargeException",
        f"{size} byte payload is too large for the {invocation_type} invocation type "
        f"(limit {limit} bytes)",
    )
