"""Uploads and jobs on disk: what was accepted is there after a power cut, and after any restart.

<state_dir>/
    jobs.sqlite        one row per job
    uploads/<sha256>   a file from when it was accepted until the corpus holds it; for good if it was quarantined
    worker.lock        held by whoever works on the jobs; the system frees it when its holder dies
"""

import contextlib
import hashlib
import math
import re
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from ingest.durable_files import hold_if_free, make_folder, store_bytes, sync_folder
from ingest.errors import CitewellError
from service.jobs import Job, Progress, Task

__all__ = ["JobStore", "JobStoreError", "KeyReusedError", "TooManyJobsError", "UnknownJobError", "utc_now"]

#: More jobs are not accepted while so many wait.
MAX_WAITING = 500
_DATABASE_NAME = "jobs.sqlite"
_UPLOADS = "uploads"
_LOCK_NAME = "worker.lock"
_KEPT_JOBS = 2_000
_BUSY_S = 30.0
_JOB = TypeAdapter(Job)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    place INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    fingerprint TEXT NOT NULL, idempotency_key TEXT UNIQUE, upload TEXT, not_before REAL NOT NULL DEFAULT 0,
    record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, place);
CREATE INDEX IF NOT EXISTS jobs_by_upload ON jobs (upload);
"""


class JobStoreError(CitewellError):
    """Nothing could be stored: the disk refuses, or what is on it is damaged."""


class UnknownJobError(CitewellError):
    """A job that there is no record of."""


class KeyReusedError(CitewellError):
    """An idempotency key that stands for another request already."""


class TooManyJobsError(CitewellError):
    """More jobs wait than are accepted."""


class JobStore:
    """Read and write access; safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with self._refusals():
            make_folder(folder / _UPLOADS)
            with closing(self._open()) as connection:
                connection.executescript(_SCHEMA)
            sync_folder(folder)

    # --- accepting -------------------------------------------------------------------------------

    def accept(self, task: Task, data: bytes | None = None, *, idempotency_key: str | None = None) -> Job:
        """Store a task with its file so that nothing can lose it, and return its job.

        The same request with the same file is the same job while that one waits or runs; with the same
        idempotency key it is the same job for ever.

        Args:
            task: What is to be done; `upload` is filled in here.
            data: The uploaded file.
            idempotency_key: Chosen by whoever asks.

        Raises:
            KeyReusedError: If the key stands for another request.
            TooManyJobsError: If too many wait.
            JobStoreError: If the disk refuses; then nothing was accepted.
        """
        if data is not None:
            task = replace(task, upload=hashlib.sha256(data).hexdigest())
        with self._refusals(), self._writing() as connection:
            if known := _known(connection, task, idempotency_key):
                return known
            _refuse_too_many(connection)
            if data is not None:
                # Within the transaction, so that nobody takes the same file for one that is done with.
                store_bytes(self.upload_path(task), data)
            return _insert(connection, task, idempotency_key)

    def upload_path(self, task: Task) -> Path:
        """Return where the uploaded file of a task is.

        Raises:
            ValueError: If it has none.
        """
        if task.upload is None or not re.fullmatch(r"[0-9a-f]{64}", task.upload):
            raise ValueError(f"{task.upload!r} is no upload")
        return self._folder / _UPLOADS / task.upload

    # --- looking ---------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            UnknownJobError: If there is none with this id.
        """
        with self._refusals(), closing(self._open()) as connection:
            row = connection.execute("SELECT record FROM jobs WHERE job_id = ?", [job_id]).fetchone()
        if row is None:
            raise UnknownJobError(
                f"There is no job {job_id!r}. GET /v1/jobs lists the latest; old ones are forgotten."
            )
        return _JOB.validate_json(row[0])

    def recent(self, count: int) -> list[Job]:
        """Return the latest jobs, the newest first."""
        with self._refusals(), closing(self._open()) as connection:
            rows = connection.execute("SELECT record FROM jobs ORDER BY place DESC LIMIT ?", [count])
            return [_JOB.validate_json(record) for (record,) in rows]

    def unfinished(self) -> list[Job]:
        """Return the jobs that wait or run, the oldest first."""
        with self._refusals(), closing(self._open()) as connection:
            return [job for state in ("running", "queued") for job in _in_state(connection, state)]

    def is_work_due(self) -> bool:
        """Return whether there is something to work on now: a job that waits, or one that was left running."""
        with self._refusals(), closing(self._open()) as connection:
            query = (
                "SELECT 1 FROM jobs WHERE state = 'running' OR (state = 'queued' AND not_before <= ?) LIMIT 1"
            )
            return connection.execute(query, [time.time()]).fetchone() is not None

    # --- working ---------------------------------------------------------------------------------

    @contextmanager
    def working(self) -> Iterator[bool]:
        """Hold the right to work on the jobs; yield False if another process has it.

        Raises:
            JobStoreError: If the disk refuses.
        """
        with contextlib.ExitStack() as stack:
            with self._refusals():
                held = stack.enter_context(hold_if_free(self._folder / _LOCK_NAME))
            yield held

    def claim(self) -> list[Job]:
        """Take every job that is due, and those that a dead worker left running, oldest first.

        The caller holds the right to work on them.
        """
        now = utc_now()
        with self._refusals(), self._writing() as connection:
            claimed = [*_in_state(connection, "running"), *_in_state(connection, "queued", due=time.time())]
            jobs = [replace(job, state="running", started_at=now, error=None) for job in claimed]
            for job in jobs:
                _update(connection, job)
        return jobs

    def update(self, job: Job) -> Job:
        """Store what has become of a job; a final one lets go of its upload unless that is all there is of it."""
        with self._refusals():
            with self._writing() as connection:
                _update(connection, job)
            if job.state == "succeeded" and job.task.upload is not None:
                self._release(job.task)
        return job

    def postpone(self, job: Job, *, seconds: float, reason: str) -> Job:
        """Let a job wait again for so long."""
        waiting = replace(
            job, state="queued", progress=None, error=reason, postponements=job.postponements + 1
        )
        with self._refusals(), self._writing() as connection:
            _update(connection, waiting, not_before=time.time() + seconds)
        return waiting

    def show_progress(self, job_ids: Sequence[str], progress: Progress) -> None:
        """Note how far several jobs are that share their work."""
        with self._refusals(), self._writing() as connection:
            for job in _in_state(connection, "running"):
                if job.job_id in job_ids:
                    _update(connection, replace(job, progress=progress))

    def tidy(self) -> None:
        """Forget the oldest jobs that succeeded, and uploads that no job holds, which a crash left."""
        with self._refusals(), self._writing() as connection:
            connection.execute(
                "DELETE FROM jobs WHERE state = 'succeeded' AND place <= (SELECT max(place) FROM jobs) - ?",
                [_KEPT_JOBS],
            )
            query = "SELECT upload FROM jobs WHERE upload IS NOT NULL AND state != 'succeeded'"
            held = {upload for (upload,) in connection.execute(query)}
            for path in (self._folder / _UPLOADS).iterdir():
                if path.name not in held:
                    path.unlink()

    def _release(self, task: Task) -> None:
        with self._writing() as connection:
            held = connection.execute(
                "SELECT 1 FROM jobs WHERE upload = ? AND state != 'succeeded' LIMIT 1", [task.upload]
            ).fetchone()
            # Within the transaction: nobody may accept the same file between the question and the deed.
            if held is None:
                self.upload_path(task).unlink(missing_ok=True)

    # --- SQLite ----------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._folder / _DATABASE_NAME, timeout=_BUSY_S, isolation_level=None)
        # What is committed is on the disk: a job that was accepted survives the power.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(self._open()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise JobStoreError(
                f"Jobs cannot be stored in {self._folder}: {error}. Free some space or mend the disk and try again; "
                f"if {_DATABASE_NAME} is damaged, move it away: the uploads beside it are kept."
            ) from error


def _known(connection: sqlite3.Connection, task: Task, idempotency_key: str | None) -> Job | None:
    """Return the job that the same request has already."""
    fingerprint = task.fingerprint
    if idempotency_key is not None:
        query = "SELECT fingerprint, record FROM jobs WHERE idempotency_key = ?"
        row = connection.execute(query, [idempotency_key]).fetchone()
        if row is not None and row[0] != fingerprint:
            raise KeyReusedError(
                "This Idempotency-Key was used for another request. Choose a new one for every request that differs."
            )
        return None if row is None else _JOB.validate_json(row[1])
    query = "SELECT record FROM jobs WHERE fingerprint = ? AND state IN ('queued', 'running')"
    row = connection.execute(query, [fingerprint]).fetchone()
    return None if row is None else _JOB.validate_json(row[0])


def _refuse_too_many(connection: sqlite3.Connection) -> None:
    (waiting,) = connection.execute("SELECT count(*) FROM jobs WHERE state = 'queued'").fetchone()
    if waiting >= MAX_WAITING:
        raise TooManyJobsError(f"{waiting} jobs wait already. Try again when some of them are done.")


def _insert(connection: sqlite3.Connection, task: Task, idempotency_key: str | None) -> Job:
    job = Job(uuid.uuid4().hex, task, "queued", created_at=utc_now(), doc_id=task.doc_id)
    connection.execute(
        "INSERT INTO jobs (job_id, state, fingerprint, idempotency_key, upload, record) VALUES (?, ?, ?, ?, ?, ?)",
        [job.job_id, job.state, task.fingerprint, idempotency_key, task.upload, _as_json(job)],
    )
    return job


def _update(connection: sqlite3.Connection, job: Job, *, not_before: float = 0) -> None:
    connection.execute(
        "UPDATE jobs SET state = ?, not_before = ?, record = ? WHERE job_id = ?",
        [job.state, not_before, _as_json(job), job.job_id],
    )


def _in_state(connection: sqlite3.Connection, state: str, *, due: float = math.inf) -> list[Job]:
    query = "SELECT record FROM jobs WHERE state = ? AND not_before <= ? ORDER BY place"
    rows = connection.execute(query, [state, due])
    return [_JOB.validate_json(record) for (record,) in rows]


def _as_json(job: Job) -> str:
    return _JOB.dump_json(job).decode()


def utc_now() -> str:
    """Return the time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
