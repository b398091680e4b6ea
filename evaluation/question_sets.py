"""Scoring a set of judged questions: passages, answers, reference numbers, refusals and notices."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from answer.nuggets import ARTICLE, Nuggets, relevant_passages
from answer.questions import JudgedQuestion, read_questions
from evaluation.measures import score_run, strictly_decreasing
from evaluation.outcomes import DocumentView, NumberCheck, Outcome, check_numbers
from evaluation.refusal import (
    Verdict,
    count_verdicts,
    refusal_estimates,
    refusal_values,
    reliability,
    risk_curve,
)
from evaluation.resampling import Estimate, Floats, estimate, ratio, weighted_mean, widen
from evaluation.results import QueryResult, Returned, SetResult, Slice, digest
from ingest.errors import CorpusError

RANKING_MEASURES = ("nDCG@10", "MRR@10", "MAP", "Recall@5", "Recall@10", "Success@1", "Success@5")
_SLICED = ("Success@1", "Success@5", "complete@5", "answer_support")
_TOP = 5
_UNANSWERABLE_KINDS = ("off_topic", "near_miss")
_SHOWN_CHARS = 240

PerQuery = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A file of judged questions."""

    name: str
    sha256: str
    questions: tuple[JudgedQuestion, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """One question with all that is known about the reply to it."""

    question: JudgedQuestion
    outcome: Outcome
    nuggets: Nuggets
    numbers: NumberCheck
    relevant: Mapping[str, int]  # every relevant passage of the index

    @property
    def top(self) -> Sequence[str]:
        return [each.passage_id for each in self.outcome.passages[:_TOP]]

    @property
    def verdict(self) -> Verdict:
        return Verdict(
            query=self.question.id,
            kind=self.question.kind,
            answerable=self.question.answerable,
            answered=self.outcome.answerable,
            confidence=self.outcome.confidence,
            misled=not self.question.answerable or not any(item in self.relevant for item in self.top),
            failed=self.outcome.failure is not None,
        )


def read_question_set(path: Path) -> QuestionSet:
    """Read a set in JSON Lines.

    Raises:
        CorpusError: If a line is no question, a pattern no regular expression, an id comes twice, or there
            is no question at all.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}. Name a question set.") from error
    questions = read_questions(path)
    if not questions:
        raise CorpusError(f"{path} holds no question. Write one JSON object a line; README names the fields.")
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise CorpusError(f"{path}: the id {question.id!r} stands twice. Give each question its own.")
        seen.add(question.id)
        Nuggets.of(question)
    return QuestionSet(path.stem, hashlib.sha256(content).hexdigest(), tuple(questions))


def documents_needed(
    questions: QuestionSet, outcomes: Mapping[str, Outcome], numbers: Mapping[str, int | None]
) -> list[str]:
    """Return the doc_ids that scoring needs: those that questions name, and those that replies show.

    Args:
        questions: The set.
        outcomes: The replies to it.
        numbers: doc_id -> 0 for an article, else the reference number, for every document of the index.
    """
    named = {number for question in questions.questions for number in question.refs}
    shown = {each.doc_id for outcome in outcomes.values() for each in outcome.passages}
    shown |= {each.doc_id for outcome in outcomes.values() for each in outcome.sentences}
    return [doc_id for doc_id, number in numbers.items() if number in named or doc_id in shown]


def score_questions(
    questions: QuestionSet, outcomes: Mapping[str, Outcome], *, views: Mapping[str, DocumentView]
) -> SetResult:
    """Score the replies to a question set.

    A passage is relevant when its document is among the question's `refs` and it shows at least one group
    of its nuggets; Recall and nDCG count all relevant passages of the index, shown or not. A question that
    failed gets the worst value of every measure that is about it.

    Args:
        questions: The set.
        outcomes: Question id -> outcome; a missing one counts as failed.
        views: doc_id -> document, for all `documents_needed`.
    """
    cases = [
        _case(question, outcomes.get(question.id, Outcome(failure="was never asked")), views)
        for question in questions.questions
    ]
    verdicts = [case.verdict for case in cases]
    per_query = (
        _passage_measures(cases)
        | _answer_measures(cases)
        | refusal_values(verdicts, kinds=_UNANSWERABLE_KINDS)
        | _notice_measures(cases)
    )
    return SetResult(
        name=questions.name,
        form="questions",
        sha256=questions.sha256,
        split=None,
        n_queries=len(cases),
        estimates=_estimates(cases, per_query),
        per_query=per_query,
        queries={case.question.id: _query_result(case) for case in cases},
        failed={case.question.id: case.outcome.failure for case in cases if case.outcome.failure is not None},
        empty=tuple(
            case.question.id for case in cases if not case.outcome.passages and case.outcome.failure is None
        ),
        counts=_counts(cases),
        slices=tuple(_slices(cases, per_query)),
        reliability=reliability(verdicts),
        risk_coverage=risk_curve(verdicts),
    )


def _case(question: JudgedQuestion, outcome: Outcome, views: Mapping[str, DocumentView]) -> _Case:
    nuggets = Nuggets.of(question)
    relevant = relevant_passages(nuggets, views.values()) if question.answerable else {}
    numbers = NumberCheck(0, ()) if outcome.failure else check_numbers(outcome, views)
    return _Case(question, outcome, nuggets, numbers, relevant)


def _passage_measures(cases: Sequence[_Case]) -> PerQuery:
    answerable = [case for case in cases if case.question.answerable]
    qrels = {case.question.id: case.relevant for case in answerable}
    run = {case.question.id: ranking_scores(case.outcome) for case in answerable}
    complete = {
        case.question.id: float(case.nuggets.complete(case.outcome.passages[:_TOP])) for case in answerable
    }
    return score_run(qrels, run, names=RANKING_MEASURES) | {"complete@5": complete}


def ranking_scores(outcome: Outcome) -> dict[str, float]:
    """Return passage_id -> score of a reply's passages, without ties."""
    return strictly_decreasing([(each.passage_id, each.score) for each in outcome.passages])


def _answer_measures(cases: Sequence[_Case]) -> PerQuery:
    found: PerQuery = {"answer_support": {}, "answer_complete": {}, "answer_support_if_answered": {}}
    for case in cases:
        if not case.question.answerable:
            continue
        shown = case.nuggets.shown_in(case.outcome.answer or "")
        supported = case.outcome.answer is not None and (bool(shown) or not case.nuggets.groups)
        complete = supported and len(shown) == len(case.nuggets.groups)
        found["answer_support"][case.question.id] = float(supported)
        found["answer_complete"][case.question.id] = float(complete)
        if case.outcome.answer is not None:
            found["answer_support_if_answered"][case.question.id] = float(supported)
    numbers = {
        case.question.id: float(not case.numbers.wrong and case.outcome.failure is None) for case in cases
    }
    return {**found, "numbers_right": numbers}


def _notice_measures(cases: Sequence[_Case]) -> PerQuery:
    found: PerQuery = {"notice_recall": {}, "notice_false_alarm": {}}
    for case in cases:
        key, due = case.question.id, case.question.notice
        if due is None:
            alarmed = case.outcome.failure is not None or bool(case.outcome.notices)
            found["notice_false_alarm"][key] = float(alarmed)
        else:
            found["notice_recall"][key] = float(due in case.outcome.notices)
    return found


def _estimates(cases: Sequence[_Case], per_query: PerQuery) -> dict[str, Estimate]:
    order = [case.question.id for case in cases]
    found = {name: mean_estimate(values, order) for name, values in per_query.items()}
    found |= refusal_estimates([case.verdict for case in cases], kinds=_UNANSWERABLE_KINDS)
    return found | {"number_accuracy": _number_accuracy(cases)}


def mean_estimate(values: Mapping[str, float], order: Sequence[str]) -> Estimate:
    """Return the mean of a measure over the queries it is about, with its interval."""
    row: Floats = np.array([values.get(query, np.nan) for query in order])
    found = estimate(weighted_mean(row), n=len(order), n_counted=len(values))
    return widen(found) if found.value in (0, 1) else found


def _number_accuracy(cases: Sequence[_Case]) -> Estimate:
    checked = np.array([float(case.numbers.checked) for case in cases])
    wrong = np.array([float(len(case.numbers.wrong)) for case in cases])
    return widen(estimate(ratio(checked - wrong, checked), n=len(cases)))


def _counts(cases: Sequence[_Case]) -> dict[str, int]:
    return {
        **count_verdicts(case.verdict for case in cases),
        "with a notice due": sum(case.question.notice is not None for case in cases),
        "without a relevant passage in the index": sum(
            case.question.answerable and not case.relevant for case in cases
        ),
        "numbers checked": sum(case.numbers.checked for case in cases),
        "numbers wrong": sum(len(case.numbers.wrong) for case in cases),
    }


def _slices(cases: Sequence[_Case], per_query: PerQuery) -> Iterable[Slice]:
    by_kind: dict[str, list[str]] = {}
    by_document: dict[int, list[str]] = {}
    for case in cases:
        by_kind.setdefault(case.question.kind, []).append(case.question.id)
        for number in case.question.refs if case.question.answerable else ():
            by_document.setdefault(number, []).append(case.question.id)
    for kind, ids in sorted(by_kind.items()):
        yield Slice("kind", kind, len(ids), _means(ids, per_query))
    for number, ids in sorted(by_document.items()):
        name = "article" if number == ARTICLE else f"source {number}"
        yield Slice("document", name, len(ids), _means(ids, per_query))


def _means(ids: Sequence[str], per_query: PerQuery) -> dict[str, float]:
    """Return the mean of each main measure over some questions; of refusals where nothing else applies."""
    means = {}
    for name in (*_SLICED, "wrong_refusal", "false_answer"):
        values = [per_query[name][key] for key in ids if key in per_query[name]]
        if values:
            means[name] = round(sum(values) / len(values), 6)
    return means


def _query_result(case: _Case) -> QueryResult:
    return QueryResult(
        text=case.question.question,
        kind=case.question.kind,
        failure=case.outcome.failure,
        ranking=tuple(
            Returned(
                item=each.passage_id,
                score=each.score,
                shown=f"{each.doc_id} {list(each.references)}: {shorten(each.text)}",
                relevant=each.passage_id in case.relevant,
            )
            for each in case.outcome.passages
        ),
        confidence=None if case.outcome.failure else case.outcome.confidence,
        answer=case.outcome.answer,
        wrong_numbers=case.numbers.wrong,
        digest=digest(astuple(case.question)),
    )


def shorten(text: str) -> str:
    """Return the beginning of a text on one line, with an ellipsis where something is left out."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]}…"
