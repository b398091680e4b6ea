"""Ranking measures: the same numbers as the field's own tools, and no query dropped."""

import itertools
import math
import random

import ir_measures
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from evaluation.measures import MEASURES, score_run, strictly_decreasing

N_RANDOM = 1_000
_TREC_NAMES = {
    "nDCG@10": "ndcg_cut_10",
    "MAP": "map",
    "Recall@5": "recall_5",
    "Recall@10": "recall_10",
    "Recall@100": "recall_100",
    "Success@1": "success_1",
    "Success@5": "success_5",
    "Success@10": "success_10",
}


def random_case(rng: random.Random) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """Return qrels and a run with ties, empty rankings, unjudged documents and missing queries."""
    docs = [f"d{n}" for n in range(rng.randint(3, 150))]
    queries = [f"q{n}" for n in range(rng.randint(1, 6))]
    qrels = {
        query: {doc: rng.choice([0, 0, 1, 2]) for doc in rng.sample(docs, rng.randint(1, min(len(docs), 30)))}
        for query in queries
    }
    run = {
        query: {
            doc: float(rng.choice([rng.randint(0, 3), rng.random()]))
            for doc in rng.sample(docs, rng.randint(0, len(docs)))
        }
        for query in [*queries, "nobody-judged-this"]
        if rng.random() < 0.8
    }
    return qrels, run


def test_measures_equal_pytrec_eval_and_ir_measures_on_random_runs() -> None:
    rng = random.Random(20)
    compared = 0
    for _ in range(N_RANDOM):
        qrels, run = random_case(rng)
        expected = pytrec_eval.RelevanceEvaluator(qrels, set(_TREC_NAMES.values())).evaluate(run)
        reciprocal = {
            found.query_id: found.value for found in ir_measures.iter_calc([ir_measures.RR @ 10], qrels, run)
        }

        values = score_run(qrels, run)

        for query in qrels:
            for name, trec_name in _TREC_NAMES.items():
                wanted = expected.get(query, {}).get(trec_name, 0.0)
                assert values[name][query] == pytest.approx(wanted, abs=1e-6), (name, query)
            assert values["MRR@10"][query] == pytest.approx(reciprocal[query], abs=1e-6)
            compared += 1
    assert compared > N_RANDOM


def test_a_missing_query_an_empty_ranking_and_one_without_relevant_documents_score_zero() -> None:
    qrels = {
        "missing": {"a": 1},
        "empty": {"a": 1},
        "none relevant": {"a": 0},
        "unjudged": {},
        "found": {"a": 1},
    }
    run = {"empty": {}, "none relevant": {"a": 1.0}, "unjudged": {"a": 1.0}, "found": {"a": 1.0}}

    for per_query in score_run(qrels, run).values():
        assert per_query == {"missing": 0, "empty": 0, "none relevant": 0, "unjudged": 0, "found": 1}


def test_worked_values() -> None:
    qrels = {"q": {"a": 2, "b": 1, "c": 1}}
    run = {"q": {"x": 5.0, "a": 4.0, "y": 3.0, "b": 2.0}}

    values = {name: per_query["q"] for name, per_query in score_run(qrels, run).items()}

    ideal = 2 + 1 / math.log2(3) + 1 / math.log2(4)
    assert values["nDCG@10"] == pytest.approx((2 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert values["MRR@10"] == pytest.approx(1 / 2)
    assert values["MAP"] == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert values["Recall@5"] == pytest.approx(2 / 3)
    assert (values["Success@1"], values["Success@5"]) == (0, 1)


def test_a_negative_grade_is_not_relevant() -> None:
    values = score_run({"q": {"a": -1, "b": 1}}, {"q": {"a": 2.0, "b": 1.0}})

    assert values["MRR@10"]["q"] == 0.5
    assert values["nDCG@10"]["q"] == pytest.approx(1 / math.log2(3))


def test_no_queries_give_no_values() -> None:
    assert score_run({}, {"q": {"a": 1.0}}) == {name: {} for name in MEASURES}


@given(st.lists(st.floats(min_value=-1e6, max_value=1e6), max_size=40))
def test_scores_made_strictly_decreasing_keep_the_order_whatever_the_ties(scores: list[float]) -> None:
    ranking = [(f"d{at}", score) for at, score in enumerate(sorted(scores, reverse=True))]

    single = strictly_decreasing(ranking)

    assert list(single) == [doc for doc, _ in ranking]
    values = list(single.values())
    assert all(after < before for before, after in itertools.pairwise(values))
    assert values == pytest.approx(sorted(scores, reverse=True), rel=1e-5, abs=1e-5)
