"""How often one client may ask."""

import fcntl
import hashlib
import ipaddress
import math
import mmap
import os
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from service import metrics
from service.problems import send_problem

#: So many clients are remembered; the one that was quiet the longest is forgotten first.
MAX_CLIENTS = 10_000
#: Of a minute's requests, so many may come at once.
_BURST_S = 10.0
#: A household or a machine has a whole /64 of version 6 to choose addresses from.
_V6_PREFIX = 64
#: Of allowances that are shared: when each will be whole again. So many take 1 MiB.
_WHOLE_AT, _PLACES = struct.Struct("d"), 131_072


class Allowances(Protocol):
    """Evenly refilled allowances, one a client.

    Source: the generic cell rate algorithm, ITU-T I.371.
    """

    def take(self, client: str, *, now: float) -> float:
        """Take one request off a client's allowance.

        Returns:
            0 if it may go through, else the seconds until one may.
        """


class Allowance:
    """Allowances within one process, one number a client."""

    def __init__(self, *, per_minute: int, max_clients: int = MAX_CLIENTS) -> None:
        self._interval_s = 60 / per_minute
        self._max_clients = max_clients
        # client -> when its allowance will be whole again
        self._whole_at: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str, *, now: float) -> float:
        """Take one request off a client's allowance."""
        wait_s, whole_at = _take(self._whole_at.get(client, now), now=now, interval_s=self._interval_s)
        if wait_s > 0:
            return wait_s
        self._whole_at[client] = whole_at
        self._whole_at.move_to_end(client)
        if len(self._whole_at) > self._max_clients:
            self._whole_at.popitem(last=False)
        return 0.0


class SharedAllowance:
    """Allowances that several processes take from, in a file that all of them map.

    A client has one of a fixed number of places, by its hash; two that meet there share an allowance.
    """

    def __init__(self, path: Path, *, per_minute: int) -> None:
        self._interval_s = 60 / per_minute
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)  # for as long as the process lives
        os.ftruncate(self._file, _PLACES * _WHOLE_AT.size)
        self._places = mmap.mmap(self._file, 0)
        # Nobody can tell which addresses meet: the name was made at random.
        self._key = os.fsencode(path)[-hashlib.blake2b.MAX_KEY_SIZE :]

    def take(self, client: str, *, now: float) -> float:
        """Take one request off a client's allowance; `now` is of a clock that all processes share."""
        digest = hashlib.blake2b(client.encode(), digest_size=8, key=self._key).digest()
        at = int.from_bytes(digest) % _PLACES * _WHOLE_AT.size
        # The system takes the lock back from a process that dies.
        fcntl.lockf(self._file, fcntl.LOCK_EX, _WHOLE_AT.size, at)
        try:
            (kept,) = _WHOLE_AT.unpack_from(self._places, at)
            wait_s, whole_at = _take(kept, now=now, interval_s=self._interval_s)
            if wait_s <= 0:
                _WHOLE_AT.pack_into(self._places, at, whole_at)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, _WHOLE_AT.size, at)
        return wait_s


def _take(whole_at: float, *, now: float, interval_s: float) -> tuple[float, float]:
    """Return the seconds to wait, 0 for none, and when an allowance will be whole again if one is taken."""
    whole_at = max(whole_at, now)
    wait_s = whole_at - now - max(_BURST_S - interval_s, 0.0)
    return max(wait_s, 0.0), whole_at + interval_s


class RateLimit:
    """Refuses with 429 what comes too often from one address; health is always answered."""

    def __init__(
        self, app: ASGIApp, *, allowance: Allowances | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._allowance = allowance
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
