"""Connections that cost us something for nothing: silent ones, endless headers, and too many at once.

uvicorn bounds how long a connection idles between two requests, but neither how long the first one takes to arrive,
nor how many bytes of headers it has, nor how many connections there are.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.problems import MEDIA_TYPE, Problem

#: A request line and headers over this are refused; a question by address has at most 2,000 characters.
MAX_HEAD_BYTES = 65_536
#: Enough for whatever has arrived to be read.
_GRACE_S = 0.1


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with these bounds; `head_timeout_s` and `max_connections` are set by `guarded_by`."""

    head_timeout_s = 10.0
    max_connections = 1_000

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._is_in_head = True  # between two requests, too
        self._head_bytes = 0
        self._had_message = False  # among what was just received

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Give it so long for its first request, or turn it away."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._end_with(503, "Too many connections are open. Try again in a few seconds.", retry_after_s=5)
            return
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and count what is still no whole head."""
        self._had_message = False
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._had_message or not self._is_in_head:
            # A request that came whole is no head that drips: its reply may take as long as it takes.
            self._stop_timer()
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._end_with(431, f"The headers are larger than {MAX_HEAD_BYTES:,} bytes. Send fewer.")
        elif self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            # uvicorn stopped its own timer for whatever came, a lone line break included.
            self._start_timer()

    def on_headers_complete(self) -> None:
        """Note that a head is whole."""
        self._is_in_head = False
        self._head_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the next bytes are another head's."""
        self._is_in_head = True
        self._head_bytes = 0
        self._had_message = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Say in our own form that this was no HTTP."""
        self._end_with(400, f"{msg} Send it as HTTP/1.1.")

    def _start_timer(self) -> None:
        self._stop_timer()
        self._head_timer = self.loop.call_later(self.head_timeout_s, self._close_soon)

    def _close_soon(self) -> None:
        # After a pause of the whole process timers come first, and what arrived meanwhile has not been read yet.
        self._head_timer = self.loop.call_later(_GRACE_S, self.transport.close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_with(self, status: int, detail: str, *, retry_after_s: int | None = None) -> None:
        phrase = HTTPStatus(status).phrase
        problem = Problem(title=phrase, status=status, detail=detail).model_dump(exclude_none=True)
        body = json.dumps(problem).encode()
        head = [
            f"HTTP/1.1 {status} {phrase}",
            f"content-type: {MEDIA_TYPE}",
            f"content-length: {len(body)}",
            "x-content-type-options: nosniff",
            *([] if retry_after_s is None else [f"retry-after: {retry_after_s}"]),
            "connection: close",
        ]
        self.transport.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        self.transport.close()


def guarded_by(*, head_timeout_s: float, max_connections: int) -> type[GuardedProtocol]:
    """Return the protocol with these bounds, as uvicorn wants it: a class."""
    bounds = {"head_timeout_s": head_timeout_s, "max_connections": max_connections}
    return type("BoundedProtocol", (GuardedProtocol,), bounds)
