"""How often one client may ask."""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from service import metrics
from service.problems import send_problem

#: So many clients are remembered; the one that was quiet the longest is forgotten first.
MAX_CLIENTS = 10_000
#: Of a minute's requests, so many may come at once.
_BURST_S = 10.0
#: A household or a machine has a whole /64 of version 6 to choose addresses from.
_V6_PREFIX = 64


class Allowance:
    """Evenly refilled allowances, one number a client.

    Source: the generic cell rate algorithm, ITU-T I.371.
    """

    def __init__(self, *, per_minute: int, max_clients: int = MAX_CLIENTS) -> None:
        self._interval_s = 60 / per_minute
        self._max_clients = max_clients
        # client -> when its allowance will be whole again
        self._whole_at: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str, *, now: float) -> float:
        """Take one request off a client's allowance.

        Returns:
            0 if it may go through, else the seconds until one may.
        """
        whole_at = max(self._whole_at.get(client, now), now)
        wait_s = whole_at - now - max(_BURST_S - self._interval_s, 0.0)
        if wait_s > 0:
            return wait_s
        self._whole_at[client] = whole_at + self._interval_s
        self._whole_at.move_to_end(client)
        if len(self._whole_at) > self._max_clients:
            self._whole_at.popitem(last=False)
        return 0.0


class RateLimit:
    """Refuses with 429 what comes too often from one address; health is always answered."""

    def __init__(
        self, app: ASGIApp, *, per_minute: int | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._allowance = None if per_minute is None else Allowance(per_minute=per_minute)
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is within its client's allowance."""
        if scope["type"] != "http" or self._allowance is None or scope["path"].startswith("/health/"):
            await self._app(scope, receive, send)
            return
        wait_s = self._allowance.take(client_of(scope), now=self._clock())
        if not wait_s:
            await self._app(scope, receive, send)
            return
        metrics.count_refusal("rate")
        seconds = math.ceil(wait_s)
        await send_problem(
            scope,
            receive,
            send,
            429,
            f"Too many requests came from your address. Try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )


def client_of(scope: Scope) -> str:
    """Return what tells one client from another: its address, and of version 6 the network."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return str(host)
    if address.version == 6:
        return str(ipaddress.ip_network((address, _V6_PREFIX), strict=False))
    return str(address)
