"""One port that several processes listen on, each by a socket of its own, so that the system deals out connections.

From one socket for all, the process that wakes first takes what is there: of 32 connections often all.
"""

import socket
from typing import Any, TypeVar

from ingest.errors import CitewellError
from service.server import listen
from service.settings import Settings

S = TypeVar("S", bound=socket.socket)
Address = tuple[Any, ...]


class SharedPort(socket.socket):
    """A port that is taken and on which this socket never listens; it is sent to a process as one that can.

    A process that dies takes what it listened by with it, and the others get its connections.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return _bind_beside, (socket.socket, self.family, self.getsockname())


def listen_together(settings: Settings) -> tuple[socket.socket, SharedPort]:
    """Return a socket that listens already where the settings say, for the first process, and one for all others.

    Raises:
        CitewellError: If nothing can listen there.
    """
    alone = listen(
        settings
    )  # that somebody else does, too, would go unnoticed if the port were shared at once
    family, address = alone.family, alone.getsockname()
    alone.close()
    try:
        shared = _bind_beside(SharedPort, family, address)
        first = _bind_beside(socket.socket, family, address)
        first.listen()
    except OSError as error:
        raise CitewellError(f"Port {address[1]} cannot be shared by processes: {error.strerror}.") from error
    return first, shared


def _bind_beside(kind: type[S], family: int, address: Address) -> S:
    bound = kind(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(address)
    return bound
