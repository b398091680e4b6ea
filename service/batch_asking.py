"""Many questions to one version of the index: a few at a time, in order, until nobody listens any more."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from functools import partial
from itertools import zip_longest
from typing import TypeVar

import structlog
from pydantic import ValidationError

from index.query_memory import RememberedQueries
from index.searching import Searcher
from ingest.errors import CitewellError
from service import schemas
from service.asking import answer_request
from service.batch_schemas import BatchAnswer, BatchFailure, BatchQuestion, BatchRequest
from service.problems import describe_faults, make_problem
from service.serving_index import ServingIndex

#: Questions that one thread takes at once: few enough that a single question, which waits for a thread to be free,
#: does not wait long.
QUESTIONS_PER_TASK = 16
#: Questions that are encoded together, ahead of their turn: few to begin with, since the first answers wait for them,
#: then more, since only those of equal length share a run of the encoder.
FIRST_WINDOW, QUESTIONS_PER_WINDOW = 32, 256

PATH = "/v1/ask/batch"
_log = structlog.get_logger(__name__)
T = TypeVar("T")

Result = BatchAnswer | BatchFailure


def check_filter(only: schemas.Filter, index: ServingIndex) -> None:
    """Refuse a filter that no question of the batch could pass.

    Raises:
        NotIndexedError: If it names a document or a reference that is not in the index.
    """
    content = index.snapshot.searcher.content
    for doc_id in only.documents or ():
        content.place_of(doc_id)
    for number in only.references or ():
        content.positions_citing(number)


def answer_questions(
    questions: Sequence[BatchQuestion],
    batch: BatchRequest,
    index: ServingIndex,
    stopped: Callable[[], bool] = lambda: False,
) -> list[Result]:
    """Answer some of a batch's questions, in order; whatever goes wrong with one is its result.

    Returns:
        One result per question, fewer if it is stopped.
    """
    results: list[Result] = []
    for each in questions:
        if stopped():
            break
        results.append(_answer(each, batch, index))
    return results


def _answer(asked: BatchQuestion, batch: BatchRequest, index: ServingIndex) -> Result:
    try:
        request = schemas.AskRequest(
            question=asked.question, top_k=batch.top_k, filter=batch.filter, answer=batch.answer
        )
        reply = answer_request(request, index)
    except ValidationError as error:
        faults = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        detail, errors = describe_faults(faults)
        problem = make_problem(422, detail, path=PATH, errors=errors)
    except CitewellError as error:
        problem = make_problem(422, str(error), path=PATH)
    except Exception as error:  # noqa: BLE001  # each question is an entry point: one that crashes fails alone
        _log.exception("question of a batch failed", error=type(error).__name__)
        problem = make_problem(
            500, "Something went wrong on our side with this question; ask it again.", path=PATH
        )
    else:
        # Checked when it was made; checking every passage again would cost more than finding it.
        return BatchAnswer.model_construct(id=asked.id, **dict(reply))
    return BatchFailure(id=asked.id, problem=problem)


async def stream_in_order(
    tasks: AsyncIterator[Callable[[Callable[[], bool]], T]], executor: Executor, *, width: int
) -> AsyncGenerator[T]:
    """Run tasks on threads and yield what they return, in order.

    At most `width` tasks are under way or done and not yet taken, so a slow taker holds the work up
    instead of filling the memory. When the taker goes away, tasks that wait are dropped, and those that
    run are told: each is given a function that says whether to stop.

    Args:
        tasks: Made as they are needed.
        executor: Shared with everybody else.
        width: 1 or more.
    """
    stop = threading.Event()
    loop = asyncio.get_running_loop()
    pending: deque[asyncio.Future[T]] = deque()
    try:
        async for task in tasks:
            pending.append(loop.run_in_executor(executor, task, stop.is_set))
            if len(pending) >= width:
                yield await pending.popleft()
        while pending:
            yield await pending.popleft()
    finally:
        stop.set()
        for each in pending:
            each.cancel()


async def stream_batch(
    batch: BatchRequest, index: ServingIndex, executor: Executor, *, threads: int
) -> AsyncIterator[list[bytes]]:
    """Yield the results of a batch as JSON objects, some at a time, in order.

    What comes after the encoding is mostly Python, of which one thread runs at a time: two would only take it from each
    other, while the encoder needs none of it and works ahead on the other cores. A reranker and a reading model need
    none of it either.
    """
    # One more than there are threads, so that none waits while results are written.
    reads = index.snapshot.searcher.has_reranker or index.confidence.reader is not None
    width = threads + 1 if reads else 1
    async with (
        aclosing(_tasks(batch, index, executor)) as tasks,
        aclosing(stream_in_order(tasks, executor, width=width)) as stream,
    ):
        async for results in stream:
            yield results


async def _tasks(
    batch: BatchRequest, index: ServingIndex, executor: Executor
) -> AsyncGenerator[Callable[[Callable[[], bool]], list[bytes]]]:
    """Yield the tasks of a batch; while those of one window run, the next one's questions are encoded."""
    loop = asyncio.get_running_loop()
    searcher = index.snapshot.searcher
    windows = growing_windows(batch.questions)
    ahead: asyncio.Future[None] = loop.run_in_executor(executor, encode_ahead, windows[0], searcher)
    try:
        for window, then in zip_longest(windows, windows[1:]):
            await ahead
            if then is not None:
                ahead = loop.run_in_executor(executor, encode_ahead, then, searcher)
            for at in range(0, len(window), QUESTIONS_PER_TASK):
                yield partial(_answer_some, window[at : at + QUESTIONS_PER_TASK], batch, index)
    finally:
        ahead.cancel()


def growing_windows(questions: Sequence[T]) -> list[Sequence[T]]:
    """Cut questions into windows, each twice as long as the one before up to the most; no two of them overlap."""
    windows, at, size = [], 0, FIRST_WINDOW
    while at < len(questions):
        windows.append(questions[at : at + size])
        at, size = at + size, min(2 * size, QUESTIONS_PER_WINDOW)
    return windows


def encode_ahead(questions: Sequence[BatchQuestion], searcher: Searcher) -> None:
    """Encode questions together, where the encoder remembers them; what goes wrong shows when they are asked."""
    if not isinstance(searcher.embedder, RememberedQueries):
        return
    try:
        fair = [
            each.question.strip() for each in questions if len(each.question) <= schemas.MAX_QUESTION_CHARS
        ]
        searcher.embedder.encode_ahead(searcher.put_in_own_words(text) for text in fair if text)
    except Exception as error:  # noqa: BLE001  # a thread's entry point: without it each question is encoded alone
        _log.exception("questions of a batch not encoded ahead", error=type(error).__name__)


def _answer_some(
    questions: Sequence[BatchQuestion],
    batch: BatchRequest,
    index: ServingIndex,
    stopped: Callable[[], bool],
) -> list[bytes]:
    results = answer_questions(questions, batch, index, stopped)
    return [each.model_dump_json().encode() for each in results]


async def as_lines(stream: AsyncIterator[list[bytes]]) -> AsyncGenerator[bytes]:
    """Yield results as NDJSON: one object a line, in order."""
    async for results in stream:
        yield b"".join(result + b"\n" for result in results)


async def as_object(stream: AsyncIterator[list[bytes]], index: bytes) -> AsyncGenerator[bytes]:
    """Yield results as one JSON object, bit by bit, so that a large batch is never held whole."""
    yield b'{"index":' + index + b',"results":['
    separator = b""
    async for results in stream:
        yield separator + b",".join(results)
        separator = b","
    yield b"]}"
