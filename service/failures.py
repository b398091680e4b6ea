"""A failure of ours: its traceback goes to the log, and a problem without it to the client."""

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import failure_response

_log = structlog.get_logger(__name__)


class Failures:
    """Turns whatever a route lets through into a 500.

    Starlette would do it outside of all layers, so without our headers, and would then raise it once more.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, come what may."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception as error:
            _log.error("request failed", path=scope["path"], exc_info=error)
            if started:
                raise  # the reply is half sent; only closing the connection can say so
            await failure_response(Request(scope))(scope, receive, send)
