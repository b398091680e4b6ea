"""Learning from a corpus's judged questions how to rank for questions that nobody has judged."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from answer.nuggets import Nuggets
from answer.questions import JudgedQuestion, offtopic_questions, read_judged
from index.adapter_fitting import Lesson, fit_adapter
from index.cores import available_cores
from index.fusion import DENSE_WEIGHT, LATE_WEIGHT, LEXICAL_WEIGHT, WeightedScores, fuse_scores
from index.late_interaction import TokenStore
from index.match_slopes import MatchSlopes
from index.progress import Progress
from index.query_adapter import QueryAdapter, QueryAdapters, fold_of
from index.searching import LATE_DEPTH, RankedPassage, Searcher

_FOLDS = 5
#: From fewer answerable questions too little is learned to be worth trusting.
_LEAST_ANSWERABLE = 50
#: So many passages that do not answer are set against those that do: the best ranked.
_OTHERS = 8
#: What an everyday question counts beside a judged one: nothing answers it, and that is easy to see.
_EVERYDAY_WEIGHT = 0.3


def learn(searcher: Searcher, *, corpus_dir: Path, progress: Progress) -> QueryAdapters | None:
    """Fit query adapters to the judged questions of a corpus (questions/*.jsonl) and to everyday ones.

    Each answerable question teaches that passages which show one of its nuggets match it better than others that
    rank well, each other one that nothing matches it. What is learned is kept only if questions are ranked better by
    what those of the other folds taught.

    Args:
        searcher: The index, which has learned nothing yet.
        corpus_dir: The corpus that it was built from.
        progress: Called with stage, done, total.

    Returns:
        None where that is not so, where there are fewer than fifty answerable questions, or no tokens to compare.

    Raises:
        CorpusError: If the questions cannot be read.
    """
    judged = read_judged(corpus_dir)
    if searcher.tokens is None or sum(each.answerable for each in judged) < _LEAST_ANSWERABLE:
        return None
    lessons = dict(_lessons(searcher, searcher.tokens, judged, progress))
    if sum(bool(lesson.answers.any()) for lesson in lessons.values()) < _LEAST_ANSWERABLE:
        return None
    folds = [
        {question: lesson for question, lesson in lessons.items() if fold_of(question, n_folds=_FOLDS) == at}
        for at in range(_FOLDS)
    ]
    taught = [
        *([lesson for question, lesson in lessons.items() if question not in fold] for fold in folds),
        [*lessons.values()],
    ]
    # Most of a fit are products of matrices, which leave the interpreter to others.
    adapters = []
    with ThreadPoolExecutor(available_cores()) as pool:
        for done, adapter in enumerate(pool.map(fit_adapter, taught)):
            progress("fit the ranking", done + 1, len(taught))
            adapters.append(adapter)
    *without_fold, serving = adapters
    gained = [
        _reciprocal_rank(lesson, adapter) - _reciprocal_rank(lesson)
        for fold, adapter in zip(folds, without_fold, strict=True)
        for lesson in fold.values()
        if lesson.answers.any()
    ]
    if sum(gained) <= 0:
        return None
    return QueryAdapters.of(serving, without_fold, seen=lessons)


def _lessons(
    searcher: Searcher, store: TokenStore, judged: Sequence[JudgedQuestion], progress: Progress
) -> Iterator[tuple[str, Lesson]]:
    """Yield each question that teaches something, with its lesson."""
    documents = {
        each.doc_id: _Document(each.kind == "article", each.reference_number)
        for each in searcher.content.summaries
    }
    slopes = MatchSlopes(store)
    everyday = [JudgedQuestion("", each, "off_topic", answerable=False) for each in offtopic_questions()]
    asked = [(each, 1.0) for each in judged] + [(each, _EVERYDAY_WEIGHT) for each in everyday]
    for done, (question, weight) in enumerate(asked):
        progress("look at judged questions", done, len(asked))
        result = searcher.search(question.question, k=LATE_DEPTH)
        compared = [hit for hit in result.ranked if hit.late is not None]
        nuggets = Nuggets.of(question)
        answers = np.array(
            [
                question.answerable and nuggets.relevant(documents[hit.passage.doc_id], hit.passage.text)
                for hit in compared
            ],
            dtype=bool,
        )
        if not compared or answers.any() != question.answerable:
            continue
        kept = np.flatnonzero(answers | (np.cumsum(~answers) <= _OTHERS))
        hits = [compared[at] for at in kept]
        positions = np.array([hit.position for hit in hits], dtype=np.int64)
        yield (
            question.question,
            Lesson(
                tokens=result.tokens.vectors,
                slopes=slopes.of(result.tokens, positions),
                scores=_scores(hits),
                answers=answers[kept],
                weight=weight,
            ),
        )


@dataclass(frozen=True, slots=True)
class _Document:
    is_article: bool
    reference_number: int | None


def _scores(hits: Sequence[RankedPassage]) -> NDArray[np.float64]:
    """Return how well passages match, and what else counts in their ranking on the same scale."""
    match = np.array([hit.late for hit in hits], dtype=np.float64)
    beside = fuse_scores(
        [
            WeightedScores(np.array([hit.dense for hit in hits]), -1, DENSE_WEIGHT),
            WeightedScores(np.array([hit.lexical for hit in hits]), 0, LEXICAL_WEIGHT),
        ]
    )
    # In the ranking a match is scaled by the best one's distance from -1.
    scale = (match.max() + 1) * (DENSE_WEIGHT + LEXICAL_WEIGHT) / LATE_WEIGHT
    return np.asarray(match + scale * beside)


def _reciprocal_rank(lesson: Lesson, adapter: QueryAdapter | None = None) -> float:
    """Return 1 / the rank of the first passage that answers, by an adapter or without one."""
    shift = np.zeros_like(lesson.tokens) if adapter is None else adapter.turn(lesson.tokens) - lesson.tokens
    scores = lesson.scores_after(shift)
    return 1.0 / (1 + int((scores > scores[lesson.answers].max()).sum()))
