"""Having the jobs worked on beside the service: a process of its own for every batch, and of lower priority.

A worker's memory goes back when it ends, a document that takes its reader down takes no question with it, and
the system lets readers go first. docs/decisions.md has what that measured.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import structlog

from service.job_counting import MOST_FINISHED, count_jobs
from service.job_store import JobStore, JobStoreError, utc_now
from service.jobs import Job
from service.settings import Settings
from service.shared_folder import environment_alone

__all__ = ["JobRunner", "running_jobs", "worker_command"]

_log = structlog.get_logger(__name__)
_LOOK_EVERY_S = 0.5
#: A burst of uploads is let in whole before the work begins.
_SETTLE_S = 0.5
_NICENESS = 10
#: A worker that shows no progress for so long hangs; embedding shows some every few texts.
_STALLED_S = 1_800.0
_STOP_S = 10.0


def worker_command(settings: Settings) -> list[str]:
    """Return the command that works on the jobs that wait, with what the service was told by its options."""
    folders = ["--corpus", str(settings.corpus_dir), "--index", str(settings.index_dir)]
    return [sys.executable, "-c", "from service.cli import main; main()", "work", *folders]


class JobRunner:
    """Looks for work and starts a worker for it, one at a time."""

    def __init__(
        self,
        open_store: Callable[[], JobStore],
        *,
        command: list[str],
        document_timeout_s: float,
    ) -> None:
        self._open_store = open_store
        self._command = command
        self._document_timeout_s = document_timeout_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-runner", daemon=True)
        self._store: JobStore | None = None
        self._complaint: str | None = None

    def start(self) -> None:
        """Begin to look for work."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking, and end a worker; the next one goes on where it was."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY_S):
            try:
                store = self._store = self._store or self._open_store()
                if store.is_work_due() and not self._stopping.wait(_SETTLE_S):
                    self._work(store)
                self._complaint = None
            except (JobStoreError, OSError) as error:
                self._complain(str(error))
            except Exception:  # noqa: BLE001  # a thread's entry point: it must outlive whatever one round meets
                _log.exception("job round failed")

    def _complain(self, reason: str) -> None:
        if self._complaint != reason:
            _log.warning("jobs cannot be worked on", reason=reason)
        self._complaint = reason

    def _work(self, store: JobStore) -> None:
        started, began = time.monotonic(), utc_now()
        worker = subprocess.Popen(  # noqa: S603  # our own command
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            process_group=0,
            env=environment_alone(),
        )
        _lower_priority(worker.pid)
        watch = _Watch(document_timeout_s=self._document_timeout_s)
        while True:
            try:
                code = worker.wait(_LOOK_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                pass
            if self._stopping.is_set():
                _end(worker)
                return
            if late := watch.look(store):
                _kill(worker)
                _leave_out(store, late, self._document_timeout_s)
        count_jobs(store.recent(MOST_FINISHED), since=began)
        _log.info("jobs worked on", exit_code=code, took_s=round(time.monotonic() - started, 1))
        if code != 0:
            self._stopping.wait(_SETTLE_S)  # whatever it died of, not at full speed


class _Watch:
    """Notices that a worker does not get on."""

    def __init__(self, *, document_timeout_s: float) -> None:
        self._document_timeout_s = document_timeout_s
        self._seen: list[Job] = []
        self._since = time.monotonic()

    def look(self, store: JobStore) -> list[Job]:
        """Return the jobs that a worker has been stuck in for too long."""
        running = [job for job in store.unfinished() if job.state == "running"]
        if running != self._seen:
            self._seen, self._since = running, time.monotonic()
        stuck_s = time.monotonic() - self._since
        reading = [
            job for job in running if job.outcome is None and job.progress and job.progress.stage == "read"
        ]
        if reading and stuck_s > self._document_timeout_s:
            return reading
        return running if stuck_s > _STALLED_S else []


def _leave_out(store: JobStore, jobs: list[Job], limit_s: float) -> None:
    for job in jobs:
        if job.outcome is None and job.progress is not None:
            reason = (
                f"Reading this document took more than {limit_s:g} seconds. Split it, or raise the limit in "
            )
            store.update(
                replace(
                    job,
                    state="quarantined",
                    finished_at=utc_now(),
                    progress=None,
                    error=f"{reason}CITEWELL_DOCUMENT_TIMEOUT_S. The file is kept.",
                )
            )


def _lower_priority(pid: int) -> None:
    # It may have ended already.
    try:
        os.setpriority(os.PRIO_PROCESS, pid, _NICENESS)
    except OSError as error:
        _log.debug("priority unchanged", reason=str(error))


def _end(worker: subprocess.Popen[bytes]) -> None:
    os.killpg(worker.pid, signal.SIGTERM)
    try:
        worker.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        _kill(worker)


def _kill(worker: subprocess.Popen[bytes]) -> None:
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


@contextmanager
def running_jobs(settings: Settings) -> Iterator[None]:
    """Have jobs worked on until the end of the block."""
    runner = JobRunner(
        lambda: JobStore(settings.state_dir),
        command=worker_command(settings),
        document_timeout_s=settings.document_timeout_s,
    )
    runner.start()
    try:
        yield
    finally:
        runner.stop()
