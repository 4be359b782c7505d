"""The environment variables of a function, as provided.al2023 sets them: a pure function."""

import os.path

from lambdabuild.local.functions import LATEST, Platform, Program

_DAEMON = "169.254.100.1"
"""Where X-Ray's daemon is in Lambda; nothing listens there on other machines, and UDP does not mind."""

_RESERVED = frozenset({
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
})  # fmt: skip
"""Names that no function can set.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""


def environment(program: Program, platform: Platform, *, api: str, stream: str) -> dict[str, str]:
    """Return all variables of a process of `program`; nothing of the caller's own is among them.

    `api` is `host:port` of its Runtime API, `stream` the name of its log stream. LD_LIBRARY_PATH is
    left out unless the function sets it: the directories that Lambda names are nowhere else.
    """
    directory = os.path.dirname(program.executable)
    replaceable = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": f"{_DAEMON}:2000",
    }
    if platform.endpoint:
        replaceable["AWS_ENDPOINT_URL_LAMBDA"] = platform.endpoint
    configured = {
        name: value
        for name, value in program.environment.items()
        if name not in _RESERVED and not name.startswith("_")
    }
    return {
        **replaceable,
        **{name: value for name, value in platform.credentials.items() if name not in _RESERVED},
        **configured,
        **{name: value for name, value in platform.credentials.items() if name in _RESERVED},
        "AWS_REGION": platform.region,
        "AWS_DEFAULT_REGION": platform.region,
        "AWS_LAMBDA_FUNCTION_NAME": program.name,
        "AWS_LAMBDA_FUNCTION_VERSION": LATEST,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(program.memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{program.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_RUNTIME_API": api,
        "LAMBDA_TASK_ROOT": directory,
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "_HANDLER": program.handler,
        "_AWS_XRAY_DAEMON_ADDRESS": _DAEMON,
        "_AWS_XRAY_DAEMON_PORT": "2000",
    }
