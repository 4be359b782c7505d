"""What names an invocation: its request ID, its trace ID, the ARN of its function."""

import secrets
import time
import uuid

from lambdabuild.local.functions import ACCOUNT


def new_request_id() -> str:
    """Return a request ID as Lambda makes them."""
    return str(uuid.uuid4())


def new_trace_id() -> str:
    """Return the trace header of a request that is not sampled.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled=0"


def function_arn(region: str, name: str, qualifier: str = "") -> str:
    """Return the ARN of a function here, qualified if that is asked for."""
    arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"
    return f"{arn}:{qualifier}" if qualifier else arn
