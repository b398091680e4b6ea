"""Under which names the service answers: any, unless the operator names them."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service import metrics
from service.problems import send_problem


class AllowedHosts:
    """Refuses a request that was meant for another name.

    That keeps a page that points its own name at our address (DNS rebinding) from speaking to us as if we were it.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(each.lower() for each in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is meant for us; a probe need not know our name."""
        if scope["type"] != "http" or not self._hosts or scope["path"].startswith("/health/"):
            await self._app(scope, receive, send)
            return
        if _name(Headers(scope=scope).get("host", "")) in self._hosts:
            await self._app(scope, receive, send)
            return
        metrics.count_refusal("host")
        await send_problem(
            scope, receive, send, 421, "This service does not answer under this host name. Check the address."
        )


def _name(host: str) -> str:
    """Return a Host header without its port, lower case; `[::1]:80` gives `[::1]`."""
    name, separator, port = host.rpartition(":")
    return (name if separator and port.isdecimal() else host).lower()
