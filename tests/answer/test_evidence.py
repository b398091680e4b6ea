from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answer.evidence import (
    EVIDENCE_PASSAGES,
    JUDGED_PASSAGES,
    POOL_PASSAGES,
    Asked,
    compare_sentences,
    covered_weight,
    gather_evidence,
)
from index.lexical import terms
from index.searching import Searcher, SearchFilter

WEIGHTS = {"cold": 2.0, "pack": 1.0, "swell": 1.0}


@pytest.mark.parametrize(
    ("covered", "share"),
    [(set(), 0), ({"cold"}, 2 / 4), ({"pack", "swell"}, 2 / 4), ({"cold", "pack", "swell"}, 1)],
)
def test_the_covered_weight_is_the_share_of_the_terms_by_how_rare_they_are(
    covered: set[str], share: float
) -> None:
    assert covered_weight(WEIGHTS, frozenset(covered)) == pytest.approx(share)


def test_a_question_without_terms_is_not_covered() -> None:
    assert covered_weight({}, frozenset()) == 0


@given(st.dictionaries(st.text(max_size=3), st.floats(0.01, 10), min_size=1), st.randoms())
def test_covering_more_never_counts_less(weights: dict[str, float], random: st.DataObject) -> None:
    order = sorted(weights)
    random.shuffle(order)  # type: ignore[attr-defined]
    shares = [covered_weight(weights, frozenset(order[:count])) for count in range(len(order) + 1)]

    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(shares))
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1)


def test_every_sentence_of_the_best_passages_is_compared_in_order(searcher: Searcher) -> None:
    result = searcher.search("Does salt water wash pollen from the nose?", k=8)
    evidence = gather_evidence(searcher, result)

    expected = [
        (hit.rank, sentence.start)
        for hit in result.ranked[:EVIDENCE_PASSAGES]
        for sentence in hit.passage.sentences
    ]
    assert [(each.passage.rank, each.sentence.start) for each in evidence.sentences] == expected


def test_the_text_of_a_sentence_is_that_of_its_document(searcher: Searcher) -> None:
    result = searcher.search("salt water", k=8)
    for each in gather_evidence(searcher, result).sentences:
        document = searcher.content.document(each.passage.passage.doc_id)
        assert each.text == document.text[each.sentence.start : each.sentence.end]


def test_a_sentence_covers_the_terms_that_it_or_its_headings_have(searcher: Searcher) -> None:
    question = "Treatment of sneezing with tablets by zebras"
    result = searcher.search(question, k=8)
    hit = next(hit for hit in result.ranked if hit.passage.section == ("Treatment",))
    weights = searcher.lexical.term_weights(question)

    by_text = {
        each.text[:14]: each.covered for each in compare_sentences(searcher, result, [hit], Asked(weights))
    }
    assert by_text["Antihistamine "] == frozenset(terms("treatment sneezing tablets"))
    assert by_text["Shake the bott"] == frozenset(terms("treatment"))


def test_a_cosine_is_the_inner_product_with_the_sentence_without_its_marker(searcher: Searcher) -> None:
    result = searcher.search("Antihistamine tablets relieve sneezing within an hour.", k=8)
    evidence = gather_evidence(searcher, result)

    best = max(evidence.sentences, key=lambda each: each.cosine)
    assert best.text == "Antihistamine tablets relieve sneezing within\nan hour [2].".replace("\n", " ")
    assert best.cosine == pytest.approx(1, abs=1e-3)  # stored with half precision


def test_the_features_are_the_best_passage_and_the_best_sentence(searcher: Searcher) -> None:
    result = searcher.search("cold pack for a sting", k=8)
    evidence = gather_evidence(searcher, result)

    assert evidence.features.best_passage == max(hit.dense for hit in result.ranked)
    assert evidence.features.best_sentence == max(each.cosine for each in evidence.sentences)
    assert evidence.features.joint_terms == max(
        covered_weight(evidence.weights, each.covered) for each in evidence.sentences
    )
    assert evidence.features.as_array()[:2].tolist() == [
        evidence.features.best_passage,
        evidence.features.best_sentence,
    ]


def test_the_aspect_gap_is_the_distance_to_the_nearest_sentence_that_shows_the_aspect(
    searcher: Searcher,
) -> None:
    result = searcher.search("How many adults rinsed the nose with warm salt water?", k=8)
    evidence = gather_evidence(searcher, result)

    shows = [each.cosine for each in evidence.sentences if "number" in each.shown]
    assert shows
    assert evidence.features.aspect_gap == max(shows) - max(each.cosine for each in evidence.sentences)


def test_the_lead_is_how_far_the_best_match_of_the_judged_passages_is_above_their_mean(
    searcher: Searcher,
) -> None:
    result = searcher.search("How many adults rinsed the nose with warm salt water?", k=JUDGED_PASSAGES)
    matches = [hit.late for hit in result.ranked if hit.late is not None]
    features = gather_evidence(searcher, result).features

    assert len(matches) > 1
    assert features.best_match == max(matches)
    assert features.lead == pytest.approx(max(matches) - np.mean(matches))


def test_without_tokens_nothing_matches_token_by_token(searcher: Searcher) -> None:
    result = searcher.search("warm salt water", k=JUDGED_PASSAGES)
    without = replace(result, ranked=tuple(replace(hit, late=None) for hit in result.ranked))
    features = gather_evidence(searcher, without).features

    assert (features.best_match, features.lead) == (0.0, 0.0)


def test_the_features_do_not_depend_on_how_many_passages_are_asked_for(searcher: Searcher) -> None:
    result = searcher.search("water for a nose, a blister and a sting", k=1)
    judged = replace(result, ranked=result.ranked * JUDGED_PASSAGES)
    last = replace(result.ranked[0], rank=JUDGED_PASSAGES + 1, dense=1.0)
    more = replace(judged, ranked=(*judged.ranked, last))

    assert gather_evidence(searcher, more).features == gather_evidence(searcher, judged).features


def test_nothing_found_gives_no_evidence_and_no_error(searcher: Searcher) -> None:
    result = searcher.search("nose", k=5, only=SearchFilter(documents=()))
    evidence = gather_evidence(searcher, result)

    assert evidence.sentences == ()
    assert not evidence.features.as_array().any()


def test_a_passage_that_ranks_lower_is_compared_whole_where_one_of_its_sentences_has_the_term(
    searcher: Searcher,
) -> None:
    all_words = " ".join(passage.text for passage in searcher.content.all_passages())
    result = searcher.search(all_words, k=POOL_PASSAGES)
    evidence = gather_evidence(searcher, result)
    lower = [hit for hit in result.ranked[EVIDENCE_PASSAGES:] if hit.lexical > 0]
    assert lower

    for term in {*terms(lower[-1].passage.text), "zebra"}:
        having = [
            hit
            for hit in lower
            if any(term in terms(hit.passage.text_of(sentence)) for sentence in hit.passage.sentences)
        ]
        expected = [(hit.rank, sentence.start) for hit in having for sentence in hit.passage.sentences]
        assert [(each.passage.rank, each.sentence.start) for each in evidence.further(term)] == expected
        assert bool(expected) == (term != "zebra")


def test_vectors_that_are_not_of_the_sentences_are_refused(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = searcher.search("salt water", k=3)
    vectors_of = searcher.sentence_vectors
    monkeypatch.setattr(searcher, "sentence_vectors", lambda positions: vectors_of(positions)[:-1])

    with pytest.raises(ValueError, match="zip"):
        compare_sentences(searcher, result, result.ranked, Asked({}))
