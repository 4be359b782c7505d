"""Answers HTTP requests as API Gateway and load balancers do: route, authorize, call, translate."""

import json
import time
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from lambdabuild.deployment.routes.apis import ALB, FORMAT_1, HTTP, REST
from lambdabuild.local.functions import (
    PAYLOAD_LIMIT,
    Functions,
    Outcome,
    UnknownFunctionError,
)
from lambdabuild.local.gateway import authorizers, cors
from lambdabuild.local.gateway.access import Access
from lambdabuild.local.gateway.answers import RefusedError, refusal, unbuilt
from lambdabuild.local.gateway.calls import INTEGRATION_TIMEOUTS, Caller
from lambdabuild.local.gateway.routes import Match, Route, Routes
from lambdabuild.local.http.messages import Request, Response, TooLargeError
from lambdabuild.local.identity import new_request_id, new_trace_id
from lambdabuild.local.payloads import alb, v1, v2
from lambdabuild.local.payloads.incoming import BODILESS, Incoming

_BUILD_FAILED = "BuildFailed"
"""The error type of a function that does not build: nothing that Lambda has."""
_MOST_BYTES = {REST: PAYLOAD_LIMIT, HTTP: PAYLOAD_LIMIT, ALB: alb.MOST_BYTES}


class Gateway:
    """The routes of a project, in front of its functions."""

    def __init__(
        self,
        functions: Functions,
        routes: Iterable[Route],
        note: Callable[[str], None],
        *,
        region: str = "us-east-1",
        debugged: Container[str] = (),
        timeouts: Mapping[str, float] = INTEGRATION_TIMEOUTS,
    ) -> None:
        """Say by `note` why a client gets an error; nothing of a request is in that.

        For functions that are `debugged`, clients wait as long as it takes.
        """
        self._note = note
        self._region = region
        self._caller = Caller(functions, region, debugged, timeouts)
        self._access = Access(self._caller, note)
        self.routes = Routes(routes)

    def use(self, routes: Iterable[Route]) -> None:
        """Take these routes from now on; requests that are under way go on as they began."""
        self.routes = Routes(routes)

    def allows(self, request: Request) -> bool:
        """Return whether the CORS configuration of a route allows the origin of a request."""
        origin = request.headers.get("origin")
        configured = [
            route.declared.api.cors
            for route in self.routes.at(_path(request))
            if route.declared.api.cors is not None
        ]
        return bool(origin) and any(cors.allows_origin(one, origin) for one in configured)

    async def handle(self, request: Request) -> Response | None:
        """Return the answer to a request; None if no route has its path."""
        path = _path(request)
        known = self.routes.at(path)
        if not known:
            return None
        origin = request.headers.get("origin")
        match = self.routes.find(request.method, path)
        route = match.route if match is not None else known[0]
        try:
            response = await self._preflight(request, known, match)
            if response is None:
                if match is None:
                    response = refusal(route.kind, "route")
                else:
                    response = await self._answer(request, path, match)
        except RefusedError as refused:
            response = refused.response
        if route.kind == HTTP and route.declared.api.cors and request.method != "OPTIONS":
            cors.with_cors(response, route.declared.api.cors, origin)
        return response

    async def _preflight(
        self, request: Request, known: list[Route], match: Match | None
    ) -> Response | None:
        """Return what a configured API says to OPTIONS; None where that is for a function."""
        if request.method != "OPTIONS":
            return None
        asked = cors.is_preflight(request.method, request.headers)
        origin = request.headers.get("origin")
        explicit = match is not None and match.route.declared.method == "OPTIONS"
        for route in known:
            configured = route.declared.api.cors
            if configured is None or (route.kind == HTTP and not asked):
                continue
            if route.kind == REST and explicit:
                continue
            siblings = [r for r in known if r.declared.path == route.declared.path]
            if configured.preflight_is_authorized and route.declared.authorizer is not None:
                place = v1.Place(route.declared, match.parameters if match else {})
                await self._access.authorized(
                    self._incoming(request, _path(request), b""), place, route
                )
            return cors.preflight(route, configured, siblings, origin)
        return None

    async def _answer(self, request: Request, path: str, match: Match) -> Response:
        """Call the function of a route, and return what it answers."""
        route = match.route
        most = _MOST_BYTES[route.kind]
        try:
            body = await request.read(most)
        except TooLargeError:
            return refusal(route.kind, "too large")
        incoming = self._incoming(request, path, body)
        place = v1.Place(route.declared, match.parameters)
        if route.declared.authorizer is not None:
            known = await self._access.authorized(incoming, place, route)
            place = place._replace(authorizer=known)
        if route.declared.needs_key:
            key = request.headers.get("x-api-key")
            if not key:
                return refusal(route.kind, "forbidden")
            place = place._replace(api_key=key)
        payload = json.dumps(_event(incoming, place, route), ensure_ascii=False).encode(
            "utf-8", "replace"
        )
        if len(payload) > PAYLOAD_LIMIT:
            return refusal(route.kind, "too large")
        outcome = await self._outcome(route, payload, incoming.trace_id)
        try:
            response = _response(outcome.payload, incoming, route)
        except v2.BadAnswerError as error:
            self._fails(route, f"answered what is no response: {error}")
            response = refusal(route.kind, "failed")
        if response.status in BODILESS:
            response.body = b""
        response.headers += _ids(route.kind, incoming)
        return response

    async def _outcome(self, route: Route, payload: bytes, trace_id: str) -> Outcome:
        """Return what the function of a route answers; it goes on when the client is answered."""
        try:
            outcome = await self._caller.call(route.kind, route.function, payload, trace_id)
        except TimeoutError:
            limit = self._caller.timeouts[route.kind]
            self._fails(route, f"did not answer within {limit:g} seconds, and runs on", "timeout")
            raise RefusedError(refusal(route.kind, "timeout")) from None
        except UnknownFunctionError:
            self._fails(route, "is not a function here")
            raise RefusedError(refusal(route.kind, "failed")) from None
        if outcome.failed:
            self._fails(route, f"failed: {outcome.error_type or 'error'}")
            if outcome.error_type == _BUILD_FAILED:
                raise RefusedError(unbuilt(outcome.payload))
            raise RefusedError(refusal(route.kind, "failed"))
        return outcome

    def _fails(self, route: Route, why: str, answer: str = "failed") -> None:
        status = refusal(route.kind, answer).status
        self._note(f"{route}: the client gets {status}, because `{route.function}` {why}")

    def _incoming(self, request: Request, path: str, body: bytes) -> Incoming:
        trace_id = request.headers.get("x-amzn-trace-id") or new_trace_id()
        received = v2.Received.of(request, body, path)
        return Incoming(received, new_request_id(), trace_id, time.time(), self._region)


def _path(request: Request) -> str:
    """Return the path of a request, also of one that a proxy would get: `http://host/path`."""
    path = request.path
    if "://" in path and not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path


def _event(incoming: Incoming, place: v1.Place, route: Route) -> dict[str, Any]:
    if route.kind == ALB:
        return alb.event(incoming, route.declared, route.function)
    if route.kind == HTTP and route.declared.payload != FORMAT_1:
        return authorizers.http_event(incoming, place)
    return v1.event(incoming, place)


def _response(payload: bytes, incoming: Incoming, route: Route) -> Response:
    if route.kind == ALB:
        return alb.response(payload, route.declared)
    if route.kind == HTTP and route.declared.payload != FORMAT_1:
        return v2.response(payload)
    return v1.response(payload, incoming, route.declared)


def _ids(kind: str, incoming: Incoming) -> list[tuple[str, str]]:
    if kind == REST:
        return [
            ("x-amzn-RequestId", incoming.request_id),
            ("x-amz-apigw-id", incoming.extended_id),
        ]
    return [("Apigw-Requestid", incoming.extended_id)] if kind == HTTP else []
