"""The process that serves: where it listens, how it starts, and how it ends."""

import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

from ingest.errors import CitewellError
from service.connections import guarded_by
from service.settings import Settings, names_in

#: Seconds that a question's thread may compute before it lets another go on. Python's own 5 ms would be what each
#: step of each other request waits while questions are answered.
SWITCH_S = 0.001

#: Given what to do when the index cannot be opened, the application.
MakeApp = Callable[[Callable[[Exception], None]], FastAPI]


def listen(settings: Settings) -> socket.socket:
    """Return a socket that listens where the settings say.

    Raises:
        CitewellError: If nothing can listen there.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        # Two can bind one port as long as neither listens.
        listening.listen()
    except OSError as error:
        listening.close()
        raise CitewellError(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Stop what listens there, or choose "
            "another port with --port or CITEWELL_PORT."
        ) from error
    return listening


def address_of(listening: socket.socket) -> str:
    """Return the address that a browser would be given."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Return how the server treats connections."""
    return uvicorn.Config(app, **server_options(settings))


def server_options(settings: Settings) -> dict[str, Any]:
    """Return the same without an application, as uvicorn names it."""
    return {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "ws": "none",
        "http": guarded_by(
            head_timeout_s=settings.request_timeout_s, max_connections=settings.max_connections
        ),
        # Whoever we were not told about could give any address for its own.
        "proxy_headers": settings.trusted_proxies is not None,
        "forwarded_allow_ips": list(names_in(settings.trusted_proxies)),
        "timeout_graceful_shutdown": settings.shutdown_timeout_s,
    }


def run_server(listening: socket.socket, make_app: MakeApp, settings: Settings) -> bool:
    """Serve until told to stop, then finish the requests in flight; return whether it ever started.

    Raises:
        Exception: What kept the index from being opened.
    """
    failures: list[Exception] = []

    def give_up(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    server = uvicorn.Server(server_config(make_app(give_up), settings))
    # Ctrl-C and SIGTERM reach us once the server has seen to an orderly end.
    sys.setswitchinterval(SWITCH_S)
    with closing(listening), _exit_on_sigterm(), suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    if failures:
        raise failures[0]
    return server.started


@contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """End with 0 after SIGTERM, which the server raises again when all is done."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
