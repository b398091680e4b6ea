"""One line for each request, with its id, its status and where its time went; and the same as numbers."""

import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.stopwatch import measuring
from service import metrics
from service.request_record import RequestRecord, begin_record, current_record

_log = structlog.get_logger(__name__)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
#: Asked every few seconds by machines; a line for each would hide the others.
_PROBES = ("/health/", "/metrics")
_MAX_PATH_CHARS = 200


class RequestLog:
    """The outermost layer: it sees every request, and every reply as it leaves."""

    def __init__(self, app: ASGIApp, *, log_questions: bool) -> None:
        self._app = app
        self._log_questions = log_questions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and write it down."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        record = begin_record(request_id=headers.get("x-request-id"), traceparent=headers.get("traceparent"))
        started, status = time.perf_counter(), 500

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = record.request_id
                if record.replied_at is not None:
                    record.stages_s["serialise"] = time.perf_counter() - record.replied_at
            await send(message)

        metrics.request_began()
        token = current_record.set(record)
        try:
            with (
                structlog.contextvars.bound_contextvars(
                    request_id=record.request_id, trace_id=record.trace_id
                ),
                measuring(record.stages_s),
            ):
                try:
                    await self._app(scope, receive, send_named)
                finally:
                    self._write(scope, record, status=status, took_s=time.perf_counter() - started)
        finally:
            current_record.reset(token)

    def _write(self, scope: Scope, record: RequestRecord, *, status: int, took_s: float) -> None:
        route, method = _route(scope), scope["method"]
        metrics.request_ended(
            method=method if method in _METHODS else "other", route=route, status=status, took_s=took_s
        )
        for stage, spent_s in record.stages_s.items():
            metrics.observe_stage(stage, spent_s)
        if not self._log_questions:
            record.facts.pop("question", None)
        path = scope["path"]
        quiet = path.startswith(_PROBES) and status < 400
        write = _log.debug if quiet else _log.info  # what failed is a line of its own, with its traceback
        write(
            "request answered",
            method=method,
            path=path[:_MAX_PATH_CHARS],
            route=route,
            status=status,
            took_ms=round(1_000 * took_s, 1),
            stages_ms={name: round(1_000 * spent_s, 1) for name, spent_s in record.stages_s.items()},
            parent_id=record.parent_id,
            **record.facts,
        )


def _route(scope: Scope) -> str:
    """Return the template of an address: as many as there are routes, whatever clients ask for."""
    template = getattr(scope.get("route"), "path", None)
    if isinstance(template, str) and template:
        return template
    # A folder of files has no route of its own, only the place that it is mounted at.
    root = scope.get("root_path", "").removeprefix(scope.get("app_root_path", ""))
    return root or "unmatched"
