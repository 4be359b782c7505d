"""A call of a function, what comes of it, and who can make it: what all fronts share."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

ACCOUNT = "123456789012"
"""The account of every ARN here."""
LATEST = "$LATEST"
PAYLOAD_LIMIT = 6 * 1024 * 1024
"""Bytes of a request: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
RESPONSE_LIMIT = PAYLOAD_LIMIT + 100
"""Bytes of a response that is not streamed."""
MOST_INSTANCES = 10
"""Processes of one function, unless `concurrency` is set."""
DEFAULT_TIMEOUT = 3.0
"""Seconds: https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"""
DEFAULT_MEMORY = 128
"""MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""

LogSink = Callable[[bytes], None]
"""Takes a whole line of a call's log, with its newline: START, what the function prints, END, REPORT."""


class Call(NamedTuple):
    """One invocation, as the function gets it."""

    function: str
    """The name that lambdabuild gives it."""
    payload: bytes
    request_id: str
    arn: str
    """As the caller named it: qualified if that was."""
    client_context: str = ""
    """JSON; empty for none."""
    trace_id: str = ""
    """Empty for one of its own."""
    timeout: float | None = None
    """Seconds; None for the function's own."""


class Outcome(NamedTuple):
    """How an invocation ended."""

    payload: bytes
    failed: bool = False
    """The function returned an error, or ended without a response: X-Amz-Function-Error."""
    error_type: str = ""
    """Of a failure: `errorString`, `Runtime.ExitError`, `Sandbox.Timedout`."""
    content_type: str = "application/json"
    """As the function posted it."""
    seconds: float = 0.0
    """What REPORT calls Duration."""


class Streamed(Protocol):
    """A response that is read while the function writes it."""

    content_type: str

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the response, piece by piece."""

    async def outcome(self) -> Outcome:
        """Return how the invocation ended, after the last chunk; its payload is that of a failure."""


class Functions(Protocol):
    """What can be called: the side of the pool that fronts see."""

    @property
    def names(self) -> Sequence[str]:
        """The functions that are known, sorted."""

    async def invoke(self, call: Call, log: LogSink | None = None) -> Outcome:
        """Call a function, and return its whole response.

        With `log`, it returns only once REPORT was logged.

        Raises:
            UnknownFunctionError: there is no such function.

        """

    async def stream(self, call: Call) -> Streamed:
        """Call a function; return as soon as its response begins, or the call has failed.

        Raises:
            UnknownFunctionError: there is no such function.

        """


class UnknownFunctionError(Exception):
    """There is no function of that name; the name is the one argument."""


class NotBuiltError(Exception):
    """A function does not build; the message is what the compiler says, for people."""


class Program(NamedTuple):
    """A function that is built: what to start for it, and how."""

    name: str
    executable: str
    """An absolute path; its directory is LAMBDA_TASK_ROOT and the working directory."""
    environment: Mapping[str, str] = MappingProxyType({})
    """The variables configured for it; Lambda's own are added, and beat the reserved ones."""
    timeout: float | None = DEFAULT_TIMEOUT
    """Seconds; None for no end: somebody is debugging it."""
    memory: int = DEFAULT_MEMORY
    """MB; reported, not enforced."""
    concurrency: int = MOST_INSTANCES
    handler: str = "bootstrap"
    runtime: str = "provided.al2023"
    prefix: tuple[str, ...] = ()
    """What goes before the executable on its command line: a debugger."""
    remark: str = ""
    """What its log says before it is first started; empty for nothing."""
    attached: int | None = None
    """The port of its Runtime API where no process is started: one is expected to call it."""


class Programs(Protocol):
    """Builds functions when they are called."""

    @property
    def names(self) -> Sequence[str]:
        """The functions that are known, sorted."""

    async def program(self, name: str) -> Program:
        """Return the function as its sources are now; build it if it is out of date.

        Raises:
            UnknownFunctionError: there is no such function.
            NotBuiltError: it does not build.

        """


class Platform(NamedTuple):
    """What Lambda gives every function, and this machine has to give in its place."""

    region: str = "us-east-1"
    credentials: Mapping[str, str] = MappingProxyType({})
    """AWS_ACCESS_KEY_ID and the like: the caller's, or dummies."""
    endpoint: str = ""
    """The address of the server, so that functions call each other here; empty for none."""
    retries: int = 0
    """How often an asynchronous call that fails is made again; Lambda does so twice.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
