"""Asking over HTTP: what a reply holds, and that all of it fits together."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.service.conftest import Ask

ANSWERED = "Does rinsing the nose with salt water wash pollen away?"
OFF_TOPIC = "Which form do I need for my tax return?"
DOCUMENTS = {"hay-fever", "saline", "tablets", "bee-stings", "ticks", "blisters"}

TEXT, NUMBER, WHOLE, OPTIONAL_TEXT, OPTIONAL_WHOLE = (
    str,
    (int, float),
    int,
    (str, type(None)),
    (int, type(None)),
)
REPLY = {
    "question": TEXT,
    "not_mentioned": list,
    "answerable": bool,
    "confidence": NUMBER,
    "answer": (dict, type(None)),
    "passages": list,
    "references": list,
    "notices": list,
    "disclaimer": TEXT,
    "index": dict,
    "took_ms": NUMBER,
}
PASSAGE = {
    "rank": WHOLE,
    "passage_id": TEXT,
    "score": NUMBER,
    "scores": dict,
    "text": TEXT,
    "highlights": list,
    "document": dict,
    "section": list,
    "references": list,
    "start": WHOLE,
    "end": WHOLE,
    "page": OPTIONAL_WHOLE,
    "url": OPTIONAL_TEXT,
}
REFERENCE = {
    "number": WHOLE,
    "text": TEXT,
    "title": OPTIONAL_TEXT,
    "authors": list,
    "year": OPTIONAL_WHOLE,
    "doi": OPTIONAL_TEXT,
    "url": OPTIONAL_TEXT,
    "problems": list,
}
SENTENCE = {
    "text": TEXT,
    "passage_id": TEXT,
    "doc_id": TEXT,
    "start": WHOLE,
    "end": WHOLE,
    "references": list,
}
HEAD = {"doc_id": TEXT, "title": TEXT, "kind": TEXT, "fidelity": TEXT, "reference_number": OPTIONAL_WHOLE}


def assert_has(record: dict[str, Any], fields: dict[str, Any]) -> None:
    for name, kind in fields.items():
        assert name in record
        assert isinstance(record[name], kind), f"{name} is {record[name]!r}"
        assert kind is bool or not isinstance(record[name], bool), f"{name} is a truth value"


def without_time(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reply.items() if name != "took_ms"}


def numbers_shown(reply: dict[str, Any]) -> set[int]:
    sentences = reply["answer"]["sentences"] if reply["answer"] else []
    return {number for part in (*reply["passages"], *sentences) for number in part["references"]}


def test_a_reply_has_every_field_of_the_contract(ask: Ask) -> None:
    reply = ask(ANSWERED)

    assert_has(reply, REPLY)
    assert_has(reply["index"], {"version": TEXT, "built_at": TEXT})
    assert_has(reply["answer"], {"kind": TEXT, "text": TEXT, "sentences": list})
    for sentence in reply["answer"]["sentences"]:
        assert_has(sentence, SENTENCE)
    for passage in reply["passages"]:
        assert_has(passage, PASSAGE)
        assert_has(passage["document"], HEAD)
        assert_has(passage["scores"], {"dense": NUMBER, "lexical": NUMBER})
        assert all(set(mark) == {"start", "end"} for mark in passage["highlights"])
    for reference in reply["references"]:
        assert_has(reference, REFERENCE)


def test_a_question_that_describes_an_emergency_gets_a_notice_first(ask: Ask) -> None:
    reply = ask("My chest hurts badly and I cannot breathe, what should I do?")

    assert reply["notices"]
    for notice in reply["notices"]:
        assert_has(notice, {"kind": TEXT, "text": TEXT, "passage_id": OPTIONAL_TEXT})
        assert notice["kind"] == "urgent_care"


def test_the_question_comes_back_trimmed(ask: Ask) -> None:
    assert ask(f" \n {ANSWERED}\t")["question"] == ANSWERED


def test_the_passage_that_says_it_comes_first_with_its_number(ask: Ask) -> None:
    reply = ask(ANSWERED)

    assert reply["answerable"] is True
    assert reply["passages"][0]["document"]["doc_id"] == "hay-fever"
    assert 1 in reply["passages"][0]["references"]
    assert reply["answer"]["sentences"][0]["references"] == [1]


@pytest.mark.parametrize("question", [ANSWERED, OFF_TOPIC, "How do I pull out a tick?", "sneezing"])
@pytest.mark.parametrize("top_k", [1, 2, 5])
def test_references_are_exactly_those_of_passages_and_answer(ask: Ask, question: str, top_k: int) -> None:
    reply = ask(question, top_k=top_k)

    listed = [reference["number"] for reference in reply["references"]]

    assert listed == sorted(numbers_shown(reply))


def test_an_entry_of_the_reply_is_the_entry_of_the_bibliography(ask: Ask, client: TestClient) -> None:
    reply = ask(ANSWERED)
    bibliography = {each["number"]: each for each in client.get("/v1/references").json()["references"]}

    assert reply["references"]
    assert all(each == bibliography[each["number"]] for each in reply["references"])


def test_offsets_of_passages_sentences_and_highlights_fit_the_document(ask: Ask, client: TestClient) -> None:
    reply = ask(ANSWERED, top_k=50)
    texts = {doc_id: client.get(f"/v1/documents/{doc_id}").json()["text"] for doc_id in DOCUMENTS}

    for passage in reply["passages"]:
        text = texts[passage["document"]["doc_id"]]
        assert text[passage["start"] : passage["end"]] == passage["text"]
        for mark in passage["highlights"]:
            assert 0 <= mark["start"] < mark["end"] <= len(passage["text"])
            assert passage["text"][mark["start"] : mark["end"]].strip()
    for sentence in reply["answer"]["sentences"]:
        assert texts[sentence["doc_id"]][sentence["start"] : sentence["end"]] == sentence["text"]
        assert sentence["text"] in reply["answer"]["text"]


def test_passages_are_ranked_from_one_with_falling_scores_and_no_repeats(ask: Ask) -> None:
    passages = ask(ANSWERED, top_k=50)["passages"]

    scores = [passage["score"] for passage in passages]
    assert [passage["rank"] for passage in passages] == list(range(1, len(passages) + 1))
    assert scores == sorted(scores, reverse=True)
    assert len({passage["passage_id"] for passage in passages}) == len(passages)


@pytest.mark.parametrize("top_k", [1, 2, 3])
def test_top_k_is_how_many_passages_come_back(ask: Ask, top_k: int) -> None:
    every = ask(ANSWERED, top_k=50)["passages"]

    reply = ask(ANSWERED, top_k=top_k)

    assert reply["passages"] == every[:top_k]


def test_top_k_is_five_when_left_out_and_fifty_at_most_gives_all_there_is(ask: Ask) -> None:
    indexed = {passage["passage_id"] for passage in ask("pollen", top_k=50)["passages"]}

    assert len(ask(ANSWERED)["passages"]) == 5
    assert len(indexed) >= len(DOCUMENTS)


def test_how_many_passages_are_shown_does_not_change_the_answer(ask: Ask) -> None:
    few, many = ask(ANSWERED, top_k=1), ask(ANSWERED, top_k=50)

    assert few["answer"] == many["answer"]
    assert few["confidence"] == many["confidence"]


@pytest.mark.parametrize(
    ("fields", "query"),
    [
        ({}, {}),
        ({"top_k": 2}, {"top_k": "2"}),
        ({"answer": "none"}, {"answer": "none"}),
        ({"filter": {"documents": ["hay-fever", "ticks"]}}, {"documents": ["hay-fever", "ticks"]}),
        ({"filter": {"references": [1, 2]}}, {"references": ["1", "2"]}),
        (
            {"filter": {"documents": ["saline"], "references": [1]}, "top_k": 3},
            {"documents": "saline", "references": "1", "top_k": "3"},
        ),
    ],
)
@pytest.mark.parametrize("question", [ANSWERED, OFF_TOPIC, "Niesen & Schnäuzen + 50 % ?"])
def test_get_and_post_give_the_same_reply(
    client: TestClient, ask: Ask, question: str, fields: dict[str, Any], query: dict[str, Any]
) -> None:
    by_address = client.get("/v1/ask", params={"question": question, **query})

    assert by_address.status_code == 200
    assert without_time(by_address.json()) == without_time(ask(question, **fields))


def test_a_document_filter_lets_only_its_documents_through(ask: Ask) -> None:
    reply = ask(ANSWERED, filter={"documents": ["ticks", "blisters"]}, top_k=50)

    assert {each["document"]["doc_id"] for each in reply["passages"]} == {"ticks", "blisters"}


def test_a_reference_filter_lets_only_passages_with_its_numbers_through(ask: Ask) -> None:
    reply = ask(ANSWERED, filter={"references": [2]}, top_k=50)

    assert reply["passages"]
    assert all(2 in each["references"] for each in reply["passages"])
    assert "tablets" in {each["document"]["doc_id"] for each in reply["passages"]}


def test_two_filters_must_both_hold(ask: Ask) -> None:
    reply = ask(ANSWERED, filter={"documents": ["hay-fever", "ticks"], "references": [1]}, top_k=50)

    assert reply["passages"]
    assert all(
        each["document"]["doc_id"] == "hay-fever" and 1 in each["references"] for each in reply["passages"]
    )


@pytest.mark.parametrize(
    "only", [{"documents": ["ticks"], "references": [1]}, {"documents": []}, {"references": []}]
)
def test_a_filter_that_nothing_passes_gives_an_honest_empty_reply(ask: Ask, only: dict[str, Any]) -> None:
    reply = ask(ANSWERED, filter=only)

    assert reply["passages"] == []
    assert reply["references"] == []
    assert reply["answerable"] is False
    assert reply["answer"] is None
    assert reply["confidence"] == 0


@pytest.mark.parametrize("only", [None, {}, {"documents": None, "references": None}])
def test_an_empty_filter_is_no_filter(ask: Ask, only: dict[str, Any] | None) -> None:
    assert without_time(ask(ANSWERED, filter=only)) == without_time(ask(ANSWERED))


def test_asking_for_no_answer_gives_the_passages_and_the_verdict_only(ask: Ask) -> None:
    with_answer, without = ask(ANSWERED), ask(ANSWERED, answer="none")

    assert without["answer"] is None
    assert without["answerable"] is True
    assert without["passages"] == with_answer["passages"]
    assert without["confidence"] == with_answer["confidence"]


def test_what_the_documents_do_not_answer_is_not_answered_but_the_nearest_is_shown(ask: Ask) -> None:
    reply = ask(OFF_TOPIC)

    assert reply["answerable"] is False
    assert reply["answer"] is None
    assert reply["confidence"] < 0.5
    assert len(reply["passages"]) == 5


@pytest.mark.parametrize(
    "question",
    [
        "?",
        "a",
        "🦵" * 2000,
        " " + "pollen " * 285 + "nose " + " " * 500,
        "المياه المالحة",
        "\u200b",
        "<b>x</b>\n\ttick",
    ],
)
def test_any_text_is_a_question(ask: Ask, question: str) -> None:
    reply = ask(question)

    assert reply["question"] == question.strip()
    assert 0 <= reply["confidence"] <= 1


def test_exactly_two_thousand_characters_after_trimming_are_a_question(ask: Ask) -> None:
    question = "é" * 2000

    assert ask(f"  {question}  ")["question"] == question
