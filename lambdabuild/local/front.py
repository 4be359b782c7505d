"""What the server answers at each of its addresses: the guard, then the API that a path belongs to."""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from urllib.parse import unquote

from lambdabuild.local.control import control as controls
from lambdabuild.local.control.control import Control
from lambdabuild.local.function_url import FunctionUrls, OfUrl
from lambdabuild.local.functions import Functions, UnknownFunctionError
from lambdabuild.local.gateway.cors import allows_origin
from lambdabuild.local.http import guard
from lambdabuild.local.http.messages import Request, Response
from lambdabuild.local.lambda_api.api import PREFIXES, LambdaApi

FUNCTION_URLS = "/lambda-url/"
INVOKE = "/2015-03-31/functions/NAME/invocations"


class Routes(Protocol):
    """What has routes: an API Gateway or a load balancer."""

    async def handle(self, request: Request) -> Response | None:
        """Answer a request; return None if no route has its path."""

    def allows(self, request: Request) -> bool:
        """Tell whether the CORS configuration of its route allows the origin of a request."""


class Front:
    """All that is served at one address."""

    def __init__(
        self,
        functions: Functions,
        gateway: Routes | None = None,
        control: Control | None = None,
        *,
        note: Callable[[str], None],
        described: Callable[[], Sequence[str]] = tuple,
        url_cors: OfUrl = lambda _: None,
        deployed: Callable[[], Mapping[str, str]] = dict,
        region: str = "us-east-1",
        bound: str = "127.0.0.1",
        retries: int = 0,
    ) -> None:
        """Put the fronts together.

        Args:
            functions: what can be called.
            gateway: the routes, if there are any.
            control: what `lambdabuild invoke` uses.
            note: takes what a person should know, on one line.
            described: returns the routes, as `GET /users/{id}`.
            url_cors: tells what the URL of a function allows of CORS.
            deployed: returns the functions by other names that the Lambda API takes.
            region: that of ARNs.
            bound: the address that the server listens at.
            retries: how often an event that fails is tried again.

        """
        self._functions = functions
        self._gateway = gateway
        self._control = control
        self._described = described
        self._bound = bound
        self._api = LambdaApi(functions, region, retries, deployed)
        self._url_cors = url_cors
        self._urls = FunctionUrls(functions, note, region, url_cors)

    async def close(self) -> None:
        """Give up what nobody waits for."""
        await self._api.close()
        if self._control is not None:
            await self._control.close()

    async def handle(self, request: Request) -> Response:
        """Answer a request: what a server calls.

        Raises:
            BrokenOffError: the client went away.

        """
        path = request.path
        of_control = path == controls.PATH or path.startswith(f"{controls.PATH}/")
        of_api = path.startswith(PREFIXES)
        refused = guard.refusal(
            request,
            self._bound,
            for_browsers=not (of_control or of_api),
            allows=lambda origin: self._allows(request, origin),
        )
        if refused is not None:
            return _message(403, {"message": refused}, "AccessDeniedException")
        if of_api:
            return await self._api.handle(request)
        if of_control and self._control is not None:
            return await self._control.handle(request)
        return await self._for_browsers(request)

    def _allows(self, request: Request, origin: str) -> bool:
        """Tell whether pages of an origin may ask, by the CORS configuration of what they ask."""
        if self._gateway is not None and self._gateway.allows(request):
            return True
        url = self._url(request)
        cors = self._url_cors(url[0]) if url is not None else None
        return cors is not None and allows_origin(cors, origin)

    async def _for_browsers(self, request: Request) -> Response:
        if (
            self._gateway is not None
            and not request.path.startswith(FUNCTION_URLS)
            and (answer := await self._gateway.handle(request)) is not None
        ):
            return answer
        if (url := self._url(request)) is not None:
            with contextlib.suppress(UnknownFunctionError):
                return await self._urls.handle(request, *url)
        return self._nothing(request)

    def _url(self, request: Request) -> tuple[str, str] | None:
        """Return the function whose URL is asked, and what follows the URL."""
        if request.path.startswith(FUNCTION_URLS):
            name, _, rest = request.path.removeprefix(FUNCTION_URLS).partition("/")
            return unquote(name), f"/{rest}"
        names = self._functions.names
        return (names[0], request.path) if len(names) == 1 else None

    def _nothing(self, request: Request) -> Response:
        """Return what there is, where a path leads nowhere."""
        return _message(
            404,
            {
                "message": f"nothing is served at {request.method} {request.path}",
                "routes": list(self._described()),
                "function_urls": [f"{FUNCTION_URLS}{name}/" for name in self._functions.names],
                "invoke": INVOKE,
            },
        )


def _message(status: int, told: dict[str, object], code: str = "") -> Response:
    headers = [("Content-Type", "application/json")]
    if code:
        headers.append(("x-amzn-ErrorType", code))
    return Response(
        status, headers, json.dumps(told, ensure_ascii=False, indent=2).encode() + b"\n"
    )
