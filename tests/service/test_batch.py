"""Many questions at once: `POST /v1/ask/batch`."""

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
from fastapi.testclient import TestClient

from index.embedding import EncodedText
from index.query_memory import RememberedQueries
from service import batch_asking
from service.asking import answer_request
from service.batch_asking import (
    FIRST_WINDOW,
    PATH,
    QUESTIONS_PER_TASK,
    QUESTIONS_PER_WINDOW,
    growing_windows,
    stream_in_order,
)
from service.batch_routes import NDJSON
from service.serving_index import ServingIndex
from tests.service.conftest import Ask, make_app, open_serving
from tests.twins import TwinEmbedder

T = TypeVar("T")
QUESTIONS = ["What washes pollen away?", "How do I pull a tick out?", "What eases a bee sting?"]


def batch_of(questions: list[str], **fields: Any) -> dict[str, Any]:
    return {"questions": [{"id": f"q{n}", "question": text} for n, text in enumerate(questions)], **fields}


def without_time(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reply.items() if name not in ("took_ms", "id")}


def read_lines(content: str) -> list[dict[str, Any]]:
    assert content.endswith("\n")
    return [json.loads(line) for line in content.splitlines()]


def test_every_question_gets_the_reply_it_gets_alone(client: TestClient, ask: Ask) -> None:
    many = QUESTIONS * (QUESTIONS_PER_TASK + 1)

    replied = client.post("/v1/ask/batch", json=batch_of(many, top_k=3)).json()

    alone = {question: without_time(ask(question, top_k=3)) for question in QUESTIONS}
    assert [each["id"] for each in replied["results"]] == [f"q{n}" for n in range(len(many))]
    assert [without_time(each) for each in replied["results"]] == [alone[question] for question in many]
    assert {each["index"]["version"] for each in replied["results"]} == {replied["index"]["version"]}


def test_lines_hold_the_same_results_as_one_object(client: TestClient) -> None:
    asked = batch_of(QUESTIONS)

    whole = client.post("/v1/ask/batch", json=asked).json()["results"]
    streamed = client.post("/v1/ask/batch", json=asked, headers={"Accept": "application/x-ndjson"})

    assert streamed.headers["content-type"] == "application/x-ndjson"
    lines = read_lines(streamed.text)
    assert [without_time(each) for each in lines] == [without_time(each) for each in whole]
    assert [each["id"] for each in lines] == [each["id"] for each in whole]


@pytest.mark.parametrize(
    ("faulty", "complaint"),
    [("  ", "question: String should have at least 1 character"), ("x" * 2_001, "at most 2000 characters")],
)
def test_a_faulty_question_fails_alone(client: TestClient, faulty: str, complaint: str) -> None:
    first, second, third = client.post(
        "/v1/ask/batch", json=batch_of([QUESTIONS[0], faulty, QUESTIONS[1]])
    ).json()["results"]

    assert second["id"] == "q1"
    assert second["problem"]["status"] == 422
    assert complaint in second["problem"]["detail"]
    assert second["problem"]["errors"][0]["field"] == "question"
    assert first["passages"]
    assert third["passages"]


def test_a_question_that_crashes_fails_alone(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:

    def sometimes(asked: Any, index: ServingIndex) -> Any:
        return 1 / 0 if "tick" in asked.question else answer_request(asked, index)

    monkeypatch.setattr(batch_asking, "answer_request", sometimes)
    results = client.post("/v1/ask/batch", json=batch_of(QUESTIONS)).json()["results"]

    assert [each.get("problem", {}).get("status") for each in results] == [None, 500, None]
    assert "division" not in json.dumps(results)


def test_a_filter_holds_for_every_question(client: TestClient) -> None:
    asked = batch_of(QUESTIONS, filter={"documents": ["ticks"]})

    results = client.post("/v1/ask/batch", json=asked).json()["results"]

    assert {p["document"]["doc_id"] for each in results for p in each["passages"]} == {"ticks"}


@pytest.mark.parametrize(
    ("fields", "status", "complaint"),
    [
        ({"filter": {"documents": ["nowhere"]}}, 422, "nowhere"),
        ({"filter": {"references": [99]}}, 422, "no reference 99"),
        ({"answer": "generated"}, 409, "No language model"),
        ({"questions": []}, 422, "questions: "),
        ({"questions": [{"id": "a", "question": "x"}] * 2}, 422, "the id 'a' stands twice"),
        ({"questions": [{"question": "no id"}]}, 422, "questions.0.id: Field required"),
        ({"top_k": 51}, 422, "top_k: "),
    ],
)
def test_what_is_wrong_with_the_batch_is_a_problem(
    client: TestClient, fields: dict[str, Any], status: int, complaint: str
) -> None:
    response = client.post("/v1/ask/batch", json={**batch_of(QUESTIONS), **fields})

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert complaint in response.json()["detail"]


def test_a_batch_has_limits_of_its_own(serving: ServingIndex) -> None:
    app = make_app(serving, max_batch_questions=3, max_batch_body_bytes=100_000)
    with TestClient(app) as client:
        fits = client.post("/v1/ask/batch", json=batch_of(["x" * 25_000] * 3))
        many = client.post("/v1/ask/batch", json=batch_of(["x"] * 4))
        large = client.post("/v1/ask/batch", json=batch_of(["x" * 34_000] * 3))
        single = client.post("/v1/ask", json={"question": "x" * 70_000})

    assert fits.status_code == 200
    assert many.status_code == 422
    assert "at most 3. Send several batches" in many.json()["detail"]
    assert large.status_code == 413
    assert single.status_code == 413


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


Stopped = Callable[[], bool]
Task = Callable[[Stopped], T]


async def each_of(tasks: Iterable[Task[T]]) -> AsyncIterator[Task[T]]:
    for task in tasks:
        yield task


def test_results_come_in_order_however_long_each_takes(threads: ThreadPoolExecutor) -> None:
    second_done = threading.Event()

    def first(_stopped: Stopped) -> str:
        assert second_done.wait(10)
        return "first"

    def second(_stopped: Stopped) -> str:
        second_done.set()
        return "second"

    async def collect() -> list[str]:
        return [each async for each in stream_in_order(each_of([first, second]), threads, width=3)]

    assert asyncio.run(collect()) == ["first", "second"]


def test_work_waits_for_a_slow_taker(threads: ThreadPoolExecutor) -> None:
    begun: list[int] = []

    def task(number: int, _stopped: Stopped) -> int:
        begun.append(number)
        return number

    async def take_two() -> int:
        stream = stream_in_order(each_of(partial(task, n) for n in range(100)), threads, width=3)
        await anext(stream)
        await anext(stream)
        await stream.aclose()
        return len(begun)

    assert asyncio.run(take_two()) <= 4


def test_work_ends_when_the_taker_goes_away(threads: ThreadPoolExecutor) -> None:
    told = threading.Event()
    running = threading.Event()
    begun: list[int] = []

    def task(number: int, stopped: Stopped) -> int:
        begun.append(number)
        if number:
            running.set()
            while not stopped():
                pass
            told.set()
        return number

    async def take_one() -> None:
        stream: AsyncIterator[int] = stream_in_order(
            each_of(partial(task, n) for n in range(100)), threads, width=2
        )
        await anext(stream)
        await asyncio.to_thread(running.wait, 10)
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(take_one())

    assert told.wait(10)
    assert begun == [0, 1]


def test_a_client_that_hangs_up_ends_the_work(serving: ServingIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    answered: list[str] = []
    hung_up = threading.Event()

    def watched(asked: Any, index: ServingIndex) -> Any:
        answered.append(asked.question)
        if len(answered) > QUESTIONS_PER_TASK:
            assert hung_up.wait(60)
        return answer_request(asked, index)

    monkeypatch.setattr(batch_asking, "answer_request", watched)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(serving), log_config=None, timeout_graceful_shutdown=60))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    with socket.create_connection(listening.getsockname()) as client:
        body = json.dumps(batch_of(QUESTIONS * 200)).encode()
        head = f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nAccept: {NDJSON}"
        client.sendall(f"POST {PATH} HTTP/1.1\r\n{head}\r\n\r\n".encode() + body)
        received = client.recv(65_536)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    hung_up.set()
    server.should_exit = True
    thread.join(60)

    assert received.startswith(b"HTTP/1.1 200")
    assert not thread.is_alive()
    # The rest of the tasks under way may still be finished; of 600 questions most were never begun.
    assert len(answered) <= 5 * QUESTIONS_PER_TASK


def test_the_questions_of_a_batch_are_encoded_together_and_answered_as_alone(index_dir: Path) -> None:
    encoder = TwinEmbedder()
    together: list[int] = []

    class Counting(TwinEmbedder):
        def encode_passages(self, texts: Sequence[str]) -> list[EncodedText]:
            together.append(len(texts))
            return encoder.encode_passages(texts)

    plain, remembering = open_serving(index_dir), open_serving(index_dir, RememberedQueries(Counting()))
    asked = batch_of([*QUESTIONS, "x" * 3_000])
    with TestClient(make_app(plain)) as one, TestClient(make_app(remembering)) as other:
        alone, ahead = (client.post("/v1/ask/batch", json=asked).json()["results"] for client in (one, other))

    assert together == [len(QUESTIONS)]
    assert [without_time(each) for each in ahead] == [without_time(each) for each in alone]


@pytest.mark.parametrize("count", [0, 1, FIRST_WINDOW, FIRST_WINDOW + 1, 1_000])
def test_windows_grow_to_their_most_and_hold_every_question_once(count: int) -> None:
    windows = growing_windows(range(count))

    assert [each for window in windows for each in window] == list(range(count))
    assert all(0 < len(window) <= QUESTIONS_PER_WINDOW for window in windows)
    assert [len(window) for window in windows[:2]] == [FIRST_WINDOW, 2 * FIRST_WINDOW][
        : len(windows)
    ] or count < 96


def test_a_batch_is_answered_on_one_thread_at_a_time(
    serving: ServingIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way, most = [0], [0]

    def watched(asked: Any, index: ServingIndex) -> Any:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.001)  # lets another thread in, if there is one
        reply = answer_request(asked, index)
        under_way[0] -= 1
        return reply

    monkeypatch.setattr(batch_asking, "answer_request", watched)
    with TestClient(make_app(serving, query_threads=2)) as client:
        response = client.post(PATH, json=batch_of(QUESTIONS * (3 * QUESTIONS_PER_TASK)))

    assert response.status_code == 200
    assert most == [1]
