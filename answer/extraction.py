"""Choosing the verbatim sentences that answer a question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from answer.evidence import Evidence, SentenceEvidence, covered_weight

#: An answer is short enough to be read at a glance.
MAX_SENTENCES = 4
#: A further sentence must score at least this share of the best one.
_KEEP_SHARE = 0.87
_COSINE_WEIGHT, _COVERAGE_WEIGHT, _PASSAGE_WEIGHT = 0.8, 0.2, 0.6


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """A sentence as it stands in its document, with the numbers of the references behind it."""

    text: str
    passage_id: str
    doc_id: str
    start: int
    end: int
    references: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown as the answer; `text` is the sentences joined by spaces."""

    kind: Literal["extractive"]
    text: str
    sentences: tuple[AnswerSentence, ...]


def extract_answer(evidence: Evidence) -> Answer | None:
    """Return the sentences that answer best, in reading order; None when there is no sentence at all."""
    chosen = choose_sentences(evidence)
    if not chosen:
        return None
    in_order = sorted(chosen, key=lambda each: (each.passage.position, each.sentence.start))
    sentences = tuple(_answer_sentence(each) for each in in_order)
    return Answer("extractive", " ".join(sentence.text for sentence in sentences), sentences)


def choose_sentences(evidence: Evidence) -> list[SentenceEvidence]:
    """Return the best sentence and those that come near it, best first."""
    ranked = _rank(evidence)
    chosen: list[SentenceEvidence] = []
    for score, each in ranked:
        if len(chosen) == MAX_SENTENCES or (chosen and score < _KEEP_SHARE * ranked[0][0]):
            break
        if not any(each.text == other.text for other in chosen):
            chosen.append(each)
    return chosen


def sentence_score(evidence: Evidence, each: SentenceEvidence) -> float:
    """Return how well a sentence answers: what it says, the words it shares, and how well its passage ranks."""
    coverage = covered_weight(evidence.weights, each.covered)
    return _COSINE_WEIGHT * each.cosine + _COVERAGE_WEIGHT * coverage + _PASSAGE_WEIGHT * each.passage.score


def _rank(evidence: Evidence) -> Sequence[tuple[float, SentenceEvidence]]:
    scored = [(sentence_score(evidence, each), each) for each in evidence.sentences]
    return sorted(scored, key=lambda pair: (-pair[0], pair[1].passage.position, pair[1].sentence.start))


def _answer_sentence(each: SentenceEvidence) -> AnswerSentence:
    return AnswerSentence(
        text=each.text,
        passage_id=each.passage.passage.passage_id,
        doc_id=each.passage.passage.doc_id,
        start=each.sentence.start,
        end=each.sentence.end,
        references=each.sentence.references,
    )
