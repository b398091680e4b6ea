"""Turning questions away at next to no cost while the queue is full, so that what is left goes into answers."""

import asyncio
import json
import time
from collections.abc import Callable

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from service import metrics
from service.problems import MEDIA_TYPE, OVERLOAD_RETRY_S, make_problem
from service.question_queue import OVERLOADED
from service.request_record import begin_record
from service.security_headers import headers_for

_log = structlog.get_logger(__name__)
_ROUTES = ("/v1/ask", "/v1/ask/batch")
_SAY_EVERY_S = 1.0
#: More refusals than this in so many seconds are a hail; then the event loop rests so long after each handful.
_HAIL, _COUNT_S, _REST_S = 100, 0.1, 0.005


class QuickRefusal:
    """The outermost layer: a question that has no room sees no other one, and refusals share a log line a second.

    A page of another origin is left to the layers below, which know what it may be told.
    """

    def __init__(self, app: ASGIApp, *, is_full: Callable[[], bool]) -> None:
        self._app = app
        self._is_full = is_full
        self._ready = {path: _reply(path) for path in _ROUTES}
        self._unsaid = 0
        self._said_at = float("-inf")
        self._counted, self._counted_from = 0, float("-inf")
        self._is_resting = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, a question only if there is room."""
        ready = self._ready.get(scope.get("path", ""))
        if ready is None or scope["method"] != "POST" or not self._is_full():
            await self._app(scope, receive, send)
            return
        sent = dict(scope["headers"])
        if b"origin" in sent:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        metrics.request_began()
        headers, body = ready
        given = sent.get(b"x-request-id", b"").decode("latin-1")
        named = (b"x-request-id", begin_record(request_id=given, traceparent=None).request_id.encode())
        await send({"type": "http.response.start", "status": 429, "headers": [*headers, named]})
        await send({"type": "http.response.body", "body": body})
        metrics.count_refusal("queue")
        metrics.request_ended(
            method="POST", route=scope["path"], status=429, took_s=time.perf_counter() - started
        )
        self._say(started)
        self._rest_from_a_hail(started)

    def _rest_from_a_hail(self, now: float) -> None:
        """Let what else arrives gather for a moment, where refusals alone would keep the question threads waiting.

        Clients that ask again at once and never wait can send thousands a second. Each time the event loop wakes for
        one of them, a question thread has to stop for it.
        """
        if now - self._counted_from >= _COUNT_S:
            self._counted, self._counted_from = 0, now
        self._counted += 1
        if self._counted > _HAIL and not self._is_resting:
            self._is_resting = True
            asyncio.get_running_loop().call_soon(self._rest)

    def _rest(self) -> None:
        time.sleep(_REST_S)
        self._is_resting = False

    def _say(self, now: float) -> None:
        self._unsaid += 1
        if now - self._said_at >= _SAY_EVERY_S:
            _log.warning("questions turned away", count=self._unsaid, reason="queue")
            self._unsaid, self._said_at = 0, now


def _reply(path: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return the headers and the body of a refusal."""
    problem = make_problem(429, OVERLOADED, path=path).model_dump(exclude_none=True)
    body = json.dumps(problem, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "retry-after": str(OVERLOAD_RETRY_S),
        **headers_for(path),
    }
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()], body
