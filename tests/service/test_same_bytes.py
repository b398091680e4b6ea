"""The same question gives the same bytes: repeated, reopened, and on any number of threads."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.conftest import write_corpus
from tests.service.conftest import build_corpus, make_app, open_serving

QUESTIONS = ["Does salt water help the nose?", "How do I pull out a tick?", "Which tax form do I need?"]
_TOOK = re.compile(rb'"took_ms":[0-9.eE+-]+')


def reply_bytes(client: TestClient, question: str) -> bytes:
    """Return a reply as it was sent, but for the time it took."""
    content = client.post("/v1/ask", json={"question": question, "top_k": 50}).content
    assert len(_TOOK.findall(content)) == 1
    return _TOOK.sub(b'"took_ms":0', content)


@pytest.fixture(scope="module")
def expected(client: TestClient) -> dict[str, bytes]:
    return {question: reply_bytes(client, question) for question in QUESTIONS}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_hundred_repeats_give_the_same_bytes(
    client: TestClient, expected: dict[str, bytes], question: str
) -> None:
    assert {reply_bytes(client, question) for _ in range(100)} == {expected[question]}


def test_a_reopened_index_gives_the_same_bytes(index_dir: Path, expected: dict[str, bytes]) -> None:
    with TestClient(make_app(open_serving(index_dir))) as client:
        again = {question: reply_bytes(client, question) for question in QUESTIONS}

    assert again == expected


@pytest.mark.parametrize("query_threads", [1, 2, 8])
def test_questions_side_by_side_on_any_number_of_threads_give_the_same_bytes(
    index_dir: Path, expected: dict[str, bytes], query_threads: int
) -> None:
    asked = QUESTIONS * 10

    with (
        TestClient(make_app(open_serving(index_dir), query_threads=query_threads)) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        replies = list(pool.map(lambda question: reply_bytes(client, question), asked))

    assert replies == [expected[question] for question in asked]


def test_an_index_built_anew_elsewhere_differs_in_when_it_was_built_only(
    tmp_path: Path, expected: dict[str, bytes]
) -> None:
    version = build_corpus(write_corpus(tmp_path / "corpus"), tmp_path / "index")

    with TestClient(make_app(open_serving(tmp_path / "index"))) as client:
        replies = {question: json.loads(reply_bytes(client, question)) for question in QUESTIONS}

    before = {question: json.loads(content) for question, content in expected.items()}
    for question in QUESTIONS:
        assert replies[question]["index"]["version"] == version
        before[question]["index"]["built_at"] = replies[question]["index"]["built_at"]
    assert replies == before
