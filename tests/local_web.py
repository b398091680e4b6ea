"""A real web server on this machine that does what it is told to, faults included."""

import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ingest.fetching import FetchLimits, WebClient

#: Short enough that a test of a limit does not hold up the others, long enough for a machine that is busy.
QUICK = FetchLimits(connect_s=5, read_s=5, total_s=20, max_bytes=2_000_000)


@dataclass(frozen=True)
class Request:
    """What a client sent: host name and port as its Host header has them, and the path with its query."""

    host: str
    target: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


@dataclass(frozen=True)
class Answer:
    """What to send. `length` is what Content-Length claims; `drip_s` is waited before each byte of the body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    drip_s: float | None = None
    raw: bytes | None = None  # sent instead of all else


Site = Callable[[Request], Answer]


class LocalWeb:
    """Serves the sites it is given by host name; hosts that it does not have answer 404.

    `requests` holds what was asked, in order; `url_of` gives addresses that `client` can reach.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.sites: dict[str, Site] = {}
        self.requests: list[Request] = []
        self.lookups: list[str] = []
        self.stopped = threading.Event()
        self.scheme = "http" if tls is None else "https"
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.web, self._server.tls = self, tls
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def url_of(self, host: str, target: str = "/") -> str:
        return f"{self.scheme}://{host}:{self.port}{target}"

    def pages(self, host: str, pages: Mapping[str, Answer | bytes]) -> None:
        """Serve fixed answers by path, whatever the query."""

        def site(request: Request) -> Answer:
            found = pages.get(request.path, Answer(status=404))
            return Answer(found) if isinstance(found, bytes) else found

        self.sites[host] = site

    def resolve(self, host: str, port: int) -> Sequence[str]:
        self.lookups.append(host)
        return ["127.0.0.1"]

    def client(self, **changes: Any) -> WebClient:
        """Return a client that may reach this server, and no other private address."""
        reachable = frozenset({("127.0.0.1", self.port)})
        return WebClient(**{"limits": QUICK, "resolve": self.resolve, "reachable": reachable, **changes})

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        site = self.sites.get(request.host.split(":")[0])
        return site(request) if site else Answer(status=404)

    def stop(self) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    web: LocalWeb
    tls: ssl.SSLContext | None


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        try:
            if self.server.tls is not None:
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
                self.setup()
            request = self._read()
            self._send(self.server.web.answer(request))
        except OSError:  # the client went away, which is what some tests are about
            pass
        finally:
            self.request.close()

    def _read(self) -> Request:
        target = self.rfile.readline().decode("latin-1").split(" ")[1]
        headers = {}
        while line := self.rfile.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return Request(headers.get("host", ""), target, headers)

    def _send(self, answer: Answer) -> None:
        if answer.raw is not None:
            self.request.sendall(answer.raw)
            return
        length = len(answer.body) if answer.length is None else answer.length
        headers = {"Content-Length": str(length), "Connection": "close", **answer.headers}
        head = f"HTTP/1.1 {answer.status} Whatever\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        self.request.sendall(head.encode("latin-1"))
        if answer.drip_s is None:
            self.request.sendall(answer.body)
            return
        for at in range(len(answer.body)):
            if self.server.web.stopped.wait(answer.drip_s):
                return
            self.request.sendall(answer.body[at : at + 1])
