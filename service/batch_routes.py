"""The route that takes many questions at once."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from service import views
from service.batch_asking import PATH, as_lines, as_object, check_filter, stream_batch
from service.batch_schemas import BatchReply, BatchRequest
from service.problems import problem_responses
from service.question_queue import patient
from service.routes import Serving, Workers, on_worker, refuse_generated
from service.settings import Settings

NDJSON = "application/x-ndjson"

router = APIRouter(responses=problem_responses("default"))

_OK: dict[str, Any] = {
    "description": "All results in the order of the questions, streamed as they are done.",
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/BatchReply"}},
        NDJSON: {"schema": {"type": "string", "description": "One result of `BatchReply.results` a line."}},
    },
}


class _ClosedStream(StreamingResponse):
    """A stream whose source is closed when the client goes away, not some time later."""

    def __init__(self, source: AsyncGenerator[bytes], *, media_type: str) -> None:
        super().__init__(source, media_type=media_type)
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._source):
            await super().__call__(scope, receive, send)


@router.post(
    PATH,
    tags=["ask"],
    summary="Ask many questions",
    response_model=BatchReply,
    responses={200: _OK, **problem_responses(400, 408, 409, 413, 422, 429, 503)},
)
async def ask_batch(
    batch: BatchRequest, request: Request, index: Serving, executor: Workers
) -> StreamingResponse:
    """Answer every question from the same version of the index; one that fails leaves the others alone.

    With `Accept: application/x-ndjson` each result is a line of its own, sent as soon as it and those
    before it are done. A client that reads slowly slows the work down; one that goes away ends it.
    """
    settings: Settings = request.app.state.settings
    _refuse_many(len(batch.questions), settings.max_batch_questions)
    refuse_generated(batch.answer)
    if batch.filter is not None:
        await on_worker(executor, partial(check_filter, batch.filter, index))
    stream = stream_batch(batch, index, patient(executor), threads=settings.query_threads)
    if wants_lines(request.headers.get("accept", "")):
        return _ClosedStream(as_lines(stream), media_type=NDJSON)
    stamp = views.stamp(index).model_dump_json().encode()
    return _ClosedStream(as_object(stream, stamp), media_type="application/json")


def wants_lines(accept: str) -> bool:
    """Return whether an Accept header names NDJSON."""
    return any(each.partition(";")[0].strip().lower() == NDJSON for each in accept.split(","))


def _refuse_many(n: int, most: int) -> None:
    if n > most:
        raise HTTPException(
            422,
            f"questions: {n:,} in one batch, but this service takes at most {most:,}. Send several batches.",
        )
