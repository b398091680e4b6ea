"""Several processes that answer on one port: what each of them runs, and who replaces one that dies.

Who replaces it is uvicorn's supervisor. Beside it the parent works on jobs, and answers nothing; each child opens the
index, whose files they map and so share, and follows CURRENT by itself.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from fastapi import FastAPI
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from ingest.errors import CitewellError
from service.job_runner import running_jobs
from service.listening import listen_together
from service.logs import configure_logs
from service.rate_limit import SharedAllowance
from service.server import SWITCH_S, address_of, server_options
from service.settings import Settings, share_of

if TYPE_CHECKING:
    from service.live_index import LiveIndex

_log = structlog.get_logger(__name__)
#: A process that does not move for so long is replaced. One that starts on a busy machine may need some seconds.
_HUNG_S = 60
_MAX_REASON_CHARS = 2_000


def run_workers(settings: Settings, *, shared: Path, announce: Callable[[str], None]) -> None:
    """Serve by several processes until told to stop, then have them finish the requests in flight.

    Args:
        settings: `workers` of them.
        shared: What `shared_folder` made, before anything that counts was imported.
        announce: Called with the address as soon as connections are taken.

    Raises:
        CitewellError: If nothing can listen there, or what kept a process from opening the index.
    """
    first, port = listen_together(settings)
    failures, failing = multiprocessing.Pipe(duplex=False)
    with closing(first), closing(port), closing(failures), closing(failing):
        announce(address_of(port))
        supervisor = _Supervisor(_Worker(settings, shared, failing), [first, port], failures)
        with running_jobs(settings):
            supervisor.run()
        if failures.poll():
            raise CitewellError(failures.recv())


class _Worker(uvicorn.Config):
    """What a process serves. It is sent as what it is made from, and made anew where it arrives."""

    def __init__(
        self, settings: Settings, shared: Path, failing: "Connection[Any, Any]", *, waits: bool = False
    ) -> None:
        self._parts = settings, shared, failing
        self.waits = waits  # with listening, until it can answer
        own = share_of(settings)
        super().__init__(
            lambda: _make_app(own, shared, failing, waits=waits),
            factory=True,
            workers=settings.workers,
            timeout_worker_healthcheck=_HUNG_S,
            **server_options(own),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(_Worker, waits=self.waits), self._parts


class _Supervisor(Multiprocess):
    """uvicorn's, which also ends when the index cannot be opened, and forgets what the dead were busy with."""

    def __init__(self, config: _Worker, sockets: list[Any], failures: "Connection[Any, Any]") -> None:
        self._first, *others = sockets
        super().__init__(config, others)
        self._worker = config
        self._failures = failures
        self._known: set[int] = set()

    def init_processes(self) -> None:
        # The first one takes connections at once and says that the service is starting; no other one, now or
        # later, takes any from those that can answer before it can.
        sockets = [self._first]
        for _ in range(self.processes_num):
            process = Process(self.config, sockets)
            process.start()
            self.processes.append(process)
            self._worker.waits, sockets = True, self.sockets
        self._first.close()  # or it would outlive that process, and keep waiting what comes to it

    def keep_subprocess_alive(self) -> None:
        if self._failures.poll():
            self.should_exit.set()
        super().keep_subprocess_alive()
        alive = {each.pid for each in self.processes if each.pid is not None}
        for pid in self._known - alive:
            _log.warning("process replaced", ended=pid)
            mark_process_dead(pid)  # type: ignore[no-untyped-call]  # the package does not say what it takes
        self._known = alive


def _make_app(settings: Settings, shared: Path, failing: "Connection[Any, Any]", *, waits: bool) -> FastAPI:
    """Make what one process serves, in that process."""
    from service import wiring  # noqa: PLC0415  # the parent needs neither the encoder nor the routes
    from service.app import create_app  # noqa: PLC0415

    configure_logs(name_process=True)
    sys.setswitchinterval(SWITCH_S)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()

    def give_up(error: Exception) -> None:
        failing.send(_reason(error))  # then the parent ends all
        if waits:
            os._exit(STARTUP_FAILURE)  # it has no connections

    @contextmanager
    def open_or_give_up() -> Iterator["LiveIndex"]:
        with ExitStack() as stack:
            try:
                live = stack.enter_context(wiring.live_index(settings))
            except Exception as error:
                give_up(error)
                raise
            yield live

    per_minute, allowances = settings.rate_limit_per_minute, shared / "allowances"
    return create_app(
        open_or_give_up if waits else lambda: wiring.live_index(settings),
        settings,
        on_failed_start=None if waits else give_up,
        allowance=SharedAllowance(allowances, per_minute=per_minute) if per_minute else None,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, CitewellError | OSError):
        return str(error)[:_MAX_REASON_CHARS]
    _log.error("process failed to start", exc_info=error)
    return "A process that answers could not start; the reason is in the log."


def _end_with_parent() -> None:
    """End this process in good order when the one that would replace it is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
