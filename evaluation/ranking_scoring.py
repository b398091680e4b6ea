"""Scoring rankings of documents or passages against qrels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evaluation.measures import Qrels, Run, score_run, strictly_decreasing
from evaluation.question_sets import mean_estimate
from evaluation.ranking_sets import RankingSet
from evaluation.results import QueryResult, Returned, SetResult
from ingest.errors import CorpusError

_SHOWN = 10

#: What the judgments name: documents (the best passage of a document counts for it) or passages.
Level = Literal["document", "passage"]


@dataclass(frozen=True, slots=True)
class Found:
    """One passage of a ranking."""

    passage_id: str
    doc_id: str
    score: float
    shown: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """The ranking of one query, best first, or why there is none."""

    found: tuple[Found, ...] = ()
    failure: str | None = None

    @classmethod
    def from_json(cls, stored: Sequence[Sequence[Any]]) -> "Ranking":
        """Make the ranking that `as_json` stored."""
        return cls(tuple(Found(str(p), str(d), float(s), str(t)) for p, d, s, t in stored))

    def as_json(self) -> list[list[Any]]:
        """Return passage_id, doc_id, score and beginning of each place."""
        return [[each.passage_id, each.doc_id, each.score, each.shown] for each in self.found]


def judged_level(qrels: Qrels, doc_ids: frozenset[str], passages: frozenset[str]) -> Level:
    """Return whether judgments name the documents or the passages of an index.

    Raises:
        CorpusError: If they name neither: nothing of what was judged is in the index.
    """
    judged = {name for grades in qrels.values() for name in grades}
    if judged & doc_ids:
        return "document"
    if judged & passages:
        return "passage"
    raise CorpusError(
        f"None of the {len(judged)} judged documents, such as {min(judged)!r}, is in the index, which holds "
        f"{', '.join(sorted(doc_ids)[:5])}. Evaluate a set that was judged on this index."
    )


def fold(ranking: Ranking, *, level: Level, depth: int) -> dict[str, tuple[float, str]]:
    """Return item -> (score, beginning) in order of rank; a document stands where its best passage does."""
    folded: dict[str, tuple[float, str]] = {}
    for each in ranking.found:
        item = each.doc_id if level == "document" else each.passage_id
        if item not in folded and len(folded) < depth:
            folded[item] = (each.score, each.shown)
    return folded


def score_rankings(
    asked: RankingSet, rankings: Mapping[str, Ranking], *, level: Level, depth: int
) -> tuple[SetResult, Run]:
    """Score the rankings of a set, and return the run they make.

    Args:
        asked: The set.
        rankings: Query -> ranking; a judged query without one counts as failed.
        level: What the judgments name.
        depth: How many items of each ranking count.
    """
    folded = {query: fold(ranking, level=level, depth=depth) for query, ranking in rankings.items()}
    run = {
        query: strictly_decreasing([(item, score) for item, (score, _) in items.items()])
        for query, items in folded.items()
    }
    failures = _failures(asked, rankings)
    queries = {
        query: QueryResult(
            text=asked.queries.get(query, ""),
            failure=failures.get(query),
            ranking=tuple(
                Returned(item, score, shown, relevant=asked.qrels[query].get(item, 0) > 0)
                for item, (score, shown) in list(folded.get(query, {}).items())[:_SHOWN]
            ),
        )
        for query in asked.qrels
    }
    return _result(asked, run, queries), run


def score_finished_run(asked: RankingSet, run: Run) -> SetResult:
    """Score a run that was made elsewhere; its ties are ordered as ir-measures does."""
    queries = {
        query: QueryResult(
            text=asked.queries.get(query, ""),
            failure=None if query in run else "is not in the run",
            ranking=tuple(
                Returned(item, score, relevant=asked.qrels[query].get(item, 0) > 0)
                for item, score in sorted(run.get(query, {}).items(), key=lambda pair: -pair[1])[:_SHOWN]
            ),
        )
        for query in asked.qrels
    }
    return _result(asked, run, queries)


def _failures(asked: RankingSet, rankings: Mapping[str, Ranking]) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for query in asked.qrels:
        if query not in asked.queries:
            reasons[query] = "is judged, but the set has no such query"
        elif query not in rankings:
            reasons[query] = "was never asked"
        elif (failure := rankings[query].failure) is not None:
            reasons[query] = failure
    return reasons


def _result(asked: RankingSet, run: Run, queries: Mapping[str, QueryResult]) -> SetResult:
    per_query = score_run(asked.qrels, run)
    order = list(asked.qrels)
    failed = {query: each.failure for query, each in queries.items() if each.failure is not None}
    nothing_relevant = sum(max(grades.values(), default=0) <= 0 for grades in asked.qrels.values())
    return SetResult(
        name=asked.name,
        form=asked.form,
        sha256=asked.sha256,
        split=asked.split,
        n_queries=len(order),
        estimates={name: mean_estimate(values, order) for name, values in per_query.items()},
        per_query=per_query,
        queries=queries,
        failed=failed,
        empty=tuple(query for query in order if query not in failed and not run.get(query)),
        counts={
            "queries without a judgment, left out": asked.unjudged,
            "queries with nothing relevant": nothing_relevant,
        },
    )
