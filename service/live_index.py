"""The index that serves now, and its replacement by a newer one while requests are in flight."""

import threading
from collections.abc import Callable

import structlog

from ingest.errors import CitewellError
from service import metrics
from service.serving_index import ServingIndex

#: A refused version is opened again after so many checks; verifying a large one takes a while.
RETRY_AFTER_CHECKS = 30

_log = structlog.get_logger(__name__)


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
        open_first: Callable[[], ServingIndex] | None = None,
    ) -> None:
        """Open the index to begin with.

        Args:
            open_current: Opens the version that the pointer names.
            read_version: Reads the pointer.
            check_every_s: Between two looks at it.
            open_first: Opens the version to begin with, which may be another where that one cannot be used.
        """
        self._open_current = open_current
        self._read_version = read_version
        self._check_every_s = check_every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="index-swap", daemon=True)
        self._current = (open_first or open_current)()
        self._refused: tuple[str | None, str] | None = None  # the version and why
        self._checks_left = 0  # until a refused version is tried again

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
        """Swap if the pointer names another version; go on with this one if that cannot be opened.

        A version that cannot be opened is reported once, and tried again from time to time: a rebuild
        mends a damaged version under the same name.
        """
        version: str | None = None
        try:
            version = self._read_version()
            if version == self._current.version or self._is_postponed(version):
                return
            fresh = self._open_current()
        except (CitewellError, OSError) as error:
            self._refuse(version, str(error))
            return
        _log.info("index swapped", old=self._current.version, new=fresh.version)
        metrics.count_swap()
        self._refused = None
        self._current = fresh

    def _is_postponed(self, version: str) -> bool:
        if self._refused is None or self._refused[0] != version:
            return False
        self._checks_left -= 1
        return self._checks_left > 0

    def _refuse(self, version: str | None, reason: str) -> None:
        if self._refused != (version, reason):
            _log.warning("new index refused", version=version, reason=reason)
        self._refused = (version, reason)
        self._checks_left = RETRY_AFTER_CHECKS

    def _follow(self) -> None:
        while not self._stopping.wait(self._check_every_s):
            try:
                self.check()
            except Exception:  # noqa: BLE001  # a thread's entry point: it must outlive whatever one check meets
                _log.exception("index check failed")
