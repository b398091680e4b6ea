"""Getting the bytes at a web address: the only module that opens outgoing sockets.

A host's name is resolved once, all its addresses are checked, and the connection goes to a checked one: what a
second look-up would say plays no part. TLS still proves the name. Redirects are followed here, each checked
like the first address. Time, size and expansion are bounded. Proxies and other environment variables play no part.
"""

import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import httpcore

from ingest.addresses import WebAddress, parse_address, refuse_private, resolve_redirect
from ingest.errors import AddressRefusedError, FetchingError

__all__ = ["FetchLimits", "Resolver", "WebClient", "WebResponse", "resolve_host"]

#: From a host name and port to its IP addresses, in the order in which they are to be tried.
Resolver = Callable[[str, int], Sequence[str]]

_PORTS: Final = frozenset({80, 443})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
#: zlib's code for gzip.
_GZIP: Final = 16 + zlib.MAX_WBITS
_CHUNK_BYTES: Final = 65_536
_FAILURES: Final = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much of time and memory one address may cost.

    Args:
        connect_s: For one connection, TLS included.
        read_s: Between two pieces of an answer.
        total_s: For everything, redirects included.
        max_bytes: Of a body, both as it is sent and decompressed.
    """

    connect_s: float = 10.0
    read_s: float = 20.0
    total_s: float = 120.0
    max_bytes: int = 50_000_000
    max_redirects: int = 5


@dataclass(frozen=True, slots=True)
class WebResponse:
    """What an address answered: the body, decompressed, and the address it came from in the end."""

    url: str
    body: bytes


def resolve_host(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host by the system's resolver.

    Raises:
        OSError: If the name is unknown or nobody answers.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class WebClient:
    """Fetches web addresses under limits.

    Args:
        user_agent: How to introduce ourselves; services ask for a way to reach whoever runs this.
        ssl_context: What certificates are trusted; by default those of public authorities.
        reachable: Pairs of IP address and port that may be reached although they are not public. For tests,
            which speak to servers of their own; nothing else sets it.
    """

    limits: FetchLimits = field(default_factory=FetchLimits)
    user_agent: str = "citewell"
    resolve: Resolver = resolve_host
    ssl_context: ssl.SSLContext = field(default_factory=httpcore.default_ssl_context)
    reachable: frozenset[tuple[str, int]] = frozenset()

    def get(self, url: str) -> WebResponse:
        """Fetch an address, following redirects.

        Raises:
            AddressRefusedError: If it, or one it redirects to, may not be visited.
            FetchingError: If there is no answer, another than 200, an incomplete, too large or too slow one.
        """
        deadline = time.monotonic() + self.limits.total_s
        address = parse_address(url)
        for _ in range(self.limits.max_redirects + 1):
            answer = self._get_once(address, deadline)
            if isinstance(answer, WebResponse):
                return answer
            address = resolve_redirect(address, answer)
        raise FetchingError(
            f"{url} redirects more than {self.limits.max_redirects} times, last to {address}. "
            "Open it in a browser and give the address where the text is."
        )

    def _get_once(self, address: WebAddress, deadline: float) -> WebResponse | str:
        """Return the response, or the location that it redirects to."""
        checked = self._checked_addresses(address, deadline)
        backend = _PinnedBackend(checked, deadline)
        headers: dict[bytes | str, bytes | str] = {
            "Host": address.authority,
            "User-Agent": self.user_agent,
            "Accept": "*/*",
            "Accept-Encoding": "gzip",
            "Connection": "close",
        }
        timeouts = {"connect": self.limits.connect_s, "read": self.limits.read_s, "write": self.limits.read_s}
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self.ssl_context, network_backend=backend) as pool,
                pool.stream(
                    "GET", _as_httpcore(address), headers=headers, extensions={"timeout": timeouts}
                ) as response,
            ):
                return self._take(address, response)
        except _FAILURES as error:
            raise FetchingError(f"{address}: {_failure(error)}. Try again later.") from error

    def _checked_addresses(self, address: WebAddress, deadline: float) -> Sequence[str]:
        resolved = _resolve_within(self.resolve, address, deadline)
        ours = [ip for ip in resolved if (ip, address.port) in self.reachable]
        if ours and len(ours) == len(resolved):
            return resolved
        refuse_private(address.host, [ip for ip in resolved if ip not in ours])
        if address.port not in _PORTS:
            raise AddressRefusedError(
                f"{address} names port {address.port}; only ports 80 and 443 are used. Check the address."
            )
        return resolved

    def _take(self, address: WebAddress, response: httpcore.Response) -> WebResponse | str:
        if response.status in _REDIRECTS:
            location = _header(response, "location")
            if location is None:
                raise FetchingError(f"{address} answers {_status(response)} without saying where to.")
            return location
        if response.status != HTTPStatus.OK:
            raise FetchingError(f"{address} answers {_status(response)}.")
        pieces = _within(
            response.iter_stream(), max_bytes=self.limits.max_bytes, what=f"The answer of {address}"
        )
        encoding = (_header(response, "content-encoding") or "identity").strip().lower()
        return WebResponse(str(address), b"".join(_decoded(pieces, encoding, address, self.limits.max_bytes)))


def _as_httpcore(address: WebAddress) -> httpcore.URL:
    return httpcore.URL(
        scheme=address.scheme.encode(),
        host=address.host.encode(),
        port=address.port,
        target=address.target.encode(),
    )


def _header(response: httpcore.Response, name: str) -> str | None:
    wanted = name.encode()
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == wanted), None)


def _status(response: httpcore.Response) -> str:
    known = response.status in set(HTTPStatus)
    phrase = f" ({HTTPStatus(response.status).phrase})" if known else ""
    wait = _header(response, "retry-after")
    return f"{response.status}{phrase}" + (f" and asks to wait: {wait[:40]}" if wait else "")


def _failure(error: Exception) -> str:
    kinds = (
        (httpcore.ConnectTimeout, "nobody answers in time"),
        (httpcore.TimeoutException, "the answer takes too long"),
        (httpcore.ConnectError, "no connection"),
        (httpcore.ProtocolError, "the answer breaks off or is not HTTP"),
        (httpcore.NetworkError, "the connection breaks"),
    )
    words = next((words for kind, words in kinds if isinstance(error, kind)), type(error).__name__)
    return f"{words} ({error})" if str(error) else words


# --- name resolution ---------------------------------------------------------------------------------


def _resolve_within(resolve: Resolver, address: WebAddress, deadline: float) -> Sequence[str]:
    """Resolve in a thread that is left behind when time is up: the system's resolver has no time limit."""
    results: queue.Queue[Sequence[str] | OSError | UnicodeError] = queue.Queue()

    def work() -> None:
        try:
            results.put(resolve(address.host, address.port))
        except (OSError, UnicodeError) as error:
            results.put(error)

    threading.Thread(target=work, daemon=True, name="citewell-resolve").start()
    try:
        found = results.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty as error:
        raise FetchingError(f"{address.host} could not be resolved in time. Try again later.") from error
    if isinstance(found, Exception):
        raise FetchingError(f"{address.host} cannot be resolved: {found}. Check its spelling.") from found
    return found


# --- connection --------------------------------------------------------------------------------------


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to addresses that have been checked, whatever the name would resolve to now."""

    def __init__(self, addresses: Sequence[str], deadline: float) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002  # the name has been resolved and checked already
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for ip in self._addresses:
            try:
                stream = self._backend.connect_tcp(
                    ip, port, _remaining(timeout, self._deadline), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _DeadlineStream(stream, self._deadline)
        raise failure


class _DeadlineStream(httpcore.NetworkStream):
    """A stream that fails once the time for the whole answer is up, however steadily bytes drip in."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _remaining(timeout, self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _remaining(timeout, self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _remaining(timeout, self._deadline))
        return _DeadlineStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _remaining(timeout: float | None, deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for the whole answer is up")
    return left if timeout is None else min(timeout, left)


# --- body --------------------------------------------------------------------------------------------


def _within(pieces: Iterable[bytes], *, max_bytes: int, what: str) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > max_bytes:
            raise FetchingError(
                f"{what} has more than {max_bytes:,} bytes. Download it yourself and add the file."
            )
        yield piece


def _decoded(pieces: Iterable[bytes], encoding: str, address: WebAddress, max_bytes: int) -> Iterator[bytes]:
    if encoding == "identity":
        return iter(pieces)
    if encoding not in {"gzip", "x-gzip"}:
        raise FetchingError(f"{address} answers in the encoding {encoding[:40]!r}, which was not asked for.")
    what = f"The decompressed answer of {address}"
    return _within(_inflated(pieces, address), max_bytes=max_bytes, what=what)


def _inflated(pieces: Iterable[bytes], address: WebAddress) -> Iterator[bytes]:
    """Decompress gzip, also of several members, a bounded piece at a time."""
    inflater = None
    try:
        for piece in pieces:
            waiting = piece
            while waiting:
                if inflater is None or inflater.eof:
                    inflater = zlib.decompressobj(_GZIP)
                yield inflater.decompress(waiting, _CHUNK_BYTES)
                waiting = inflater.unconsumed_tail or inflater.unused_data
    except zlib.error as error:
        raise FetchingError(f"The answer of {address} is damaged: {error}. Try again later.") from error
    if inflater is not None and not inflater.eof:
        raise FetchingError(f"The compressed answer of {address} breaks off. Try again later.")
