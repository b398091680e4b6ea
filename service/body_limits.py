"""How large a request's body may be, and how slowly it may come."""

import asyncio
import time

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import metrics
from service.batch_asking import PATH as BATCH_PATH
from service.problems import send_problem
from service.settings import Settings
from service.uploads import is_upload

#: A body may take the configured time, and longer only as long as it comes at this rate.
_MIN_BYTES_PER_S = 16_384
#: Names, licence and the boundaries of a form, beside the file in it.
_FORM_BYTES = 1_048_576
# After either the rest of the body may still come; it is not worth waiting for.
_CLOSE = {"Connection": "close"}


class BodyLimits:
    """Refuses a body over its route's limit with 413, and one that does not come with 408.

    Nothing is read before the route asks for it: a route that checks a key first takes in no byte without one.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose body keeps to its limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = max_bytes_of(scope["path"], headers, self._settings)
        declared = headers.get("content-length", "")
        if is_upload(scope["path"], headers) and not declared.isdecimal():
            await send_problem(
                scope, receive, send, 411, "Send a Content-Length with a file.", headers=_CLOSE
            )
            return
        if declared.isdecimal() and int(declared) > limit:
            metrics.count_refusal("size")
            await send_problem(scope, receive, send, 413, _too_large(limit), headers=_CLOSE)
            return
        watched = WatchedBody(receive, max_bytes=limit, timeout_s=self._settings.request_timeout_s)
        await self._app(scope, watched, send)


class WatchedBody:
    """A `receive` that raises instead of handing on too much, or nothing for too long."""

    def __init__(self, receive: Receive, *, max_bytes: int, timeout_s: float) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._received = 0
        self._is_whole = False
        self._began: float | None = None

    async def __call__(self) -> Message:
        """Return the next part.

        Raises:
            HTTPException: 413 if it is one too many, 408 if it does not come.
        """
        if self._is_whole:
            return await self._receive()  # only waits for the client to go, however long
        if self._began is None:
            self._began = time.monotonic()
        until = self._began + self._timeout_s + self._received / _MIN_BYTES_PER_S
        try:
            # Not `wait_for`, which lets others run first even where the part is there: meanwhile a question queue
            # that had room fills up, and the question is refused after all that it took to read it.
            async with asyncio.timeout(until - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            metrics.count_refusal("slow")
            raise HTTPException(
                408, "The rest of the body did not come in time. Send the request again.", headers=_CLOSE
            ) from None
        self._received += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._received > self._max_bytes:
            metrics.count_refusal("size")
            raise HTTPException(413, _too_large(self._max_bytes), headers=_CLOSE)
        return message


def max_bytes_of(path: str, headers: Headers, settings: Settings) -> int:
    """Return how many bytes a body may have at an address."""
    if is_upload(path, headers):
        return settings.max_upload_bytes + _FORM_BYTES
    if path == BATCH_PATH:
        return settings.max_batch_body_bytes
    return settings.max_body_bytes


def _too_large(limit: int) -> str:
    return f"The request body is larger than {limit:,} bytes. Send less, or several requests."
