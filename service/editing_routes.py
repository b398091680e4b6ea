"""The routes that change an index: documents, builds, versions, and the jobs that do the work."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response
from fastapi import Path as ApiPath
from starlette.responses import StreamingResponse

from index.snapshot import current_version
from index.versions import list_versions, roll_back
from ingest.errors import CorpusError, IndexMismatchError, SnapshotDamagedError, SnapshotNotFoundError
from service import editing_schemas as schemas
from service import editing_views, views
from service.auth import ADMIN_STATUSES, require_admin
from service.job_store import JobStore
from service.jobs import Job, Task
from service.problems import problem_responses
from service.routes import Chosen, Serving, Workers, on_worker
from service.settings import Settings
from service.uploads import describe_body, read_upload

#: How often a job is looked at while somebody watches it, and how often a silent stream says that it lives.
_LOOK_EVERY_S = 0.25
_SILENCE_S = 15.0
_RECENT_JOBS = 50

router = APIRouter(
    dependencies=[Depends(require_admin)], responses=problem_responses("default", 503, *ADMIN_STATUSES)
)


async def job_store(request: Request, chosen: Chosen) -> JobStore:
    """Return the store of jobs; it is opened when it is first wanted, for questions need none."""
    if not hasattr(request.app.state, "job_store"):
        request.app.state.job_store = await asyncio.to_thread(JobStore, chosen.state_dir)
    store: JobStore = request.app.state.job_store
    return store


Store = Annotated[JobStore, Depends(job_store)]
DocId = Annotated[schemas.NewDocId, ApiPath(examples=["night-cramps"])]
JobId = Annotated[str, ApiPath(min_length=1, max_length=64, examples=["0b8e3c5a7d2f4e6b9a1c3d5e7f90a2b4"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by you; the same key with the same request is the same job, however often it is sent.",
    ),
]
_ACCEPTED: dict[str, Any] = {
    "description": "Stored so that nothing can lose it; the job will see to it.",
    "headers": {"Location": {"description": "Where the job is.", "schema": {"type": "string"}}},
}
_UPLOADED = {202: _ACCEPTED, **problem_responses(400, 411, 413, 415, 422, 429)}


async def _accept(
    store: JobStore, task: Task, data: bytes | None, key: str | None, response: Response
) -> schemas.JobReply:
    # Not on the workers: uploads wait for the disk, and questions should not wait with them.
    job = await asyncio.to_thread(store.accept, task, data, idempotency_key=key)
    response.headers["Location"] = f"/v1/jobs/{job.job_id}"
    return editing_views.job_reply(job)


@router.post(
    "/v1/documents",
    tags=["documents"],
    summary="Add a document",
    status_code=202,
    responses=_UPLOADED,
    openapi_extra=describe_body(schemas.NewUploadFields, schemas.NewFetchedDocument),
)
async def add_document(
    request: Request,
    response: Response,
    chosen: Chosen,
    store: Store,
    idempotency_key: IdempotencyKey = None,
) -> schemas.JobReply:
    """Take in a file, or fetch what an address or DOI names, and build.

    A file that is in the corpus already changes nothing.
    """
    upload = await read_upload(
        request,
        max_bytes=chosen.max_upload_bytes,
        kind="add",
        form=schemas.NewUploadFields,
        fetched=schemas.NewFetchedDocument,
    )
    return await _accept(store, upload.task, upload.data, idempotency_key, response)


@router.put(
    "/v1/documents/{doc_id}",
    tags=["documents"],
    summary="Replace a document",
    status_code=202,
    responses=_UPLOADED,
    openapi_extra=describe_body(schemas.UploadFields, schemas.FetchedDocument),
)
async def replace_document(
    doc_id: DocId,
    request: Request,
    response: Response,
    chosen: Chosen,
    store: Store,
    idempotency_key: IdempotencyKey = None,
) -> schemas.JobReply:
    """Put a file, or what an address or DOI names, in the place of a document, or add it under this identifier.

    The old file is kept aside; its reference number stays.
    """
    upload = await read_upload(
        request,
        max_bytes=chosen.max_upload_bytes,
        kind="replace",
        form=schemas.UploadFields,
        fetched=schemas.FetchedDocument,
        doc_id=doc_id,
    )
    return await _accept(store, upload.task, upload.data, idempotency_key, response)


@router.delete(
    "/v1/documents/{doc_id}",
    tags=["documents"],
    summary="Remove a document",
    status_code=202,
    responses={202: _ACCEPTED, **problem_responses(404, 422, 429)},
)
async def remove_document(
    doc_id: DocId, response: Response, chosen: Chosen, store: Store, idempotency_key: IdempotencyKey = None
) -> schemas.JobReply:
    """Take a document out and build without it. Its file is kept aside and its reference numbers stay taken."""
    await asyncio.to_thread(_refuse_unknown, chosen, store, doc_id)
    return await _accept(store, Task("remove", doc_id=doc_id), None, idempotency_key, response)


def _refuse_unknown(chosen: Settings, store: JobStore, doc_id: str) -> None:
    # The readers of every format come with it, which serving needs for nothing else.
    from ingest.corpus import list_entries  # noqa: PLC0415

    try:
        known = {entry.doc_id for entry in list_entries(chosen.corpus_dir)}
    except CorpusError as error:
        raise HTTPException(503, f"The corpus cannot be read: {error}") from error
    known |= {job.doc_id for job in store.unfinished() if job.doc_id}
    if doc_id not in known:
        raise HTTPException(404, f"The corpus has no document {doc_id!r}. GET /v1/documents lists them.")


@router.post(
    "/v1/index/builds",
    tags=["index"],
    summary="Start a build",
    status_code=202,
    responses={202: _ACCEPTED, **problem_responses(400, 413, 422, 429)},
)
async def start_build(
    response: Response,
    store: Store,
    asked: schemas.BuildRequest | None = None,
    idempotency_key: IdempotencyKey = None,
) -> schemas.JobReply:
    """Build the corpus as it is. What waits anyway is built in one go."""
    task = Task("build", activate_anyway=asked is not None and asked.activate_anyway)
    return await _accept(store, task, None, idempotency_key, response)


@router.get("/v1/jobs", tags=["jobs"], summary="The latest jobs", responses=problem_responses(422))
async def jobs(
    store: Store,
    limit: Annotated[int, Query(ge=1, le=500, description="How many at most.")] = _RECENT_JOBS,
) -> schemas.Jobs:
    """List the latest jobs, the newest first."""
    found = await asyncio.to_thread(store.recent, limit)
    return schemas.Jobs(jobs=[editing_views.job_reply(each) for each in found])


@router.get("/v1/jobs/{job_id}", tags=["jobs"], summary="One job", responses=problem_responses(404, 422))
async def job(job_id: JobId, store: Store) -> schemas.JobReply:
    """Return what was asked for and what has become of it."""
    return editing_views.job_reply(await asyncio.to_thread(store.get, job_id))


@router.get(
    "/v1/jobs/{job_id}/events",
    tags=["jobs"],
    summary="Watch a job",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "An event `job` with the job as JSON whenever it changes; the stream ends with the job.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problem_responses(404, 422),
    },
)
async def job_events(job_id: JobId, request: Request, store: Store) -> StreamingResponse:
    """Send the job as server-sent events until it is done."""
    first = await asyncio.to_thread(store.get, job_id)
    return StreamingResponse(
        _events(first, request, store), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _events(job: Job, request: Request, store: JobStore) -> AsyncIterator[str]:
    shown: Job | None = None
    silent_s = 0.0
    while not await request.is_disconnected():
        if job != shown:
            yield f"event: job\ndata: {editing_views.job_reply(job).model_dump_json()}\n\n"
            shown, silent_s = job, 0.0
        elif silent_s >= _SILENCE_S:
            yield ": still here\n\n"
            silent_s = 0.0
        if job.is_final:
            return
        await asyncio.sleep(_LOOK_EVERY_S)
        silent_s += _LOOK_EVERY_S
        job = await asyncio.to_thread(store.get, job.job_id)


@router.get("/v1/index/versions", tags=["index"], summary="The versions on disk")
async def index_versions(chosen: Chosen, index: Serving, executor: Workers) -> schemas.Versions:
    """List the versions that are kept, the one built last first."""
    stored = await on_worker(executor, partial(list_versions, chosen.index_dir))
    return schemas.Versions(versions=editing_views.version_listings(stored), index=views.stamp(index))


@router.post(
    "/v1/index/rollback",
    tags=["index"],
    summary="Go back to an older version",
    responses=problem_responses(400, 404, 409, 413, 422),
)
async def rollback(chosen: Chosen, asked: schemas.RollbackRequest | None = None) -> schemas.RolledBack:
    """Make another version serve, verified first; requests in flight finish on theirs."""
    return await asyncio.to_thread(_roll_back, chosen, asked.version if asked else None)


def _roll_back(chosen: Settings, version: str | None) -> schemas.RolledBack:
    try:
        previous = current_version(chosen.index_dir)
    except SnapshotNotFoundError:
        previous = None
    try:
        return schemas.RolledBack(version=roll_back(chosen.index_dir, version), previous=previous)
    except SnapshotNotFoundError as error:
        raise HTTPException(404, str(error)) from error
    except (SnapshotDamagedError, IndexMismatchError) as error:
        raise HTTPException(409, str(error)) from error
