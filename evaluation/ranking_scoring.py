"""Scoring rankings of documents or passages against qrels."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from evaluation.measures import Qrels, Run, score_run, strictly_decreasing
from evaluation.question_sets import mean_estimate
from evaluation.ranking_sets import RankingSet
from evaluation.refusal import (
    Verdict,
    count_verdicts,
    refusal_estimates,
    refusal_values,
    reliability,
    risk_curve,
)
from evaluation.results import QueryResult, Returned, SetResult, digest
from ingest.errors import CorpusError

_SHOWN = 10
_TOP = 5

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
class Judgement:
    """What was said to a query besides its ranking."""

    answered: bool
    confidence: float
    answer: str | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """The ranking of one query, best first, or why there is none; `judgement` where one was asked for."""

    found: tuple[Found, ...] = ()
    failure: str | None = None
    judgement: Judgement | None = None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Ranking":
        """Make the ranking that `as_json` stored."""
        found = tuple(Found(str(p), str(d), float(s), str(t)) for p, d, s, t in stored["found"])
        judged = stored["judgement"]
        return cls(found, judgement=None if judged is None else Judgement(**judged))

    def as_json(self) -> dict[str, Any]:
        """Return passage_id, doc_id, score and beginning of each place, and the judgement."""
        return {
            "found": [[each.passage_id, each.doc_id, each.score, each.shown] for each in self.found],
            "judgement": None if self.judgement is None else asdict(self.judgement),
        }


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
    judgements = {query: each.judgement for query, each in rankings.items() if each.judgement}
    queries = {
        query: QueryResult(
            text=asked.queries.get(query, ""),
            digest=digest(asked.queries.get(query, ""), sorted(asked.qrels[query].items())),
            kind="unanswerable" if query in asked.unanswerable else "",
            failure=failures.get(query),
            confidence=judgements[query].confidence if query in judgements else None,
            answer=judgements[query].answer if query in judgements else None,
            ranking=tuple(
                Returned(item, score, shown, relevant=asked.qrels[query].get(item, 0) > 0)
                for item, (score, shown) in list(folded.get(query, {}).items())[:_SHOWN]
            ),
        )
        for query in asked.qrels
    }
    result = _result(asked, run, queries)
    if asked.unanswerable:
        result = _with_refusal(result, asked, judgements)
    return result, run


def score_finished_run(asked: RankingSet, run: Run) -> SetResult:
    """Score a run that was made elsewhere; its ties are ordered as ir-measures does."""
    queries = {
        query: QueryResult(
            text=asked.queries.get(query, ""),
            digest=digest(asked.queries.get(query, ""), sorted(asked.qrels[query].items())),
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


def _with_refusal(result: SetResult, asked: RankingSet, judgements: Mapping[str, Judgement]) -> SetResult:
    """Add what the confidences are worth; a query without a judgement has failed."""
    nothing = Judgement(answered=False, confidence=0.0, answer=None)
    verdicts = [
        Verdict(
            query=query,
            kind=each.kind,
            answerable=query not in asked.unanswerable,
            answered=judgements.get(query, nothing).answered,
            confidence=judgements.get(query, nothing).confidence,
            misled=not any(place.relevant for place in each.ranking[:_TOP]) or query in asked.unanswerable,
            failed=query not in judgements,
        )
        for query, each in result.queries.items()
    ]
    per_query = refusal_values(verdicts)
    means = {name: mean_estimate(values, list(asked.qrels)) for name, values in per_query.items()}
    return replace(
        result,
        estimates={**result.estimates, **means, **refusal_estimates(verdicts)},
        per_query={**result.per_query, **per_query},
        counts={**result.counts, **count_verdicts(verdicts), "documents left out": len(asked.left_out)},
        reliability=reliability(verdicts),
        risk_coverage=risk_curve(verdicts),
    )


def _result(asked: RankingSet, run: Run, queries: Mapping[str, QueryResult]) -> SetResult:
    # Of an unanswerable query nothing can be found: it is about refusal only.
    ranked = {query: grades for query, grades in asked.qrels.items() if query not in asked.unanswerable}
    per_query = score_run(ranked, run)
    order = list(asked.qrels)
    failed = {query: each.failure for query, each in queries.items() if each.failure is not None}
    nothing_relevant = sum(max(grades.values(), default=0) <= 0 for grades in ranked.values())
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
