import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from answer.answering import Reply, answer_question
from service import replying
from service.asking import answer_request
from service.reply_cache import KeptReply, ReplyCache
from service.schemas import AskRequest, Filter
from service.serving_index import ServingIndex
from tests.service.conftest import make_app

QUESTION = "Does salt water help the nose?"


def request(question: str = QUESTION, **fields: Any) -> AskRequest:
    return AskRequest(question=question, **fields)


def kept(serving: ServingIndex, asked: AskRequest) -> KeptReply:
    return KeptReply.of(answer_request(asked, serving))


def without_time(body: bytes) -> bytes:
    return re.sub(rb'"took_ms":[0-9.e-]+', b"", body)


@pytest.fixture
def cache() -> ReplyCache:
    return ReplyCache(max_bytes=1_000_000)


def test_a_kept_reply_is_sent_as_the_reply_itself_would_be(serving: ServingIndex) -> None:
    reply = answer_request(request("Wie hilft Salzwasser – und μg 痛み?"), serving)

    body = KeptReply.of(reply).body(took_ms=reply.took_ms)

    assert json.loads(body) == reply.model_dump(mode="json")
    assert body == reply.model_dump_json().encode()


def test_what_was_asked_is_found_again(cache: ReplyCache, serving: ServingIndex) -> None:
    reply = kept(serving, request())
    cache.keep(request(), serving, reply)

    assert cache.find(request(), serving) is reply
    assert cache.find(request(f"  {QUESTION} "), serving) is reply


@pytest.mark.parametrize(
    "other",
    [
        request("does salt water help the nose?"),
        request(top_k=4),
        request(answer="none"),
        request(filter=Filter(documents=["saline"])),
        request(filter=Filter(references=[1])),
    ],
    ids=["case", "number", "answer", "documents", "references"],
)
def test_whatever_may_change_the_reply_tells_requests_apart(
    cache: ReplyCache, serving: ServingIndex, other: AskRequest
) -> None:
    cache.keep(request(), serving, kept(serving, request()))

    assert cache.find(other, serving) is None


def test_the_order_of_a_filter_does_not_matter(cache: ReplyCache, serving: ServingIndex) -> None:
    there = request(filter=Filter(documents=["saline", "tablets"]))
    back = request(filter=Filter(documents=["tablets", "saline"]))
    assert without_time(kept(serving, there).head) == without_time(kept(serving, back).head)
    cache.keep(there, serving, kept(serving, there))

    assert cache.find(back, serving) is not None


def test_another_version_gives_replies_of_its_own(cache: ReplyCache, serving: ServingIndex) -> None:
    cache.keep(request(), serving, kept(serving, request()))
    other = replace(serving, snapshot=replace(serving.snapshot, version="another"))

    assert cache.find(request(), other) is None


def test_memory_is_bounded_and_what_was_asked_for_last_stays(serving: ServingIndex) -> None:
    asked = [request(f"{QUESTION} {at}") for at in range(20)]
    one = len(kept(serving, asked[0]).head)
    cache = ReplyCache(max_bytes=6 * (one + 1_000 + 4 * 40))
    for each in asked:
        cache.keep(each, serving, kept(serving, each))
        assert cache.find(asked[0], serving) is not None

    found = [at for at, each in enumerate(asked) if cache.find(each, serving) is not None]
    assert found[0] == 0
    assert found[1:] == list(range(20 - len(found) + 1, 20))
    assert 3 <= len(found) <= 6


def test_a_reply_larger_than_the_whole_cache_is_not_kept(serving: ServingIndex) -> None:
    cache = ReplyCache(max_bytes=100)
    cache.keep(request(), serving, kept(serving, request()))

    assert cache.find(request(), serving) is None


def test_a_question_asked_again_gives_the_same_bytes_and_is_worked_out_once(
    serving: ServingIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_out: list[str] = []

    def note(question: str, **chosen: Any) -> Reply:
        worked_out.append(question)
        return answer_question(question, **chosen)

    monkeypatch.setattr(replying, "answer_question", note)
    with TestClient(make_app(serving, reply_cache_mb=1)) as client:
        posted = [client.post("/v1/ask", json={"question": QUESTION}) for _ in range(3)]
        by_address = client.get("/v1/ask", params={"question": QUESTION})

    assert worked_out == [QUESTION]
    assert {without_time(each.content) for each in [*posted, by_address]} == {without_time(posted[0].content)}
    assert {each.headers["content-type"] for each in posted} == {"application/json"}


def test_many_threads_keep_the_books_straight(serving: ServingIndex) -> None:
    asked = [request(f"{QUESTION} {at}") for at in range(6)]
    replies = [kept(serving, each) for each in asked]
    cache = ReplyCache(max_bytes=3 * (len(replies[0].head) + 1_200))

    def work(at: int) -> None:
        for step in range(200):
            which = (at + step) % len(asked)
            found = cache.find(asked[which], serving)
            assert found is None or found is replies[which]
            cache.keep(asked[which], serving, replies[which])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    cache.keep(asked[0], serving, replies[0])
    assert cache.find(asked[0], serving) is replies[0]
