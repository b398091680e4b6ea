import math
from itertools import chain
from pathlib import Path

import bm25s
import numpy as np
import pytest
from bm25s.stopwords import STOPWORDS_EN
from hypothesis import given, settings
from hypothesis import strategies as st

from index.lexical import _STOP_WORDS, BM25Index, terms

TEXTS = ["cold pack cold", "warm pack", "sleep", ""]


def test_terms_are_stemmed_words_of_two_characters_or_more_without_stop_words() -> None:
    assert terms("The Cramps of a calf, cramping; 5 mg") == ["cramp", "calf", "cramp", "mg"]


def test_the_score_is_that_of_the_formula() -> None:
    # Four texts; "cold" is in one of them: idf = ln(1 + (4 - 1 + 0.5) / (1 + 0.5)).
    idf = math.log(1 + 3.5 / 1.5)
    # A text without a term counts as one empty term: mean length (3 + 2 + 1 + 1) / 4 = 1.75.
    length_part = 1 - 0.75 + 0.75 * 3 / 1.75
    expected = idf * 2 / (2 + 1.5 * length_part)

    assert BM25Index.of(TEXTS).scores("cold") == pytest.approx([expected, 0, 0, 0], abs=1e-6)


def test_the_scores_of_several_terms_add_up() -> None:
    index = BM25Index.of(TEXTS)

    assert index.scores("cold pack") == pytest.approx(index.scores("cold") + index.scores("pack"), abs=1e-6)


@settings(max_examples=30)
@given(
    texts=st.lists(st.text("abcdefg ", max_size=60), min_size=1, max_size=30),
    at_once=st.sampled_from([1, 7, 4_000_000]),
)
def test_what_is_stored_is_what_bm25s_would_make_of_all_texts_at_once(texts: list[str], at_once: int) -> None:
    tokenized = [terms(text) or [""] for text in texts]
    vocabulary = {term: at for at, term in enumerate(sorted({*chain(*tokenized), ""}))}
    expected = bm25s.BM25(method="lucene", k1=BM25Index.K1, b=BM25Index.B)
    ids = [[vocabulary[term] for term in each] for each in tokenized]
    expected.index((ids, vocabulary), create_empty_token=False, show_progress=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("index.lexical._SCORED_AT_ONCE", at_once)
        index = BM25Index.of(iter(texts))

    for name in ("indptr", "indices"):
        assert getattr(index._term_scores, name).tolist() == expected.scores[name].tolist()
    assert index._term_scores.data == pytest.approx(expected.scores["data"], rel=1e-6)


def test_what_is_written_has_the_scores_that_bm25s_gives_it(tmp_path: Path) -> None:
    index = BM25Index.of(TEXTS)
    index.write(tmp_path)
    theirs = bm25s.BM25.load(str(tmp_path), mmap=True, load_vocab=False)

    for query in ("cold", "warm pack cold", "sleep pack sleep"):
        ids = [index._vocabulary[term] for term in terms(query)]
        assert index.scores(query).tobytes() == theirs.get_scores_from_ids(ids).tobytes()


def test_the_stop_words_are_those_of_bm25s() -> None:
    assert set(STOPWORDS_EN) == _STOP_WORDS


@pytest.mark.parametrize("query", ["", "the of", "zebra", "?!"])
def test_a_query_that_shares_no_word_scores_nothing(query: str) -> None:
    scores = BM25Index.of(TEXTS).scores(query)

    assert scores.shape == (4,)
    assert not scores.any()


def test_texts_without_any_term_can_be_indexed() -> None:
    index = BM25Index.of(["", "the", "!"])

    assert not index.scores("cold").any()
    assert not index.knows("cold")


def test_a_term_weighs_by_how_rare_it_is_and_an_unknown_one_most() -> None:
    index = BM25Index.of(TEXTS)

    # "pack" is in two of four texts, "cold" in one, "zebra" in none.
    assert index.term_weights("packs cold zebra pack") == pytest.approx(
        {"cold": math.log(1 + 3.5 / 1.5), "pack": math.log(1 + 2.5 / 2.5), "zebra": math.log(1 + 4.5 / 0.5)}
    )
    assert (index.knows("pack"), index.knows("zebra")) == (True, False)


def test_an_index_that_is_written_and_read_ranks_as_before_and_gives_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder in folders:
        folder.mkdir()
    index = BM25Index.of(TEXTS)
    index.write(folders[0])
    BM25Index.of(TEXTS).write(folders[1])
    again = BM25Index.read(folders[0])
    again.write(folders[2])

    for query in ("cold", "warm pack", "sleep sleep", "zebra"):
        assert again.scores(query).tobytes() == index.scores(query).tobytes()
        assert again.term_weights(query) == index.term_weights(query)
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert contents[0] == contents[1] == contents[2]


def test_where_texts_stand_does_not_change_their_scores() -> None:
    forward, backward = BM25Index.of(TEXTS).scores("cold pack"), BM25Index.of(TEXTS[::-1]).scores("cold pack")

    assert forward.tobytes() == np.ascontiguousarray(backward[::-1]).tobytes()
