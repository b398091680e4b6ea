"""A question to a whole reply: ranked passages, an answer or an honest refusal, references and notices."""

from dataclasses import dataclass

from answer.confidence import ANSWERABLE_FROM, ConfidenceModel
from answer.evidence import POOL_PASSAGES, Evidence, compare_sentences, gather_evidence
from answer.extraction import Answer, extract_answer, sentence_score
from answer.safety import Notice, find_notices
from index.searching import RankedPassage, Searcher, SearchFilter, SearchResult
from ingest.records import Reference


@dataclass(frozen=True, slots=True)
class Highlight:
    """The part of a passage that bears on the question most, as offsets into the passage's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Everything that is said to one question.

    `answer` is None when the question is not answerable, or none was asked for. `references` are exactly
    the entries whose numbers occur in `passages` and `answer`, ascending.
    """

    question: str
    searched_as: str | None  # the question with its misspelled words put right; None where there were none
    not_mentioned: tuple[str, ...]  # uncommon words of the question that no passage of the index has
    answerable: bool
    confidence: float
    answer: Answer | None
    passages: tuple[RankedPassage, ...]
    highlights: tuple[tuple[Highlight, ...], ...]  # one entry per passage
    references: tuple[Reference, ...]
    notices: tuple[Notice, ...]


def answer_question(
    question: str,
    *,
    searcher: Searcher,
    model: ConfidenceModel,
    k: int,
    only: SearchFilter | None = None,
    with_answer: bool = True,
) -> Reply:
    """Answer one question from one index.

    Args:
        question: Trimmed, not empty.
        searcher: The index.
        model: The confidence fitted for this index.
        k: How many passages to return.
        only: Which passages may be used.
        with_answer: Whether to extract sentences as well.

    Raises:
        NotIndexedError: If `only` names a document or reference that is not in the index.
    """
    result = searcher.search(question, k=max(k, POOL_PASSAGES), only=only)
    evidence = gather_evidence(searcher, result, question=question, reader=model.reader)
    confidence = model.probability(evidence.features) if result.ranked else 0.0
    answerable = bool(result.ranked) and confidence >= ANSWERABLE_FROM
    answer = extract_answer(evidence) if answerable and with_answer else None
    passages = result.ranked[:k]
    return Reply(
        question=question,
        searched_as=result.query if result.query != question else None,
        not_mentioned=searcher.unmentioned(result.corrected),
        answerable=answerable,
        confidence=round(confidence, 4),
        answer=answer,
        passages=passages,
        highlights=tuple(_highlights(searcher, result, evidence, hit) for hit in passages),
        references=_references(searcher, passages, answer),
        notices=find_notices(question, searcher),
    )


def _highlights(
    searcher: Searcher, result: SearchResult, evidence: Evidence, hit: RankedPassage
) -> tuple[Highlight, ...]:
    """Mark the best sentence of a passage."""
    measured = [each for each in evidence.sentences if each.passage is hit]
    own = measured or compare_sentences(searcher, result, [hit], evidence.asked)
    best = max(own, key=lambda each: (sentence_score(evidence, each), -each.sentence.start)).sentence
    return (Highlight(best.start - hit.passage.start, best.end - hit.passage.start),)


def _references(
    searcher: Searcher, passages: tuple[RankedPassage, ...], answer: Answer | None
) -> tuple[Reference, ...]:
    shown = {number for hit in passages for number in hit.passage.references}
    if answer is not None:
        shown |= {number for sentence in answer.sentences for number in sentence.references}
    return tuple(searcher.content.references_of(shown))
