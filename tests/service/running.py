"""A service on a real port, over six short documents, for tests that need a connection."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from service.server import listen, server_config
from service.settings import Settings

_START_S = 60.0


@dataclass(frozen=True)
class Running:
    """Where a service listens."""

    port: int
    server: uvicorn.Server

    def connect(self) -> socket.socket:
        """Open a connection whose reads end after a minute."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def send(self, data: bytes) -> bytes:
        """Send bytes over a connection of their own, and return all that comes until the other side ends it."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_to_end(connection)


def read_to_end(connection: socket.socket) -> bytes:
    """Return what comes until the other side ends the connection."""
    received = b""
    try:
        while part := connection.recv(65_536):
            received += part
    except ConnectionResetError:
        pass  # closed with bytes of ours unread
    return received


@contextmanager
def running(app: FastAPI, settings: Settings) -> Iterator[Running]:
    """Serve an application on a free port until the end of the block."""
    listening = listen(settings.model_copy(update={"port": 0}))
    port = listening.getsockname()[1]
    server = uvicorn.Server(server_config(app, settings))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        until = time.monotonic() + _START_S
        while not server.started and time.monotonic() < until:
            time.sleep(0.01)
        assert server.started
        yield Running(port, server)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
