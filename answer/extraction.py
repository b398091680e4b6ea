"""Choosing the verbatim sentences that answer a question."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from answer.disagreement import find_other_side
from answer.evidence import Evidence, SentenceEvidence

#: An answer is short enough to be read at a glance.
MAX_SENTENCES = 4
#: A further sentence must score at least this share of the best one.
_KEEP_SHARE = 0.9
_PASSAGE_WEIGHT, _ASPECT_WEIGHT, _LEAD_IN_PENALTY = 1.0, 0.1, 0.2
#: Two sentences that share this much of their terms say the same ...
_SAME_SHARE = 0.75
#: ... unless they differ in a number, a grade such as "Level A", or in what turns a sentence into its opposite.
_TURNING = re.compile(
    r"\d[\d.,]*|(?<=\w )[A-Z]+\b|\b(?:not?|never|nor|neither|without|cannot|less|more|before|after|un\w+|in\w+ive)\b"
)


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
    """Return the best sentence and those that come near it, best first.

    A sentence that says nearly the same as one before it is left out. Where another document says otherwise
    than the best sentence, its sentence is the last one.
    """
    ranked = _rank(evidence)
    chosen: list[SentenceEvidence] = []
    for score, each in ranked:
        if len(chosen) == MAX_SENTENCES or (chosen and score < _KEEP_SHARE * ranked[0][0]):
            break
        if not any(_says_the_same(each, other) for other in chosen):
            chosen.append(each)
    other_side = find_other_side(chosen, [each for _, each in ranked], evidence.further, evidence.weights)
    return chosen if other_side is None else [*chosen[: MAX_SENTENCES - 1], other_side]


def sentence_score(evidence: Evidence, each: SentenceEvidence) -> float:
    """Return how well a sentence answers: what it says, how well its passage ranks, and what it shows."""
    asked = evidence.asked.aspects
    shown = len(each.shown) / len(asked) if asked else 1.0
    score = each.match + _PASSAGE_WEIGHT * each.passage.score + _ASPECT_WEIGHT * shown
    return score - _LEAD_IN_PENALTY * each.is_lead_in


def _rank(evidence: Evidence) -> Sequence[tuple[float, SentenceEvidence]]:
    scored = [(sentence_score(evidence, each), each) for each in evidence.sentences]
    return sorted(scored, key=lambda pair: (-pair[0], pair[1].passage.position, pair[1].sentence.start))


def _says_the_same(each: SentenceEvidence, other: SentenceEvidence) -> bool:
    if _TURNING.findall(each.text) != _TURNING.findall(other.text):
        return False
    shared, all_terms = each.own_terms & other.own_terms, each.own_terms | other.own_terms
    return each.text == other.text or (bool(all_terms) and len(shared) >= _SAME_SHARE * len(all_terms))


def _answer_sentence(each: SentenceEvidence) -> AnswerSentence:
    return AnswerSentence(
        text=each.text,
        passage_id=each.passage.passage.passage_id,
        doc_id=each.passage.passage.doc_id,
        start=each.sentence.start,
        end=each.sentence.end,
        references=each.sentence.references,
    )
