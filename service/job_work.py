"""Doing what editors asked for: every job that waits goes into the corpus, and one build takes them all in.

A worker may die at any point, and the next one goes on where it died: a document is in the corpus for good once its
job has an outcome, and one that was being read when its worker died is read a few times more and then left out.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from index.building import BuildReport
from ingest.corpus import list_entries
from ingest.corpus_editing import Added, NewDocument, add_document, remove_document
from ingest.errors import (
    BuildInProgressError,
    CitewellError,
    CorpusError,
    ManifestError,
    SnapshotError,
    UnreadableDocumentError,
)
from ingest.readers.registry import count_pages
from service.job_store import JobStore, JobStoreError, utc_now
from service.jobs import BuildOutcome, Job, Outcome, Progress, Task
from service.settings import Settings

__all__ = ["Workshop", "work_on_jobs"]

#: A document that ended so many workers is left out: one may die of something else, three hardly.
MAX_ATTEMPTS = 3
#: How long a job waits at first when the disk refuses or another process builds, and how long at most.
RETRY_S = 10.0
BUILT_ELSEWHERE_S = 2.0
LONGEST_WAIT_S = 600.0
MAX_POSTPONEMENTS = 20
_SHOW_EVERY_S = 0.25

_log = structlog.get_logger(__name__)


class Fetcher(Protocol):
    """Gets a document from outside."""

    def __call__(self, target: str, *, number: int | None) -> NewDocument:
        """Return the document.

        Raises:
            CorpusError: If nothing usable came.
        """


class Builder(Protocol):
    """Builds the corpus as it is."""

    def __call__(
        self, progress: Callable[[str, int, int], None], *, activate_anyway: bool, even_if_fresh: bool
    ) -> BuildReport | None:
        """Return what was built, None if there was nothing to do.

        Raises:
            CitewellError: If it cannot be built; what served before still does.
        """


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the work needs besides the jobs."""

    settings: Settings
    fetch: Fetcher
    build: Builder


def work_on_jobs(store: JobStore, workshop: Workshop) -> bool:
    """Work on everything that waits, until nothing does; return False if another process is at it.

    Raises:
        JobStoreError: If the disk refuses even to say so; everything that was accepted is still there.
    """
    with store.working() as held:
        if not held:
            return False
        while jobs := store.claim():
            _work_on(jobs, store, workshop)
        store.tidy()
    return True


def _work_on(jobs: Sequence[Job], store: JobStore, workshop: Workshop) -> None:
    edited = [_edit(job, store, workshop) for job in jobs]
    if running := [job for job in edited if job.state == "running"]:
        _build(running, store, workshop)


def _postpone(job: Job, store: JobStore, error: Exception, *, wait_s: float = RETRY_S) -> Job:
    """Let a job wait for something else to be put right; give up on it after hours."""
    if job.postponements >= MAX_POSTPONEMENTS:
        return store.update(
            replace(job, state="failed", finished_at=utc_now(), progress=None, error=str(error))
        )
    longer = min(wait_s * 2**job.postponements, LONGEST_WAIT_S)
    return store.postpone(job, seconds=longer, reason=f"{error} It will be tried again by itself.")


def _is_elsewhere(error: Exception) -> bool:
    """Return whether the disk or the corpus as a whole is at fault, and not what is being added to it."""
    by_disk = type(error) is CorpusError and isinstance(error.__cause__, OSError)
    return by_disk or isinstance(error, OSError | ManifestError | SnapshotError | BuildInProgressError)


# --- the corpus ------------------------------------------------------------------------------------------


def _edit(job: Job, store: JobStore, workshop: Workshop) -> Job:
    """Bring the corpus to what a job asks for, and return the job with its outcome or the reason against it."""
    if job.outcome is not None or job.task.kind == "build":
        return job
    if job.attempts >= MAX_ATTEMPTS:
        return _quarantine(job, store, "Reading this document ended the worker again and again.")
    job = store.update(replace(job, attempts=job.attempts + 1, progress=Progress("read", 0, 1)))
    try:
        return store.update(_apply(job, store, workshop))
    except JobStoreError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever one job meets, the others must not wait for it
        if _is_elsewhere(error):
            return _postpone(replace(job, attempts=job.attempts - 1), store, error)
        if isinstance(error, CorpusError):
            return _quarantine(job, store, str(error))
        # A reader's own fault must not hold up the other documents.
        _log.exception("document not read", job_id=job.job_id)
        return _quarantine(job, store, f"Reading this document failed ({type(error).__name__}).")


def _quarantine(job: Job, store: JobStore, reason: str) -> Job:
    kept = " The file is kept; correct it and send it again." if job.task.upload else ""
    return store.update(
        replace(job, state="quarantined", finished_at=utc_now(), progress=None, error=reason + kept)
    )


def _apply(job: Job, store: JobStore, workshop: Workshop) -> Job:
    task, corpus = job.task, workshop.settings.corpus_dir
    known = {entry.doc_id for entry in list_entries(corpus)}
    if task.kind == "remove":
        assert task.doc_id is not None
        if task.doc_id in known:
            remove_document(corpus, task.doc_id, now=utc_now())
        # Where it is gone already, that is what was asked for.
        return replace(job, outcome="removed")
    replaces = task.doc_id if task.kind == "replace" and task.doc_id in known else None
    document = _document(task, store, workshop, replaces=replaces)
    _refuse_long(document, workshop.settings.max_upload_pages)
    added = add_document(corpus, document, now=utc_now())
    return replace(job, outcome=_outcome(added, replaces), doc_id=added.entry.doc_id, warnings=added.warnings)


def _refuse_long(document: NewDocument, max_pages: int) -> None:
    pages = count_pages(document.data, name=document.name)
    if pages is not None and pages > max_pages:
        raise UnreadableDocumentError(
            f"The PDF has {pages:,} pages; at most {max_pages:,} are taken in. Split it, or raise "
            "CITEWELL_MAX_UPLOAD_PAGES."
        )


def _outcome(added: Added, replaces: str | None) -> Outcome:
    if not added.is_new:
        return "unchanged"
    return "added" if replaces is None else "replaced"


def _document(task: Task, store: JobStore, workshop: Workshop, *, replaces: str | None) -> NewDocument:
    if task.target is None:
        found = NewDocument(store.upload_path(task).read_bytes(), name=task.name or "")
    else:
        found = workshop.fetch(task.target, number=None if task.unchecked else task.reference_number)
    return replace(
        found,
        title=task.title or found.title,
        url=task.url or found.url,
        licence=task.licence or found.licence,
        fidelity=task.fidelity or found.fidelity,
        doc_id=task.doc_id,
        kind=task.document_kind or ("source" if task.reference_number else "article"),
        reference_number=task.reference_number,
        unchecked=task.unchecked,
        replaces=replaces,
    )


# --- the build -------------------------------------------------------------------------------------------


def _build(jobs: Sequence[Job], store: JobStore, workshop: Workshop) -> None:
    try:
        report = workshop.build(
            _Shown(store, [job.job_id for job in jobs]),
            activate_anyway=any(job.task.activate_anyway for job in jobs),
            even_if_fresh=any(job.task.kind == "build" for job in jobs),
        )
    except JobStoreError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever one job meets, the others must not wait for it
        if _is_elsewhere(error):
            wait_s = BUILT_ELSEWHERE_S if isinstance(error, BuildInProgressError) else RETRY_S
            for job in jobs:
                _postpone(job, store, error, wait_s=wait_s)
            return
        _log.exception("build failed")
        said = (
            str(error) if isinstance(error, CitewellError) else f"The build failed ({type(error).__name__})."
        )
        _finish(jobs, store, error=f"{said} What served before still does, and the corpus has the document.")
        return
    _finish(jobs, store, report=report)


def _finish(
    jobs: Sequence[Job], store: JobStore, *, report: BuildReport | None = None, error: str | None = None
) -> None:
    for job in jobs:
        store.update(
            replace(
                job,
                state="failed" if error else "succeeded",
                finished_at=utc_now(),
                progress=None,
                build=_outcome_of(report) if report else None,
                error=error,
            )
        )


def _outcome_of(report: BuildReport) -> BuildOutcome:
    return BuildOutcome(
        version=report.version,
        activated=report.activated,
        reason=report.not_activated_because,
        documents=report.n_documents,
        passages=report.n_passages,
        references=report.n_references,
        self_score=report.self_score.mrr_at_10,
    )


class _Shown:
    """Shows the progress of a build on all jobs that share it, a few times a second."""

    def __init__(self, store: JobStore, job_ids: list[str]) -> None:
        self._store = store
        self._job_ids = job_ids
        self._shown_at = float("-inf")
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage == self._stage and now - self._shown_at < _SHOW_EVERY_S:
            return
        self._stage, self._shown_at = stage, now
        self._store.show_progress(self._job_ids, Progress(stage, done, total))
