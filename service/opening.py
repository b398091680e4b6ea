"""The index while it is being opened: the service listens already, and says that it is not ready."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import structlog

from ingest.errors import SnapshotError
from service.live_index import LiveIndex

_log = structlog.get_logger(__name__)

OpenIndex = Callable[[], AbstractContextManager[LiveIndex]]


class StartingError(SnapshotError):
    """The encoder and the index are still being loaded."""


class Opening:
    """Holds the index from the moment that it is open."""

    def __init__(self, live: LiveIndex | None = None) -> None:
        self._live = live

    @property
    def is_open(self) -> bool:
        """Whether there is an index to answer from."""
        return self._live is not None

    @property
    def live(self) -> LiveIndex:
        """The index.

        Raises:
            StartingError: If it is not open yet.
        """
        if self._live is None:
            raise StartingError(
                "The service is starting: its encoder is being loaded. Try again in a few seconds."
            )
        return self._live

    def finish(self, live: LiveIndex) -> None:
        """Hand out this index from now on."""
        self._live = live


@contextmanager
def opened(open_index: OpenIndex, *, on_failure: Callable[[Exception], None] | None) -> Iterator[Opening]:
    """Open an index until the end of the block.

    Args:
        open_index: Takes seconds.
        on_failure: If given, the block begins at once and the index is opened beside it; this is called, on
            another thread, if it cannot be. If not, the block begins when the index is open.
    """
    if on_failure is None:
        with open_index() as live:
            yield Opening(live)
        return
    opening, closing = Opening(), threading.Event()
    thread = threading.Thread(
        target=_open, args=(open_index, opening, closing, on_failure), name="index-opening", daemon=True
    )
    thread.start()
    try:
        yield opening
    finally:
        closing.set()
        # What is still loading when the service ends is not waited for: the process ends, and it with it.
        if opening.is_open:
            thread.join()


def _open(
    open_index: OpenIndex, opening: Opening, closing: threading.Event, on_failure: Callable[[Exception], None]
) -> None:
    with ExitStack() as stack:
        try:
            live = stack.enter_context(open_index())
        except Exception as error:  # noqa: BLE001  # a thread's entry point: handed to whoever can end the process
            on_failure(error)
            return
        opening.finish(live)
        _log.info("service is ready", version=live.current.version)
        closing.wait()
