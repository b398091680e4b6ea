"""Which pages of other origins may use the service: none, unless the operator names them."""

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: What the widget needs on somebody else's page; admin routes are never among them.
_PATHS = ("/v1/ask", "/widget.js")
_FOLDERS = ("/v1/references", "/v1/documents", "/v1/passages", "/static/")
_METHODS = ("GET", "POST")
_PREFLIGHT = {
    "Access-Control-Allow-Methods": ", ".join(_METHODS),
    "Access-Control-Allow-Headers": "Content-Type, Traceparent, X-Request-ID",
    "Access-Control-Max-Age": "600",
}


class CrossOrigin:
    """Answers browsers that ask on behalf of another origin's page.

    No credentials are ever allowed: there is nothing here that a cookie would open.

    Source: Fetch standard, section 3.2.
    """

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, a preflight by ourselves."""
        if scope["type"] != "http" or not self._origins or not _is_shared(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        allowed = self._allowed(origin)
        asked = headers.get("access-control-request-method")
        if scope["method"] == "OPTIONS" and allowed is not None and asked in _METHODS:
            reply = {**_PREFLIGHT, "Access-Control-Allow-Origin": allowed, "Vary": "Origin"}
            await Response(status_code=204, headers=reply)(scope, receive, send)
            return

        async def send_shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                reply = MutableHeaders(scope=message)
                reply.add_vary_header("Origin")
                reply["Cross-Origin-Resource-Policy"] = "cross-origin"
                if allowed is not None and scope["method"] in _METHODS:
                    reply["Access-Control-Allow-Origin"] = allowed
                    reply["Access-Control-Expose-Headers"] = "Retry-After, X-Request-ID"
            await send(message)

        await self._app(scope, receive, send_shared)

    def _allowed(self, origin: str | None) -> str | None:
        if origin is None:
            return None
        if "*" in self._origins:
            return "*"
        return origin if origin in self._origins else None


def _is_shared(path: str) -> bool:
    return path in _PATHS or any(path == each or path.startswith(f"{each.rstrip('/')}/") for each in _FOLDERS)
