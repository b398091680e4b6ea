"""The routes of the API: each checks its request, makes one call, and shapes the reply."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi import Path as ApiPath

from service import schemas, views
from service.asking import answer_in_bytes, find_in_bytes
from service.live_index import LiveIndex
from service.opening import Opening
from service.problems import problem_responses
from service.question_queue import run_queued
from service.reply_cache import ReplyCache
from service.serving_index import ServingIndex
from service.settings import Settings

T = TypeVar("T")

router = APIRouter(responses=problem_responses("default"))


# What a route depends on is a coroutine although it waits for nothing: FastAPI has a thread do what is not, and
# five changes of thread cost more than all else in a reply that is kept.


async def live_index(request: Request) -> LiveIndex:
    """Return the index holder that the application was started with.

    Raises:
        StartingError: If it is still being opened.
    """
    opening: Opening = request.app.state.opening
    return opening.live


async def chosen_settings(request: Request) -> Settings:
    """Return what the operator chose."""
    chosen: Settings = request.app.state.settings
    return chosen


async def workers(request: Request) -> Executor:
    """Return the threads that questions are answered on."""
    executor: Executor = request.app.state.workers
    return executor


async def serving_index(live: Annotated[LiveIndex, Depends(live_index)]) -> ServingIndex:
    """Return the version to answer from; a request keeps it to its end."""
    return live.current


@dataclass(frozen=True, slots=True)
class AskParts:
    """All that a question needs, as one dependency: five of them cost a quarter of a reply that is kept."""

    index: ServingIndex
    executor: Executor
    replies: ReplyCache
    max_question_chars: int


async def ask_parts(request: Request) -> AskParts:
    """Return what a question is answered with.

    Raises:
        StartingError: If the index is still being opened.
    """
    state = request.app.state
    return AskParts(
        state.opening.live.current, state.workers, state.replies, state.settings.max_question_chars
    )


Serving = Annotated[ServingIndex, Depends(serving_index)]
Chosen = Annotated[Settings, Depends(chosen_settings)]
Workers = Annotated[Executor, Depends(workers)]
Parts = Annotated[AskParts, Depends(ask_parts)]


async def on_worker(executor: Executor, work: Callable[[], T]) -> T:
    """Do work on a question thread: the encoder and the disk would hold up every other request on the event loop.

    Raises:
        OverloadedError: If the queue before those threads is full.
    """
    return await run_queued(executor, work)


def refuse_generated(mode: schemas.AnswerMode) -> None:
    """Refuse, with 409, to generate an answer while no language model is set up."""
    if mode == "generated":
        raise HTTPException(
            409,
            "No language model is set up, so no answer can be generated. Ask for `extractive`, which quotes "
            "sentences verbatim, or leave `answer` out.",
        )


def _refuse_long(question: str, *, max_chars: int) -> None:
    if len(question) > max_chars:
        raise HTTPException(
            422, f"question: It has {len(question):,} characters; at most {max_chars:,} are answered."
        )


@router.post(
    "/v1/ask",
    tags=["ask"],
    summary="Ask a question",
    response_model=schemas.AskReply,
    responses=problem_responses(400, 408, 409, 413, 422, 429, 503),
)
async def ask(asked: schemas.AskRequest, parts: Parts) -> Response:
    """Return the passages that answer a question, each with its reference numbers, and an honest word on it."""
    refuse_generated(asked.answer)
    _refuse_long(asked.question, max_chars=parts.max_question_chars)
    body = find_in_bytes(asked, parts.index, parts.replies)
    if body is None:
        body = await on_worker(parts.executor, partial(answer_in_bytes, asked, parts.index, parts.replies))
    return Response(body, media_type="application/json")


@router.get(
    "/v1/ask",
    tags=["ask"],
    summary="Ask a question by address",
    response_model=schemas.AskReply,
    responses=problem_responses(409, 422, 429, 503),
)
async def ask_by_address(asked: Annotated[schemas.AskByAddress, Query()], parts: Parts) -> Response:
    """Do what the POST does, for links and quick looks."""
    return await ask(asked.as_request(), parts)


@router.get(
    "/v1/references", tags=["bibliography"], summary="The bibliography", responses=problem_responses(429, 503)
)
async def references(index: Serving) -> schemas.References:
    """List every reference of the index under its number."""
    entries = index.snapshot.searcher.content.references
    return schemas.References(
        references=[views.reference(each) for each in entries], index=views.stamp(index)
    )


@router.get(
    "/v1/references/{number}",
    tags=["bibliography"],
    summary="One reference",
    responses=problem_responses(404, 422, 429, 503),
)
async def reference(
    number: Annotated[schemas.Number, ApiPath(examples=[2])], index: Serving, executor: Workers
) -> schemas.ReferenceDetail:
    """Return one entry with the passages of its source and every sentence that cites it."""
    return await on_worker(executor, partial(views.reference_detail, index, number))


@router.get(
    "/v1/documents", tags=["documents"], summary="What is indexed", responses=problem_responses(429, 503)
)
async def documents(index: Serving) -> schemas.Documents:
    """List the documents, without their texts."""
    summaries = index.snapshot.searcher.content.summaries
    return schemas.Documents(
        documents=[views.document_listing(each) for each in summaries], index=views.stamp(index)
    )


@router.get(
    "/v1/documents/{doc_id}",
    tags=["documents"],
    summary="One document",
    responses=problem_responses(404, 422, 429, 503),
)
async def document(
    doc_id: Annotated[str, ApiPath(examples=["article"])], index: Serving, executor: Workers
) -> schemas.DocumentDetail:
    """Return a document whole: canonical text, blocks, its own markers and list, and its passages."""
    return await on_worker(executor, partial(views.document_detail, index, doc_id))


@router.get(
    "/v1/passages/{passage_id}",
    tags=["documents"],
    summary="One passage",
    responses=problem_responses(404, 422, 429, 503),
)
async def passage(
    passage_id: Annotated[str, ApiPath(examples=["3f0c9a2be1d47a65"])], index: Serving, executor: Workers
) -> schemas.PassageDetail:
    """Return a passage with its document and its neighbours."""
    return await on_worker(executor, partial(views.passage_detail, index, passage_id))


@router.get(
    "/v1/index", tags=["index"], summary="The version that serves", responses=problem_responses(429, 503)
)
async def index_info(index: Serving) -> schemas.IndexInfo:
    """Return version, counts, encoder, self-score and quarantined files."""
    return views.index_info(index)
