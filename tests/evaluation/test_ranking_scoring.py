"""Scoring rankings against qrels."""

from dataclasses import replace

import pytest

from evaluation.ranking_scoring import (
    Found,
    Judgement,
    Ranking,
    fold,
    judged_level,
    score_finished_run,
    score_rankings,
)
from evaluation.ranking_sets import RankingSet
from ingest.errors import CorpusError


def asked(qrels: dict[str, dict[str, int]], queries: tuple[str, ...] = ("q1", "q2", "q3")) -> RankingSet:
    return RankingSet(
        name="set",
        form="beir",
        sha256="",
        split="test",
        queries={query: f"text of {query}" for query in queries},
        qrels=qrels,
        corpus=None,
        unjudged=0,
    )


def ranking(*places: tuple[str, str, float]) -> Ranking:
    return Ranking(tuple(Found(passage, doc, score, f"{doc} says") for passage, doc, score in places))


PASSAGES = ranking(("p1", "a", 0.9), ("p2", "a", 0.8), ("p3", "b", 0.8), ("p4", "c", 0.1))


def test_a_document_stands_where_its_best_passage_does() -> None:
    assert list(fold(PASSAGES, level="document", depth=2)) == ["a", "b"]
    assert list(fold(PASSAGES, level="passage", depth=9)) == ["p1", "p2", "p3", "p4"]


def test_scores_count_failed_empty_and_missing_queries() -> None:
    qrels = {"q1": {"b": 1}, "q2": {"a": 1}, "q3": {"a": 1}, "q4": {"a": 1}}
    rankings = {"q1": PASSAGES, "q2": Ranking(failure="crashed"), "q3": Ranking()}

    result, run = score_rankings(asked(qrels), rankings, level="document", depth=10)

    assert result.per_query["MRR@10"] == {"q1": 0.5, "q2": 0, "q3": 0, "q4": 0}
    assert result.estimates["MRR@10"].value == 0.125
    assert result.failed == {"q2": "crashed", "q4": "is judged, but the set has no such query"}
    assert result.empty == ("q3",)
    assert list(run["q1"]) == ["a", "b", "c"]
    assert [each.relevant for each in result.queries["q1"].ranking] == [False, True, False]


def test_equal_scores_keep_the_order_in_which_they_were_ranked() -> None:
    tied = ranking(("p1", "a", 0.5), ("p2", "b", 0.5))

    result, _ = score_rankings(asked({"q1": {"a": 1}}), {"q1": tied}, level="document", depth=10)

    assert result.per_query["Success@1"] == {"q1": 1}
    assert result.per_query["MRR@10"] == {"q1": 1}


def test_a_finished_run_is_scored_over_all_judged_queries() -> None:
    result = score_finished_run(asked({"q1": {"a": 1}, "q2": {"a": 1}}), {"q1": {"a": 1.0}, "q9": {"a": 1.0}})

    assert result.per_query["nDCG@10"] == {"q1": 1, "q2": 0}
    assert result.failed == {"q2": "is not in the run"}


def test_judgments_name_documents_or_passages_or_something_else() -> None:
    qrels = {"q": {"x": 1}}

    assert judged_level(qrels, frozenset({"x"}), frozenset()) == "document"
    assert judged_level(qrels, frozenset({"y"}), frozenset({"x"})) == "passage"
    with pytest.raises(CorpusError, match="None of the 1 judged documents, such as 'x', is in the index"):
        judged_level(qrels, frozenset({"y"}), frozenset())


def test_a_ranking_is_stored_and_read_back() -> None:
    judged = replace(PASSAGES, judgement=Judgement(answered=True, confidence=0.7, answer="a says"))

    assert Ranking.from_json(PASSAGES.as_json()) == PASSAGES
    assert Ranking.from_json(judged.as_json()) == judged


def test_unanswerable_queries_count_for_refusal_and_not_for_ranking() -> None:
    partly = replace(
        asked({"q1": {"a": 1}, "q2": {"b": 0}, "q3": {"b": 0}}), unanswerable=frozenset({"q2", "q3"})
    )
    judged = {
        "q1": replace(PASSAGES, judgement=Judgement(answered=True, confidence=0.7, answer="a says")),
        "q2": replace(PASSAGES, judgement=Judgement(answered=False, confidence=0.2, answer=None)),
        "q3": Ranking(failure="crashed"),
    }

    result, _ = score_rankings(partly, judged, level="document", depth=10)

    assert result.per_query["Success@1"] == {"q1": 1}
    assert result.estimates["AUROC"].value == 0.5  # above q2, below q3, which failed
    assert result.per_query["false_answer"] == {"q2": 0, "q3": 1}
    assert result.queries["q1"].answer == "a says"
    assert result.counts["unanswerable"] == 2
