"""A throw-away index of a collection."""

from pathlib import Path

import pytest

from evaluation.ranking_sets import CorpusDocument
from evaluation.throwaway import ThrowawayIndex, as_document, build_throwaway, cut_whole
from index.vector_cache import VectorCache
from ingest.errors import CorpusError
from tests.twins import TwinEmbedder

LONG = " ".join(f"Sentence number {n} says that salt water rinses pollen away." for n in range(60))


def build(folder: Path, *documents: CorpusDocument) -> ThrowawayIndex:
    (folder / "index").mkdir()
    return build_throwaway(
        folder / "index",
        documents,
        embedder=TwinEmbedder(),
        cache=VectorCache(folder / "vectors.sqlite"),
        progress=lambda _stage, _done, _total: None,
    )


def test_a_document_that_fits_is_one_passage_embedded_with_its_title() -> None:
    document = as_document(CorpusDocument("MED-1", "Nose", "Salt water helps. It rinses.\n\nTwice a day."))
    assert document is not None

    (passage,) = cut_whole(document, embedder=TwinEmbedder())

    assert passage.embedding_text == "Nose\nSalt water helps. It rinses.\n\nTwice a day."
    assert len(passage.sentences) == 3
    assert document.text[passage.start : passage.end] == passage.text


def test_a_longer_document_is_cut_and_every_piece_fits_the_window() -> None:
    embedder = TwinEmbedder()
    document = as_document(CorpusDocument("MED-2", "Nose", LONG))
    assert document is not None

    passages = cut_whole(document, embedder=embedder)

    assert len(passages) > 1
    assert all(embedder.count_tokens(each.embedding_text) <= 256 for each in passages)
    assert all(each.embedding_text.startswith("Nose\n") for each in passages)


def test_a_document_without_text_consists_of_its_title() -> None:
    document = as_document(CorpusDocument("MED-3", "Only a title", " "))

    assert document is not None
    assert document.text == "Only a title"


def test_a_document_with_neither_is_named_and_left_out(tmp_path: Path) -> None:
    index = build(tmp_path, CorpusDocument("empty", "", " \n"), CorpusDocument("MED-4", "", "Birch blooms."))

    assert index.without_text == ("empty",)
    assert (index.n_documents, index.n_passages) == (1, 1)
    index.searcher.content.close()


def test_the_document_with_the_words_of_the_query_comes_first(tmp_path: Path) -> None:
    index = build(
        tmp_path,
        CorpusDocument("a", "Trains", "They leave at noon."),
        CorpusDocument("b", "Nose", LONG),
        CorpusDocument("c", "Tides", "The moon moves them."),
    )

    ranked = index.searcher.search("salt water pollen", k=index.n_passages).ranked
    index.searcher.content.close()

    assert ranked[0].passage.doc_id == "b"
    assert index.most_passages == index.n_passages - 2


def test_a_collection_without_any_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="any text"):
        build(tmp_path, CorpusDocument("empty", "", ""))
