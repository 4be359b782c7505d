"""The Extensions API, as far as extensions within a function's process need it.

`lambda.WithEnableSIGTERM` of aws-lambda-go is one, to be sent SIGTERM before SIGKILL.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

import asyncio
import json
import uuid
from collections import deque
from typing import Any

from lambdabuild.local.functions import ACCOUNT, LATEST, Program
from lambdabuild.local.http.messages import Request, Response

PREFIX = "/2020-01-01/extension/"
_MOST = 10
_MOST_BYTES = 64 * 1024
_MOST_EVENTS = 16
"""That wait for an extension which does not ask for them: the oldest goes."""
_IDENTIFIER = "Lambda-Extension-Identifier"


class Extensions:
    """The extensions of one process."""

    def __init__(self, program: Program) -> None:
        """`program` is what they are told about."""
        self._program = program
        self._names: set[str] = set()
        self._mailboxes: dict[str, _Mailbox] = {}
        self.open = True
        """They may register: initialisation is not over."""

    @property
    def any(self) -> bool:
        """Whether there is one: such a process is asked to end before it is killed."""
        return bool(self._mailboxes)

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event to those that registered for invocations."""
        for mailbox in self._mailboxes.values():
            if mailbox.wanted:
                mailbox.put(event)

    async def handle(self, request: Request) -> Response | None:
        """Answer a request of this API; None if it has no such path."""
        match request.method, request.path.removeprefix(PREFIX):
            case "POST", "register":
                return await self._register(request)
            case "GET", "event/next":
                return await self._next(request)
            case "POST", "init/error" | "exit/error":
                await request.read(_MOST_BYTES)
                return self._stranger(request) or _answer(202, {"status": "OK"})
            case _, "register" | "event/next" | "init/error" | "exit/error":
                return Response(405)
        return None

    async def _register(self, request: Request) -> Response:
        body = await request.read(_MOST_BYTES)
        name = request.headers.get("Lambda-Extension-Name")
        if not name:
            return _refusal("InvalidExtensionName", "Empty extension name")
        try:
            asked = json.loads(body or b"{}")
            events = set(asked.get("events") or ())
        except (ValueError, AttributeError, TypeError):
            return _refusal("InvalidRequestFormat", "The body is no JSON object with `events`", 400)
        # SHUTDOWN is for extensions that are processes of their own.
        if wrong := sorted(str(event) for event in events - {"INVOKE"}):
            return _refusal(
                "InvalidEventType", f"{wrong[0]}: invalid event for an internal extension"
            )
        if not self.open or name in self._names:
            return _refusal("RegistrationClosed", "Extension registration closed already")
        if len(self._mailboxes) >= _MOST:
            return _refusal("TooManyExtensions", f"Extension limit of {_MOST} reached")
        identifier = str(uuid.uuid4())
        self._names.add(name)
        self._mailboxes[identifier] = _Mailbox(wanted="INVOKE" in events)
        answer = {
            "functionName": self._program.name,
            "functionVersion": LATEST,
            "handler": self._program.handler,
        }
        features = request.headers.get("Lambda-Extension-Accept-Feature")
        if "accountid" in {feature.strip().lower() for feature in features.split(",")}:
            answer["accountId"] = ACCOUNT
        return _answer(200, answer, [(_IDENTIFIER, identifier)])

    async def _next(self, request: Request) -> Response:
        if refusal := self._stranger(request):
            return refusal
        mailbox = self._mailboxes[_known_form(request.headers.get(_IDENTIFIER))]
        event = await mailbox.take(request)
        if event is None:
            return _refusal("InvalidExtensionState", "Another request for events is waiting")
        return _answer(200, event)

    def _stranger(self, request: Request) -> Response | None:
        """Return the refusal of a request that names no known extension."""
        identifier = request.headers.get(_IDENTIFIER)
        if not identifier:
            return _refusal("MissingExtensionIdentifier", f"Missing {_IDENTIFIER} header")
        known = _known_form(identifier)
        if not known:
            return _refusal("InvalidExtensionIdentifier", f"Invalid {_IDENTIFIER}")
        if known not in self._mailboxes:
            return _refusal("UnknownExtensionIdentifier", f"Unknown extension {known}")
        return None


class _Mailbox:
    """The events of one extension."""

    def __init__(self, *, wanted: bool) -> None:
        self.wanted = wanted
        self._events: deque[dict[str, Any]] = deque(maxlen=_MOST_EVENTS)
        self._waiting: asyncio.Future[None] | None = None

    def put(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def take(self, request: Request) -> dict[str, Any] | None:
        """Return the next event, or None if somebody else waits for it, or the client left."""
        if self._waiting is not None:
            return None
        while not self._events:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await asyncio.wait(
                    (self._waiting, request.gone), return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                self._waiting = None
            if request.gone.done():
                return None
        return self._events.popleft()


def _known_form(identifier: str) -> str:
    try:
        return str(uuid.UUID(identifier))
    except ValueError:
        return ""


def _refusal(kind: str, message: str, status: int = 403) -> Response:
    body = {"errorMessage": message, "errorType": f"Extension.{kind}"}
    return _answer(status, body)


def _answer(
    status: int, body: dict[str, Any], headers: list[tuple[str, str]] | None = None
) -> Response:
    text = json.dumps(body, separators=(",", ":")).encode()
    return Response(status, [("Content-Type", "application/json"), *(headers or [])], text)
