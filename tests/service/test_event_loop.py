"""The event loop stays free: what takes time runs on the question threads."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from index.embedding import EncodedText
from tests.service.conftest import make_app, open_serving
from tests.twins import TwinEmbedder


class WatchedEmbedder(TwinEmbedder):
    """A twin that notes on which thread it runs, and waits to be let go where told to."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []
        self.on_event_loop = False
        self.started = threading.Event()
        self.let_go = threading.Event()
        self.let_go.set()

    def encode_query(self, text: str) -> EncodedText:
        self._watch()
        return super().encode_query(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self._watch()
        return super().embed_passages(texts)

    def _watch(self) -> None:
        self.threads.append(threading.current_thread().name)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            self.on_event_loop = True
        self.started.set()
        assert self.let_go.wait(timeout=60)


def test_the_encoder_runs_on_a_question_thread_and_never_on_the_event_loop(index_dir: Path) -> None:
    embedder = WatchedEmbedder()
    serving = open_serving(index_dir, embedder)
    embedder.threads.clear()

    with TestClient(make_app(serving)) as client:
        client.post("/v1/ask", json={"question": "How do I pull out a tick?"})
        client.get("/v1/ask", params={"question": "I cannot breathe and my chest hurts"})

    assert len(embedder.threads) >= 2
    assert all(name.startswith("question") for name in embedder.threads)
    assert not embedder.on_event_loop


def test_other_requests_are_answered_while_slow_questions_run(index_dir: Path) -> None:
    embedder = WatchedEmbedder()
    app = make_app(open_serving(index_dir, embedder), query_threads=1)

    with TestClient(app) as client, ThreadPoolExecutor(2) as pool:
        embedder.started.clear()
        embedder.let_go.clear()
        slow = [pool.submit(client.post, "/v1/ask", json={"question": "tick"}) for _ in range(2)]
        assert embedder.started.wait(timeout=60)
        quick = [client.get(path) for path in ("/health/live", "/health/ready", "/v1/references", "/version")]
        unfinished = [not each.done() for each in slow]
        embedder.let_go.set()
        answered = [each.result() for each in slow]

    assert [each.status_code for each in quick] == [200] * 4
    assert all(unfinished)
    assert [each.status_code for each in answered] == [200, 200]


def test_as_many_questions_run_side_by_side_as_there_are_threads(index_dir: Path) -> None:
    class Meeting(TwinEmbedder):
        def __init__(self) -> None:
            super().__init__()
            self.barrier: threading.Barrier | None = None

        def encode_query(self, text: str) -> EncodedText:
            if self.barrier is not None:
                self.barrier.wait(timeout=60)
            return super().encode_query(text)

    embedder = Meeting()
    app = make_app(open_serving(index_dir, embedder), query_threads=3)
    embedder.barrier = threading.Barrier(3)

    with TestClient(app) as client, ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(client.post, "/v1/ask", json={"question": "tick"}) for _ in range(3)]
        statuses = [each.result().status_code for each in asked]

    assert statuses == [200] * 3
