"""The bounded queue before the encoder: what has no room in it is told so at once."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

from ingest.errors import OverloadedError
from service import metrics
from service.problems import OVERLOAD_RETRY_S, send_problem
from service.request_record import current_record

P = ParamSpec("P")
T = TypeVar("T")

#: How much lower the priority of question threads is than the event loop's; builds beside the service have 10.
_NICENESS = 1
#: What a question that has no room is told.
OVERLOADED = f"Too many questions are waiting already. Try again in {OVERLOAD_RETRY_S} s."


def _go_second() -> None:
    """Let this thread compute only when the event loop does not want to.

    Where there are as many question threads as processors, the system would otherwise let whoever asks only whether
    we live, or is to be refused, wait for a question to be done. On Linux a thread has a priority of its own.
    """
    me = threading.get_native_id()
    # Where a thread's priority is the whole process's, or may not be lowered, everything is as it was.
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, me, os.getpriority(os.PRIO_PROCESS, me) + _NICENESS)


class QuestionQueue(Executor):
    """So many threads, so many places to wait, and a refusal for the rest.

    A queue without an end answers everyone late; one with an end answers most in time, and the others soon.
    """

    def __init__(self, *, threads: int, max_waiting: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="question", initializer=_go_second)
        self._room = threads + max_waiting
        self._held = 0
        self._lock = threading.Lock()

    @property
    def is_full(self) -> bool:
        """Whether one more would be refused."""
        return self._held >= self._room

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queue some work.

        Raises:
            OverloadedError: If there is no room.
        """
        with self._lock:
            if self._held >= self._room:
                raise OverloadedError(OVERLOADED)
            self._hold(1)
        return self._start(work, *args, **kwargs)

    def submit_patiently(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queue some work of a request that was let in already, whether there is room or not."""
        with self._lock:
            self._hold(1)
        return self._start(work, *args, **kwargs)

    def _start(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        try:
            future = self._pool.submit(work, *args, **kwargs)
        except BaseException:
            self._release()
            raise
        future.add_done_callback(self._release)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  # an Executor's
        """Take no more work."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _release(self, _done: Future[Any] | None = None) -> None:
        with self._lock:
            self._hold(-1)

    def _hold(self, change: int) -> None:
        self._held += change
        metrics.set_queue_depth(self._held)


class _Patient(Executor):
    """The same threads for whoever must not be refused half-way."""

    def __init__(self, queue: QuestionQueue) -> None:
        self._queue = queue

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self._queue.submit_patiently(work, *args, **kwargs)


def patient(executor: Executor) -> Executor:
    """Return an executor that refuses nothing, for the parts of a request that was let in whole.

    Whoever uses it must have few parts under way at a time; they take up room that others are refused for.
    """
    return _Patient(executor) if isinstance(executor, QuestionQueue) else executor


async def run_queued(executor: Executor, work: Callable[[], T]) -> T:
    """Run work on a question thread, where its logs name the request and its stages count for it.

    Raises:
        OverloadedError: If there is no room in the queue.
    """
    record, queued_at = current_record.get(), time.perf_counter()

    def begin() -> T:
        if record is not None:
            record.stages_s["queue"] = time.perf_counter() - queued_at
        return work()

    context = copy_context()
    result = await asyncio.get_running_loop().run_in_executor(executor, context.run, begin)
    if record is not None:
        record.replied_at = time.perf_counter()
    return result


class Overload:
    """Refuses questions before they are read while the queue is full.

    The queue itself decides; but reading and checking a question only to refuse it costs a good part of what answering
    it would, just when there is nothing to spare. A question that is still being read holds no place.
    """

    def __init__(self, app: ASGIApp, *, is_full: Callable[[], bool]) -> None:
        self._app = app
        self._is_full = is_full

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, a question only if there is room."""
        if scope["type"] == "http" and scope["path"].startswith("/v1/ask") and self._is_full():
            metrics.count_refusal("queue")
            await send_problem(
                scope, receive, send, 429, OVERLOADED, headers={"Retry-After": str(OVERLOAD_RETRY_S)}
            )
            return
        await self._app(scope, receive, send)
