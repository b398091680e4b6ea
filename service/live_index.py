"""The index that serves now, and its replacement by a newer one while requests are in flight."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from answer.confidence import ConfidenceModel
from index.searching import OpenSnapshot
from ingest.errors import CitewellError

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServingIndex:
    """One version with everything that answering from it needs."""

    snapshot: OpenSnapshot
    confidence: ConfidenceModel
    built_at: str

    @property
    def version(self) -> str:
        """The version of the snapshot."""
        return self.snapshot.version


class LiveIndex:
    """Holds the serving index and swaps it when the pointer on disk names another one.

    A request takes `current` once and keeps it to its end, so no reply mixes two versions; the old
    version is freed when the last request that holds it is done.
    """

    def __init__(
        self,
        *,
        open_current: Callable[[], ServingIndex],
        read_version: Callable[[], str],
        check_every_s: float,
    ) -> None:
        self._open_current = open_current
        self._read_version = read_version
        self._check_every_s = check_every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="index-swap", daemon=True)
        self._current = self._open_current()
        self._refused: str | None = None

    @property
    def current(self) -> ServingIndex:
        """The index to answer from now."""
        return self._current

    def start(self) -> None:
        """Begin to follow the pointer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following it."""
        self._stopping.set()
        self._thread.join()

    def check(self) -> None:
        """Swap if the pointer names another version; go on with this one if that cannot be opened."""
        version: str | None = None
        try:
            version = self._read_version()
            if version in (self._current.version, self._refused):
                return
            fresh = self._open_current()
        except (CitewellError, OSError) as error:
            if version is None or version != self._refused:
                _log.warning("new index refused", version=version, reason=str(error))
            self._refused = version
            return
        _log.info("index swapped", old=self._current.version, new=fresh.version)
        self._refused = None
        self._current = fresh

    def _follow(self) -> None:
        while not self._stopping.wait(self._check_every_s):
            self.check()
