"""The other routes: what is indexed, and how the service is."""

import hashlib

import pytest
from fastapi.testclient import TestClient

from service.release import RELEASE
from service.serving_index import ServingIndex
from tests.service.conftest import Ask

DOCUMENTS = ["bee-stings", "blisters", "hay-fever", "saline", "tablets", "ticks"]


def test_every_document_is_listed_without_its_text(client: TestClient) -> None:
    listed = client.get("/v1/documents").json()["documents"]

    assert sorted(each["doc_id"] for each in listed) == DOCUMENTS
    assert all("text" not in each for each in listed)
    assert {each["doc_id"]: each["reference_number"] for each in listed}["saline"] == 1
    assert {each["doc_id"]: each["fidelity"] for each in listed}["tablets"] == "abstract"


@pytest.mark.parametrize("doc_id", DOCUMENTS)
def test_a_document_is_its_listing_with_text_that_all_offsets_fit(client: TestClient, doc_id: str) -> None:
    listing = next(
        each for each in client.get("/v1/documents").json()["documents"] if each["doc_id"] == doc_id
    )

    document = client.get(f"/v1/documents/{doc_id}").json()

    text = document["text"]
    assert hashlib.sha256(text.encode()).hexdigest() == document["sha256"] == listing["sha256"]
    assert len(text) == listing["chars"]
    assert len(document["passages"]) == listing["passages"]
    for passage in document["passages"]:
        assert text[passage["start"] : passage["end"]] == passage["text"]
    for citation in document["citations"]:
        marker = text[citation["start"] : citation["end"]]
        assert all(str(number) in marker for number in citation["printed"])
        assert citation["sentence_start"] <= citation["start"] < citation["end"]
    for block in document["blocks"]:
        assert text[block["start"] : block["end"]].strip()


def test_passages_of_a_document_cover_its_body(client: TestClient) -> None:
    document = client.get("/v1/documents/hay-fever").json()

    covered = {at for passage in document["passages"] for at in range(passage["start"], passage["end"])}
    for block in document["blocks"]:
        if block["kind"] in ("paragraph", "list_item", "table_row"):
            assert covered.issuperset(range(block["start"], block["end"]))


def test_a_sources_own_numbers_are_shown_but_are_none_of_the_index(client: TestClient) -> None:
    document = client.get("/v1/documents/saline").json()

    assert [each["printed"] for each in document["citations"]] == [[3]]
    assert [each["references"] for each in document["citations"]] == [[]]
    assert [each["reference"] for each in document["references"]] == [None]
    assert {tuple(each["references"]) for each in document["passages"]} == {(1,)}


def test_an_articles_own_list_names_the_numbers_of_the_index(client: TestClient) -> None:
    document = client.get("/v1/documents/hay-fever").json()

    assert [(each["number"], each["reference"]) for each in document["references"]] == [(1, 1), (2, 2)]
    assert [1, 2] in [each["references"] for each in document["citations"]]


def test_the_bibliography_is_listed_in_order_of_its_numbers(client: TestClient) -> None:
    listed = client.get("/v1/references").json()["references"]

    assert [each["number"] for each in listed] == [1, 2]
    assert listed[0]["doi"] == "10.5555/nose.1"
    assert listed[0]["url"] == "https://doi.org/10.5555/nose.1"
    assert listed[0]["authors"] == ["Alder B"]


def test_a_reference_shows_its_source_and_every_sentence_that_cites_it(client: TestClient) -> None:
    text = client.get("/v1/documents/hay-fever").json()["text"]

    detail = client.get("/v1/references/1").json()

    assert {each["doc_id"] for each in detail["passages"]} == {"saline"}
    assert {each["doc_id"] for each in detail["cited_by"]} == {"hay-fever"}
    cited = [each["text"] for each in detail["cited_by"]]
    assert any("washes pollen away" in sentence for sentence in cited)
    assert any("Both can be used" in sentence for sentence in cited)
    assert any("middle of the nose" in sentence for sentence in cited)
    assert not any("sneezing" in sentence for sentence in cited)
    for each in detail["cited_by"]:
        assert text[each["start"] : each["end"]] == each["text"]


def test_a_passage_is_shown_with_its_neighbours_in_reading_order(client: TestClient) -> None:
    passages = client.get("/v1/documents/hay-fever").json()["passages"]

    assert len(passages) > 1
    for at, passage in enumerate(passages):
        detail = client.get(f"/v1/passages/{passage['passage_id']}").json()
        assert {name: detail[name] for name in passage} == passage
        assert detail["document"]["doc_id"] == "hay-fever"
        assert detail["previous"] == (passages[at - 1] if at else None)
        assert detail["next"] == (passages[at + 1] if at + 1 < len(passages) else None)


def test_a_passage_of_a_reply_can_be_fetched_by_its_id(ask: Ask, client: TestClient) -> None:
    for passage in ask("pollen", top_k=50)["passages"]:
        detail = client.get(f"/v1/passages/{passage['passage_id']}").json()
        for name in ("text", "start", "end", "references", "section", "document", "url"):
            assert detail[name] == passage[name]


def test_the_index_says_what_it_holds_and_how_it_scores_itself(client: TestClient, ask: Ask) -> None:
    index = client.get("/v1/index").json()

    documents = client.get("/v1/documents").json()["documents"]
    assert index["title"] == "Garden health"
    assert index["documents"] == len(documents) == 6
    assert index["passages"] == sum(each["passages"] for each in documents)
    assert index["references"] == 2
    assert index["quarantined"] == []
    assert index["self_score"]["pairs"] > 0
    assert 0 <= index["self_score"]["success_at_1"] <= index["self_score"]["mrr_at_10"] <= 1
    assert {"version": index["version"], "built_at": index["built_at"]} == ask("tick")["index"]


@pytest.mark.parametrize(
    "path",
    ["/v1/documents", "/v1/documents/ticks", "/v1/references", "/v1/references/1", "/v1/index", "/version"],
)
def test_every_reply_names_the_version_it_was_made_from(
    client: TestClient, serving: ServingIndex, path: str
) -> None:
    reply = client.get(path).json()

    assert reply.get("index", reply)["version"] == serving.version


def test_the_service_says_that_it_is_alive_ready_and_what_it_runs(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}
    assert client.get("/health/ready").json() == {"status": "ok"}
    version = client.get("/version").json()
    assert (version["name"], version["version"], version["model"]) == ("citewell", RELEASE, "twin")
