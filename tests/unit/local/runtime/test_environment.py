"""The environment of a function, against what AWS sets."""

from types import MappingProxyType

import pytest

from lambdabuild.local.functions import Platform, Program
from lambdabuild.local.runtime.environment import environment

PLATFORM = Platform(
    region="eu-west-1",
    credentials={"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_PROFILE": "dev"},
    endpoint="http://127.0.0.1:9000",
)


def of(**configured: str) -> dict[str, str]:
    program = Program("users-get", "/out/users-get/bootstrap", MappingProxyType(configured))
    return environment(program, PLATFORM, api="127.0.0.1:1234", stream="2026/11/21/[$LATEST]ab")


def test_the_environment_is_that_of_provided_al2023() -> None:
    assert of(TABLE="users") == {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_PROFILE": "dev",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9000",
        "AWS_LAMBDA_FUNCTION_NAME": "users-get",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/users-get",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/21/[$LATEST]ab",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1234",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/out/users-get",
        "LANG": "en_US.UTF-8",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "TABLE": "users",
        "TZ": ":UTC",
        "_AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "_HANDLER": "bootstrap",
    }


@pytest.mark.parametrize(
    "name",
    [
        *("_HANDLER", "_X_AMZN_TRACE_ID", "_OWN", "AWS_EXECUTION_ENV", "AWS_REGION"),
        *("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT"),
        *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_MAX_CONCURRENCY"),
    ],
)
def test_a_function_cannot_set_what_is_reserved(name: str) -> None:
    assert of(**{name: "own"}) == of()


@pytest.mark.parametrize(
    "name",
    [
        *("LANG", "PATH", "TZ", "LD_LIBRARY_PATH", "AWS_XRAY_CONTEXT_MISSING"),
        *("AWS_XRAY_DAEMON_ADDRESS", "AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL"),
        *("AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_PROFILE", "HOME"),
    ],
)
def test_a_function_can_set_all_else(name: str) -> None:
    assert of(**{name: "own"}) == of() | {name: "own"}


def test_without_a_server_there_is_no_endpoint() -> None:
    program = Program("f", "/out/f/bootstrap")
    found = environment(program, Platform(), api="127.0.0.1:1", stream="s")
    assert "AWS_ENDPOINT_URL_LAMBDA" not in found
    assert "AWS_ACCESS_KEY_ID" not in found
