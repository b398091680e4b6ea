"""Ranking measures, one value per judged query, computed by ir-measures."""

from collections.abc import Mapping, Sequence

import ir_measures
import numpy as np
from ir_measures import AP, RR, R, Success, nDCG

#: query -> document or passage -> relevance grade; 0 is judged and not relevant.
Qrels = Mapping[str, Mapping[str, int]]
#: query -> document or passage -> score; higher is better.
Run = Mapping[str, Mapping[str, float]]

#: Name in our reports -> measure; `MAP` reads every rank that was returned.
MEASURES = {
    "nDCG@10": nDCG @ 10,
    "MRR@10": RR @ 10,
    "MAP": AP,
    "Recall@5": R @ 5,
    "Recall@10": R @ 10,
    "Recall@100": R @ 100,
    "Success@1": Success @ 1,
    "Success@5": Success @ 5,
    "Success@10": Success @ 10,
}


def score_run(
    qrels: Qrels, run: Run, *, names: Sequence[str] = tuple(MEASURES)
) -> dict[str, dict[str, float]]:
    """Return measure -> query -> value, for every query of the qrels.

    A query that the run lacks, or for which it returned nothing, scores 0; so does one without any
    relevant document. Queries of the run that nobody judged are left out. Documents that nobody judged
    count as not relevant. Grades are nDCG's gains, linear; for the other measures 1 or more is relevant.

    Equal scores are ordered as ir-measures does, which is not the same for all measures: by document
    name downwards (trec_eval), but as they come for MRR@10. `strictly_decreasing` takes ties out of a run.

    Args:
        qrels: Judgments; a grade below 0 counts as 0.
        run: One ranked list per query.
        names: Which of `MEASURES`.
    """
    values = {name: dict.fromkeys(qrels, 0.0) for name in names}
    if not qrels:
        return values
    judged = {
        query: {doc: max(grade, 0) for doc, grade in qrels[query].items()} for query in qrels if qrels[query]
    }
    returned = {query: dict(run[query]) for query in judged if run.get(query)}
    by_measure = {str(MEASURES[name]): name for name in names}
    for found in ir_measures.iter_calc([MEASURES[name] for name in names], judged, returned):
        values[by_measure[str(found.measure)]][found.query_id] = float(found.value)
    return values


def strictly_decreasing(ranking: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Return document -> score such that sorting by score gives back exactly this order.

    A score that is not below the one before it in single precision, which is what trec_eval compares
    in, is lowered to the next smaller number. All others stay as they are, rounded to that precision.
    """
    scores: dict[str, float] = {}
    before = np.float32(np.inf)
    for doc, score in ranking:
        before = min(np.float32(score), np.nextafter(before, np.float32(-np.inf)))
        scores[doc] = float(before)
    return scores
